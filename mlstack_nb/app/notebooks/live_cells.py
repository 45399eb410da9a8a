"""The cells that a live kernel has executed, as a notebook to compile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlstack_nb.core.graph import ancestors, topological_order
from mlstack_nb.source.notebook_file import Notebook, NotebookCell

if TYPE_CHECKING:
    from mlstack_nb.app.session import Session


def live_notebook(session: Session, *, folder: str | None = None, step: str = "") -> Notebook:
    """What `session` was told of, in the order of execution; a step that was executed again stays below what it needs.

    `folder` is where the kernel runs, None for this process's own. With a `step`: as that one finds it when it runs
    now, so it stands at the end, and of the others only those are there that it needs.
    """
    cells = tuple(
        NotebookCell(index, text, id=cell_id, name=label)
        for index, (label, text, cell_id) in enumerate(_cells(session, step))
    )
    return Notebook(session.name, cells, folder)


def _cells(session: Session, last: str) -> Iterator[tuple[str, str, str | None]]:
    ordinary = sorted(((_number(cell.label), cell) for cell in session.scope.cells), key=lambda pair: pair[0])
    steps, graph = session.steps, session.pipeline().graph
    chosen = {last} | ancestors(graph, last) if last else graph.keys()
    in_order = {
        name: graph[name] for name in sorted(chosen & graph.keys(), key=lambda name: _number(steps[name].label))
    }
    for name in topological_order(in_order):
        step = steps[name]
        while ordinary and (name == last or ordinary[0][0] < _number(step.label)):
            cell = ordinary.pop(0)[1]
            yield cell.label, cell.text, None
        yield step.label, f"%%step {step.line}\n{step.body}", step.cell_id
    for _, cell in ordinary:
        yield cell.label, cell.text, None


def _number(label: str) -> int:
    """The execution count in `In[3]`; other labels stand above all."""
    found = re.search(r"\d+", label)
    return int(found[0]) if found else 0
