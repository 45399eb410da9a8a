"""Reading notebook files: what is in them, and what files are that are none."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mlstack_nb.errors import ConflictError, NotFoundError, UsageError
from mlstack_nb.source.notebook_file import read_notebook


def cell(source, kind="code", **more):
    return {"cell_type": kind, "metadata": {}, "source": source, **more}


def document(*cells, **more):
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells), **more}


@pytest.fixture
def write(tmp_path):
    def written(content, name="nb.ipynb"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return written


def refused(path, kind=UsageError):
    with pytest.raises(kind) as caught:
        read_notebook(path)
    assert caught.value.hint
    return str(caught.value)


def test_cells_have_their_text_tags_id_and_place(write):
    tagged = cell(["a = 1\n", "b = 2"], metadata={"tags": ["parameters", "hide-input"]}, id="x1")
    notebook = read_notebook(write(document(cell("# Title", "markdown"), tagged)))
    assert [(one.text, one.kind, one.label) for one in notebook.cells] == [
        ("# Title", "markdown", "cell 1"),
        ("a = 1\nb = 2", "code", "cell 2"),
    ]
    assert (notebook.cells[1].tags, notebook.cells[1].id) == (("parameters", "hide-input"), "x1")


def test_a_notebook_is_called_as_its_file_and_knows_its_kernel_and_folder(write, tmp_path):
    metadata = {"kernelspec": {"name": "conda-ml", "language": "python"}, "language_info": {"name": "python"}}
    notebook = read_notebook(write(document(metadata=metadata), "fraud detection.ipynb"))
    assert (notebook.name, notebook.kernel, notebook.folder) == ("fraud detection", "conda-ml", str(tmp_path))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_does_no_harm(write, encoding):
    path = write(json.dumps(document(cell("a = 'ü'")), ensure_ascii=False).encode(encoding))
    assert read_notebook(path).cells[0].text == "a = 'ü'"


def test_a_notebook_that_says_nothing_of_its_language_is_python(write):
    assert read_notebook(write(document(cell("a = 1")))).language == "python"


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "ir", "language": "R"}},
        {"kernelspec": {"name": "x"}, "language_info": {"name": "julia"}},
    ],
)
def test_another_language_is_named(write, metadata):
    assert "only Python is read" in refused(write(document(metadata=metadata)))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"import os\n", "it is not JSON (line 1"),
        (b"\xff\xfe\x00garbage", "no notebook"),
        (b"[" * 100_000, "no notebook"),
        (b'{"a":\n<<<<<<< HEAD\n1', "marks of an unfinished merge"),
        ([1, 2], "it is JSON, but has no cells"),
        ({"name": "package.json"}, "it is JSON, but has no cells"),
        ({"nbformat": 4, "cells": {}}, "its cells are no list"),
        ({"nbformat": 5, "cells": []}, "format 5"),
        ({"nbformat": 4, "cells": ["a"]}, "Cell 1 of"),
        ({"nbformat": 4, "cells": [{"cell_type": "code", "source": 3}]}, "a source that is no text"),
        (
            {"nbformat": 4, "cells": [{"cell_type": "code", "source": "", "metadata": {"tags": [1]}}]},
            "no list of words",
        ),
    ],
)
def test_what_is_no_notebook_is_told_apart(write, content, told):
    assert told in refused(write(content))


@pytest.mark.parametrize("content", [{"nbformat": 3, "worksheets": [{"cells": []}]}, {"worksheets": []}])
def test_an_old_notebook_comes_with_the_command_that_converts_it(write, content):
    path = write(content)
    assert f"jupyter nbconvert --to notebook --inplace {path}" in refused(path)


def test_two_cells_of_one_id_are_both_named(write):
    path = write(document(cell("a", id="x"), cell("b", id="y"), cell("c", id="x")))
    assert "cell 1 and cell 3" in refused(path, ConflictError)


def test_a_missing_file_offers_the_nearest_notebook(write, tmp_path):
    write(document(), "training.ipynb")
    assert "training.ipynb" in refused(tmp_path / "trainin.ipynb", NotFoundError).partition("->")[2]


def test_a_folder_is_no_notebook_but_may_hold_one(write, tmp_path):
    write(document(), "training.ipynb")
    assert "training.ipynb" in refused(tmp_path)


def test_reading_needs_no_nbformat():
    code = (
        "import sys, mlstack_nb.app.notebooks.compile; print({'nbformat', 'jsonschema', 'IPython'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
