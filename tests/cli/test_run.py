"""`mlstack run`, `resume` and `cancel` over scripts, in this process and in processes of their own."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_numbers = itertools.count(1)
SCRIPT = """
import sys
import time
from pathlib import Path
from mlstack_nb import pipeline, step

@step
def load(rows: int = 3) -> list:
    print("loading", rows)
    return list(range(rows))

@step(enable_cache=False)
def clean(rows: list) -> list:
    print("cleaning", file=sys.stderr)
    with open("cleaned", "a") as file:
        file.write("x")
    return rows[:2]

@step
def other() -> int:
    return 1

@step
def train(rows: list, depth: float = 5.0) -> float:
    if Path("broken").exists():
        raise ValueError("too deep")
    while Path("slow").exists():
        time.sleep(0.01)
    return sum(rows) * depth

@pipeline
def training(rows: int = 3, depth: float = 5.0):
    train(clean(load(rows)), depth)
    other()
"""


@pytest.fixture
def script(workspace: Path) -> str:
    """A module of a name of its own: what is imported stays imported."""
    path = workspace.parent / f"script_of_test_{os.getpid()}_{next(_numbers)}.py"
    path.write_text(SCRIPT)
    return path.name


def states(run: Any) -> dict[str, str]:
    return {step["step"]: step["state"] for step in run["steps"]}


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(workspace: Path) -> Start:
    def begin(*words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "mlstack_nb.cli", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begin


def wait_for(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError


def test_a_run_tells_each_step_and_what_it_printed(mlstack: Any, script: str) -> None:
    done = mlstack("run", script)
    assert (done.code, done.out) == (0, "")
    told = [" ".join(line.split()) for line in done.err.splitlines()]
    assert told[0].startswith("run 2") and told[0].endswith("of training on stack default")
    assert "load | loading 3" in told
    assert "clean | cleaning" in told
    assert any(line.startswith("train completed") and line.endswith("output float 3 B") for line in told)
    assert "load cached saved" in " ".join(mlstack("run", script).err.split())


def test_parameters_come_from_texts_before_a_file(mlstack: Any, script: str, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("rows: 4\ndepth: 2\n")
    run = mlstack("run", script, "-f", "p.yaml", "-p", "depth=3", "--json").json
    assert mlstack("runs", "show", run["id"], "--json").json["parameters"] == {"rows": 4, "depth": 3.0}


@pytest.mark.parametrize(
    ("words", "what", "hint"),
    [
        (["-p", "dept=3"], "No parameter is called 'dept'", "Did you mean 'depth'?"),
        (["-p", "depth=x"], "takes float, not 'x'", "Its default is 5.0"),
        (["--only", "trian"], "No step is called 'trian'", "Did you mean 'train'?"),
        (["--stack", "nowhere"], "No stack is called 'nowhere', which --stack names", "mlstack stack list"),
        (["--from", "train", "--until", "load"], "No step is left to run", ""),
    ],
)
def test_what_can_not_be_run_is_said_before_anything_runs(
    mlstack: Any, script: str, words: list[str], what: str, hint: str
) -> None:
    done = mlstack("run", script, *words)
    assert done.code in (1, 2)
    assert what in done.err
    assert hint in done.err
    assert mlstack("runs", "list", "--json").json == []


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("scirpt.py", "Notebooks and modules there: script_of_test"),
        ("{script}:trainig", "Did you mean 'training'?"),
        ("nowhere.at.all", "Notebooks and modules there: script_of_test"),
        ("json", "Put @pipeline on"),
    ],
)
def test_a_target_that_is_not_there_offers_what_is(mlstack: Any, script: str, target: str, hint: str) -> None:
    done = mlstack("run", target.format(script=script))
    assert done.code in (1, 2)
    assert hint in done.err


def test_a_dry_run_runs_nothing(mlstack: Any, script: str) -> None:
    mlstack("run", script)
    before = mlstack("runs", "list", "--json").json
    rows = mlstack("run", script, "-p", "depth=6", "--dry-run", "--json").json
    assert {row["step"]: row["would"] for row in rows} == {
        "load": "cached",
        "clean": "runs",
        "train": "depends",
        "other": "cached",
    }
    assert mlstack("runs", "list", "--json").json == before


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--from", "clean"], {"load": "cached", "clean": "completed", "train": "completed"}),
        (["--until", "clean"], {"load": "completed", "clean": "completed"}),
        (["--only", "train"], {"load": "cached", "clean": "cached", "train": "completed"}),
        (["--from", "clean", "--until", "clean"], {"load": "cached", "clean": "completed"}),
    ],
)
def test_a_part_of_a_pipeline_runs_and_the_rest_comes_from_the_cache(
    mlstack: Any, script: str, words: list[str], expected: dict[str, str]
) -> None:
    mlstack("run", script)
    assert states(mlstack("run", script, *words, "--no-cache", "--json").json) == expected


def test_a_part_that_needs_what_is_not_there_says_how_to_get_it(mlstack: Any, script: str) -> None:
    done = mlstack("run", script, "--only", "train")
    assert done.code == 1
    assert "'load' is not to run, but no result of it as it is now is in the cache" in done.err
    assert "--until load" in done.err


def test_a_failure_shows_its_own_lines_and_how_to_go_on(mlstack: Any, script: str, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    done = mlstack("run", script)
    assert done.code == 1
    assert 'raise ValueError("too deep")' in done.err
    assert "mlstack_nb/" not in done.err
    run = mlstack("runs", "show", "last", "--json").json
    assert f"mlstack resume {run['id']}" in done.err
    assert states(run)["other"] == "completed"


def test_fail_fast_begins_nothing_more(mlstack: Any, script: str, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    mlstack("run", script, "--fail-fast")
    assert states(mlstack("runs", "show", "last", "--json").json)["other"] == "skipped"


def test_resuming_runs_what_is_missing_and_no_more(mlstack: Any, script: str, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    assert mlstack("run", script, "-p", "rows=5").code == 1
    assert mlstack("resume").code == 1
    (tmp_path / "broken").unlink()
    run = mlstack("resume", "--json").json
    assert states(run) == {"load": "cached", "clean": "cached", "train": "completed", "other": "cached"}
    assert (tmp_path / "cleaned").read_text() == "x"
    assert mlstack("runs", "show", "last", "--json").json["parameters"]["rows"] == 5


def test_a_run_of_a_script_by_itself_can_not_be_resumed(mlstack: Any, ran: Any) -> None:
    done = mlstack("resume", ran().id)
    assert done.code == 2
    assert "was not started by `mlstack run`" in done.err


def test_the_logs_of_a_run_are_kept(mlstack: Any, script: str) -> None:
    mlstack("run", script)
    assert mlstack("runs", "logs", "last", "load").out == "loading 3\n"
    assert mlstack("runs", "logs").out == "load | loading 3\nclean | cleaning\n"
    assert "Did you mean 'load'?" in mlstack("runs", "logs", "last", "loda").err


def test_a_run_in_the_background_is_followed_and_cancelled(
    mlstack: Any, start: Start, script: str, tmp_path: Path
) -> None:
    (tmp_path / "slow").touch()
    run_id = start("run", script, "--detach").communicate(timeout=30)[0].strip()
    wait_for(lambda: "train" in mlstack("runs", "show", run_id, "--json").out)
    assert mlstack("runs", "logs", run_id, "load").out == "loading 3\n"
    assert mlstack("resume", run_id).err.startswith("Error: Run") and mlstack("resume", run_id).code == 1
    assert mlstack("cancel", run_id).out == f"Run {run_id} is cancelled.\n"
    assert states(mlstack("runs", "show", run_id, "--json").json) == {
        "load": "completed",
        "clean": "completed",
        "train": "cancelled",
    }
    assert mlstack("cancel", run_id).code == 1


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_recorded_and_resumes(
    mlstack: Any, start: Start, script: str, tmp_path: Path, word: signal.Signals
) -> None:
    (tmp_path / "slow").touch()
    process = start("run", script, "--json")
    wait_for(lambda: "train" in mlstack("runs", "show", "--json").out)
    process.send_signal(word)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "mlstack resume last" in err
    assert "Traceback" not in err
    (tmp_path / "slow").unlink()
    done = start("resume", "--json")
    assert json.loads(done.communicate(timeout=30)[0])["state"] == "completed"
    assert (tmp_path / "cleaned").read_text() == "x"


def test_two_runs_are_compared(mlstack: Any, script: str) -> None:
    first = mlstack("run", script, "--json").json["id"]
    second = mlstack("run", script, "-p", "depth=6", "--json").json["id"]
    found = mlstack("runs", "diff", first, second, "--json").json
    assert (found["before"], found["after"]) == (first, second)
    assert [one["text"] for one in found["general"]] == ["parameter depth 5.0 -> 6.0"]
    assert (found["steps"]["load"], found["steps"]["other"]) == ([], [])
    assert [one["text"] for one in found["steps"]["train"]] == ["parameter depth 5.0 -> 6.0", "output 5.0 -> 6.0 (+1)"]
    assert mlstack("runs", "diff", first, first).out.count("the same") == 4


def test_a_failed_run_is_compared_with_a_good_one(mlstack: Any, script: str, tmp_path: Path) -> None:
    mlstack("run", script)
    (tmp_path / "broken").touch()
    mlstack("run", script, "-p", "depth=6")
    good = mlstack("runs", "list", "--state", "completed", "--json").json[0]["id"]
    told = mlstack("runs", "diff", good).out
    assert "  state completed -> failed" in told
    assert "  - completed -> failed" in told


APART = """
import os
import time
from typing import Annotated
import pandas as pd
from mlstack_nb import pipeline, step

