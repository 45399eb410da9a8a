from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mlstack_nb import materializers
from mlstack_nb.core.run import Reason, State
from mlstack_nb.core.step import Fingerprint
from mlstack_nb.engine.calls import StepCall, begun
from mlstack_nb.engine.execute import run_sync
from mlstack_nb.engine.runner import drive
from mlstack_nb.engine.store import CacheEntry, Store
from mlstack_nb.engine.values import Codec, Value
from mlstack_nb.errors import DamagedObjectError


@pytest.fixture
def elsewhere(files):
    """The same store as another process sees it: nothing verified, nothing in memory."""
    return Codec(Store(files), materializers)


@pytest.fixture
def frame():
    return pd.DataFrame({"a": np.arange(1000.0), "b": [f"row {k}" for k in range(1000)]})


def damage(files, value):
    """Change one byte of the object on disk."""
    folder = files.local_folder(f"objects/{value.artifact.object[:2]}/{value.artifact.object}")
    victim = max(folder.iterdir(), key=lambda file: file.stat().st_size)
    victim.chmod(0o644)
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)


def test_a_value_is_read_back_by_another_process(engine, elsewhere, frame):
    saved = engine.codec.save(frame, name="df")
    pd.testing.assert_frame_equal(Value(saved.artifact, elsewhere).get(), frame)


def test_equal_content_is_stored_once(engine, frame, files):
    one, other = engine.codec.save(frame, name="a"), engine.codec.save(frame.copy(), name="b")
    assert one.artifact.digest == other.artifact.digest
    assert len({path.split("/")[2] for path in files.paths("objects")}) == 1


def test_a_small_value_has_no_file_of_its_own(engine, files):
    assert engine.codec.save({"a": [1, 2]}, name="x").artifact.object is None
    assert list(files.paths("objects")) == []


def test_equal_text_of_another_type_is_another_content(engine):
    digests = {engine.codec.save(value, name="x").artifact.digest for value in (1, True, 1.0, "1", b"1", [1], (1,))}
    assert len(digests) == 7


def test_a_damaged_object_is_found_removed_and_made_again(engine, elsewhere, files, frame, make_step, events):
    call = StepCall(make_step(), "r", "p")
    made = run_sync(drive(call, engine), lambda _: {"out": frame})
    damage(files, made.outputs["out"])
    with pytest.raises(DamagedObjectError, match="run the step that makes it again, and it heals"):
        Value(made.outputs["out"].artifact, elsewhere).get()
    again = run_sync(drive(call, engine), lambda _: {"out": frame})
    assert again.run.state is State.COMPLETED
    pd.testing.assert_frame_equal(Value(again.outputs["out"].artifact, elsewhere).get(), frame)


def test_damage_is_found_in_a_process_that_read_the_object_before(engine, elsewhere, files, frame):
    saved = engine.codec.save(frame, name="df")
    Value(saved.artifact, elsewhere).get()
    damage(files, saved)
    with pytest.raises(DamagedObjectError):
        Value(saved.artifact, elsewhere).get()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 99}', b"\xff\xfe"])
def test_a_torn_or_foreign_cache_entry_is_a_miss(engine, files, make_step, content):
    call = StepCall(make_step(), "r", "p")
    run_sync(drive(call, engine), lambda _: {"out": 1})
    (path,) = files.paths("cache")
    files.write(path, content)
    again = run_sync(drive(call, engine), lambda _: {"out": 2})
    assert (again.run.state, again.outputs["out"].get()) == (State.COMPLETED, 2)
    assert run_sync(drive(call, engine), lambda _: {"out": 3}).outputs["out"].get() == 2


def test_a_hit_whose_object_is_gone_is_a_miss(engine, files, frame, make_step):
    call = StepCall(make_step(), "r", "p")
    made = run_sync(drive(call, engine), lambda _: {"out": frame})
    address = made.outputs["out"].artifact.object
    files.delete(f"objects/{address[:2]}/{address}")
    assert run_sync(drive(call, engine), lambda _: {"out": frame}).run.state is State.COMPLETED


def test_a_missing_entry_missing_objects_and_damaged_ones_are_told_apart(engine, files, frame, make_step):
    call = StepCall(make_step(), "r", "p")
    key = begun(call, engine).key
    assert engine.store.look_up(key) is Reason.NO_ENTRY
    made = run_sync(drive(call, engine), lambda _: {"out": frame})
    assert isinstance(engine.store.look_up(key), CacheEntry)
    damage(files, made.outputs["out"])
    with pytest.raises(DamagedObjectError):
        engine.store.open_object(made.outputs["out"].artifact.object)
    assert engine.store.look_up(key) is Reason.DAMAGED
    assert Store(files).look_up(key) is Reason.OBJECTS_MISSING


def test_the_source_of_a_step_is_kept_once_for_its_fingerprint_and_cut(engine, files, make_step):
    code = Fingerprint("f" * 64, {"body": "1"}, {"body": "x = 1\n" * 10_000, "function f": "def f(): ..."})
    for parameter in (1, 2):
        call = StepCall(replace(make_step(), fingerprint=code), "r", "p", parameters={"n": parameter})
        run_sync(drive(call, engine), lambda _: {"out": 1})
    assert len(list(files.paths("sources"))) == 1
    kept = engine.store.sources("f" * 64)
    assert kept["function f"] == "def f(): ..."
    assert len(kept["body"]) < 20_100
    assert kept["body"].endswith("# ... the rest is not kept\n")
    assert engine.store.sources("e" * 64) == {}


def test_a_large_array_is_mapped_not_read_and_changes_stay_private(engine):
    saved = engine.codec.save(np.zeros(100_000), name="x")
    mine = saved.get()
    mine[:] = 1
    assert type(mine) is np.ndarray
    assert saved.get().sum() == 0
