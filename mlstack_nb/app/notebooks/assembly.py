"""A step cell's code as a step: the one way from what it reads to a `Step`, for live notebooks and for files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from mlstack_nb.app.notebooks.mapped_cells import over_of, reach_of_code
from mlstack_nb.core.step import Captured, FromParameter, FromStep, Literal, Source, Step
from mlstack_nb.core.types import DataFile
from mlstack_nb.engine.keys import is_plain
from mlstack_nb.source.cell import Cell, outputs_of
from mlstack_nb.source.fingerprint import of_cell
from mlstack_nb.source.reach import Reach
from mlstack_nb.source.scope import Scope
from mlstack_nb.source.step_line import StepLine

DATA_FILE = Annotated[str, DataFile()]


def assembled(
    asked: StepLine, cell: Cell, found: Reach, scope: Scope, *, producers: Mapping[str, str], source: str
) -> Step:
    """The step whose code is `cell`, which reaches `found` in `scope`, with values of ordinary cells as `Captured`.

    `producers` has the step that gives each input; the names in `asked` win over what was found.
    """
    lists = [of for _, of in asked.over if of in found.inputs]
    read = asked.inputs or found.inputs
    sources: dict[str, Source] = {name: FromStep(producers[name], name) for name in dict.fromkeys((*read, *lists))}
    sources |= {name: FromParameter(name) for name in found.constants}
    sources |= {name: Captured(_origin(name, scope)) for name in found.values}
    return Step(
        name=asked.name,
        inputs=sources,
        outputs=outputs_of(cell, asked.outputs),
        fingerprint=of_cell(cell, reach_of_code(found), scope),
        settings=asked.settings,
        after=asked.after,
        source=source,
        input_types={name: DATA_FILE for name in found.constants if _is_data_file(name, scope)},
        over=over_of(asked, found),
        crossed=asked.crossed,
    )


def with_values(step: Step, values: Mapping[str, Any]) -> Step:
    """`step` with the captured names that have plain `values` as literals; the others stay to be stored."""
    captured = {name: source for name, source in step.inputs.items() if isinstance(source, Captured)}
    plain = {name: Literal(values[name]) for name in captured if name in values and is_plain(values[name])}
    known = {name: source for name, source in step.inputs.items() if name not in captured}
    stored = {name: source for name, source in captured.items() if name not in plain}
    return replace(step, inputs={**known, **plain, **stored})


def _origin(name: str, scope: Scope) -> str:
    """The label of the ordinary cell that gave `name` its value."""
    definition = scope.lookup(name)
    return definition.label if definition is not None else ""


def _is_data_file(name: str, scope: Scope) -> bool:
    definition = scope.lookup(name)
    return definition is not None and definition.is_data_file
