"""`papermill in.ipynb out.ipynb --engine mlstack`, as people type it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.kernels.conftest import comes_true, is_running, notebook, pids_in, printed

PAPERMILL = Path(sys.executable).with_name("papermill")


SLOW = """
import os, time
print("so far", flush=True)
open("pid", "w").write(str(os.getpid()))
time.sleep(1.2)
print("more", flush=True)
time.sleep(300)
"""


def papermill(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [PAPERMILL, "in.ipynb", "out.ipynb", "--engine", "mlstack", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def executed(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "out.ipynb").read_text())
    return document


def written(folder: Path, *sources: str) -> None:
    document = notebook(*sources, kernel="python3", language="python")
    document["cells"][0]["metadata"]["tags"] = ["parameters"]
    (folder / "in.ipynb").write_text(json.dumps(document))


def test_parameters_reach_the_notebook(tmp_path: Path) -> None:
    written(tmp_path, "count = 1", "print('count is', count)")
    done = papermill(tmp_path, "-p", "count", "7")
    assert done.returncode == 0, done.stderr
    assert printed(executed(tmp_path), 2) == "count is 7\n"


def test_the_kernel_works_in_the_folder_asked_for_and_the_output_stays_here(tmp_path: Path) -> None:
    written(tmp_path, "x = 1", "import os\nprint(os.getcwd())")
    (tmp_path / "inner").mkdir()
    done = papermill(tmp_path, "--cwd", "inner")
    assert done.returncode == 0, done.stderr
    assert printed(executed(tmp_path), 1) == f"{tmp_path / 'inner'}\n"
    assert list((tmp_path / "inner").iterdir()) == []


def test_a_failing_cell_fails_the_command_and_is_in_the_notebook(tmp_path: Path) -> None:
    written(tmp_path, "x = 0", "1 / x", "print('never')")
    done = papermill(tmp_path)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    outputs = [output for cell in executed(tmp_path)["cells"] for output in cell.get("outputs", [])]
    assert [output["ename"] for output in outputs] == ["ZeroDivisionError"]


def test_a_dead_kernel_is_explained(tmp_path: Path) -> None:
    written(tmp_path, "x = 0", "import os\nos._exit(5)")
    done = papermill(tmp_path)
    assert done.returncode == 138
    assert "The kernel died while cell 2 ran: it ended by itself with exit code 5." in done.stderr
    assert executed(tmp_path)["cells"][1]["outputs"][0]["ename"] == "KernelDiedError"


def test_a_cell_over_its_time_is_explained(tmp_path: Path) -> None:
    written(tmp_path, "x = 0", "import time\ntime.sleep(60)")
    done = papermill(tmp_path, "--execution-timeout", "1")
    assert done.returncode == 1
    assert "Cell 2 ran longer than 1 s." in done.stderr


def test_outputs_can_be_sent_to_a_file_as_they_come(tmp_path: Path) -> None:
    written(tmp_path, "x = 0", "print('hello')")
    done = papermill(tmp_path, "--stdout-file", "said.txt", "--log-output")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "said.txt").read_text() == "hello\n"


def test_a_missing_kernel_is_explained(tmp_path: Path) -> None:
    written(tmp_path, "x = 0")
    done = papermill(tmp_path, "-k", "pyton3")
    assert done.returncode != 0
    assert "No kernel is called 'pyton3'. Installed: 'python3'." in done.stderr


def test_the_notebook_is_saved_while_it_runs_and_a_kill_leaves_it_whole(tmp_path: Path) -> None:
    written(tmp_path, "x = 0", SLOW)
    command = [PAPERMILL, "in.ipynb", "out.ipynb", "--engine", "mlstack", "--no-progress-bar"]
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    (pid,) = pids_in(tmp_path / "pid", 1)
    assert comes_true(lambda: printed(executed(tmp_path), 1) == "so far\nmore\n")
    running.kill()
    running.wait()
    assert printed(executed(tmp_path), 1) == "so far\nmore\n"
    assert comes_true(lambda: not is_running(pid))


@pytest.mark.parametrize("from_start", [True, False])
def test_papermills_own_last_save_is_whole_as_well(tmp_path: Path, from_start: bool) -> None:
    from papermill.iorw import papermill_io

    from mlstack_nb.kernels.papermill_engine import writer

    path = str(tmp_path / "out.ipynb")
    if not from_start:
        Path(path).write_text("old")
    writer(path)
    inode = Path(path).stat().st_ino if Path(path).exists() else None
    papermill_io.write("new", path)
    assert Path(path).read_text() == "new"
    assert Path(path).stat().st_ino != inode
    assert os.listdir(tmp_path) == ["out.ipynb"]
