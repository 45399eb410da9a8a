"""What of a notebook goes where in a module: beside the steps, into a step, into the pipeline, into its parameters."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mlstack_nb.app.export.imports import Imports
from mlstack_nb.app.export.magics import plain_python
from mlstack_nb.app.export.source_text import with_comments
from mlstack_nb.app.notebooks.compiled import CompiledNotebook, CompiledStep, Piece
from mlstack_nb.core.step import FromParameter
from mlstack_nb.source.cell_tags import Role, parse_tags
from mlstack_nb.source.code import Code
from mlstack_nb.source.notebook_file import NotebookCell
from mlstack_nb.source.ordinary import Order

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, eq=False, slots=True)
class Part:
    """A piece of an ordinary cell as plain Python. `is_definition`: of a function or a class."""

    order: Order
    text: str
    code: Code
    is_definition: bool

    @property
    def binds(self) -> tuple[str, ...]:
        return self.code.names.binds

    @property
    def reads(self) -> tuple[str, ...]:
        return self.code.names.reads


class Reader:
    """Turns pieces of ordinary cells into parts, each once; collects their imports and what there is to tell."""

    def __init__(self, notebook: CompiledNotebook) -> None:
        self.cells = {cell.label: cell.text for cell in notebook.notebook.cells}
        self.names = _bound_anywhere(notebook)
        self.imports = Imports()
        self.notices: dict[str, None] = {}
        self._parameters = {name: one.label for name, one in notebook.parameters.items() if one.is_constant}
        self._parts: dict[tuple[Order, str], Part | None] = {}

    def parts(self, pieces: Iterable[Piece]) -> list[Part]:
        """Those that are more than imports, in order."""
        found = (self._part(piece) for piece in sorted(pieces, key=lambda piece: piece.order))
        return [part for part in found if part is not None]

    def plain(self, text: str, *, label: str, first_line: int = 1) -> str:
        made = plain_python(text, label=label, first_line=first_line, names=self.names)
        for statement in made.imports:
            self.imports.add_text(statement)
        self.notices.update(dict.fromkeys(made.notices))
        return made.text

    def set_in(self, cell: NotebookCell) -> set[str]:
        """The parameters that a cell of parameters sets: a function is given them."""
        if parse_tags(cell.tags, where=cell.label).role is not Role.PARAMETERS:
            return set()
        return {name for name, label in self._parameters.items() if label == cell.label}

    def _part(self, piece: Piece) -> Part | None:
        key = piece.order, piece.text
        if key not in self._parts:
            self._parts[key] = self._read(piece)
        return self._parts[key]

    def _read(self, piece: Piece) -> Part | None:
        text = self.plain(piece.text, label=piece.label).strip("\n")
        nodes = ast.parse(text).body
        imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
        for node in imports:
            self.imports.add(node)
        rest = [node for node in nodes if node not in imports]
        if not rest:
            return None
        if imports:
            text = "\n".join(ast.unparse(node) for node in rest)
        elif text in piece.text:
            text = with_comments(self.cells.get(piece.label, ""), text)
        return Part(piece.order, text, Code(rest), all(isinstance(node, _DEFINITIONS) for node in rest))


@dataclass(frozen=True, slots=True)
class StepLayout:
    """`nested` are parts that stand in the step's function, because they read what only it is given."""

    step: CompiledStep
    parameters: tuple[str, ...]
    nested: tuple[Part, ...] = ()


@dataclass(slots=True)
class Layout:
    """`beside` stand at module level, in order; `constants` of them are read as they are and are no parameters."""

    beside: list[Part] = field(default_factory=list)
    constants: set[str] = field(default_factory=set)
    steps: dict[str, StepLayout] = field(default_factory=dict)


def lay_out(notebook: CompiledNotebook, reader: Reader, bodies: Mapping[str, Code]) -> Layout:
    """`bodies` is the code of each step cell, by step."""
    plain = _plain_constants(notebook)
    needs: dict[Part, set[str]] = {}
    own: dict[str, list[Part]] = {}
    for step in notebook.steps:
        parts = own[step.name] = reader.parts(_prelude(step))
        if step.call is None:
            for part, names in _needs(parts, step.step.inputs).items():
                needs.setdefault(part, set()).update(names)
    twice = _bound_twice(needs)
    free = {part for part, names in needs.items() if names <= plain and not twice & {*part.binds}}
    layout = Layout(constants={name for part in free for name in needs[part]})
    beside = set(free)
    for step in notebook.steps:
        parts = own[step.name]
        if step.call is not None:
            beside.update(parts)
            continue
        binds = {*bodies[step.name].names.binds}
        nested = [part for part in parts if part not in free or (part.is_definition and binds & {*part.binds})]
        parameters = tuple(name for name in step.step.inputs if name not in layout.constants or name in binds)
        layout.steps[step.name] = StepLayout(step, parameters, tuple(nested))
    used = {part for one in layout.steps.values() for part in own[one.step.name] if part not in one.nested}
    layout.beside = sorted((part for part in beside if part in used or part not in free), key=lambda part: part.order)
    return layout


def _prelude(step: CompiledStep) -> Iterator[Piece]:
    return (piece for piece in step.prelude if step.call is not None or piece.constant not in step.parameters)


def _plain_constants(notebook: CompiledNotebook) -> set[str]:
    """Constants that mean the same for every step and that nobody declared to be parameters."""
    declared = {name for name, one in notebook.parameters.items() if one.is_declared or "DataFile" in one.annotation}
    found: dict[str, bool] = {}
    for step in notebook.steps:
        for name, source in step.step.inputs.items():
            found[name] = found.get(name, True) and isinstance(source, FromParameter)
    return {name for name, is_one in found.items() if is_one} - declared


def _needs(parts: list[Part], inputs: Collection[str]) -> dict[Part, set[str]]:
    """The inputs of a step that each part reads, itself or through others."""
    found = {part: {name for name in part.reads if name in inputs} for part in parts}
    by_name = {name: part for part in parts for name in part.binds}
    is_growing = True
    while is_growing:
        before = sum(map(len, found.values()))
        for part, names in found.items():
            names.update(*(found[by_name[name]] for name in part.reads if name in by_name))
        is_growing = sum(map(len, found.values())) > before
    return found


def _bound_twice(parts: Iterable[Part]) -> set[str]:
    """Names of functions and classes that several cells define, each in its way."""
    texts: dict[str, set[str]] = {}
    for part in parts:
        if part.is_definition:
            for name in part.binds:
                texts.setdefault(name, set()).add(part.text)
    return {name for name, some in texts.items() if len(some) > 1}


def _bound_anywhere(notebook: CompiledNotebook) -> set[str]:
    pieces = (piece for step in notebook.steps for piece in (*step.prelude, *step.setup.lines))
    names = {name for step in notebook.steps for name in (*step.step.inputs, *(one.name for one in step.step.outputs))}
    return names | {name for piece in pieces for name in piece.names}
