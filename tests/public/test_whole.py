"""Public notebooks as they stand: without steps, so run as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.public.execution import Execution, Plain, texts
from tests.public.public_notebook import PublicNotebook, graph

GUISE = "document"
TRANSLATED = ('"%', '"!', "import *", "__future__")
"""What no function can hold as it is, so that the module's step has a key of its own."""


def test_the_notebook_is_one_step(executed: Execution) -> None:
    assert graph(executed.compiled) == {executed.notebook.name: "->"}
    assert executed.compiled.is_whole


def test_its_cells_put_out_what_they_do_in_jupyter(
    executed: Execution, as_jupyter: Callable[[PublicNotebook], Plain]
) -> None:
    assert executed.states == ("completed",)
    name = executed.notebook.name
    found = json.loads(executed.mlstack("runs", "notebook", executed.first["id"], name, "-o", "-"))
    expected = [text for text in texts(as_jupyter(executed.notebook).document) if text]
    assert [text for text in texts(found) if text] == expected


def test_a_second_run_executes_nothing(executed: Execution) -> None:
    assert executed.again == {executed.notebook.name: "cached"}


def test_the_exported_module_is_formatted_and_has_no_findings(executed: Execution) -> None:
    assert executed.ruff("format", "--diff") == ""
    assert executed.ruff("check") == ""


def test_the_exported_module_runs(executed: Execution) -> None:
    is_translated = any(mark in json.dumps(executed.document) for mark in TRANSLATED)
    assert executed.of_module == {executed.notebook.name: "completed" if is_translated else "cached"}
