"""Options of `@step` and `@pipeline` functions in a notebook's cells, read without executing a cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlstack_nb.app.launch import prepare
from mlstack_nb.app.notebooks.compile import compile_cells
from mlstack_nb.app.request import Request
from mlstack_nb.core.artifact import ArtifactConfig
from mlstack_nb.core.model import ModelSpec
from mlstack_nb.core.policy import ExecutionMode
from mlstack_nb.core.run import State
from mlstack_nb.errors import GraphError, UsageError
from mlstack_nb.source.notebook_file import Notebook, NotebookCell

pytestmark = pytest.mark.usefixtures("workspace")
IMPORTS = """
from typing import Annotated
from pathlib import Path
import pandas as pd
from mlstack_nb import ArtifactConfig, Model, StepRetryConfig, pipeline, step
"""
HOOKS = """
FILE = "told.txt"

def write(text):
    Path(FILE).write_text(text)

def tell(error: BaseException | None = None):
    write(repr(error))
"""
STEPS = """
@step(retry=StepRetryConfig(max_retries=2, delay=5), on_end=tell, extra={"owner": "anna"})
def load(rows: int = 3) -> Annotated[int, ArtifactConfig(name="loaded_{kind}", tags=["a"])]:
    return rows
"""
PIPELINE = """
@pipeline(execution_mode="stop_on_failure", model=Model("fraud", version=2), tags=["x"], substitutions={"kind": "big"})
def training():
    load()
"""


def compiled(*texts: str) -> Any:
    return compile_cells(Notebook("nb", tuple(NotebookCell(at, text) for at, text in enumerate(texts))), None)


def test_options_are_those_that_the_executed_cells_would_have() -> None:
    made = compiled(IMPORTS, HOOKS, STEPS, PIPELINE).pipeline
    one = made.step("load")
    assert (one.settings.retries, one.settings.retry_delay_s, one.settings.extra) == (2, 5, {"owner": "anna"})
    assert one.settings.substitutions == {"kind": "big"}
    assert one.outputs[0].config == ArtifactConfig(name="loaded_{kind}", tags=["a"])
    assert (made.execution_mode, made.tags) == (ExecutionMode.STOP_ON_FAILURE, ("x",))
    assert made.model == one.settings.model == ModelSpec("fraud", version=2)


@pytest.mark.parametrize(
    ("hook", "error", "told"),
    [
        ("def tell(error):\n    return table", GraphError, "Hook 'tell' of @step 'load' in .* reads 'table' of"),
        ("tell = 7", GraphError, "is no plain function of a cell"),
        ("tell = print", GraphError, "'tell' of @step 'load' in .* is no plain function of a cell"),
        ("def tell(a, b): ...", UsageError, "is given the exception, or nothing"),
    ],
)
def test_a_hook_that_only_the_executed_cells_know_is_told(hook: str, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        compiled(IMPORTS, "table = pd.DataFrame()", hook, STEPS, PIPELINE)


def test_a_hook_of_a_cell_is_called_when_the_notebook_runs() -> None:
    texts = (IMPORTS.replace("import pandas as pd\n", ""), HOOKS, STEPS, PIPELINE.replace(", version=2", ""))
    cells = [
        {"cell_type": "code", "source": text, "metadata": {}, "outputs": [], "execution_count": None, "id": f"c{at}"}
        for at, text in enumerate(texts)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    Path("nb.ipynb").write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": cells}))
    run, errors = prepare(Request("nb.ipynb")).run(lambda _event: None, lambda _step, _text: None)
    assert run.state is State.COMPLETED, errors
    assert Path("told.txt").read_text() == "None"
    made = run.steps[0].outputs["loaded_{kind}"]
    assert (made.name, made.tags) == ("loaded_big", ("a",))
