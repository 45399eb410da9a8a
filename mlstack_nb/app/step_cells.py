"""Reading a step cell of a live notebook: what it takes from other steps, from parameters and from ordinary cells."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.bindings import Bindings
from mlstack_nb.app.loaded_code import check_loaded, modules_of
from mlstack_nb.app.notebooks.assembly import assembled, with_values
from mlstack_nb.app.notebooks.mapped_cells import reach_cell
from mlstack_nb.app.wording import size
from mlstack_nb.core.graph import descendants
from mlstack_nb.core.step import Literal, Step
from mlstack_nb.engine.calls import Engine
from mlstack_nb.engine.values import Value
from mlstack_nb.errors import ConflictError, CycleError, GraphError, MaterializerError, UndefinedNameError, nearest
from mlstack_nb.source.cell import Cell
from mlstack_nb.source.cell import parse as parse_cell
from mlstack_nb.source.reach import Reach
from mlstack_nb.source.step_line import StepLine
from mlstack_nb.source.step_line import parse as parse_line

if TYPE_CHECKING:
    from mlstack_nb.app.notebooks.tagged_step import TaggedStep

CAPTURED_AT_MOST = 256 * 1024 * 1024
"""In bytes, as `sys.getsizeof` counts: the arrays and frames that can be large tell it truly."""


@dataclass(frozen=True, slots=True)
class StepCell:
    """A step cell as it was last executed.

    `prelude` names the definitions that travel with it; `parameters` are constants and plain values of ordinary
    cells, `captured` their other values. `cell_id` is the front end's own, None where it gives none.
    """

    step: Step
    line: str
    body: str
    label: str
    cell_id: str | None = None
    prelude: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    captured: Mapping[str, Value] = field(default_factory=dict)
    tagged: TaggedStep | None = None


def read_step(
    line: str,
    body: str,
    *,
    label: str,
    cells: Mapping[str, StepCell],
    bindings: Bindings,
    engine: Engine,
    cell_id: str | None = None,
    tagged: TaggedStep | None = None,
) -> StepCell:
    """The step that `line` and `body` make, against the other `cells` and what ordinary cells have bound.

    Raises UsageError or StepSyntaxError for the text, ConflictError when another cell has the name, GraphError and
    its kin when it does not fit the others.
    """
    asked = parse_line(line) if tagged is None else tagged.asked
    _check_others(asked, cell_id, cells)
    cell = parse_cell(body, label=label, first_line=2 if tagged is None else 1)
    producers = _producers(asked.name, cells)
    if tagged is not None:
        _check_makers(tagged, cells)
        producers |= tagged.makers
    allowed = producers if asked.inputs is None else asked.inputs
    found = reach_cell(asked, cell, bindings.scope, outputs=set(allowed), lists=producers)
    _check_no_cycle(asked, cell, found, producers, cells)
    _check_names(asked, cell, found, producers, bindings)
    read = assembled(asked, cell, found, bindings.scope, producers=producers, source=body)
    step = with_values(read, {name: bindings.value(name) for name in found.values})
    plain = {name: source.value for name, source in step.inputs.items() if isinstance(source, Literal)}
    stored = [name for name in found.values if name not in plain]
    check_loaded(dict.fromkeys(modules_of(step.fingerprint), asked.name))
    _tell_outdated(found.values, asked.name, bindings, engine)
    captured = {name: _capture(name, asked.name, bindings, engine) for name in stored}
    prelude = tuple(definition.name for definition in found.definitions)
    return StepCell(step, line, body, label, cell_id, prelude, {**found.constants, **plain}, captured, tagged)


def _producers(name: str, cells: Mapping[str, StepCell]) -> dict[str, str]:
    """For each output name, the step that `name` would take it from.

    The one executed last, but neither `name` itself nor a step that depends on it: a chain of steps that each
    refine `df` stays a chain when one in the middle is run again (docs/decisions/003).
    """
    graph = {cell.step.name: cell.step.needs for cell in cells.values()}
    later = descendants(graph, name) | {name}
    return {
        output.name: cell.step.name
        for cell in cells.values()
        if cell.step.name not in later
        for output in cell.step.outputs
    }


def _check_others(asked: StepLine, cell_id: str | None, cells: Mapping[str, StepCell]) -> None:
    """A cell that is executed again, edited or not, replaces itself; another cell of the same name is a mistake."""
    name = asked.name
    other = cells.get(name)
    if other is not None and None not in (cell_id, other.cell_id) and cell_id != other.cell_id:
        raise ConflictError(
            f"Two cells of this notebook are the step {name!r}: this one and {other.label}.",
            f"Rename one of them. If {other.label} is no longer there, run: %pipeline forget {name}",
        )
    for before in asked.after:
        if before not in cells:
            raise UndefinedNameError(
                f"Step {asked.name!r} is to run after {before!r}, which is no step here.",
                f"Steps so far: {', '.join(cells) or 'none yet'}.",
            )


def _check_makers(tagged: TaggedStep, cells: Mapping[str, StepCell]) -> None:
    """What a step gives follows from the cells below it, which may have changed since it ran."""
    for name, maker in tagged.makers.items():
        given = {output.name for output in cells[maker].step.outputs} if maker in cells else set()
        if name not in given:
            how = "did not give it when it ran" if maker in cells else "has not run yet"
            raise GraphError(
                f"Step {tagged.asked.name!r} reads {name!r} of step {maker!r}, which {how}.",
                f"Run the cell of step {maker!r}, then this one.",
            )


def _check_no_cycle(
    asked: StepLine, cell: Cell, found: Reach, producers: Mapping[str, str], cells: Mapping[str, StepCell]
) -> None:
    """A name that only this step, or one that waits for it, gives."""
    given = {output.name: other.step.name for other in cells.values() for output in other.step.outputs}
    for name in (*found.undefined, *(asked.inputs or ())):
        if name in producers or name not in given:
            continue
        giver = given[name]
        whose = (
            "which only it gave itself, before it was changed"
            if giver == asked.name
            else f"an output of step {giver!r}, which waits for {asked.name!r}"
        )
        raise CycleError(
            f"Step {asked.name!r} ({cell.label}) reads {name!r}, {whose}.",
            f"Give {name!r} another name here, or assign it before it is read.",
        )


def _check_names(asked: StepLine, cell: Cell, found: Reach, producers: Mapping[str, str], bindings: Bindings) -> None:
    missing = [name for name in found.undefined if not bindings.holds(name)]
    missing += [name for name in asked.inputs or () if name not in producers]
    if missing:
        near = nearest(missing[0], [*bindings.known(), *producers])
        raise UndefinedNameError(
            f"Step {asked.name!r} ({cell.label}) reads {missing[0]!r}, which no step gives and no cell defines.",
            f"Did you mean {near!r}?" if near else "Run the cell that defines it, or assign it in the step.",
        )
    if found.undefined:
        raise UndefinedNameError(
            f"Step {asked.name!r} ({cell.label}) reads {found.undefined[0]!r}, which the kernel holds but no executed "
            "cell of this notebook defines.",
            "Define it in a cell, or in the step.",
        )
    _check_unchanged(asked, found, producers, bindings)


def _check_unchanged(asked: StepLine, found: Reach, producers: Mapping[str, str], bindings: Bindings) -> None:
    for name in found.inputs:
        changed = bindings.changed(name)
        if changed is not None:
            raise GraphError(
                f"Step {asked.name!r} reads {name!r}, an output of step {producers[name]!r} that cell {changed} "
                "changes.",
                f"Make {changed} a step (%%step NAME -> {name}), or run step {producers[name]!r} again.",
            )


def _tell_outdated(names: Iterable[str], step: str, bindings: Bindings, engine: Engine) -> None:
    """Cells were executed out of order. The step is right for the value it gets; its author may not know which."""
    for name in names:
        found = bindings.outdated(name)
        if found is not None:
            made, source = found
            engine.notice(
                f"step {step}: {made.name!r} was computed in cell {made.label}, before {source.name!r} changed in cell "
                f"{source.label}; run {made.label} again to bring it up to date"
            )


def _capture(name: str, step: str, bindings: Bindings, engine: Engine) -> Value:
    value = bindings.value(name)
    bytes_held = sys.getsizeof(value)
    if bytes_held > CAPTURED_AT_MOST:
        raise MaterializerError(
            f"Step {step!r} reads {name!r} from cell {bindings.origin(name)}, which holds {size(bytes_held)}: a value "
            f"of an ordinary cell is stored for the steps that read it, up to {size(CAPTURED_AT_MOST)}.",
            f"Make that cell a step, so that it runs once: %%step NAME -> {name}",
        )
    try:
        return engine.codec.save(value, name=name)
    except MaterializerError as error:
        raise MaterializerError(
            f"Step {step!r} reads {name!r} from cell {bindings.origin(name)}: {error.what}",
            f"Make {name!r} inside the step, or in a step of its own.",
        ) from error
