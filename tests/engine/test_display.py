"""What a step showed is kept beside its cache entry, and nothing depends on it."""

from __future__ import annotations

import json

import pytest

from mlstack_nb.core.display import Display
from mlstack_nb.core.run import State
from mlstack_nb.core.step import Produced
from mlstack_nb.engine.calls import StepCall
from mlstack_nb.engine.execute import run_sync
from mlstack_nb.engine.runner import drive
from mlstack_nb.engine.store import _CHECKED, _CHECKED_LENGTH, Store, digest_bytes
from mlstack_nb.errors import MissingOutputError

HELLO = Display(({"output_type": "stream", "name": "stdout", "text": "hello\n"},))


@pytest.fixture
def run(engine):
    return lambda step, body: run_sync(drive(StepCall(step, "run-1", "p"), engine), body).run


def shows(display):
    return lambda _: Produced({"out": 1}, display)


def records(files):
    return list(files.paths("displays"))


def test_a_hit_names_what_its_step_showed(run, make_step, engine, files):
    made = run(make_step(), shows(HELLO))
    hit = run(make_step(), shows(None))
    assert hit.state is State.CACHED
    assert engine.store.display(made.display) == engine.store.display(hit.display) == HELLO
    assert Store(files).display(hit.display) == HELLO


def test_a_step_that_shows_nothing_writes_no_record(run, make_step, engine, files):
    made = run(make_step(), shows(None))
    assert made.display == ""
    assert engine.store.display("") is None
    assert records(files) == []


def test_equal_displays_are_kept_once(run, make_step, files):
    run(make_step("one"), shows(HELLO))
    run(make_step("two"), shows(HELLO))
    assert len(records(files)) == 1


@pytest.mark.parametrize("content", [b"", b"{", HELLO.to_json().replace(b"hello", b"jello")])
def test_a_damaged_record_is_none_and_the_hit_stays_a_hit(run, make_step, engine, files, content):
    run(make_step(), shows(HELLO))
    files.write(records(files)[0], content)
    hit = run(make_step(), shows(None))
    assert hit.state is State.CACHED
    assert engine.store.display(hit.display) is None


def test_a_record_that_is_gone_is_none_and_the_hit_stays_a_hit(run, make_step, engine, files):
    run(make_step(), shows(HELLO))
    files.delete(records(files)[0])
    hit = run(make_step(), shows(None))
    assert hit.state is State.CACHED
    assert engine.store.display(hit.display) is None


def test_a_damaged_record_heals_when_the_step_runs_again(run, make_step, engine, files):
    run(make_step(), shows(HELLO))
    files.write(records(files)[0], b"torn")
    again = run(make_step(cache=False), shows(HELLO))
    assert engine.store.display(again.display) == HELLO


def test_an_entry_written_before_there_were_displays_is_a_hit(run, make_step, engine, files):
    made = run(make_step(), shows(HELLO))
    (path,) = files.paths("cache")
    entry = json.loads(files.read(path))
    del entry["digest"], entry["display"]
    rest = json.dumps(entry).encode()[1:]
    files.write(path, _CHECKED % digest_bytes(rest).encode() + rest)
    assert len(files.read(path)) > _CHECKED_LENGTH
    hit = run(make_step(), shows(None))
    assert (hit.state, hit.key, hit.display) == (State.CACHED, made.key, "")


def test_a_step_that_fails_after_its_code_ran_keeps_no_display(run, make_step, files):
    with pytest.raises(MissingOutputError):
        run(make_step(), lambda _: Produced({}, HELLO))
    assert records(files) == []


def test_only_what_the_last_attempt_showed_is_kept(run, make_step, engine):
    attempts = iter([Produced({}, Display(({**HELLO.outputs[0], "text": "first\n"},))), Produced({"out": 1}, HELLO)])
    made = run(make_step(retries=1), lambda _: next(attempts))
    assert made.attempt == 2
    assert engine.store.display(made.display) == HELLO
