"""Notebooks in real kernels: what they put out, and how they end when a cell fails."""

from __future__ import annotations

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlstack_nb.errors import CellCancelledError, CellError, CellTimeoutError, KernelDiedError, UsageError
from mlstack_nb.kernels.execute import Kernels, execute
from mlstack_nb.kernels.outcome import Progress
from tests.kernels.conftest import is_running, notebook, pids_in, printed

PLOT = "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"


def test_a_notebook_has_the_outputs_of_its_cells(tmp_path: Path) -> None:
    document = notebook("print('hello')", PLOT, "from IPython.display import HTML\nHTML('<b>bold</b>')")
    executed = execute(document, cwd=tmp_path)
    text, plot, html = executed.document["cells"]
    assert executed.failed is None
    assert text["outputs"] == [{"output_type": "stream", "name": "stdout", "text": "hello\n"}]
    assert "image/png" in plot["outputs"][-1]["data"]
    assert html["outputs"][0]["data"]["text/html"] == "<b>bold</b>"


def test_the_given_document_is_not_changed(tmp_path: Path) -> None:
    document = notebook("print('hello')")
    before = json.dumps(document)
    execute(document, cwd=tmp_path)
    assert json.dumps(document) == before


def test_the_result_is_plain_json_that_papermill_has_marked(tmp_path: Path) -> None:
    executed = execute(notebook("1"), cwd=tmp_path)
    assert json.loads(json.dumps(executed.document)) == executed.document
    assert type(executed.document["cells"][0]["metadata"]) is dict
    assert executed.document["cells"][0]["metadata"]["papermill"]["status"] == "completed"
    assert executed.document["metadata"]["language_info"]["name"] == "python"


def test_each_cell_is_timed_and_the_kernels_memory_is_known(tmp_path: Path) -> None:
    executed = execute(notebook("1", "import time; time.sleep(0.2)"), cwd=tmp_path)
    assert [(timing.index, timing.cell_id) for timing in executed.timings] == [(0, "c0"), (1, "c1")]
    assert 0.2 <= executed.timings[1].duration_s <= executed.duration_s
    assert executed.peak_bytes > 10_000_000


def test_a_failing_cell_ends_the_notebook_and_is_told(tmp_path: Path) -> None:
    file = tmp_path / "executed.ipynb"
    document = notebook("ok = 1", "def f():\n    return 1 / 0\n\nf()", "print('never')")
    executed = execute(document, cwd=tmp_path, output=file)
    assert executed.failed is not None
    assert (executed.failed.index, executed.failed.cell_id, executed.failed.line) == (1, "c1", 2)
    assert (executed.failed.ename, executed.failed.evalue) == ("ZeroDivisionError", "division by zero")
    assert "\x1b" not in executed.failed.traceback
    assert executed.failed.error.what == "Cell 2 raised ZeroDivisionError: division by zero\n  line 2: return 1 / 0"
    saved = json.loads(file.read_text())
    assert saved["cells"][1]["outputs"][0]["ename"] == "ZeroDivisionError"
    assert saved["cells"][2]["outputs"] == []
    assert saved["cells"][2]["metadata"]["papermill"]["status"] == "pending"
    with pytest.raises(CellError):
        executed.raise_for_failure()


def test_a_cell_that_exits_ends_the_notebook_as_a_failure(tmp_path: Path) -> None:
    executed = execute(notebook("import sys\nsys.exit(0)", "print('never')"), cwd=tmp_path)
    assert executed.failed is not None
    assert executed.failed.ename == "SystemExit"


def test_cells_may_be_marked_to_raise_or_to_be_skipped(tmp_path: Path) -> None:
    document = notebook("1 / 0", "1 / 0", "print('reached')")
    document["cells"][0]["metadata"]["tags"] = ["raises-exception"]
    document["cells"][1]["metadata"]["tags"] = ["skip-execution"]
    executed = execute(document, cwd=tmp_path)
    assert executed.failed is None
    assert printed(executed.document, 2) == "reached\n"


