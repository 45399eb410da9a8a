"""`--fix`: what is safe to mend. A fix that would change the graph of steps, or break a cell, is not made."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.lint.editing import edited
from mlstack_nb.app.lint.modules import lint_text
from mlstack_nb.app.lint.new_parameters import declared_file
from mlstack_nb.app.lint.notebooks import analysed, lint_cells
from mlstack_nb.app.lint.types import annotations_for
from mlstack_nb.app.notebooks.compiled import CompiledNotebook
from mlstack_nb.core.step import FromStep
from mlstack_nb.errors import MlstackError
from mlstack_nb.source.lint.findings import Edit, Finding
from mlstack_nb.source.notebook_file import Notebook

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace

_MOST = 200


def fixed_notebook(
    notebook: Notebook, rules: frozenset[str], workspace: Workspace | None = None
) -> tuple[Notebook, tuple[Finding, ...]]:
    """The notebook with all that can be mended mended, one finding after the other, and what that was."""
    done: list[Finding] = []
    refused: set[tuple[Any, ...]] = set()
    for _ in range(_MOST):
        step = _next_fix(notebook, rules, workspace, refused)
        if step is None:
            break
        notebook, finding = step
        done.append(finding)
    return notebook, tuple(done)


def with_edits(finding: Finding, notebook: Notebook) -> Finding:
    """The finding with the edits that `--fix` would try first, without what earlier runs know."""
    return replace(finding, edits=next(_ways(finding, notebook, None), ()))


def fixed_file(text: str, path: str, rules: frozenset[str]) -> tuple[str, tuple[Finding, ...]]:
    """The same for a Python file."""
    done: list[Finding] = []
    refused: set[tuple[Any, ...]] = set()
    for _ in range(_MOST):
        for finding in lint_text(text, path):
            if finding.rule not in rules or not finding.edits or _key(finding) in refused:
                continue
            new = edited({-1: text}, finding.edits)
            if new is not None and _parses(new[-1]):
                text = new[-1]
                done.append(finding)
                break
            refused.add(_key(finding))
        else:
            break
    return text, tuple(done)


def _next_fix(
    notebook: Notebook, rules: frozenset[str], workspace: Workspace | None, refused: set[tuple[Any, ...]]
) -> tuple[Notebook, Finding] | None:
    texts = {cell.index: cell.text for cell in notebook.cells}
    for finding in lint_cells(notebook):
        if finding.rule not in rules or _key(finding) in refused:
            continue
        for edits in _ways(finding, notebook, workspace):
            changed = edited(texts, edits)
            if changed is None:
                continue
            cells = tuple(replace(cell, text=changed.get(cell.index, cell.text)) for cell in notebook.cells)
            after = replace(notebook, cells=cells)
            if _is_safe(notebook, after, finding):
                return after, finding
        refused.add(_key(finding))
    return None


def _ways(finding: Finding, notebook: Notebook, workspace: Workspace | None) -> Iterator[tuple[Edit, ...]]:
    if finding.edits:
        yield finding.edits
    elif finding.rule in ("MLS301", "MLS103"):
        yield from declared_file(finding, notebook)
    elif finding.rule == "MLS404":
        yield from annotations_for(finding, notebook, workspace)


def _key(finding: Finding) -> tuple[Any, ...]:
    return finding.rule, finding.place.index, finding.line, finding.column, finding.message


def _is_safe(before: Notebook, after: Notebook, finding: Finding) -> bool:
    """Whether the steps still fit together as they did, and what was found is found no more."""
    try:
        old, _ = analysed(before)
        new, _ = analysed(after)
    except MlstackError:
        return False
    if _graph(old) != _graph(new):
        return False
    lost = _outputs(old) - _outputs(new)
    allowed = {(finding.steps[0], finding.about)} if finding.rule == "MLS405" else set()
    if lost - allowed or _outputs(new) - _outputs(old):
        return False
    count = sum(one.rule == finding.rule for one in lint_cells(before))
    return finding.rule == "MLS404" or sum(one.rule == finding.rule for one in lint_cells(after)) < count


def _graph(notebook: CompiledNotebook) -> Mapping[str, Any]:
    """Each step with what it waits for, and the outputs of others that it reads."""
    return {
        step.name: (
            step.step.needs,
            sorted((one.step, one.output) for one in step.step.inputs.values() if isinstance(one, FromStep)),
        )
        for step in notebook.steps
    }


def _outputs(notebook: CompiledNotebook) -> set[tuple[str, str]]:
    return {(step.name, output.name) for step in notebook.steps for output in step.step.outputs}


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True
