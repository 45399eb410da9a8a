"""Full disks, folders that may not be written, processes in each other's way: told once, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from mlstack_nb import pipeline, step
from mlstack_nb.app import components, runs, stacks
from mlstack_nb.app.doctor import Verdict, examine
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.run import State
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import CatalogError, ConfigError, MlstackError, StepError

NOBODY = 65534
CALLS: list[str] = []


@step
def numbers(count: int) -> np.ndarray:
    CALLS.append("numbers")
    return np.arange(float(count))


@step
def total(values: np.ndarray) -> float:
    CALLS.append("total")
    return float(values.sum())


@pipeline(name="sums")
def sums(count: int = 1000):
    total(numbers(count))


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project folder that other users can get to."""
    folder = Path(tempfile.mkdtemp(prefix="projet été "))
    folder.chmod(0o755)
    (folder / ".mlstack").mkdir()
    monkeypatch.chdir(folder)
    yield folder
    shutil.rmtree(folder)


def as_nobody(work: Callable[[], object]) -> str:
    """What `work` gives, or the error it raises, in a child that may not write everywhere as root may."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            answer = str(work())
        except MlstackError as error:
            answer = f"{type(error).__name__}: {error}"
        except BaseException:  # noqa: BLE001  (a forked child must not return into pytest)
            answer = traceback.format_exc()
        os.write(writing, answer.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as answer_file:
        found = answer_file.read()
    os.waitpid(child, 0)
    return found


def state() -> str:
    return sums().state.value


def test_an_unwritable_workspace_is_named_with_what_to_do(project: Path, workspace: Path) -> None:
    sums()  # what a run imports is imported; the child may not be allowed to read it
    os.chdir(project)
    (project / ".mlstack").chmod(0o555)
    told = as_nobody(state)
    assert told.startswith(
        f"CatalogError: The catalog {project}/.mlstack/catalog.db can not be made: Permission denied."
    )
    assert "chmod -R u+rwX" in told
    (project / ".mlstack").chmod(0o777)
    assert as_nobody(state) == "completed"


def test_a_read_only_store_is_named_and_what_is_in_it_is_still_there_afterwards(project: Path, workspace: Path) -> None:
    sums()
    os.chdir(project)
    (project / ".mlstack").chmod(0o777)
    assert as_nobody(state) == "completed"
    subprocess.run(["chmod", "-R", "a-w", ".mlstack/store"], check=True)
    told = as_nobody(state)
    assert told.startswith(
        f"StoreUnwritableError: No permission in artifact store 'default' ({project}/.mlstack/store)"
    )
    assert "Traceback" not in told
    subprocess.run(["chmod", "-R", "u+w", ".mlstack/store"], check=True)
    assert as_nobody(state) == "cached"


def test_an_unreadable_object_is_named_with_the_step_that_reads_it(project: Path, workspace: Path) -> None:
    sums()
    os.chdir(project)
    (project / ".mlstack").chmod(0o777)
    first = pipeline(name="first")(lambda: numbers(1000))
    as_nobody(first)
    subprocess.run("chmod a-r .mlstack/store/objects/*/*/*", shell=True, check=True)
    told = as_nobody(state)
    assert "StepError: Step 'total' of pipeline 'sums' failed: Input 'values' of step 'total': Object" in told
    assert "chmod -R u+rX" in told
    assert told.count("->") == 1


def test_an_unreadable_name_of_the_active_stack_is_named(project: Path, workspace: Path) -> None:
    sums()
    os.chdir(project)
    (project / ".mlstack").chmod(0o777)
    (project / ".mlstack" / "active_stack").write_text("default")
    (project / ".mlstack" / "active_stack").chmod(0)
    assert as_nobody(state).startswith(f"ConfigError: The name of the active stack can not be read from {project}")


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workspace on a file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1000k", "tmpfs", str(folder)], check=True)
    monkeypatch.setenv("MLSTACK_WORKSPACE", str(folder / "work"))
    yield folder
    Workspace.find().close()
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_an_output_that_fills_the_disk_names_step_and_store_and_leaves_nothing_half_written(small_disk: Path) -> None:
    with pytest.raises(
        StepError, match=r"Output 'output' of step 'numbers' .* The disk of artifact store .* is full"
    ) as caught:
        sums(100_000)
    assert caught.value.hint == "Free some space, then run the step again."
    assert list((small_disk / "work" / "store" / "staging").iterdir()) == []
    assert runs.show(Workspace.find())["state"] == "failed"
    assert sums(100).state is State.COMPLETED


def test_a_full_disk_is_told_by_the_catalog_and_what_was_done_stays(small_disk: Path) -> None:
    sums(100)
    free = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(b"\0" * free.f_bavail * free.f_frsize)
    with pytest.raises((CatalogError, StepError, MlstackError), match=r"(?s)disk.*\n  -> Free some space"):
        sums(200)
    (small_disk / "filler").unlink()
    CALLS.clear()
    assert sums(100).state is State.CACHED
    assert sums(200).state is State.COMPLETED
    assert CALLS == ["numbers", "total"]


SCRIPT = """
import sys, threading
from mlstack_nb import pipeline, step

