"""What compiling a notebook gives: its pipeline, and all that is needed to run each step of it anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.step import FromParameter, FromStep, Step
from mlstack_nb.errors import NotFoundError
from mlstack_nb.source.notebook_file import Notebook, NotebookCell
from mlstack_nb.source.ordinary import Order

_SWITCH = re.compile(r"^[ \t]*(?:import[ \t]+mlstack_nb\.compat\.|from[ \t]+mlstack_nb\.compat[ \t]+import[ \t]+)(\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class BodyCell:
    """One cell of a step's body. `text` is what IPython is to execute: the cell, without a `%%step` line.

    `first_line` is the number that the first line of `text` has in the cell.
    """

    cell: NotebookCell
    text: str
    first_line: int = 1


@dataclass(frozen=True, slots=True)
class Piece:
    """Some lines of an ordinary cell, to be executed by IPython as they are.

    `names` are what they bind. Sorted by `order` pieces are as they stand in the notebook. `constant` is the parameter
    that the piece does nothing but set, else empty. `is_alone`: a cell magic, or what must be first in a cell; others
    may share a cell.
    """

    text: str
    label: str
    order: Order
    names: tuple[str, ...] = ()
    constant: str = ""
    is_alone: bool = False


@dataclass(frozen=True, slots=True)
class Setup:
    """What must be executed before a step's key is known, because the step reads values that ordinary cells compute.

    Its pieces run in one fresh namespace; `inputs` are step outputs that they read, which must be bound in it before.
    `lines` are in order. It is true when there is something to execute.
    """

    lines: tuple[Piece, ...] = ()
    inputs: Mapping[str, FromStep] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.lines)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The lines of each cell as one piece, to be executed as a cell: a live function counts with what is in it."""
        by_cell: dict[int, list[Piece]] = {}
        for line in self.lines:
            by_cell.setdefault(line.order[0], []).append(line)
        return tuple(map(_as_cell, by_cell.values()))

    def together_with(self, other: Setup) -> Setup:
        lines = {line.order: line for line in (*self.lines, *other.lines)}
        return Setup(tuple(lines[order] for order in sorted(lines)), {**self.inputs, **other.inputs})


def _as_cell(lines: list[Piece]) -> Piece:
    whole = next((line for line in lines if line.text.lstrip().startswith("%%")), None)
    text = whole.text if whole is not None else "\n".join(line.text for line in lines)
    names = tuple(dict.fromkeys(name for line in lines for name in line.names))
    constant = lines[0].constant if len(lines) == 1 else ""
    return Piece(text, lines[0].label, lines[0].order, names, constant, is_alone=True)


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """The body of a step that is a `@step` function, which the prelude defines: `function(name=name)`.

    `arguments` are the inputs that it is called with; other inputs are names that it reads. `is_several`: it gives one
    value for each output, not one for the only one.
    """

    function: str
    arguments: tuple[str, ...]
    is_several: bool


@dataclass(frozen=True, slots=True)
class CompiledStep:
    """A step, and how to run it from nothing.

    In a fresh namespace: bind `parameters`, the values of `values` and the inputs that are outputs of other steps;
    execute `prelude`, each piece after the values that stand above it; execute `body`, or `call` the function; take the
    outputs by their names.

    `values` are inputs that are `Captured` in `step`: names that ordinary cells compute, with the place where each gets
    its value. They are not known before `setup` has been executed; `with_values` then gives the step to take the cache
    key from. Without them `step` is final. `line` is what follows `%%step`. `spoilers` are the cells (the first of an
    `order`) below it that bind the values anew.
    """

    step: Step
    order: Order
    body: tuple[BodyCell, ...]
    prelude: tuple[Piece, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Order] = field(default_factory=dict)
    setup: Setup = Setup()
    call: FunctionCall | None = None
    line: str = ""
    spoilers: frozenset[int] = frozenset()

    @property
    def name(self) -> str:
        return self.step.name

    @property
    def label(self) -> str:
        """Where it stands: `cell 7`."""
        return self.body[0].cell.label


@dataclass(frozen=True, slots=True)
class NotebookParameter:
    """A parameter that a run may give another value.

    `is_declared`: it stands in a cell tagged `parameters`. One that is not `is_constant` is declared, but computed, so
    that `value` is None: a given value takes the place of the computed one. `annotation` and `comment` are as written.
    """

    name: str
    value: Any
    label: str
    annotation: str = ""
    comment: str = ""
    is_declared: bool = False
    is_constant: bool = True


@dataclass(frozen=True, slots=True)
class CompiledNotebook:
    """`steps` in the order they stand. `is_whole`: the notebook has no step, so it is one step as a whole.

    `metrics` are what a cell tagged `pipeline-metrics` reads; `notices` are lines for people about what was left out.
    """

    notebook: Notebook
    pipeline: Pipeline
    steps: tuple[CompiledStep, ...]
    parameters: Mapping[str, NotebookParameter] = field(default_factory=dict)
    metrics: Mapping[str, FromStep | FromParameter] = field(default_factory=dict)
    is_whole: bool = False
    notices: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.pipeline.name

    @property
    def compat(self) -> str:
        """The tool whose import paths a cell lets lead here, by importing the switch; else empty."""
        texts = (cell.text for cell in self.notebook.cells if cell.kind == "code" and "mlstack_nb.compat" in cell.text)
        return next((found[1] for text in texts if (found := _SWITCH.search(text))), "")

    def step(self, name: str) -> CompiledStep:
        """Raises NotFoundError with the nearest name."""
        known = {step.name: step for step in self.steps}
        if name not in known:
            raise NotFoundError.of("step", name, known, f"The steps are: {', '.join(known)}.")
        return known[name]

    def sharing(self, name: str) -> tuple[CompiledStep, ...]:
        """The steps, `name` among them, whose setups one execution can do: it leaves each of them its values.

        A step that needs no setup shares with none; one whose setup reads outputs of steps has its own.
        """
        groups: list[list[CompiledStep]] = []
        for step in self.steps:
            for group in groups if step.setup and not step.setup.inputs else ():
                if not any(_spoils(other, step) or _spoils(step, other) for other in group):
                    group.append(step)
                    break
            else:
                groups.append([step])
        asked = self.step(name)
        return next(tuple(group) for group in groups if asked in group)

    def setup(self, steps: Iterable[str]) -> Setup:
        """What gives the values of several steps in one execution: of those that are `sharing` it."""
        found = Setup()
        for name in steps:
            found = found.together_with(self.step(name).setup)
        return found


def _spoils(one: CompiledStep, other: CompiledStep) -> bool:
    """Whether the setup of `one` changes the values of `other`, which stands above."""
    return any(line.order[0] in other.spoilers for line in one.setup.lines)
