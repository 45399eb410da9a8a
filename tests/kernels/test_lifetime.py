"""No kernel, nor anything that a cell started, outlives its run, however that ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlstack_nb.kernels import template_process
from mlstack_nb.kernels.execute import Kernels, execute
from tests.kernels.conftest import comes_true, is_running, notebook, pids_in

Script = Callable[[str], "subprocess.Popen[str]"]

# the kernel and a process that it leaves running
STARTS = """
import os, subprocess, time
child = subprocess.Popen(["sleep", "300"])
with open("pids", "a") as file:
    file.write(f"{os.getpid()} {child.pid}\\n")
"""
LASTS = STARTS + "time.sleep(300)"


def all_ended(pids: list[int]) -> bool:
    """Whether none is running any more, or but for the moment that a killed process takes to end."""
    return comes_true(lambda: not any(is_running(pid) for pid in pids))


def test_success_leaves_no_process(tmp_path: Path) -> None:
    execute(notebook(STARTS), cwd=tmp_path)
    assert all_ended(pids_in(tmp_path / "pids", 2))


def test_a_failing_cell_leaves_no_process(tmp_path: Path) -> None:
    execute(notebook(STARTS + "1 / 0"), cwd=tmp_path)
    assert all_ended(pids_in(tmp_path / "pids", 2))


def test_a_dead_kernel_leaves_no_process(tmp_path: Path) -> None:
    execute(notebook(STARTS + "os._exit(1)"), cwd=tmp_path)
    assert all_ended(pids_in(tmp_path / "pids", 2))


def test_an_end_by_the_clock_leaves_no_process(tmp_path: Path) -> None:
    execute(notebook(LASTS), cwd=tmp_path, timeout_s=0.5)
    assert all_ended(pids_in(tmp_path / "pids", 2))


@pytest.mark.parametrize("before", ["", STARTS])
def test_exit_handlers_of_a_kernel_run(before: str, tmp_path: Path) -> None:
    handler = "import atexit\natexit.register(lambda: open('said', 'w').write('goodbye'))"
    execute(notebook(before + handler), cwd=tmp_path)
    assert (tmp_path / "said").read_text() == "goodbye"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_parent_leaves_no_process_and_no_folder(number: int, tmp_path: Path, script: Script) -> None:
    parent = script(
        "from mlstack_nb.kernels.template_process import template\n"
        "Path('folder').write_text(str(template().folder))\n"
        f"kernels = Kernels()\nkernels.prestart(2)\nkernels.execute(notebook({LASTS!r}))"
    )
    pids = pids_in(tmp_path / "pids", 2)
    folder = Path((tmp_path / "folder").read_text())
    parent.send_signal(number)
    assert all_ended(pids)
    assert comes_true(lambda: not folder.exists())


def test_a_kernel_of_another_program_dies_with_a_killed_parent(
    tmp_path: Path, script: Script, kernel_spec: Callable[..., str]
) -> None:
    kernel_spec("mute", ["/bin/sh", "-c", "echo $$ > pids; exec sleep 300"], language="shell")
    parent = script("execute(notebook('1'), kernel='mute')")
    (pid,) = pids_in(tmp_path / "pids", 1)
    parent.kill()
    assert comes_true(lambda: not is_running(pid))


def test_a_killed_template_takes_its_kernels_along_and_the_next_kernel_has_a_new_one(tmp_path: Path) -> None:
    template_process.close()
    kill = "import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(300)"
    executed = execute(notebook(kill), cwd=tmp_path)
    assert executed.failed is not None
    assert executed.failed.ename == "KernelDiedError"
    assert execute(notebook("1"), cwd=tmp_path).failed is None


def test_ctrl_c_ends_the_kernel_and_keeps_what_there_is(tmp_path: Path, script: Script) -> None:
    parent = script(f"execute(notebook('print(6 * 7)', {LASTS!r}), output=Path('executed.ipynb'))")
    pids = pids_in(tmp_path / "pids", 2)
    parent.send_signal(signal.SIGINT)
    _, complaint = parent.communicate(timeout=30)
    assert complaint.rstrip().endswith("KeyboardInterrupt")
    assert "never retrieved" not in complaint
    assert "unhandled" not in complaint
    assert all_ended(pids)
    first, second = json.loads((tmp_path / "executed.ipynb").read_text())["cells"]
    assert first["outputs"][0]["text"] == ["42\n"]
    assert second["metadata"]["papermill"]["status"] != "pending"


def test_ctrl_c_inside_a_running_loop_ends_the_kernel(tmp_path: Path, script: Script) -> None:
    parent = script(
        f"import asyncio\nasync def main():\n    execute(notebook({LASTS!r}))\n"
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "asyncio.new_event_loop().run_until_complete(main())"
    )
    pids = pids_in(tmp_path / "pids", 2)
    parent.send_signal(signal.SIGINT)
    parent.communicate(timeout=30)
    assert all_ended(pids)


def test_a_fork_of_the_parent_does_not_keep_the_kernels_alive(tmp_path: Path, script: Script) -> None:
    parent = script(
        "import os, time\nkernels = Kernels()\nkernels.prestart(1)\n"
        "from mlstack_nb.kernels.template_process import template\ntemplate()\n"
        "if os.fork() == 0:\n    Path('fork').write_text(str(os.getpid()))\n    time.sleep(300)\n"
        f"kernels.execute(notebook({LASTS!r}))"
    )
    pids, (fork,) = pids_in(tmp_path / "pids", 2), pids_in(tmp_path / "fork", 1)
    parent.kill()
    assert all_ended(pids)
    os.kill(fork, signal.SIGKILL)


def test_kernels_started_ahead_end_with_their_run(tmp_path: Path) -> None:
    kernels = Kernels(cwd=tmp_path)
    kernels.prestart(2)
    kernels.close()
    assert template_process.template().is_idle


def test_a_new_package_in_the_environment_asks_for_a_new_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = template_process.template()
    monkeypatch.setattr(template_process, "_installed", lambda: [1])
    assert execute(notebook("1"), cwd=tmp_path).failed is None
    assert template_process.template() is not before
    assert not before.is_alive


def test_an_interrupted_save_leaves_the_notebook_whole(tmp_path: Path, script: Script) -> None:
    file = tmp_path / "executed.ipynb"
    code = """
from mlstack_nb.kernels.notebook_saving import NotebookFile
file, n = NotebookFile.at(Path("executed.ipynb")), 0
while True:
    n += 1
    file.save_now(notebook("x" * 3_000_000 + str(n)))
"""
    for _ in range(2):
        saver = script(code)
        assert comes_true(file.exists)
        time.sleep(0.05)
        saver.kill()
        saver.wait()
        assert json.loads(file.read_text())["nbformat"] == 4
        file.unlink()