def test_a_cell_over_its_time_is_interrupted_where_it_is(tmp_path: Path) -> None:
    executed = execute(notebook("import time\ntime.sleep(60)", "print('never')"), cwd=tmp_path, timeout_s=0.5)
    assert executed.failed is not None
    assert isinstance(executed.failed.error, CellTimeoutError)
    assert "Cell 1 ran longer than 0.5 s" in str(executed.failed.error)
    assert executed.failed.line == 2
    (output,) = executed.document["cells"][0]["outputs"]
    assert output["ename"] == "CellTimeoutError"
    assert "time.sleep(60)" in "\n".join(output["traceback"])


def test_a_cell_over_its_time_that_does_not_mind_interrupts_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlstack_nb.kernels import notebook_run

    monkeypatch.setattr(notebook_run, "INTERRUPT_S", 0.3)
    code = "import os, signal, time\nopen('pid', 'w').write(str(os.getpid()))\n"
    deaf = "while True:\n    try:\n        time.sleep(60)\n    except KeyboardInterrupt:\n        pass"
    executed = execute(notebook(code + deaf), cwd=tmp_path, timeout_s=0.5)
    assert executed.failed is not None
    assert isinstance(executed.failed.error, CellTimeoutError)
    assert not is_running(pids_in(tmp_path / "pid", 1)[0])


def test_a_cell_that_swallows_the_interrupt_still_ends_the_notebook(tmp_path: Path) -> None:
    code = "import time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print('cleaned up')"
    executed = execute(notebook(code, "print('never')"), cwd=tmp_path, timeout_s=0.5)
    assert executed.failed is not None
    assert executed.failed.ename == "CellTimeoutError"
    assert printed(executed.document) == "cleaned up\n"


def test_the_time_limit_is_of_each_cell(tmp_path: Path) -> None:
    executed = execute(notebook(*["import time\ntime.sleep(0.7)"] * 3), cwd=tmp_path, timeout_s=2)
    assert executed.failed is None


def test_a_killed_kernel_is_told_with_its_cell(tmp_path: Path) -> None:
    file = tmp_path / "executed.ipynb"
    code = "import os, signal\nprint('so far', flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    executed = execute(notebook("1", code, "2"), cwd=tmp_path, output=file)
    assert executed.failed is not None
    assert isinstance(executed.failed.error, KernelDiedError)
    assert "while cell 2 ran: it was killed (SIGKILL), as the system does when memory runs out" in str(
        executed.failed.error
    )
    saved = json.loads(file.read_text())
    assert saved["cells"][1]["outputs"][-1]["ename"] == "KernelDiedError"
    assert saved["cells"][2]["execution_count"] is None


def test_a_kernel_that_crashes_shows_where(tmp_path: Path) -> None:
    executed = execute(notebook("import ctypes\nctypes.string_at(0)"), cwd=tmp_path)
    assert executed.failed is not None
    assert "SIGSEGV ended it" in executed.failed.error.what
    assert "ctypes/__init__.py" in executed.failed.error.what


def test_a_cell_that_ends_the_process_is_told_with_its_exit_code(tmp_path: Path) -> None:
    executed = execute(notebook("import os\nos._exit(3)"), cwd=tmp_path)
    assert executed.failed is not None
    assert "it ended by itself with exit code 3" in executed.failed.error.what


def test_cancelling_interrupts_the_cell(tmp_path: Path) -> None:
    cancel = threading.Event()

    def on_progress(progress: Progress) -> None:
        if progress.text == "begun\n":
            cancel.set()

    document = notebook("print('begun', flush=True)\nimport time\ntime.sleep(60)", "print('never')")
    executed = execute(document, cwd=tmp_path, cancel=cancel, on_progress=on_progress)
    assert executed.failed is not None
    assert isinstance(executed.failed.error, CellCancelledError)
    assert executed.failed.index == 0
    assert printed(executed.document) == "begun\n"
    assert executed.document["cells"][0]["outputs"][-1]["ename"] == "CellCancelledError"


def test_cancelling_between_cells_leaves_the_next_one_alone(tmp_path: Path) -> None:
    cancel = threading.Event()
    seen: list[str] = []

    def on_progress(progress: Progress) -> None:
        seen.append(f"{progress.cell_id} {progress.state}")
        if progress.state == "completed":
            cancel.set()
            time.sleep(0.3)

    document = notebook("1", "import time\ntime.sleep(0.5)", "open('touched', 'w')")
    executed = execute(document, cwd=tmp_path, cancel=cancel, on_progress=on_progress)
    assert executed.failed is not None
    assert executed.failed.ename == "CellCancelledError"
    assert executed.failed.index == 1
    assert executed.document["cells"][0]["metadata"]["papermill"]["status"] == "completed"
    assert not (tmp_path / "touched").exists()


