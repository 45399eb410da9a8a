"""What can be wrong with a step of a notebook file, told with the cell and the way out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy

from mlstack_nb.app.notebooks.cells import Draft, SortedCells, Unreadable
from mlstack_nb.app.notebooks.makers import Makers
from mlstack_nb.errors import GraphError, StepSyntaxError, UndefinedNameError, nearest
from mlstack_nb.source.cell import parse
from mlstack_nb.source.code import Code
from mlstack_nb.source.notebook_file import NotebookCell
from mlstack_nb.source.reach import Reach, reach
from mlstack_nb.source.scope import Scope
from mlstack_nb.source.setup_slice import SetupSlice

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BINDING_LINE = re.compile(
    r"^[ \t]*(?:(?:from\s+\S+\s+)?import\s+(?P<imports>.+)|(?:async\s+)?(?:def|class)\s+(?P<defines>\w+)"
    r"|for\s+(?P<loops>[^:]+?)\s+in\b|with\b.*\bas\s+(?P<opens>\w+)|(?P<assigns>[^=#\n]+?)[-+*/|&]?=(?!=))",
    re.MULTILINE,
)


def check_after(draft: Draft, cells: SortedCells, above: Mapping[str, object]) -> None:
    """Raises UndefinedNameError for a step that is to come first, but is not above."""
    for name in draft.asked.after:
        if name in above:
            continue
        below = next((other for other in cells.drafts if other.name == name), None)
        if below is not None:
            raise UndefinedNameError(
                f"Step {draft.name!r} ({draft.label}) is to run after {name!r}, which stands below it ({below.label}).",
                f"Move {below.label} above {draft.label}.",
            )
        near = nearest(name, above)
        raise UndefinedNameError(
            f"Step {draft.name!r} ({draft.label}) is to run after {name!r}, which is no step here.",
            f"Did you mean {near!r}?" if near else f"The steps above are: {', '.join(above) or 'none'}.",
        )


def check_names(draft: Draft, found: Reach, *, cells: SortedCells, makers: Makers, scope: Scope) -> None:
    """Raises what is wrong with the names that a step reads.

    StepSyntaxError when a cell above that can not be read may define one of them, UndefinedNameError when nothing does,
    GraphError when an ordinary cell changed one after its step.
    """
    given = makers.names_for(draft)
    missing = [*found.undefined, *(name for name in draft.asked.inputs or () if name not in given)]
    if found.undefined and draft.is_tagged:  # its functions travel to steps that may know what they read
        missing = list(reach(_run_by_itself(found.code), scope, outputs=given, through_values=False).undefined)
    reads = {*missing, *found.constants, *found.values, *found.inputs, *(one.name for one in found.definitions)}
    for cell in cells.unreadable:
        if cell.place.index < draft.position and (bound := sorted(reads & may_bind(cell))):
            raise StepSyntaxError(
                cell.error.what,
                f"Correct it, or tag the cell skip: step {draft.name!r} ({draft.label}) reads {bound[0]!r}, which it "
                "may define.",
            )
    if missing:
        near = nearest(missing[0], [*(definition.name for definition in scope), *given])
        raise _undefined(draft, missing[0], near, cells)
    for name in found.inputs:
        changed = makers.changed(name)
        if changed is not None:
            maker = makers.maker(draft, name)
            raise GraphError(
                f"Step {draft.name!r} ({draft.label}) reads {name!r} of step {maker!r}, which {changed} changes.",
                f"Make {changed} a step (%%step NAME -> {name}), or change {name!r} in step {draft.name!r}.",
            )


def check_setups(draft: Draft, setups: Iterable[SetupSlice]) -> None:
    """Raises GraphError where the values that a step reads were computed from two steps' outputs of one name."""
    read: dict[str, str] = {}
    for setup in setups:
        torn = setup.torn or {
            name: (read[name], maker) for name, maker in setup.inputs.items() if read.get(name, maker) != maker
        }
        for name, (one, other) in torn.items():
            raise GraphError(
                f"Step {draft.name!r} ({draft.label}) reads values that ordinary cells compute from {name!r} of step "
                f"{one!r} and from {name!r} of step {other!r}.",
                "Compute them in steps, or give the two outputs different names.",
            )
        read |= setup.inputs


def may_bind(cell: Unreadable) -> set[str]:
    """The names that a cell looks as if it bound."""
    parts = (part for found in _BINDING_LINE.finditer(cell.place.text) for part in found.groups() if part)
    return {name for part in parts for name in re.findall(r"[A-Za-z_]\w*", part)}


def _run_by_itself(code: Code) -> Code:
    """The code with nothing inside functions and methods that it defines, but does not use itself."""
    used: set[str] = set()
    todo = [node for node in code.nodes if not isinstance(node, _DEFINITIONS)]
    while todo:
        more = {name for node in todo for name in Code([node]).names.reads} - used
        used |= more
        todo = [node for node in code.nodes if isinstance(node, _DEFINITIONS) and node.name in more]
    return Code(
        [
            _Emptied().visit(deepcopy(node)) if isinstance(node, _DEFINITIONS) and node.name not in used else node
            for node in code.nodes
        ]
    )


class _Emptied(ast.NodeTransformer):
    """Leaves of functions what happens when they are defined: decorators, defaults, annotations."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.body = [ast.Pass()]
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        node.body = [ast.Pass()]
        return node


def _undefined(draft: Draft, name: str, near: str | None, cells: SortedCells) -> UndefinedNameError:
    what = f"Step {draft.name!r} ({draft.label}) reads {name!r}, which no step above gives and no cell above defines."
    for cell, how in _elsewhere(draft, cells):
        if name in _binds(cell):
            if how == "skip":
                return UndefinedNameError(what, f"It is defined in {cell.label}, which is tagged skip: remove the tag.")
            return UndefinedNameError(what, f"It is defined in {cell.label}, below: move that above {draft.label}.")
    return UndefinedNameError(
        what,
        _kept_by_a_step(draft, name, cells)
        or (f"Did you mean {near!r}?" if near else "Define it in a cell above, or assign it in the step."),
    )


def _kept_by_a_step(draft: Draft, name: str, cells: SortedCells) -> str:
    """How to get what a step cell above binds and does not give; empty when none does."""
    for other in cells.drafts:
        names = [part.names for part in other.parts if name in part.names.binds]
        if other.is_tagged or not names or other.position > draft.position:
            continue
        if name in names[-1].assigned:
            return f"Step {other.name!r} ({other.label}) assigns it: write it among the outputs there, after the arrow."
        return f"Step {other.name!r} ({other.label}) keeps it to itself: move its import or definition to a cell above."
    return ""


def _elsewhere(draft: Draft, cells: SortedCells) -> Iterator[tuple[NotebookCell, str]]:
    yield from ((cell, "skip") for cell in cells.skipped)
    others = [body.cell for other in cells.drafts if other is not draft for body in other.cells]
    below = [*(one.place for one in cells.ordinary), *others]
    yield from ((cell, "below") for cell in below if cell.index > draft.position)


def _binds(cell: NotebookCell) -> tuple[str, ...]:
    try:
        return parse(cell.text, label=cell.label).names.binds
    except StepSyntaxError:
        return ()
