"""One step of tagged cells, taken out of the notebook that it stands in, for a live kernel to run.

What such a step gives depends on the cells below it, so the whole notebook is read; its cells need not have run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from mlstack_nb.app.notebooks.analysis import Analysis, importing_from
from mlstack_nb.app.notebooks.cells import Draft, sort_cells
from mlstack_nb.core.step import FromStep
from mlstack_nb.errors import MlstackError, UsageError
from mlstack_nb.source.cell import Cell
from mlstack_nb.source.ipython_syntax import cell_magic
from mlstack_nb.source.normal_form import shows_value
from mlstack_nb.source.notebook_file import Notebook
from mlstack_nb.source.step_line import StepLine

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


@dataclass(frozen=True, slots=True)
class TaggedStep:
    """`asked` says its outputs, `makers` which step gives each input, `definitions` is the code that later steps have
    of it: its imports, functions and classes.

    `body` is all its cells as one; `cell_id` is that of the first, `is_first` tells whether that is the one executed.
    """

    asked: StepLine
    body: str
    cell_id: str | None
    is_first: bool = True
    makers: Mapping[str, str] = field(default_factory=dict)
    definitions: str = ""

    @property
    def line(self) -> str:
        """What would follow `%%step`, as far as that can say it."""
        arrow = f" -> {', '.join(self.asked.outputs)}" if self.asked.outputs else ""
        inputs = f" --in {','.join(self.asked.inputs)}" if self.asked.inputs else ""
        after = f" --after {','.join(self.asked.after)}" if self.asked.after else ""
        return f"{self.asked.name}{arrow}{inputs}{after}{'' if self.asked.settings.cache else ' --no-cache'}"


def tagged_step(notebook: Notebook, cell_id: str) -> TaggedStep | None:
    """The step that a cell is by its tags, or is part of; None for any other cell.

    While cells below it can not be read, it gives all that it binds, for any of it may be wanted. Raises MlstackError
    for what is wrong with the step itself, or with cells above it.
    """
    try:
        return _found(notebook, cell_id)
    except MlstackError:
        at = next((index for index, cell in enumerate(notebook.cells) if cell.id == cell_id), len(notebook.cells))
        above = replace(notebook, cells=notebook.cells[: at + 1])
        if len(above.cells) == len(notebook.cells):
            raise
        return _found(above, cell_id, is_whole=False)


def _found(notebook: Notebook, cell_id: str, *, is_whole: bool = True) -> TaggedStep | None:
    cells = sort_cells(notebook)
    drafts = (one for one in cells.drafts if one.is_tagged and any(part.cell.id == cell_id for part in one.cells))
    draft = next(drafts, None)
    if draft is None:
        return None
    body = "\n\n".join(_texts(draft))
    with importing_from(notebook.folder):
        analysis = Analysis.of(cells, notebook.folder)
    reading = analysis.readings[draft.name]
    makers = {name: one.step for name, one in reading.step.inputs.items() if isinstance(one, FromStep)}
    asked = replace(draft.asked, outputs=reading.outputs() if is_whole else reading.makes)
    if analysis.passed.get(draft.name):
        asked = replace(asked, inputs=tuple(makers))
    first = draft.cells[0].cell.id
    defined = [node for part in draft.parts for node in part.code.nodes if isinstance(node, _DEFINITIONS)]
    definitions = "\n".join(ast.unparse(node) for node in defined)
    return TaggedStep(asked, body, first, first == cell_id, makers, definitions)


def _texts(draft: Draft) -> Iterator[str]:
    """The cells' texts; what a cell shows at its end is shown by a call in all but the last."""
    if len(draft.cells) == 1:
        yield draft.cells[0].text
        return
    for place, part in zip(draft.cells, draft.parts, strict=True):
        magic = cell_magic(place.text)
        if magic is not None:
            raise UsageError(
                f"{place.cell.label} is one of several cells of step {draft.name!r}, and starts with %%{magic.name}.",
                "Give it a step of its own, or take that line out.",
            )
        yield place.text if part is draft.parts[-1] else _with_call(place.text, part).rstrip("\n")


def _with_call(text: str, part: Cell) -> str:
    node = part.code.nodes[-1] if part.code.nodes else None
    if not isinstance(node, ast.Expr) or not shows_value(node) or node.end_lineno is None:
        return text
    lines = text.splitlines()
    shown = lines[node.lineno - 1 : node.end_lineno]
    if "\n".join(lines[node.end_lineno :]).strip().startswith(";") or shown[-1].rstrip().endswith(";"):
        return text
    head = "\n".join(shown).encode()
    start = node.col_offset
    stop = len(head) - len(shown[-1].encode()) + (node.end_col_offset or 0)
    called = head[:start] + b"display(" + head[start:stop] + b")" + head[stop:]
    return "\n".join([*lines[: node.lineno - 1], called.decode(), *lines[node.end_lineno :]])
