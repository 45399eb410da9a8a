"""The body of the pipeline's function: values, and calls of steps in an order that respects every edge."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from mlstack_nb.app.export.layout import Layout, Part, Reader
from mlstack_nb.app.export.mapped import mapped_arguments, method_of
from mlstack_nb.app.export.naming import identifier
from mlstack_nb.app.export.values import Needed
from mlstack_nb.app.notebooks.compiled import CompiledNotebook, CompiledStep
from mlstack_nb.core.step import FromStep, Literal, Source


@dataclass(frozen=True, slots=True)
class Call:
    """`inputs` are step outputs by argument, `given` arguments that are variables of the same name."""

    function: str
    inputs: Mapping[str, FromStep]
    given: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(slots=True)
class Wiring:
    """`parameters` are those of the pipeline, `fixed` those inputs of each step that are constants."""

    notebook: CompiledNotebook
    layout: Layout
    reader: Reader
    parameters: Collection[str]
    fixed: Mapping[str, Collection[str]]
    _items: list[str | Part] = field(default_factory=list)
    _variables: dict[tuple[str, str], str] = field(default_factory=dict)
    _owners: dict[str, tuple[str, str]] = field(default_factory=dict)
    _computed: set[Part] = field(default_factory=set)
    _done: set[str] = field(default_factory=set)
    _functions: dict[str, str] = field(default_factory=dict)

    def compute(self, needed: Needed) -> None:
        """Lines of ordinary cells that have not been there yet."""
        beside = {*self.layout.beside}
        known = {*self.parameters, *self.layout.constants}
        for part in self.reader.parts(needed.pieces):
            if part not in beside and part not in self._computed and not sets_only(part, known):
                self._computed.add(part)
                self._items.append(part)

    def call(self, call: Call) -> None:
        arguments = [(name, self._variables[one.step, one.output]) for name, one in call.inputs.items()]
        arguments += [(name, name) for name in call.given]
        self._items.append(f"{', '.join(call.outputs)} = {call.function}({', '.join(_in_order(arguments))})")

    def step(self, step: CompiledStep, function: str) -> None:
        laid = self.layout.steps.get(step.name)
        names = laid.parameters if laid is not None else step.call.arguments if step.call is not None else ()
        values = {name: self._value(step, name, step.step.inputs[name]) for name in names}
        texts = _in_order(list((mapped_arguments(step, values) if step.step.over else values).items()))
        sources = (*step.step.inputs.values(), *step.setup.inputs.values())
        given = {source.step for source in sources if isinstance(source, FromStep)}
        waited = [self._waited(name) for name in step.step.after if name not in given]
        if waited:
            texts.append(f"after={waited[0]}" if len(waited) == 1 else f"after=[{', '.join(waited)}]")
        self._done.add(step.name)
        self._functions[step.name] = function
        is_read = any(
            step.name == source.step
            for other in self.notebook.steps
            for source in (*other.step.inputs.values(), *other.setup.inputs.values())
            if isinstance(source, FromStep)
        )
        outputs = [output.name for output in step.step.outputs]
        targets = [self._variable(step, name) for name in outputs] if is_read or self._is_one_call(step) else []
        bound = f"{', '.join(targets)} = " if targets else ""
        self._items.append(f"{bound}{function}{method_of(step.step)}({', '.join(texts)})")

    @property
    def text(self) -> str:
        return "\n".join(one if isinstance(one, str) else one.text for one in self._items)

    def _variable(self, step: CompiledStep, output: str) -> str:
        """A variable for an output: called like it, as long as nothing further down needs another of that name."""
        wanted = output
        older = self._owners.get(wanted)
        is_waited_for = output == step.step.outputs[0].name and self._is_one_call(step)
        if not is_waited_for and not self._is_read_later(step.name, output):
            wanted = f"_{wanted.lstrip('_')}"
        computed = {name for part in self._computed for name in part.binds}
        if wanted in {*self.parameters, *computed} or (older is not None and self._is_read_later(*older)):
            wanted = f"{wanted}_of_{identifier(step.name)}"
        self._owners[wanted] = step.name, output
        self._variables[step.name, output] = wanted
        return wanted

    def _is_read_later(self, maker: str, output: str) -> bool:
        todo = [one for one in self.notebook.steps if one.name not in self._done]
        sources = [source for one in todo for source in (*one.step.inputs.values(), *one.setup.inputs.values())]
        return FromStep(maker, output) in sources

    def _waited(self, step: str) -> str:
        """What `after=` is given: the function, or an output of the one call of it that is meant."""
        known = next((variable for (maker, _), variable in self._variables.items() if maker == step), None)
        return known if known is not None and self._is_one_call(self.notebook.step(step)) else self._functions[step]

    def _is_one_call(self, step: CompiledStep) -> bool:
        """Whether others wait for it, and not for other steps of the same function."""
        if step.call is None or not any(step.name in one.step.after for one in self.notebook.steps):
            return False
        calls = [one.call for one in self.notebook.steps if one.call is not None]
        return [one.function for one in calls].count(step.call.function) > 1

    def _value(self, step: CompiledStep, name: str, source: Source) -> str:
        match source:
            case FromStep(maker, output):
                return self._variables[maker, output]
            case Literal(value) if step.call is not None:
                known = self.notebook.parameters.get(name)
                return name if known is not None and known.value == value else repr(value)
            case Literal(value) if name in self.fixed.get(step.name, ()):
                return repr(value)
        return name


def is_ours(part: Part) -> bool:
    """Whether it is a `@pipeline` function, which the module writes anew, or a call of IPython alone."""
    return any(
        isinstance(node, ast.FunctionDef) and any("pipeline" in ast.unparse(one) for one in node.decorator_list)
        for node in part.code.nodes
    )


def _in_order(arguments: list[tuple[str, str]]) -> list[str]:
    """By position as long as the names are the same, then by name."""
    texts: list[str] = []
    by_name = False
    for name, value in arguments:
        by_name = by_name or name != value
        texts.append(f"{name}={value}" if by_name else value)
    return texts


def sets_only(part: Part, names: Collection[str]) -> bool:
    """Whether it does nothing but give the names a value."""
    return len(part.code.nodes) == 1 and bool(part.binds) and {*part.binds} <= {*names} and not part.is_definition
