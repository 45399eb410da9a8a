"""Compiling a notebook: from its cells to a pipeline, without executing any of them.

What is in a notebook file and what a live kernel executed go the same way, so both give the same steps with the same
cache keys. docs/notebooks.md says what the cells may hold.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.names import check_name
from mlstack_nb.app.notebooks.analysis import Analysis, Reading, importing_from
from mlstack_nb.app.notebooks.assembly import with_values
from mlstack_nb.app.notebooks.cells import KALE, sort_cells
from mlstack_nb.app.notebooks.compiled import CompiledNotebook, CompiledStep
from mlstack_nb.app.notebooks.live_cells import live_notebook
from mlstack_nb.app.notebooks.parameters import Parameters
from mlstack_nb.app.notebooks.whole import compile_whole
from mlstack_nb.app.notebooks.wiring import Wired, wire
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.step import FromParameter, FromStep, Literal
from mlstack_nb.engine.keys import is_plain
from mlstack_nb.errors import CycleError, UndefinedNameError, UsageError, nearest
from mlstack_nb.source.cell import outputs_of
from mlstack_nb.source.effects import Kind
from mlstack_nb.source.notebook_file import Notebook, read_notebook
from mlstack_nb.source.pure_values import pure_values

if TYPE_CHECKING:
    from mlstack_nb.app.session import Session

UNNAMED = "notebook"
_NAME_MAGIC = re.compile(r"^[ \t]*%pipeline[ \t]+name[ \t]+(\S+)", re.MULTILINE)


def compile_notebook(
    path: str | os.PathLike[str], given: Mapping[str, Any] | None = None, *, whole: bool = False
) -> CompiledNotebook:
    """Compile an `.ipynb`. Nothing is executed; project modules are looked for from the notebook's folder.

    `given` are parameters that are to have other values than the notebook says; they are not checked against types.
    `whole`: as one step, also when it has steps. Raises NotFoundError, UsageError, ConflictError, StepSyntaxError,
    GraphError and its kin, each naming the cell.
    """
    return compile_cells(read_notebook(path), given, whole=whole)


def compile_session(session: Session, given: Mapping[str, Any] | None = None) -> CompiledNotebook:
    """Compile what a live kernel has executed. Raises what `compile_cells` raises."""
    return compile_cells(live_notebook(session), given)


def compile_cells(
    notebook: Notebook, given: Mapping[str, Any] | None = None, *, whole: bool = False
) -> CompiledNotebook:
    """Compile cells, wherever they come from. Raises what `compile_notebook` raises of code and parameters."""
    given = given or {}
    name = _name(notebook)
    with importing_from(notebook.folder):
        if not whole:
            cells = sort_cells(notebook)
            analysis = Analysis.of(cells, notebook.folder)
            wired = wire(analysis, given) if _has_functions(notebook) else Wired()
            if cells.drafts or wired.steps:
                return _assembled(notebook, analysis, wired, given=given, name=name)
        return compile_whole(notebook, name, given)


def _assembled(
    notebook: Notebook, analysis: Analysis, wired: Wired, *, given: Mapping[str, Any], name: str
) -> CompiledNotebook:
    cells, readings = analysis.cells, list(analysis.readings.values())
    metrics = dict(_metrics(analysis))
    parameters = Parameters.of(readings, analysis.declared, given, others=wired.parameters)
    of_functions = tuple(wired.compiled(analysis, parameters))  # first: they say what they need of the cells' steps
    steps = (*(_compiled(reading, parameters, analysis.spoilers(reading)) for reading in readings), *of_functions)
    described = {**wired.parameters, **parameters.described()}
    values = {**{name: one.value for name, one in wired.parameters.items()}, **parameters.values}
    if not readings and wired.name and not _names_itself(notebook):
        name = wired.name
    pipeline = wired.planning.graph(name, [step.step for step in steps], values)
    _check(pipeline, steps)
    notices = tuple(f"{one.place.label} is left out: {one.error.what}" for one in cells.unreadable)
    return CompiledNotebook(notebook, pipeline, steps, described, metrics, notices=notices)


def _compiled(reading: Reading, parameters: Parameters, spoilers: frozenset[int]) -> CompiledStep:
    draft, outputs = reading.draft, reading.outputs()
    step = reading.step if outputs is None else replace(reading.step, outputs=outputs_of(reading.cell, outputs))
    constants = {name: parameters.value(name, reading.origins[name]) for name in reading.found.constants}
    fixed = [name for name in constants if not parameters.holds(reading.origins[name])]
    literals = {name: Literal(constants[name]) for name in fixed}
    known = dict(_known(reading, parameters))
    values = [name for name in reading.found.values if name not in known]
    step = with_values(replace(step, inputs={**step.inputs, **literals}), known)
    setups = [reading.setups[name] for name in values]
    inputs = {name: FromStep(maker, name) for setup in setups for name, maker in setup.inputs.items()}
    return CompiledStep(
        step=step,
        order=(reading.rank, 0),
        body=tuple(draft.cells),
        prelude=tuple(parameters.piece(line) for line in reading.prelude),
        parameters={**constants, **known},
        values={name: reading.setups[name].place(name) for name in values},
        setup=parameters.setup((line for setup in setups for line in setup.lines), inputs),
        line=draft.line,
        spoilers=spoilers,
    )


def _known(reading: Reading, parameters: Parameters) -> Iterator[tuple[str, Any]]:
    """The values that need no kernel to be known."""
    for name, setup in reading.bare.items():
        if name in parameters.given and parameters.holds(reading.origins[name]):
            yield name, parameters.given[name]
            continue
        statements = [node for line in setup.lines for node in line.nodes]
        found = None if setup.inputs else pure_values(statements, [name], parameters.by_statement)
        if found is not None and is_plain(found[name]):
            yield from found.items()


def _metrics(analysis: Analysis) -> Iterator[tuple[str, FromStep | FromParameter]]:
    """What the cells tagged `pipeline-metrics` read; the steps that make it give it."""
    for item in analysis.cells.metrics:
        for name in item.cell.names.reads:
            maker, definition = analysis.makers.last(name), analysis.scope.lookup(name)
            if maker is not None:
                yield name, FromStep(maker.name, name)
            elif definition is not None and definition.kind is Kind.CONSTANT:
                analysis.declared.setdefault(name, definition)
                yield name, FromParameter(name)
            elif name not in item.cell.names.optional and definition is None:
                near = nearest(name, [name for one in analysis.readings.values() for name in one.makes])
                raise UndefinedNameError(
                    f"{item.place.label}, tagged pipeline-metrics, reads {name!r}, which no step gives.",
                    f"Did you mean {near!r}?" if near else "Assign it in a step.",
                )


def _name(notebook: Notebook) -> str:
    """As the notebook says itself, else as its file."""
    for name in (*_names_itself(notebook), notebook.name):
        try:
            check_name("pipeline", name)
        except UsageError:
            continue
        return name
    return UNNAMED


def _names_itself(notebook: Notebook) -> list[str]:
    """What `%pipeline name` says, the last one first, and Kale's settings."""
    texts = (cell.text for cell in notebook.cells if cell.kind == "code" and "%pipeline" in cell.text)
    said = [name for text in texts for name in _NAME_MAGIC.findall(text)]
    kale = notebook.metadata.get(KALE)
    told = kale.get("pipeline_name") if isinstance(kale, Mapping) else None
    return [*reversed(said), *([told] if isinstance(told, str) and told else [])]


def _has_functions(notebook: Notebook) -> bool:
    return any("@" in cell.text and "pipeline" in cell.text for cell in notebook.cells if cell.kind == "code")


def _check(pipeline: Pipeline, steps: tuple[CompiledStep, ...]) -> None:
    try:
        pipeline.ordered()
    except CycleError as error:
        where = ", ".join(f"{step.name} in {step.label}" for step in steps)
        raise CycleError(f"{error.what} They stand: {where}.", error.hint) from error
