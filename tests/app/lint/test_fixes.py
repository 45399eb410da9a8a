"""`--fix`: what it mends, that it is safe and idempotent, and that the file keeps every other byte."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from linted import found, notebook

from mlstack_nb.app.lint.fixes import fixed_file, fixed_notebook
from mlstack_nb.app.lint.linting import lint
from mlstack_nb.app.lint.notebook_text import with_sources
from mlstack_nb.app.lint.notebooks import lint_cells
from mlstack_nb.app.notebooks.compile import compile_cells
from mlstack_nb.core.step import FromParameter
from mlstack_nb.core.types import is_data_file
from mlstack_nb.source.lint.rules import RULES

ALL = frozenset(RULES)
SKLEARN = "from sklearn.model_selection import train_test_split\nfrom sklearn.cluster import KMeans\nimport numpy as np"


def fixed(*cells: Any, only: str = "") -> list[str]:
    """The cells after a fix, which a second one leaves as they are."""
    before = notebook(*cells)
    rules = frozenset(only.split()) or ALL
    after, _ = fixed_notebook(before, rules)
    again, more = fixed_notebook(after, rules)
    assert (again, more) == (after, ())
    old, new = compile_cells(before).pipeline, compile_cells(after).pipeline
    assert {step.name: step.needs for step in new.steps} == {step.name: step.needs for step in old.steps}
    return [cell.text for cell in after.cells]


# Seeds


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a = train_test_split(X, y)", "a = train_test_split(X, y, random_state=0)"),
        ("a = train_test_split(X, test_size=0.2)", "a = train_test_split(X, test_size=0.2, random_state=0)"),
        ("a = KMeans()", "a = KMeans(random_state=0)"),
        ("a = KMeans(3).fit(X)", "a = KMeans(3, random_state=0).fit(X)"),
        ("a = KMeans(3, random_state=None)", "a = KMeans(3, random_state=0)"),
        ("a = np.random.default_rng().random()", "a = np.random.default_rng(0).random()"),
        ("a = np.random.default_rng(None)", "a = np.random.default_rng(0)"),
        ("a = np.random.RandomState(seed=None)", "a = np.random.RandomState(seed=0)"),
        ("ä = 1; a = KMeans(3)", "ä = 1; a = KMeans(3, random_state=0)"),
        ("a = KMeans(\n    3,  # few\n)", "a = KMeans(\n    3, random_state=0,  # few\n)"),
        ("a = KMeans(3), KMeans(4)", "a = KMeans(3, random_state=0), KMeans(4, random_state=0)"),
        ("a = train_test_split(KMeans(3))", "a = train_test_split(KMeans(3, random_state=0), random_state=0)"),
    ],
)
def test_seeds_are_given(before: str, after: str) -> None:
    cells = (f"{SKLEARN}\nX = y = []", f"%%step s -> a\n{before}")
    assert fixed(*cells, only="MLS201")[1] == f"%%step s -> a\n{after}"


@pytest.mark.parametrize("line", ["a = KMeans((3))", "a = np.random.rand()", "a = KMeans(*X)", "%time a = KMeans(3)"])
def test_what_can_not_be_mended_safely_stays(line: str) -> None:
    cells = (f"{SKLEARN}\nX = []", f"%%step s -> a\n{line}")
    assert fixed(*cells, only="MLS201") == list(cells)


def test_helpers_and_notebooks_without_steps_are_mended_too() -> None:
    cells = (SKLEARN, "def model():\n    return KMeans(3)", "%%step s -> a\na = model()")
    assert fixed(*cells, only="MLS201")[1] == "def model():\n    return KMeans(3, random_state=0)"
    assert fixed(SKLEARN, "\n\nmodel = KMeans(3)")[1] == "\n\nmodel = KMeans(3, random_state=0)"


def test_a_line_that_is_switched_off_stays() -> None:
    cells = (SKLEARN, "%%step s -> a\na = KMeans(3)  # noqa: MLS201")
    assert fixed(*cells, only="MLS201") == list(cells)


# Data files


def inputs(cells: list[str], step: str) -> dict[str, Any]:
    made = compile_cells(notebook(*cells)).step(step).step
    return {name: (source, is_data_file(made.input_types.get(name))) for name, source in made.inputs.items()}


def test_a_path_in_a_step_becomes_a_declared_parameter() -> None:
    cells = fixed("import pandas as pd", "rows = 3", "%%step s -> a\na = pd.read_csv('data/My rides.csv').head(rows)")
    assert cells == [
        "import pandas as pd\nfrom typing import Annotated\nfrom mlstack_nb import DataFile",
        "rows = 3\nmy_rides_file: Annotated[str, DataFile()] = 'data/My rides.csv'",
        "%%step s -> a\na = pd.read_csv(my_rides_file).head(rows)",
    ]
    assert inputs(cells, "s")["my_rides_file"] == (FromParameter("my_rides_file"), True)


def test_it_goes_into_the_cell_tagged_parameters() -> None:
    cells = fixed(
        "import pandas as pd", ("rows = 3\n", "parameters"), "x = 1", "%%step s -> a\na = pd.read_csv('a.csv')"
    )
    assert cells[1] == "rows = 3\na_file: Annotated[str, DataFile()] = 'a.csv'\n"


def test_one_file_becomes_one_parameter_and_names_stay_free() -> None:
    body = "%%step {} -> {}\n{} = pd.read_csv('a.csv')"
    cells = fixed("import pandas as pd\na_file = 1", body.format("s", "a", "a"), body.format("t", "b", "b"))
    assert cells[0].splitlines()[-1] == "a_file_2: Annotated[str, DataFile()] = 'a.csv'"
    assert cells[1:] == ["%%step s -> a\na = pd.read_csv(a_file_2)", "%%step t -> b\nb = pd.read_csv(a_file_2)"]


def test_a_text_of_an_ordinary_cell_is_annotated() -> None:
    imports = "import pandas as pd\nfrom typing import Annotated\nfrom mlstack_nb import DataFile"
    use = "%%step s -> a\na = pd.read_csv(source)"
    assert fixed(imports, "source = 'a.csv'  # here", use)[1] == "source: Annotated[str, DataFile()] = 'a.csv'  # here"
    assert fixed(imports, "source: str = 'a.csv'", use)[1] == "source: Annotated[str, DataFile()] = 'a.csv'"


def test_a_machine_path_that_is_read_becomes_a_parameter_too() -> None:
    cells = fixed("import pandas as pd", "%%step s -> a\na = pd.read_csv('/home/ada/a.csv')")
    assert cells[1] == "%%step s -> a\na = pd.read_csv(a_file)"
    assert found(*cells) == []
    asked = fixed("from pathlib import Path", "%%step s -> a\na = Path('/home/ada/a.txt').read_text()", only="MLS103")
    assert asked[1] == "%%step s -> a\na = Path(a_file).read_text()"


@pytest.mark.parametrize(
    "cells",
    [
        ("%%step s -> a\na = open('a.txt').read()",),
        ("import pandas as pd\npd.__version__", "%%step s -> a\na = open('a.txt').read()"),
        ("DataFile = 1", "%%step s -> a\na = open('a.txt').read()"),
        ("x = 1", "%%step s -> a\na = open('a' '.txt').read() + open(f'{1}.txt').read()"),
    ],
)
def test_without_a_place_for_it_a_path_stays(cells: tuple[str, ...]) -> None:
    after = fixed(*cells, only="MLS301")
    assert "DataFile()" not in "".join(after) or cells[0] == "x = 1"


@pytest.mark.parametrize(
    "cells",
    [
        ("%%step s -> a\na = 1\npd.DataFrame().to_csv('a.csv')", "%%step t -> b\nb = pd.read_csv('a.csv'), a"),
        ("%%step s -> a\na = 1\n!curl x > a.csv", "%%step t -> b\nb = pd.read_csv('a.csv'), a"),
        ("%%step s -> a\na = 'a.csv'\nf(a)", "%%step t -> b\nb = pd.read_csv('a.csv'), a"),
        (
            "path = 'a.csv'",
            "%%step s -> a\na = 1\npd.DataFrame().to_csv(path)",
            "%%step t -> b\nb = pd.read_csv(path), a",
        ),
        ("%%step s -> a\nimport glob\na = glob.glob('*.csv')",),
    ],
)
def test_files_that_the_notebook_may_make_itself_stay(cells: tuple[str, ...]) -> None:
    cells = ("import pandas as pd\nf = print", *cells)
    assert fixed(*cells, only="MLS301") == list(cells)


# Types and outputs


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a = 1", "a: int = 1"),
        ("a = 1.5", "a: float = 1.5"),
        ("a = f'{1}'", "a: str = f'{1}'"),
        ("a = {'x': 1}", "a: dict = {'x': 1}"),
        ("a = [x for x in 'ab']", "a: list = [x for x in 'ab']"),
        ("a = len('ab')", "a: int = len('ab')"),
        ("a = []\na.append(1)", "a: list = []\na.append(1)"),
    ],
)
def test_outputs_whose_type_a_literal_tells_are_annotated(before: str, after: str) -> None:
    assert fixed(f"%%step s -> a\n{before}") == [f"%%step s -> a\n{after}"]


@pytest.mark.parametrize(
    "body",
    [
        "a = None",
        "a = 1\na = 'x'",
        "a = 1\nif a:\n    a = 2.5",
        "a = f()",
        "a, b = 1, 2",
        "len = f\na = len('x')",
        "a = 1\na /= 2",
    ],
)
def test_outputs_whose_type_is_not_certain_stay(body: str) -> None:
    cells = ("def f(*x):\n    return x", f"%%step s -> a\n{body}")
    assert fixed(*cells, only="MLS404") == list(cells)


def test_outputs_get_the_types_that_runs_recorded(workspace: Path, tmp_path: Path) -> None:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.cli.main import run

    step = (
        "%%step s -> table, left, right, note\n\ntable = pd.DataFrame({'a': [1]})\n"
        "left, right = len(table), str(table)\nnote = None\nif left:\n    note = 'x'"
    )
    cells = ("import pandas as pd", step)
    path = str(tmp_path / "nb.ipynb")
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells]), path)
    assert run(["run", path]) == 0
    lint([path], fix=True, select=["MLS404"], workspace=Workspace(workspace))
    text = nbformat.read(path, as_version=4).cells[1].source
    assert text == (
        "%%step s -> table, left, right, note\n\ntable: pd.DataFrame = pd.DataFrame({'a': [1]})\n"
        "left: int\nright: str\nleft, right = len(table), str(table)\n"
        "note: str | None = None\nif left:\n    note = 'x'"
    )
    assert run(["run", path]) == 0
    assert lint([path])[0].findings == ()


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("%%step s -> a, b", "%%step s -> a"),
        ("%%step s -> b, a --retries 2", "%%step s -> a --retries 2"),
        ("%%step s --retries 2 -> b ,a", "%%step s --retries 2 -> a"),
        ("\n%%step s -> a, b", "\n%%step s -> a"),
    ],
)
def test_unused_outputs_are_left_out(line: str, after: str) -> None:
    cells = fixed(f"{line}\na = 1\nb = 2", "%%step t -> c\nc = a", only="MLS405")
    assert cells[0] == f"{after}\na = 1\nb = 2"


def test_a_cell_in_which_prompts_were_pasted_stays() -> None:
    cells = (SKLEARN, "%%step s -> a\n    a = KMeans(3)\n    a = KMeans(4)", ">>> x = KMeans(3)")
    after = fixed(*cells, only="MLS201")
    assert after[2] == cells[2]


# Files


def save(path: Path, cells: tuple[str, ...], *, indent: int | None = 1, **dump: Any) -> bytes:
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(text, metadata={"z": 1, "a": "é"}) for text in cells]
    )
    made.cells.insert(0, nbformat.v4.new_markdown_cell('# Títle \\ "x" [}'))
    document = json.loads(nbformat.v4.writes(made))
    document["metadata"] = {"source": ["no", "cell"], "cells": [{"source": "x"}]} | document["metadata"]
    content = (json.dumps(document, indent=indent, **dump) + "\n").encode()
    path.write_bytes(content)
    return content


CELLS = (SKLEARN, "%%step s -> a\nx = 'ü\\t\"'  # é\na = KMeans(3)\nb = 2", "print(a)")


@pytest.mark.parametrize(
    "layout",
    [
        {"ensure_ascii": False},
        {"ensure_ascii": True},
        {"indent": None, "ensure_ascii": False},
        {"indent": 4, "ensure_ascii": False},
        {"indent": None, "separators": (",", ":"), "ensure_ascii": False},
    ],
)
def test_not_another_byte_of_the_file_changes(tmp_path: Path, layout: dict[str, Any]) -> None:
    path = tmp_path / "nb.ipynb"
    before = save(path, CELLS, **layout)
    done = lint([str(path)], fix=True, select=["MLS201"])[0]
    assert (len(done.fixed), done.findings) == (1, ())
    assert path.read_bytes() == before.replace(b"KMeans(3)", b"KMeans(3, random_state=0)")
    nbformat.validate(nbformat.read(path, as_version=4))


def test_a_source_that_is_one_text_stays_one(tmp_path: Path) -> None:
    text = (
        '{"cells": [{"source" : "a\\nb", "cell_type": "code"}, {"cell_type": "code", "source": []}], "x": "\\"cells"}'
    )
    assert with_sources(text, {0: "a\nbé"}) == text.replace('"a\\nb"', '"a\\nbé"')
    assert with_sources(text, {1: "a\nb"}) == text.replace("[]", '["a\\n", "b"]')


def test_lines_that_stay_keep_the_way_they_are_written() -> None:
    text = r'{"cells": [{"source": ["# \u00e9\n", "a = 1\n", "# é\n", "# \u00e9\n", "b\u000c", "c\n", "d"]}]}'
    assert with_sources(text, {0: "# é\na = 2\n# é\n# é\nb\x0cc\nd"}) == text.replace("a = 1", "a = 2")
    once = r'{"cells": [{"source": ["b\u000cc\n", "d"]}]}'
    assert with_sources(once, {0: "b\x0cc\ne"}) == once.replace('"d"', '"e"')


def test_new_lines_are_laid_out_as_their_neighbours(tmp_path: Path) -> None:
    path = tmp_path / "nb.ipynb"
    save(path, ("import pandas as pd", "%%step s -> a\na = pd.read_csv('a.csv')"), ensure_ascii=False)
    lint([str(path)], fix=True, select=["MLS301"])
    made = nbformat.read(path, as_version=4)
    document = json.loads(path.read_text())
    assert path.read_text() == json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    assert made.cells[1].source.splitlines()[-1] == "a_file: Annotated[str, DataFile()] = 'a.csv'"


def test_a_file_with_nothing_to_mend_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "nb.ipynb"
    save(path, ("%%step s -> a\na: int = 1",))
    os.utime(path, (1, 1))
    lint([str(path)], fix=True)
    assert path.stat().st_mtime == 1


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "nb.ipynb", tmp_path / "link.ipynb"
    save(path, CELLS)
    path.chmod(0o640)
    link.symlink_to(path)
    lint([str(link)], fix=True)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert "random_state=0" in path.read_text()
    assert [one.name for one in tmp_path.iterdir() if ".new" in one.name] == []


def test_a_python_file_is_mended_and_keeps_its_line_ends() -> None:
    text = f"{SKLEARN}\nfrom mlstack_nb import step\n@step\ndef f(X) -> int:\n    return KMeans(3).fit(X)\n"
    for ends in ("\n", "\r\n"):
        before = text.replace("\n", ends)
        after, done = fixed_file(before, "steps.py", ALL)
        assert after == before.replace("KMeans(3)", "KMeans(3, random_state=0)")
        assert [one.rule for one in done] == ["MLS201"]
        assert fixed_file(after, "steps.py", ALL) == (after, ())


def test_a_byte_order_mark_stays(tmp_path: Path) -> None:
    path = tmp_path / "steps.py"
    path.write_bytes(b"\xef\xbb\xbf" + f"{SKLEARN}\nKMeans(3)\n".encode())
    done = lint([str(path)], fix=True)[0]
    assert (len(done.fixed), done.findings) == (1, ())
    assert path.read_bytes() == b"\xef\xbb\xbf" + f"{SKLEARN}\nKMeans(3, random_state=0)\n".encode()


def test_what_is_reported_as_fixable_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "nb.ipynb"
    save(path, ("import pandas as pd", *CELLS, "%%step t -> c\nc = a, pd.read_csv('a.csv')"))
    before = lint([str(path)])[0].findings
    done = lint([str(path)], fix=True)[0]
    fixable = {one.rule for one in before if one.edits}
    assert fixable == {one.rule for one in done.fixed} >= {"MLS201", "MLS301"}
    assert len(
        lint_cells(notebook(*[one.source for one in nbformat.read(path, 4).cells if one.cell_type == "code"]))
    ) < len(before)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f():\n    return 1", "def f() -> int:\n    return 1"),
        ("def f(x: int = (3)):\n    return 1", ""),
        ("def f(x, *, y=2):\n    return {'x': y}", "def f(x, *, y=2) -> dict:\n    return {'x': y}"),
        (
            "def f(x):\n    if x:\n        return 1\n    return 2",
            "def f(x) -> int:\n    if x:\n        return 1\n    return 2",
        ),
        ("def f(x):\n    if x:\n        return 1", ""),
        ("def f(x):\n    if x:\n        return 1\n    return 'x'", ""),
        ("def f(x): return 1", ""),
        ("def f(x):\n    return x", ""),
    ],
)
def test_step_functions_that_return_literals_are_annotated(before: str, after: str) -> None:
    head = "from mlstack_nb import step\n\n@step\n"
    assert fixed_file(f"{head}{before}\n", "steps.py", ALL)[0] == f"{head}{after or before}\n"


def test_step_functions_in_cells_are_annotated_too() -> None:
    cells = (
        "from mlstack_nb import pipeline, step",
        "@step\ndef load():\n    return [1]\n\n@pipeline\ndef p():\n    load()\np()",
    )
    assert fixed(*cells)[1].startswith("@step\ndef load() -> list:\n")