@step
def load(rows: int = 3) -> Annotated[pd.DataFrame, "table"]:
    print("process", os.getpid())
    return pd.DataFrame({"a": range(rows)})

@step(timeout_s=LIMIT)
def wait(table: pd.DataFrame, seconds: float = 0.0) -> int:
    time.sleep(seconds)
    return len(table)

@step(environment={"FROM_TEST": "here"})
async def told() -> str:
    return os.environ["FROM_TEST"]

@step
def ends(how: str = "") -> int:
    if how == "exit":
        os._exit(3)
    if how:
        raise ValueError(how)
    return 1

@pipeline
def apart(seconds: float = 0.0, how: str = ""):
    wait(load(), seconds)
    told()
    ends(how)
"""


def test_functions_run_in_processes_of_their_own_with_the_same_keys(mlstack: Any, workspace: Path) -> None:
    path = _written(workspace, limit_s=300)
    done = mlstack("run", path.name, "--isolation", "process")
    assert done.code == 0
    process = next(line.split()[-1] for line in done.err.splitlines() if "process" in line)
    assert int(process) != os.getpid()
    run = mlstack("runs", "show", "--json").json
    outputs = {step["step"]: next(iter(step["outputs"].values()))["inline"] for step in run["steps"]}
    assert outputs == {
        "load": None,
        "wait": "3",
        "told": '"here"',
        "ends": "1",
    }
    assert set(states(mlstack("run", path.name, "--json").json).values()) == {"cached"}
    assert "can not be isolated by 'kernel'" in mlstack("run", path.name, "--isolation", "kernel").err


def test_functions_in_processes_of_their_own_are_stopped_when_late_and_their_ends_told(
    mlstack: Any, workspace: Path
) -> None:
    path = _written(workspace, limit_s=1)
    late = mlstack("run", path.name, "--isolation", "process", "-p", "seconds=60", "-p", "how=odd")
    assert late.code == 1
    assert "ran longer than its timeout of 1 s" in late.err
    assert "ValueError: odd" in late.err
    failed = {step["step"]: step["failure"] for step in mlstack("runs", "show", "--json").json["steps"]}
    assert (failed["ends"]["type"], failed["ends"]["message"]) == ("ValueError", "odd")
    assert "ended without a word" in mlstack("run", path.name, "--isolation", "process", "-p", "how=exit").err


def _written(workspace: Path, *, limit_s: int) -> Path:
    path = workspace.parent / f"apart_of_test_{os.getpid()}_{next(_numbers)}.py"
    path.write_text(APART.replace("LIMIT", str(limit_s)))
    return path