def test_what_is_cancelled_beforehand_runs_no_cell(tmp_path: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    executed = execute(notebook("open('touched', 'w')"), cwd=tmp_path, cancel=cancel)
    assert executed.failed is not None
    assert isinstance(executed.failed.error, CellCancelledError)
    assert not (tmp_path / "touched").exists()


def test_threads_have_kernels_of_their_own(tmp_path: Path) -> None:
    here = "import glob, os, time\nopen(f'here-{NAME}', 'w')\n"
    code = here + "while len(glob.glob('here-*')) < 3:\n    time.sleep(0.01)\nprint(NAME, os.getpid())"
    with Kernels(cwd=tmp_path) as kernels, ThreadPoolExecutor(3) as pool:
        documents = [notebook(f"NAME = {name!r}", code) for name in "abc"]
        executed = list(pool.map(lambda document: kernels.execute(document, timeout_s=30), documents))
    said = [printed(one.document, 1).split() for one in executed]
    assert [name for name, _ in said] == ["a", "b", "c"]
    assert len({pid for _, pid in said}) == 3


def test_a_kernel_has_the_given_folder_and_environment(tmp_path: Path) -> None:
    code = "import os\nprint(os.getcwd(), os.environ.get('OURS'), os.environ.get('HOME'), 'PATH' in os.environ)"
    executed = execute(notebook(code), cwd=tmp_path, env={"OURS": "yes", "HOME": str(tmp_path)})
    assert printed(executed.document) == f"{tmp_path} yes {tmp_path} False\n"


def test_a_notebook_may_add_to_the_environment(tmp_path: Path) -> None:
    with Kernels(cwd=tmp_path, env={**os.environ, "BASE": "base"}) as kernels:
        kernels.prestart(1)
        executed = kernels.execute(
            notebook("import os\nprint(os.environ['BASE'], os.environ['MORE'])"), env={"MORE": "more"}
        )
    assert printed(executed.document) == "base more\n"


def test_modules_beside_the_notebook_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("VALUE = 42")
    executed = execute(notebook("import beside\nprint(beside.VALUE)"), cwd=tmp_path)
    assert printed(executed.document) == "42\n"


def test_kernels_started_ahead_are_used_and_the_rest_ended(tmp_path: Path) -> None:
    with Kernels(cwd=tmp_path) as kernels:
        kernels.prestart(3)
        executed = [kernels.execute(notebook("import os\nprint(os.getpid())")) for _ in range(2)]
    assert len({printed(one.document) for one in executed}) == 2


def test_input_is_refused(tmp_path: Path) -> None:
    executed = execute(notebook("name = input('Who? ')"), cwd=tmp_path)
    assert executed.failed is not None
    assert "Nobody is there to answer input()" in executed.failed.error.hint


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    executed = execute(notebook("import surely_not_installed.inside"), cwd=tmp_path)
    assert executed.failed is not None
    assert "`python -m pip install surely_not_installed`" in executed.failed.error.hint


def test_large_outputs_arrive_whole(tmp_path: Path) -> None:
    file = tmp_path / "executed.ipynb"
    code = "for k in range(10):\n    print(str(k) * 1_000_000)"
    executed = execute(
        notebook(code, "from IPython.display import HTML\nHTML('x' * 10_000_000)"), cwd=tmp_path, output=file
    )
    assert printed(executed.document) == "".join(f"{str(k) * 1_000_000}\n" for k in range(10))
    assert len(executed.document["cells"][1]["outputs"][0]["data"]["text/html"]) == 10_000_000
    assert printed(json.loads(file.read_text())) == printed(executed.document)


def test_many_outputs_arrive_in_order(tmp_path: Path) -> None:
    code = "from IPython.display import display\nfor k in range(3000):\n    display(k)"
    executed = execute(notebook(code), cwd=tmp_path)
    outputs = executed.document["cells"][0]["outputs"]
    assert [output["data"]["text/plain"] for output in outputs] == [str(k) for k in range(3000)]


def test_text_between_displays_stays_between_them(tmp_path: Path) -> None:
    code = "import time\nfor k in range(2):\n    print('a')\n    time.sleep(0.3)\n    print('b')\n    display(k)"
    executed = execute(notebook(code), cwd=tmp_path)
    kinds = [output.get("text") or output["data"]["text/plain"] for output in executed.document["cells"][0]["outputs"]]
    assert kinds == ["a\nb\n", "0", "a\nb\n", "1"]


def test_a_display_that_is_updated_changes_where_it_is(tmp_path: Path) -> None:
    before = "print('x')\nprint('y', flush=True)\n"
    code = before + "handle = display(1, display_id=True)\nprint('z', flush=True)\nhandle.update(2)"
    executed = execute(notebook(code), cwd=tmp_path)
    outputs = executed.document["cells"][0]["outputs"]
    assert [output.get("text") or output["data"]["text/plain"] for output in outputs] == ["x\ny\n", "2", "z\n"]


def test_unicode_survives_in_code_outputs_and_file(tmp_path: Path) -> None:
    file = tmp_path / "größe.ipynb"
    said = "Grüße, 世界 🚀 \u2028 \x00"
    executed = execute(notebook(f"print({said!r}, '\\udc80')"), cwd=tmp_path, output=file)
    assert executed.failed is None
    assert printed(json.loads(file.read_text(encoding="utf-8"))) == printed(executed.document)
    assert printed(executed.document).startswith(said)


def test_progress_tells_states_and_text_as_it_comes(tmp_path: Path) -> None:
    told: list[Progress] = []
    document = notebook("import sys\nprint('out')\nsys.stdout.flush()\nprint('err', file=sys.stderr)\n40 + 2", "1 / 0")
    document["cells"].insert(0, {"cell_type": "markdown", "id": "text", "metadata": {}, "source": "# Title"})
    execute(document, cwd=tmp_path, on_progress=told.append)
    states = [(one.index, one.cell_id, one.state) for one in told if not one.text]
    assert states == [(1, "c0", "running"), (1, "c0", "completed"), (2, "c1", "running"), (2, "c1", "failed")]
    assert {one.total for one in told} == {3}
    texts = {one.stream: one.text for one in told if one.text}
    assert (texts["stdout"], texts["stderr"], texts["display"]) == ("out\n", "err\n", "42\n")
    assert "ZeroDivisionError: division by zero" in texts["error"]


def test_what_progress_raises_ends_the_kernel_and_comes_out(tmp_path: Path) -> None:
    def on_progress(progress: Progress) -> None:
        raise LookupError(progress.cell_id)

    file = tmp_path / "executed.ipynb"
    with pytest.raises(LookupError, match="c0"):
        execute(notebook("import time\ntime.sleep(60)"), cwd=tmp_path, on_progress=on_progress, output=file)
    assert json.loads(file.read_text())["cells"]


def test_a_notebook_can_be_executed_where_an_event_loop_runs(tmp_path: Path) -> None:
    import asyncio

    async def inside() -> str:
        return printed(execute(notebook("print(1 + 1)"), cwd=tmp_path).document)

    assert asyncio.run(inside()) == "2\n"


def test_an_output_that_can_not_be_written_is_told_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"can not be written to .*nowhere"):
        execute(notebook("open('touched', 'w')"), cwd=tmp_path, output=tmp_path / "nowhere" / "executed.ipynb")
    assert not (tmp_path / "touched").exists()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        execute(notebook("1"), cwd=tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"nbformat": 3, "worksheets": []}, "a notebook of format 3"),
        ({"cells": 3, "nbformat": 4}, "no notebook"),
        ({}, "no notebook"),
    ],
)
def test_what_is_no_notebook_of_format_4_is_refused(document: dict, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        execute(document, cwd=tmp_path)


def test_cells_without_ids_or_metadata_are_executed(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "source": ["a = 1\n", "print(a)"], "outputs": [], "execution_count": 7}
    executed = execute({"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": [cell]}, cwd=tmp_path)
    assert printed(executed.document) == "1\n"
    assert executed.timings[0].cell_id == executed.document["cells"][0]["id"]


def test_an_empty_notebook_succeeds(tmp_path: Path) -> None:
    assert execute(notebook(), cwd=tmp_path).failed is None
