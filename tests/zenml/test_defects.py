"""What ZenML 0.98 gets wrong, notes 2.2 and 3, and is right here. The numbers are those of the notes."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import pytest
from zenml import ExternalArtifact, get_step_context, pipeline, save_artifact, step
from zenml.client import Client
from zenml.config import CachePolicy

told: list[Any] = []
SCRIPT = """
from zenml import step, pipeline
from helpers import {imported}

DEPTH = {depth}

def scale(value):
{scale}

@step
def first() -> int:
{body}

@pipeline
def edited():
    first()
"""
Edit = Callable[..., tuple[str, int]]


@pytest.fixture(autouse=True)
def nothing_told() -> None:
    told.clear()


@pytest.fixture
def script(own_modules: Path, monkeypatch: pytest.MonkeyPatch) -> Edit:
    """Writes a script and its helper with some text changed, and runs it: the status of its step, and its value."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # an edit within the same second counts, too
    before = {"imported": "twice", "depth": "1", "scale": "    return value", "helper": "value * 2"}

    def run(body: str = "    return twice(scale(DEPTH))", **changes: str) -> tuple[str, int]:
        now = {**before, **changes}
        helper = now.pop("helper")
        (own_modules / "helpers.py").write_text(f"def twice(value):\n    return {helper}\n")
        (own_modules / "edited.py").write_text(SCRIPT.format(body=body, **now))
        for name in ("edited", "helpers"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        found = importlib.import_module("edited").edited().steps["first"]
        return str(found.status), found.output.load()

    return run


def statuses(run: Any) -> list[str]:
    return [str(one.status) for one in run.steps.values()]


# 2.2: the cache


def test_1_a_change_of_a_helper_in_the_same_file_is_seen(script: Edit) -> None:
    assert script() == ("completed", 2)
    assert script() == ("cached", 2)
    assert script(scale="    return value + 1") == ("completed", 4)


def test_1_a_change_of_a_helper_in_another_module_is_seen(script: Edit) -> None:
    assert script() == ("completed", 2)
    assert script(helper="value * 3") == ("completed", 3)


def test_2_a_change_of_a_constant_is_seen(script: Edit) -> None:
    assert script() == ("completed", 2)
    assert script(depth="5") == ("completed", 10)


def test_3_a_file_behind_a_path_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "rides.csv"

    @step
    def read(source: Path) -> int:
        return len(source.read_text())

    @pipeline
    def reading() -> None:
        read(file)

    file.write_text("12")
    assert reading().steps["read"].output.load() == 2
    assert statuses(reading()) == ["cached"]
    file.write_text("1234")
    assert reading().steps["read"].output.load() == 4


def test_4_two_inputs_never_collide() -> None:
    @step
    def join(a: str, b: str) -> str:
        return f"{a}|{b}"

    @pipeline
    def joining(a: str, b: str) -> None:
        join(a, b)

    assert joining("xb1", "y").steps["join"].output.load() == "xb1|y"
    assert joining("x", "1by").steps["join"].output.load() == "x|1by"


@pytest.mark.parametrize(
    ("first", "second"), [(1, "1"), (1, True), (1, 1.0), (None, "None"), ([1], "[1]"), ((1,), [1])]
)
def test_5_types_of_parameters_count(first: Any, second: Any) -> None:
    @step
    def kind(value: Any) -> str:
        return type(value).__name__

    @pipeline
    def asking(value: Any) -> None:
        kind(value)

    assert asking(first).steps["kind"].output.load() == type(first).__name__
    assert asking(second).steps["kind"].output.load() == type(second).__name__


def test_6_a_result_whose_data_is_gone_is_made_anew() -> None:
    @step
    def make() -> pd.DataFrame:
        return pd.DataFrame({"a": range(1000)})

    @step(enable_cache=False)
    def count(frame: pd.DataFrame) -> int:
        return len(frame)

    @pipeline
    def counting() -> None:
        count(make())

    import shutil

    folder = Path(counting().steps["make"].output.uri)
    for place in (folder, *folder.iterdir()):
        place.chmod(0o700)
    shutil.rmtree(folder)
    again = counting()
    assert statuses(again) == ["completed", "completed"]
    assert again.steps["count"].output.load() == 1000
    assert statuses(counting()) == ["cached", "completed"]


def test_7_a_rotated_secret_reruns_the_steps_that_have_it() -> None:
    client = Client()
    client.create_secret("token", {"KEY": "first-value"})

    @step(secrets=["token"])
    def ask() -> int:
        return len(os.environ["KEY"])

    @pipeline
    def asking() -> None:
        ask()

    assert statuses(asking()) == ["completed"]
    assert statuses(asking()) == ["cached"]
    client.update_secret("token", add_or_update_values={"KEY": "the-second-value"})
    again = asking()
    assert (statuses(again), again.steps["ask"].output.load()) == (["completed"], 16)


def test_7_another_version_of_a_package_is_another_step(own_modules: Path) -> None:
    library = own_modules / "site-packages" / "lessonlib-1.0.dist-info"
    library.mkdir(parents=True)
    (own_modules / "site-packages" / "lessonlib.py").write_text("def answer():\n    return 1\n")
    (library / "RECORD").write_text("lessonlib.py,,\nlessonlib-1.0.dist-info/METADATA,,\n")
    (library / "METADATA").write_text("Metadata-Version: 2.1\nName: lessonlib\nVersion: 1.0\n")
    (own_modules / "using.py").write_text(
        "import mlstack_nb.compat.zenml\nfrom zenml import step, pipeline\nimport lessonlib\n\n"
        "@step\ndef ask() -> int:\n    return lessonlib.answer()\n\n@pipeline\ndef asking():\n    ask()\n\n"
        "print([str(one.status) for one in asking().steps.values()])\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(own_modules / "site-packages"), *sys.path])}

    def run() -> str:
        command = [sys.executable, str(own_modules / "using.py")]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        return done.stdout.strip()

    assert [run(), run()] == ["['completed']", "['cached']"]
    (library / "METADATA").write_text("Metadata-Version: 2.1\nName: lessonlib\nVersion: 2.0\n")
    library.rename(library.with_name("lessonlib-2.0.dist-info"))
    assert run() == "['completed']"


@pytest.mark.parametrize("make", [lambda: pd.DataFrame({"a": [1]}), lambda: pd.Series([1]).to_numpy()])
def test_8_what_comes_out_the_same_reruns_nothing_below_it(make: Any) -> None:
    @step(enable_cache=False)
    def source() -> Any:
        return make()

    @step
    def below(value: Any) -> int:
        return len(value)

    @pipeline
    def chain() -> None:
        below(source())

    assert statuses(chain()) == ["completed", "completed"]
    assert statuses(chain()) == ["completed", "cached"]


@pytest.mark.parametrize(
    "body",
    [
        "    # a comment\n    return twice(scale(DEPTH))",
        '    """What it gives."""\n    return twice(scale(DEPTH))',
        "    return twice(\n        scale(DEPTH),\n    )",
    ],
    ids=["comment", "docstring", "line breaks"],
)
def test_9_what_changes_nothing_reruns_nothing(script: Edit, body: str) -> None:
    assert script() == ("completed", 2)
    assert script(body) == ("cached", 2)


def test_10_workspaces_and_stores_elsewhere_share_what_they_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @step
    def make() -> int:
        return 1

    @pipeline
    def making() -> None:
        make()

    store = {"path": str(tmp_path / "shared")}
    found = []
    for workspace in ("one", "two"):
        (tmp_path / workspace / ".mlstack").mkdir(parents=True)
        monkeypatch.chdir(tmp_path / workspace)
        client = Client()
        client.create_stack_component("shared", "local", "artifact_store", store)
        client.create_stack("s", {"orchestrator": "default", "artifact_store": "shared"})
        client.activate_stack("s")
        run = making()
        found.append((statuses(run), run.steps["make"].cache_key))
    (first, key), (second, same) = found
    assert (first, second, key == same) == (["completed"], ["cached"], True)


def test_11_files_of_a_policy_count_wherever_they_are(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "data.csv"
    outside.write_text("1")

    @step(cache_policy=CachePolicy(file_dependencies=[str(outside)]))
    def make() -> int:
        return 1

    @pipeline
    def making() -> None:
        make()

    assert [statuses(making()), statuses(making())] == [["completed"], ["cached"]]
    outside.write_text("2")
    assert statuses(making()) == ["completed"]


def test_12_what_made_a_step_rerun_is_told(script: Edit, mlstack: Any) -> None:
    script()
    script(helper="value * 3")
    done = mlstack("why", "last", "first")
    assert done.code == 0
    assert "twice" in done.out
    assert "value * 3" in done.out


def test_13_an_external_artifact_does_not_switch_the_cache_off() -> None:
    @step
    def below(value: dict) -> int:
        return len(value)

    @pipeline
    def outside() -> None:
        below(ExternalArtifact(value={"a": 1}))

    assert [statuses(outside()), statuses(outside())] == [["completed"], ["cached"]]


# 3.2: commits


DYING = """
import os, sys, signal
import mlstack_nb.compat.zenml
from zenml import step, pipeline, save_artifact
from zenml.materializers.base_materializer import BaseMaterializer

class Big: ...

class BigMaterializer(BaseMaterializer):
    ASSOCIATED_TYPES = (Big,)
    def save(self, data):
        with open(self.uri + "/half", "w") as file:
            file.write("half of it")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    def load(self, data_type): return Big()

@step
def before() -> int:
    return 1

@step
def dies(n: int) -> Big:
    return Big()

@pipeline
def dying():
    dies(before())

dying()
"""


def test_3_2_a_process_that_dies_while_it_writes_leaves_no_half_artifact(tmp_path: Path, in_workspace: Path) -> None:
    (tmp_path / "dying.py").write_text(DYING)
    done = subprocess.run([sys.executable, "dying.py"], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    client = Client()
    assert [one.step.name for one in client.list_artifact_versions()] == ["before"]
    finished = [path for path in in_workspace.rglob("half") if "objects" in path.parts]
    assert finished == []
    assert client.get_pipeline("dying").last_run.steps["before"].status == "completed"


def test_3_2_many_processes_may_begin_in_a_new_folder_at_once(tmp_path: Path) -> None:
    (tmp_path / "fresh" / ".mlstack").mkdir(parents=True)
    code = (
        "import mlstack_nb.compat.zenml\nfrom zenml import step\n@step\ndef one() -> int:\n    return 1\nprint(one())\n"
    )
    (tmp_path / "fresh" / "one.py").write_text(code)
    command = [sys.executable, "one.py"]
    options: dict[str, Any] = {"cwd": tmp_path / "fresh", "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    started = [subprocess.Popen(command, **options) for _ in range(6)]
    assert [process.communicate(timeout=120)[0] for process in started] == [b"1\n"] * 6
    assert len(Client(tmp_path / "fresh" / ".mlstack").list_pipeline_runs(pipeline="one")) == 6


# 3.3: run state, and 4


def test_3_3_a_run_whose_process_was_killed_reads_as_failed(tmp_path: Path) -> None:
    (tmp_path / "dying.py").write_text(DYING)
    subprocess.run([sys.executable, "dying.py"], check=False, capture_output=True)
    run = Client().get_pipeline_run("last")
    assert run.status == "failed"
    assert run.steps["dies"].status.is_failed
    assert run.end_time is not None


def test_3_3_hooks_are_called_after_the_result_was_checked_and_stored() -> None:
    def bad(error: BaseException) -> None:
        told.append(f"failed: {type(error).__name__}")

    @step(on_success=lambda: told.append("succeeded"), on_failure=bad)
    def wrong() -> int:
        return "text"

    with pytest.raises(RuntimeError):
        wrong()
    assert told == ["failed: TypeMismatchError"]


def test_3_3_on_success_sees_the_output_stored() -> None:
    def seen() -> None:
        told.append(Client().get_artifact_version("kept").load())

    @step(on_success=seen)
    def keeping() -> Annotated[int, "kept"]:
        return 5

    keeping()
    assert told == [5]


def test_1_8_and_3_4_a_step_need_not_be_an_attribute_of_its_module() -> None:
    def factory(depth: int) -> Any:
        @step(name=f"at_{depth}")
        def inner() -> int:
            return depth

        return inner

    @pipeline
    def made() -> None:
        factory(1)()
        factory(2)()

    run = made()
    assert [one.output.load() for one in run.steps.values()] == [1, 2]


def test_4_1_values_are_handed_on_and_not_read_from_disk_again() -> None:
    from mlstack_nb.materializers.pandas_frames import PandasMaterializer

    reads = []
    load = PandasMaterializer.load

    class Counting(PandasMaterializer):
        def load(self, data_type: Any) -> Any:
            reads.append(1)
            return load(self, data_type)

    @step(output_materializers=Counting, enable_cache=False)
    def make() -> pd.DataFrame:
        return pd.DataFrame({"a": [1]})

    @step(enable_cache=False)
    def count(frame: pd.DataFrame) -> int:
        return len(frame)

    @pipeline
    def counting() -> None:
        count(make())

    counting()
    assert reads == []


def test_4_3_another_option_of_the_decorator_reruns_nothing() -> None:
    @step
    def make() -> int:
        return 1

    @pipeline
    def making(function: Any) -> None:
        function()

    making(make)
    assert statuses(making(make.with_options(extra={"owner": "anna"}))) == ["cached"]
    assert statuses(making(make.with_options(enable_cache=False))) == ["completed"]


def test_4_11_runs_of_several_processes_do_not_stop_each_other(tmp_path: Path) -> None:
    code = (
        "import sys, mlstack_nb.compat.zenml\nfrom zenml import step, pipeline\n"
        "@step\ndef add(n: int, who: int) -> int:\n    return n + 1\n"
        "@pipeline\ndef many(who: int):\n    n = 0\n    for _ in range(20): n = add(n, who)\n"
        "run = many(int(sys.argv[1]))\nprint(len(run.steps), run.status)\n"
    )
    (tmp_path / "many.py").write_text(code)
    started = [
        subprocess.Popen([sys.executable, "many.py", str(n)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for n in range(4)
    ]
    assert [process.communicate(timeout=120)[0] for process in started] == ["20 completed\n"] * 4


def test_4_16_only_what_failed_is_run_again(own_modules: Path, mlstack: Any) -> None:
    (own_modules / "flaky.py").write_text(
        "from pathlib import Path\nfrom zenml import step, pipeline\n"
        "@step(enable_cache=False)\ndef slow() -> int:\n    Path('ran').open('a').write('x')\n    return 1\n"
        "@step(enable_cache=False)\ndef breaks(n: int) -> int:\n"
        "    if not Path('mended').exists(): raise OSError('away')\n    return n + 1\n"
        "@pipeline\ndef flaky():\n    breaks(slow())\n"
    )
    assert mlstack("run", "--zenml", "flaky.py:flaky").code == 1
    Path("mended").touch()
    assert mlstack("resume", "last").code == 0
    assert Path("ran").read_text() == "x"


def test_4_18_a_step_used_twice_gives_two_artifacts() -> None:
    @step
    def make(n: int) -> int:
        return n

    @pipeline
    def twice() -> None:
        make(1)
        make(2)

    run = twice()
    assert [one.output.name for one in run.steps.values()] == ["twice::make::output", "twice::make_2::output"]


def test_4_22_parameters_may_be_long() -> None:
    @step
    def length(text: str) -> int:
        return len(text)

    @pipeline
    def long(text: str) -> None:
        length(text)

    assert long("x" * 200_000).steps["length"].output.load() == 200_000


def test_4_23_what_a_step_prints_and_logs_is_kept(own_modules: Path, mlstack: Any) -> None:
    (own_modules / "logging_step.py").write_text(
        "import logging, sys\nfrom zenml import step, pipeline\nfrom zenml.logger import get_logger\n"
        "@step\ndef talk() -> int:\n    print('printed')\n    log = get_logger('talk')\n"
        "    log.addHandler(logging.StreamHandler(sys.stdout)); log.setLevel(logging.DEBUG)\n"
        "    log.debug('in detail')\n    return 1\n"
        "@pipeline\ndef talking():\n    talk()\n"
    )
    assert mlstack("run", "--zenml", "logging_step.py").code == 0
    assert mlstack("run", "--zenml", "logging_step.py:talking").code == 0
    done = mlstack("runs", "logs", "last")
    assert "printed" in done.out
    assert "in detail" in done.out


def test_4_26_a_stack_that_was_exported_is_imported_elsewhere(
    tmp_path: Path, mlstack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    Client().create_stack("mine", {"orchestrator": "default", "artifact_store": "default"})
    assert mlstack("stack", "export", "mine", "mine.yaml").code == 0
    (tmp_path / "other" / ".mlstack").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "other")
    assert mlstack("stack", "import", "../mine.yaml", "--set").code == 0
    assert Client().active_stack.name == "mine"


def test_4_27_nothing_is_sent_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_args: Any, **_kwargs: Any) -> None:
        told.append("connected")
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)

    @step
    def make() -> int:
        return 1

    assert make() == 1
    assert told == []


def test_what_a_failed_step_saved_before_is_marked_as_its_own() -> None:
    @step
    def half() -> None:
        save_artifact(1, "before_it_failed")
        assert get_step_context().step_name == "half"
        raise OSError("away")

    with pytest.raises(RuntimeError):
        half()
    found = Client().get_artifact_version("before_it_failed")
    assert found.run.status == "failed"


def test_leases_of_the_dead_hold_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "dying.py").write_text(DYING)
    subprocess.run([sys.executable, "dying.py"], check=False, capture_output=True)
    (tmp_path / "dying.py").write_text(DYING.replace("os.kill(os.getpid(), signal.SIGKILL)", "pass"))
    before = time.monotonic()
    subprocess.run([sys.executable, "dying.py"], check=True, capture_output=True)
    assert time.monotonic() - before < 60
    assert Client().get_pipeline("dying").last_run.status == "completed"