@step
def give(what: str):
    if what == "lock":
        return threading.Lock()
    return 1 // len(what)

@pipeline
def giving(what):
    give(what)

giving(sys.argv[1])
"""


@pytest.mark.parametrize(
    ("what", "last", "blocks"),
    [("lock", "MaterializerError: Output 'output' of step 'give' can not be stored", 1), ("", "ZeroDivisionError", 2)],
    ids=["value", "exception"],
)
def test_a_script_shows_its_own_lines_and_one_of_ours(workspace: Path, what: str, last: str, blocks: int) -> None:
    Path("script.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, "script.py", what], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert last in done.stderr
    assert done.stderr.count("Traceback (most recent call last)") == blocks
    assert [line for line in done.stderr.splitlines() if "/mlstack_nb/" in line][1:] == []
    assert ("return 1 // len(what)" in done.stderr) is (what == "")
    *_, said, hint = done.stderr.rstrip().splitlines()
    assert "StepError: Step 'give' of pipeline 'giving' failed" in said
    assert hint.startswith("  -> ")


RANDOM = """
import json, sys
import numpy as np
from mlstack_nb import pipeline, step
from mlstack_nb.app.runtime import Runtime

@step
def draw() -> np.ndarray:
    return np.random.default_rng().random(20_000)

@step
def total(values: np.ndarray) -> float:
    return float(values.sum())

@pipeline
def drawing():
    total(draw())

sys.stdin.readline()
run = drawing()
print(run.steps[0].outputs["output"].digest, run.steps[1].outputs["output"].inline)
"""


def test_processes_that_draw_at_random_all_go_on_with_what_was_committed(workspace: Path) -> None:
    Path("script.py").write_text(RANDOM)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    started = [subprocess.Popen([sys.executable, "script.py"], text=True, **pipes) for _ in range(4)]
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = [process.communicate() for process in started]
    assert [process.returncode for process in started] == [0] * 4, printed
    assert len({out for out, _ in printed}) == 1
    entries = [json.loads(path.read_text()) for path in Path(".mlstack/store/cache").glob("*/*.json")]
    committed = {entry["step"]: entry["outputs"]["output"] for entry in entries}
    assert printed[0][0].split() == [committed["draw"]["digest"], committed["total"]["inline"]]


def registered(here: Workspace, name: str, kind: Kind, *, flavor: str, **configuration: str) -> None:
    """A component and a stack of that name that uses it, made the active one."""
    components.register(here, kind, name, flavor=flavor, configuration=configuration)
    parts = {Kind.ORCHESTRATOR: "default", Kind.ARTIFACT_STORE: "default", kind: name}
    stacks.register(here, name, parts)
    stacks.activate(here, name)


def test_a_stack_whose_store_vanished_from_the_catalog_is_named(workspace: Path) -> None:
    here = Workspace.find()
    registered(here, "mine", Kind.ARTIFACT_STORE, flavor="local", path="elsewhere")
    with closing(sqlite3.connect(workspace / "catalog.db")) as connection:  # foreign keys are not on here
        connection.execute("DELETE FROM components WHERE name = 'mine'")
        connection.commit()
    with pytest.raises(
        ConfigError, match=r"Stack 'mine' has no artifact_store.\n  -> Add one: mlstack stack update mine"
    ):
        sums()
    (found,) = (check for check in examine() if check.name == "stack")
    assert (found.verdict, found.detail) == (Verdict.FAIL, "Stack 'mine' has no artifact_store.")
    stacks.activate(here, "default")
    assert sums().state is State.COMPLETED


def test_a_flavor_whose_package_is_missing_names_the_line_to_install_it(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(Workspace.find(), "mine", Kind.EXPERIMENT_TRACKER, flavor="mlflow")
    for module in [name for name in sys.modules if name.partition(".")[0] == "mlflow"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    tracked = step(name="tracked", experiment_tracker=True)(lambda: CALLS.append("tracked"))

    @pipeline
    def tracking():
        tracked()

    CALLS.clear()
    with pytest.raises(StepError, match=r"Step 'tracked' .*'mlflow'.*\n  -> Run: pip install \"mlstack-nb\[mlflow\]\""):
        tracking()
    assert CALLS == []


def test_two_workspaces_share_the_work_in_one_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, state in (("one", State.COMPLETED), ("two", State.CACHED)):
        (tmp_path / name / ".mlstack").mkdir(parents=True)
        monkeypatch.chdir(tmp_path / name)
        registered(Workspace.find(), "shared", Kind.ARTIFACT_STORE, flavor="local", path=str(tmp_path / "store"))
        assert sums().state is state
        assert [run["state"] for run in runs.list_all(Workspace.find())] == [state]
