"""`mlstack run NB.ipynb`: every step in a real kernel of its own, from the command line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient


def notebook(path: Path, *cells: str | tuple[str, list[str]]) -> str:
    """A notebook file of code cells; a pair is a cell with tags."""
    made = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    )
    for cell in cells:
        text, tags = (cell, []) if isinstance(cell, str) else cell
        made.cells.append(nbformat.v4.new_code_cell(text, metadata={"tags": tags} if tags else {}))
    nbformat.write(made, path)
    return path.name


def states(run: Any) -> dict[str, str]:
    return {step["step"]: step["state"] for step in run["steps"]}


TRAINING = (
    "%load_ext mlstack_nb",
    "import math\nimport pandas as pd\ndepth = 3\n\ndef clean(table):\n    return table.dropna()",
    "print('exploring')\nunused = 1 / 1",
    "%%step load -> table\ntable = pd.DataFrame({'a': [1.0, None, 3.0]})\nprint('loaded', len(table))\ntable",
    "%%step tidy -> tidied\ntidied = clean(table)",
    "%%step train -> score\nscore = math.floor(tidied['a'].sum()) * depth",
)


@pytest.fixture
def train(workspace: Path) -> str:
    return notebook(workspace.parent / "train.ipynb", *TRAINING)


def test_a_notebook_runs_step_by_step_and_then_comes_from_the_cache(mlstack: Any, train: str) -> None:
    first = mlstack("run", train)
    assert first.code == 0
    assert "load  | loaded 3" in first.err
    run = mlstack("runs", "show", "--json").json
    assert (run["pipeline"], states(run)) == ("train", dict.fromkeys(["load", "tidy", "train"], "completed"))
    assert run["steps"][2]["outputs"]["score"]["inline"] == "12"
    assert states(mlstack("run", train, "--json").json) == dict.fromkeys(["load", "tidy", "train"], "cached")
    assert states(mlstack("run", train, "-p", "depth=4", "--json").json) == {
        "load": "cached",
        "tidy": "cached",
        "train": "completed",
    }


def test_a_live_kernel_takes_the_results_of_the_command_line_and_shows_them_again(mlstack: Any, train: str) -> None:
    mlstack("run", train)
    live = nbformat.read(train, as_version=4)
    NotebookClient(live, timeout=60, resources={"metadata": {"path": "."}}).execute()
    assert states(mlstack("runs", "show", "--json").json) == dict.fromkeys(["load", "tidy", "train"], "cached")
    shown = [output for cell in live.cells for output in cell.outputs]
    assert any(output.get("text") == "loaded 3\n" for output in shown)
    assert any(
        "text/html" in output.get("data", {}) and "<th>a</th>" in output["data"]["text/html"] for output in shown
    )


def test_the_command_line_takes_the_results_of_a_live_kernel(mlstack: Any, train: str) -> None:
    NotebookClient(nbformat.read(train, as_version=4), timeout=60).execute()
    assert states(mlstack("run", train, "--json").json) == dict.fromkeys(["load", "tidy", "train"], "cached")


def test_nothing_of_a_kernel_is_imported_when_all_is_cached(mlstack: Any, train: str) -> None:
    mlstack("run", train)
    code = (
        "import sys; from mlstack_nb.cli.main import run; code = run(['run', sys.argv[1]]);"
        "print(code, sorted({'papermill', 'nbclient', 'jupyter_client', 'zmq', 'IPython'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, train], capture_output=True, text=True, check=True)
    assert done.stdout == "0 []\n"


def test_each_step_leaves_its_notebook(mlstack: Any, train: str, tmp_path: Path) -> None:
    mlstack("run", train)
    mlstack("run", train)
    assert mlstack("runs", "notebook", "last", "load").out == "Wrote load.ipynb.\n"
    made = nbformat.read(tmp_path / "load.ipynb", as_version=4)
    nbformat.validate(made)
    text = "\n".join(cell.source for cell in made.cells)
    assert "exploring" not in text
    assert "clean" not in text
    body = next(cell for cell in made.cells if "mlstack-body" in cell.metadata.get("tags", []))
    assert body.outputs[0].text == "loaded 3\n"
    assert mlstack("runs", "notebook", "last", "load").code == 1
    page = mlstack("runs", "notebook", "last", "load", "--html", "-o", "-")
    assert "<html" in page.out


ONE = "%%step one -> total\nsize += len(place.read_text())\ntotal = int(square(frame['a']).sum()) + size\n"
ONE += "total += add[0](1) + float(rate)"
VALUES = (
    "import functools\nimport numpy as np\nimport pandas as pd\nfrom pathlib import Path",
    "def power(x, by):\n    return x ** by\nsquare = functools.partial(power, by=2)\nadd = [lambda x: x + 1]",
    "frame = pd.DataFrame({'a': [1, 2]})\nsize = len(frame) * 10\nplace = Path('data.txt')\nrate = np.float64(0.5)",
    ONE,
    "doubled = total * 2",
    "%%step two -> last\nlast = doubled + 1",
)


def test_values_of_ordinary_cells_reach_the_steps_as_in_a_live_kernel(mlstack: Any, workspace: Path) -> None:
    (workspace.parent / "data.txt").write_text("four")
    name = notebook(workspace.parent / "values.ipynb", "%load_ext mlstack_nb", *VALUES)
    assert mlstack("run", name).code == 0
    run = mlstack("runs", "show", "--json").json
    assert [step["outputs"][out]["inline"] for step, out in zip(run["steps"], ["total", "last"], strict=True)] == [
        "31.5",
        "64.0",
    ]
    assert states(mlstack("run", name, "--json").json) == {"one": "cached", "two": "cached"}
    NotebookClient(nbformat.read(name, as_version=4), timeout=60).execute()
    assert states(mlstack("runs", "show", "--json").json) == {"one": "cached", "two": "cached"}
    (workspace.parent / "data.txt").write_text("five!")
    assert states(mlstack("run", name, "--json").json) == {"one": "completed", "two": "completed"}


def test_the_log_of_a_step_from_the_cache_is_that_of_the_run_that_made_it(mlstack: Any, train: str) -> None:
    first, second = (mlstack("run", train, "--json").json["id"] for _ in range(2))
    printed = mlstack("runs", "logs", first, "load").out
    assert printed.splitlines()[0] == "loaded 3"
    assert mlstack("runs", "logs", second, "load").out == f"(from the cache, as printed in run {first})\n{printed}"
    assert mlstack("runs", "logs", second, "train").out == ""


def test_the_log_of_a_step_that_ran_in_a_live_kernel_is_what_its_cell_printed(mlstack: Any, train: str) -> None:
    for _ in range(2):
        NotebookClient(nbformat.read(train, as_version=4), timeout=60).execute()
    second, first = (run["id"] for run in mlstack("runs", "list", "--json").json)
    assert mlstack("runs", "logs", first, "load").out == "loaded 3\n"
    assert mlstack("runs", "logs", second, "load").out == f"(from the cache, as printed in run {first})\nloaded 3\n"


def test_a_path_of_an_ordinary_cell_is_the_path_and_not_what_is_there(mlstack: Any, workspace: Path) -> None:
    folder = workspace.parent
    (folder / "data").mkdir()
    (folder / "data" / "rows.txt").write_text("three")
    name = notebook(
        folder / "paths.ipynb",
        "from pathlib import Path\ndata = Path('data')\nouts = {'new': Path.cwd() / 'made'}\nrows = data / 'rows.txt'",
        "%%step one -> n\nouts['new'].mkdir()\n(data / 'beside.txt').write_text(rows.read_text())\nn = str(rows)",
    )
    assert mlstack("run", name).code == 0
    assert mlstack("runs", "show", "--json").json["steps"][0]["outputs"]["n"]["inline"] == '"data/rows.txt"'
    assert ((folder / "made").is_dir(), (folder / "data" / "beside.txt").read_text()) == (True, "three")


def test_what_ordinary_cells_print_stands_under_the_step_that_needs_them(mlstack: Any, workspace: Path) -> None:
    name = notebook(
        workspace.parent / "told.ipynb",
        "import random\ndef drawn():\n    print('drawing')\n    return random.Random(1)\nsource = drawn()",
        "%%step one -> x\nx = source.random()",
    )
    assert states(mlstack("run", name, "--json").json) == {"one": "completed"}
    assert "one | drawing" in mlstack("run", name).err


def test_a_failing_cell_is_shown_with_its_lines_and_the_run_goes_on_where_it_stopped(
    mlstack: Any, workspace: Path
) -> None:
    folder = workspace.parent
    name = notebook(
        folder / "failing.ipynb",
        "from pathlib import Path",
        "%%step load -> rows\nrows = [1, 2]",
        "%%step train -> model\nfirst = rows[0]\nif not Path('mended').exists():\n"
        "    raise ValueError('too deep')\nmodel = 1",
        "%%step after -> end\nend = model",
        "%%step beside -> other\nother = len(rows)",
    )
    done = mlstack("run", name)
    run = mlstack("runs", "show", "--json").json
    assert done.code == 1
    assert states(run) == {"load": "completed", "train": "failed", "after": "skipped", "beside": "completed"}
    assert "ValueError in cell 3 of failing: too deep" in done.err
    assert "  >   4      raise ValueError('too deep')" in done.err
    assert f"mlstack resume {run['id']}" in done.err
    failed = next(step for step in run["steps"] if step["step"] == "train")
    assert (failed["failure"]["type"], failed["failure"]["message"]) == ("ValueError", "too deep")
    assert mlstack("debug", "last", "train").code == 0
    debug = nbformat.read("debug-train.ipynb", as_version=4)
    assert any("ValueError: too deep" in cell.source for cell in debug.cells if cell.cell_type == "markdown")
    (folder / "mended").touch()
    NotebookClient(debug, timeout=60).execute()
    assert states(mlstack("resume", "--json").json) == {
        "load": "cached",
        "train": "completed",
        "after": "completed",
        "beside": "cached",
    }


def test_a_tagged_notebook_is_a_pipeline_as_it_stands(mlstack: Any, workspace: Path) -> None:
    name = notebook(
        workspace.parent / "kale.ipynb",
        ("import math", ["imports"]),
        ("factor = 2", ["pipeline-parameters"]),
        ("rows = [1, 4, 9]\n%matplotlib inline", ["step:load"]),
        ("roots = [math.sqrt(row) * factor for row in rows]", ["step:work", "prev:load"]),
        ("print(sum(roots))", ["step:tell", "prev:work", "limit:cpu:1"]),
        ("1 / 0", ["skip"]),
    )
    done = mlstack("run", name, "-p", "factor=3")
    assert done.code == 0
    assert "tell | 18.0" in done.err


def test_a_notebook_without_steps_runs_as_a_whole(mlstack: Any, workspace: Path) -> None:
    name = notebook(workspace.parent / "plain.ipynb", ("n = 2", ["parameters"]), "print('n is', n)", "!echo shell")
    done = mlstack("run", name, "-p", "n=5")
    assert done.code == 0
    assert "n is 5" in done.err
    assert "shell" in done.err


def test_steps_that_do_not_depend_on_each_other_run_at_once(mlstack: Any, workspace: Path) -> None:
    mlstack("component", "register", "orchestrator", "two", "--flavor", "local", "--workers", "2")
    mlstack("stack", "register", "two", "-o", "two", "-a", "default")
    meet = "import time\nfrom pathlib import Path\n\ndef meet(me, other):\n    Path(me).touch()\n"
    meet += "    limit = time.time() + 20\n    while not Path(other).exists():\n        assert time.time() < limit\n"
    name = notebook(
        workspace.parent / "pair.ipynb",
        meet,
        "%%step left -> a\nmeet('l', 'r')\na = 1",
        "%%step right -> b\nmeet('r', 'l')\nb = 2",
        "%%step both -> c\nc = a + b",
    )
    run = mlstack("run", name, "--stack", "two", "--json").json
    assert states(run) == dict.fromkeys(["left", "right", "both"], "completed")


def test_a_cell_that_takes_too_long_is_stopped(mlstack: Any, workspace: Path) -> None:
    name = notebook(
        workspace.parent / "slow.ipynb", "%%step slow -> x\nimport time\nwhile True:\n    time.sleep(0.1)\nx = 1"
    )
    done = mlstack("run", name, "--timeout", "1.5")
    assert done.code == 1
    assert "longer than 1.5 s" in done.err


def test_an_attempt_that_fails_is_tried_again(mlstack: Any, workspace: Path) -> None:
    body = "from pathlib import Path\nseen = Path('seen')\n"
    body += "if not seen.exists():\n    seen.touch()\n    raise OSError('once')\nx = 1"
    name = notebook(workspace.parent / "retry.ipynb", f"%%step one -> x --retries 1\n{body}")
    run = mlstack("run", name, "--json").json
    assert states(run) == {"one": "completed"}


def test_an_output_that_can_not_be_stored_names_step_and_output(mlstack: Any, workspace: Path) -> None:
    name = notebook(workspace.parent / "odd.ipynb", "%%step odd -> x\nimport threading\nx = threading.Lock()")
    done = mlstack("run", name)
    assert done.code == 1
    assert "Output 'x' of step 'odd' can not be stored" in done.err


def wait_for(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise TimeoutError


def test_ctrl_c_ends_kernels_and_leaves_a_run_that_resumes(mlstack: Any, workspace: Path) -> None:
    folder = workspace.parent
    name = notebook(
        folder / "long.ipynb",
        "import os, time\nfrom pathlib import Path",
        "%%step first -> x\nx = 1",
        "%%step long -> y\nPath('pid').write_text(str(os.getpid()))\nwhile Path('slow').exists():\n"
        "    time.sleep(0.05)\ny = x",
    )
    (folder / "slow").touch()
    process = subprocess.Popen(
        [sys.executable, "-m", "mlstack_nb.cli", "run", name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for((folder / "pid").exists)
    pid = wait_for((folder / "pid").read_text)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Traceback" not in err
    wait_for(lambda: not Path(f"/proc/{pid}").exists())
    run = mlstack("runs", "show", "--json").json
    assert (run["state"], states(run)) == ("cancelled", {"first": "completed", "long": "cancelled"})
    (folder / "slow").unlink()
    assert states(json.loads(mlstack("resume", "--json").out)) == {"first": "cached", "long": "completed"}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"{}", "is no notebook"),
        (b"plain", "is no notebook"),
        (b'{"nbformat": 3, "worksheets": [], "metadata": {}}', "older than 4"),
    ],
)
def test_what_is_no_notebook_is_said(mlstack: Any, workspace: Path, content: bytes, what: str) -> None:
    (workspace.parent / "odd.ipynb").write_bytes(content)
    done = mlstack("run", "odd.ipynb")
    assert done.code == 2
    assert what in done.err


def test_a_kernel_that_is_not_installed_is_named(mlstack: Any, workspace: Path) -> None:
    name = notebook(workspace.parent / "other.ipynb", "%%step one -> x\nx = 1")
    made = nbformat.read(name, as_version=4)
    made.metadata.kernelspec.name = "pyhton3"
    nbformat.write(made, name)
    done = mlstack("run", name)
    assert done.code == 1
    assert "pyhton3" in done.err
    assert "python3" in done.err.replace("pyhton3", "")
