"""A compiled notebook as the text of a module: imports, constants, functions, steps, the pipeline."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from mlstack_nb.app.export.annotations import Annotations, Recorded, may_be_none
from mlstack_nb.app.export.functions import (
    Argument,
    BodyText,
    body_text,
    function,
    left_out,
    return_type,
    step_decorator,
)
from mlstack_nb.app.export.imports import Imported, Imports
from mlstack_nb.app.export.layout import Layout, Part, Reader, StepLayout, lay_out
from mlstack_nb.app.export.mapped import item_names, item_type
from mlstack_nb.app.export.naming import free_name
from mlstack_nb.app.export.values import Needed, values_of
from mlstack_nb.app.export.wiring import Call, Wiring, is_ours, sets_only
from mlstack_nb.app.notebooks.analysis import Analysis
from mlstack_nb.app.notebooks.compiled import CompiledNotebook, CompiledStep
from mlstack_nb.core.step import FromParameter
from mlstack_nb.errors import UsageError

_OWN = ("CachePolicy", "DataFile", "display", "pipeline", "step", "unmapped")


@dataclass(frozen=True, slots=True)
class Module:
    """`notices` are lines for people about what could not be taken over as it was."""

    text: str
    pipeline: str
    steps: tuple[str, ...]
    notices: tuple[str, ...]


def module_of(notebook: CompiledNotebook, analysis: Analysis, recorded: Recorded) -> Module:
    """Raises UsageError naming the cell and the line of what has no place in a module."""
    return _Writer(notebook, analysis, recorded).module()


@dataclass(slots=True)
class _Writer:
    notebook: CompiledNotebook
    analysis: Analysis
    recorded: Recorded
    reader: Reader = field(init=False)
    layout: Layout = field(init=False)
    bodies: dict[str, BodyText] = field(init=False)
    annotations: Annotations = field(init=False)
    types: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reader = Reader(self.notebook)
        cells = [step for step in self.notebook.steps if step.call is None]
        self.bodies = {step.name: body_text(step, self.reader) for step in cells}
        self.layout = lay_out(self.notebook, self.reader, {name: body.code for name, body in self.bodies.items()})
        beside = {name for part in self.layout.beside for name in part.binds}
        self.annotations = Annotations(self.reader.imports, beside | self.layout.constants)

    def module(self) -> Module:
        for step in self.notebook.steps:
            self._learn_types(step)
        values = {step.name: values_of(self.notebook, step, self.analysis) for step in self.notebook.steps}
        taken = self._taken(values.values())
        names = {name: free_name(name, "step", taken) for name in self.bodies}
        fixed = {name: one.found.constants for name, one in self.analysis.readings.items()}
        wiring = Wiring(self.notebook, self.layout, self.reader, self._parameters(), fixed)
        functions = []
        for step in self.notebook.steps:
            early, late = values[step.name]
            wiring.compute(early)
            if late.names:
                name = free_name(f"{step.name}_values", "step", taken | {*names.values()})
                functions.append(self._values_step(name, late))
                wiring.call(Call(name, late.inputs or {}, self._late_arguments(late), late.names))
                self._tell_values(step, late)
            if step.call is None:
                functions.append(self._step(self.layout.steps[step.name], names[step.name]))
            wiring.step(step, names.get(step.name, step.call.function if step.call else ""))
            self.reader.notices.update(dict.fromkeys(left_out(step.name, step.step.settings)))
        name = free_name(self.notebook.name, "pipeline", taken | {*names.values()})
        pipeline = self._pipeline(name, wiring)
        text = self._assembled([*functions, pipeline, f'if __name__ == "__main__":\n    {name}()'])
        notices = (*self.notebook.notices, *self.reader.notices)
        return Module(text, name, tuple(step.name for step in self.notebook.steps), notices)

    def _learn_types(self, step: CompiledStep) -> None:
        body = self.bodies.get(step.name)
        for output in step.step.outputs:
            none = body is not None and may_be_none(output.name, body.code.nodes)
            recorded = self.recorded.get((step.name, output.name), ())
            kind = self.annotations.output(output, recorded, may_be_none=none)
            self.types[step.name, output.name] = f"list[{kind}]" if step.step.over and output.type else kind

    def _taken(self, values: Iterable[tuple[Needed, Needed]]) -> set[str]:
        """The names that functions of the module must leave alone."""
        parts = [*self.layout.beside, *(part for one in self.layout.steps.values() for part in one.nested)]
        parts += [part for pair in values for some in pair for part in self.reader.parts(some.pieces)]
        names = {name for part in parts for name in part.binds} | self.layout.constants | self.reader.imports.names
        for step in self.notebook.steps:
            names |= {*step.step.inputs, *(output.name for output in step.step.outputs)}
            names |= {one.item for one in step.step.over}
        return names | {*self.notebook.parameters, *_OWN}

    def _step(self, laid: StepLayout, name: str) -> str:
        step, body = laid.step, self.bodies[laid.step.name]
        types = [self.types[step.name, one.name] for one in step.step.outputs]
        types = list(map(item_type, types)) if step.step.over else types
        outputs = [(kind, one.artifact or one.name) for kind, one in zip(types, step.step.outputs, strict=True)]
        lines = [part.text for part in laid.nested] + ([body.text] if body.text else [])
        text = "\n\n".join(lines)
        if outputs:
            text += f"\n\nreturn {', '.join(one.name for one in step.step.outputs)}"
        return function(
            name,
            decorator=step_decorator("step", name, step.name, step.step.settings),
            arguments=[Argument(*self._argument(step, one)) for one in item_names(step.step, laid.parameters)],
            returns=return_type(outputs),
            body=text.strip("\n"),
            is_async=body.is_async,
        )

    def _argument(self, step: CompiledStep, name: str) -> tuple[str, str]:
        """Name and type; those of an item follow from its list's."""
        of = next((one.of for one in step.step.over if one.item == name), None)
        return name, self._input_type(step, name) if of is None else item_type(self._input_type(step, of))

    def _input_type(self, step: CompiledStep, name: str) -> str:
        source = step.step.inputs[name]
        output = getattr(source, "step", None), getattr(source, "output", None)
        if output in self.types:
            return self.types[output]
        if isinstance(source, FromParameter) and name in self.notebook.parameters:
            return self.annotations.parameter(self.notebook.parameters[name])
        return self.annotations.value(step.parameters.get(name))

    def _values_step(self, name: str, late: Needed) -> str:
        beside = {*self.layout.beside}
        parts = [part for part in self.reader.parts(late.pieces) if part not in beside]
        given = {*self._late_arguments(late), *self.layout.constants}
        text = "\n".join(part.text for part in parts if not sets_only(part, given))
        return function(
            name,
            decorator="@step",
            arguments=[Argument(one) for one in (*(late.inputs or {}), *self._late_arguments(late))],
            returns=return_type([("", one) for one in late.names]),
            body=f"{text}\n\nreturn {', '.join(late.names)}",
        )

    def _late_arguments(self, late: Needed) -> tuple[str, ...]:
        """The parameters that the lines read."""
        reads = {name for part in self.reader.parts(late.pieces) for name in part.reads}
        return tuple(name for name in self._parameters() if name in reads)

    def _tell_values(self, step: CompiledStep, late: Needed) -> None:
        names = ", ".join(late.names)
        self.reader.notices[
            f"step {step.name}: {names} of ordinary cells, computed from outputs of steps, became a step of its own; "
            f"where that is no table, array or model, {step.name} has another cache key than in the notebook."
        ] = None

    def _parameters(self) -> list[str]:
        """Those of the notebook that the pipeline has, too."""
        read = {name for one in self.layout.steps.values() for name in one.parameters}
        called = {name for step in self.notebook.steps if step.call for name in step.call.arguments}
        known = self.notebook.parameters
        return [
            name
            for name, one in known.items()
            if one.is_constant and name not in self.layout.constants and (one.is_declared or name in read | called)
        ]

    def _pipeline(self, name: str, wiring: Wiring) -> str:
        arguments = []
        for one in self._parameters():
            parameter = self.notebook.parameters[one]
            arguments.append(Argument(one, self.annotations.parameter(parameter), repr(parameter.value)))
        own = "" if name == self.notebook.name else f"(name={self.notebook.name!r})"
        return function(
            name,
            decorator=f"@pipeline{own}",
            arguments=arguments,
            returns="None",
            body=wiring.text,
        )

    def _assembled(self, blocks: list[str]) -> str:
        constants = [self._constant(name) for name in self.notebook.parameters if name in self.layout.constants]
        paths = [part for part in self.layout.beside if "sys.path" in part.text]  # before what is found there
        beside = [part for part in self.layout.beside if not is_ours(part) and part not in paths]
        body = "\n\n\n".join(filter(None, ["\n".join(constants), *_grouped(beside), *blocks]))
        return f"{_docstring(self.notebook)}\n\n{self._imports(body, paths)}\n\n{body}\n"

    def _constant(self, name: str) -> str:
        one = self.notebook.parameters[name]
        typed = f"{name}: {one.annotation}" if one.annotation else name
        return f"{typed} = {one.value!r}{f'  # {one.comment}' if one.comment else ''}"

    def _imports(self, body: str, paths: list[Part]) -> str:
        before = "\n".join(part.text for part in paths)
        tree = ast.parse(f"{before}\n{body}")
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | _in_texts(tree)
        for name in ("Annotated", "Any"):
            if name in used and name not in self.reader.imports.names:
                self.reader.imports.found[Imported("typing", name)] = None
        for name in _OWN:
            if name in used and name not in self.reader.imports.names:
                self.reader.imports.found[Imported("mlstack_nb", name)] = None
        needed = self.reader.imports.only(used | {"annotations"})
        _check_once(needed)
        if not paths:
            return needed.written()
        first = needed.only({name for part in paths for name in part.reads})
        return f"{first.written()}\n\n{before}\n\n{needed.without(first).written()}"


def _grouped(parts: list[Part]) -> list[str]:
    """Blocks of text: definitions apart, other statements that follow each other together."""
    blocks: list[str] = []
    was_definition = True
    for part in parts:
        if part.is_definition or was_definition:
            blocks.append(part.text)
        else:
            blocks[-1] += f"\n{part.text}"
        was_definition = part.is_definition
    return blocks


def _in_texts(tree: ast.AST) -> set[str]:
    """Names in annotations that are written as texts."""
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {text for text in texts if text.isidentifier()}


def _check_once(imports: Imports) -> None:
    seen: dict[str, Imported] = {}
    for one in imports.found:
        other = seen.setdefault(one.binds, one)
        if other != one and one.name != "*" and (one.name or one.alias or other.name or other.alias):
            raise UsageError(
                f"Cells import two things as {one.binds!r}: {other.module}.{other.name} and {one.module}.{one.name}.",
                f"Give one of them another name: import ... as {one.binds}_2",
            )


def _docstring(notebook: CompiledNotebook) -> str:
    name = notebook.notebook.name
    return f'"""Pipeline {notebook.name}, exported from the notebook {name}.ipynb by `mlstack export`."""'
