"""The cells that a live kernel has executed, as a notebook to compile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlstack_nb.core.graph import topological_order
from mlstack_nb.source.notebook_file import Notebook, NotebookCell

if TYPE_CHECKING:
    from mlstack_nb.app.session import Session


def live_notebook(session: Session, *, folder: str | None = None) -> Notebook:
    """What `session` was told of, in the order of execution; a step that was executed again stays below what it needs.

    `folder` is where the kernel runs, None for this process's own.
    """
    cells = tuple(
        NotebookCell(index, text, id=cell_id, name=label)
        for index, (label, text, cell_id) in enumerate(_cells(session))
    )
    return Notebook(session.name, cells, folder)


def _cells(session: Session) -> Iterator[tuple[str, str, str | None]]:
    ordinary = sorted(((_number(cell.label), cell) for cell in session.scope.cells), key=lambda pair: pair[0])
    steps, graph = session.steps, session.pipeline().graph
    in_order = {name: graph[name] for name in sorted(graph, key=lambda name: _number(steps[name].label))}
    for name in topological_order(in_order):
        step = steps[name]
        while ordinary and ordinary[0][0] < _number(step.label):
            cell = ordinary.pop(0)[1]
            yield cell.label, cell.text, None
        yield step.label, f"%%step {step.line}\n{step.body}", step.cell_id
    for _, cell in ordinary:
        yield cell.label, cell.text, None


def _number(label: str) -> int:
    """The execution count in `In[3]`; other labels stand above all."""
    found = re.search(r"\d+", label)
    return int(found[0]) if found else 0
