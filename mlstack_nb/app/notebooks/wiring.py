"""The steps that the `@pipeline` functions of a notebook file wire, compiled."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlstack_nb.app.notebooks.analysis import Analysis
from mlstack_nb.app.notebooks.compiled import BodyCell, CompiledStep, FunctionCall, NotebookParameter
from mlstack_nb.app.notebooks.functions import FileStep, Functions
from mlstack_nb.app.notebooks.parameters import Parameters
from mlstack_nb.app.pipeline_options import RunPlanning
from mlstack_nb.app.pipeline_wiring import PipelineWiring
from mlstack_nb.app.placeholders import OutputOf
from mlstack_nb.app.step_wiring import Wiring, wiring
from mlstack_nb.core.step import Captured, FromStep, Literal, Step
from mlstack_nb.errors import GraphError, MlstackError, UsageError
from mlstack_nb.source.code import Code
from mlstack_nb.source.functions import signature_of
from mlstack_nb.source.reach import Reach, reach
from mlstack_nb.source.setup_slice import setup_slice


@dataclass(frozen=True, slots=True)
class Wired:
    """`steps` of all pipelines in one graph, each with its function; `name` that of the only pipeline, else empty.

    `planning` is what the only pipeline says of its runs; several, in one run, say nothing.
    """

    name: str = ""
    steps: Mapping[str, tuple[Step, FileStep]] = field(default_factory=dict)
    parameters: Mapping[str, NotebookParameter] = field(default_factory=dict)
    planning: RunPlanning = field(default_factory=RunPlanning)

    def compiled(self, analysis: Analysis, parameters: Parameters) -> Iterator[CompiledStep]:
        for step, function in self.steps.values():
            yield _compiled(step, function, analysis, parameters)


def wire(analysis: Analysis, given: Mapping[str, Any]) -> Wired:
    """Wire every pipeline that the cells call, one after the other. Raises GraphError naming pipeline and cell."""
    functions = Functions(analysis)
    steps: dict[str, tuple[Step, FileStep]] = {}
    parameters: dict[str, NotebookParameter] = {}
    calls = functions.calls()
    for name, arguments in calls.items():
        made = functions.pipelines[name]
        definition = analysis.scope.lookup(name)
        label = definition.label if definition is not None else ""
        known = {one.name: one.default for one in signature_of(made.function).parameters if not one.is_required}
        for argument, value in {**known, **arguments}.items():
            if not isinstance(value, OutputOf):
                parameters.setdefault(argument, NotebookParameter(argument, value, label, is_declared=True))
        names = {one.name for one in signature_of(made.function).parameters}
        chosen = {**arguments, **{key: value for key, value in given.items() if key in names}}
        wired = _built(made, chosen, f"Pipeline {made.name!r} ({label})")
        by_name = {step: one for one in functions.steps.values() for step in one.wired}
        ends = _ends(steps)
        for old, step in _renamed(wired, taken={*steps, *analysis.readings}):
            after = step.after if {*step.needs} & {one.name for one in wired} else (*step.after, *ends)
            steps[step.name] = replace(step, after=after), by_name[old]
        for one in functions.steps.values():
            one.wired.clear()
    only = functions.pipelines[next(iter(calls))] if len(calls) == 1 else None
    return Wired(only.name, steps, parameters, only.planning) if only is not None else Wired("", steps, parameters)


def _built(made: PipelineWiring[Any], arguments: Mapping[str, Any], what: str) -> list[Step]:
    bound = signature_of(made.function).bind([], arguments, function=made.name)
    wired = Wiring()
    token = wiring.set(wired)
    try:
        made.function(**bound)
    except MlstackError:
        raise
    except Exception as error:
        raise GraphError(
            f"{what} can not be wired: {type(error).__name__}: {error}", "Correct its function."
        ) from error
    finally:
        wiring.reset(token)
    if not wired.steps:
        raise UsageError(f"{what} calls no step.", "Call a function with @step in it.")
    return [made.configured(step) for step in wired.steps]


def _ends(steps: Mapping[str, tuple[Step, FileStep]]) -> list[str]:
    """The steps that no other waits for: a pipeline that is called later starts after them."""
    needed = {need for step, _ in steps.values() for need in step.needs}
    return [name for name in steps if name not in needed]


def _renamed(steps: list[Step], *, taken: set[str]) -> Iterator[tuple[str, Step]]:
    """The steps under names that no other pipeline of the notebook has given away, with their own."""
    names: dict[str, str] = {}
    for step in steps:
        candidates = (step.name if number == 1 else f"{step.name}_{number}" for number in range(1, len(taken) + 2))
        names[step.name] = next(one for one in candidates if one not in taken and one not in names.values())
    for step in steps:
        inputs = {
            name: replace(source, step=names.get(source.step, source.step)) if isinstance(source, FromStep) else source
            for name, source in step.inputs.items()
        }
        after = tuple(names.get(name, name) for name in step.after)
        yield step.name, replace(step, name=names[step.name], inputs=inputs, after=after)


def _compiled(step: Step, function: FileStep, analysis: Analysis, parameters: Parameters) -> CompiledStep:
    scope, name = analysis.scope, function.definition.name
    rank = len(analysis.cells.items)
    found = reach(
        Code([ast.Expr(ast.Name(name, ast.Load()))]), scope, outputs=analysis.makers.names, through_values=False
    )
    setups = {value: setup_slice([value], analysis.timeline, scope) for value in found.values}
    read = {key: FromStep(maker, key) for setup in setups.values() for key, maker in setup.inputs.items()}
    constants = [one for key in found.constants if (one := scope.lookup(key)) is not None]
    arguments = tuple(step.inputs)
    full = replace(step, inputs={**step.inputs, **dict(_free_names(found, analysis))})
    waits = [source.step for source in read.values() if source.step not in full.needs]
    places = [one.place for one in analysis.cells.ordinary]
    place = next(one for one in places if one.label == function.definition.label)
    return CompiledStep(
        step=replace(full, after=tuple(dict.fromkeys((*full.after, *waits)))),
        order=(rank, 0),
        body=(BodyCell(place, ""),),
        prelude=tuple(map(parameters.piece, analysis.prelude([*found.definitions, *constants]))),
        parameters={key: source.value for key, source in step.inputs.items() if isinstance(source, Literal)},
        values={value: setup.place(value) for value, setup in setups.items()},
        setup=parameters.setup((line for setup in setups.values() for line in setup.lines), read),
        call=FunctionCall(name, arguments, function.shape.is_several),
    )


def _free_names(found: Reach, analysis: Analysis) -> Iterator[tuple[str, FromStep | Captured]]:
    """What the function reads of the notebook besides its arguments: outputs of step cells, computed values."""
    for name in found.inputs:
        maker = analysis.makers.last(name)
        if maker is not None:
            analysis.readings[maker.name].needed.add(name)
            yield name, FromStep(maker.name, name)
    for name in found.values:
        definition = analysis.scope.lookup(name)
        yield name, Captured(definition.label if definition is not None else "")
