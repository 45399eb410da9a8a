"""The parameters of a notebook: literal constants that its steps read, and what cells tagged `parameters` bind."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack_nb.app.notebooks.analysis import Reading
from mlstack_nb.app.notebooks.compiled import NotebookParameter, Piece, Setup
from mlstack_nb.core.step import FromStep
from mlstack_nb.errors import UsageError, nearest
from mlstack_nb.source.definition import Definition
from mlstack_nb.source.effects import Kind
from mlstack_nb.source.ordinary import Line


@dataclass(frozen=True, slots=True)
class Parameters:
    """`chosen` is the definition that makes each name a parameter: that in a cell tagged so, else the first one read.

    A name that is bound anew elsewhere is a constant of the cells in which that counts, and no parameter.
    """

    chosen: Mapping[str, Definition]
    declared: frozenset[str]
    given: Mapping[str, Any]
    by_statement: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        readings: Iterable[Reading],
        declared: Mapping[str, Definition],
        given: Mapping[str, Any],
        *,
        others: Collection[str] = (),
    ) -> Parameters:
        """`others` are names of parameters that are no constants.

        Raises UsageError for a given name that is no parameter, and a given value that can not be written as code.
        """
        chosen = dict(declared)
        for reading in readings:
            for name in reading.found.constants:
                chosen.setdefault(name, reading.origins[name])
        by_statement: dict[int, dict[str, Any]] = {}
        for name, value in given.items():
            if name not in chosen:
                if name in others:
                    continue
                near = nearest(name, [*chosen, *others])
                known = ", ".join([*chosen, *others]) or "none; tag a cell parameters"
                raise UsageError(
                    f"The notebook has no parameter {name!r}.",
                    f"Did you mean {near!r}?" if near else f"Its parameters are: {known}.",
                )
            _check_literal(name, value)
            by_statement.setdefault(id(chosen[name].node), {})[name] = value
        return cls(chosen, frozenset(declared), given, by_statement)

    def holds(self, definition: Definition) -> bool:
        return self.chosen.get(definition.name) is definition

    def value(self, name: str, definition: Definition) -> Any:
        """What a constant is in this run."""
        return self.given.get(name, definition.value) if self.holds(definition) else definition.value

    @property
    def values(self) -> dict[str, Any]:
        """By name, as far as they are known without executing anything."""
        return {
            name: self.value(name, one)
            for name, one in self.chosen.items()
            if one.kind is Kind.CONSTANT or name in self.given
        }

    def piece(self, line: Line) -> Piece:
        """The line as it is to be executed: given parameters are set right after the notebook has set them."""
        given = {name: value for node in line.nodes for name, value in self.by_statement.get(id(node), {}).items()}
        text = "\n".join([line.text, *(f"{name} = {value!r}" for name, value in given.items())])
        names = line.code.names.binds
        found = self.chosen.get(names[0]) if len(names) == 1 else None
        is_constant = found is not None and found.kind is Kind.CONSTANT and [found.node] == [*line.nodes]
        return Piece(text, line.cell.label, line.order, names, names[0] if is_constant else "", line.is_alone)

    def setup(self, lines: Iterable[Line], inputs: Mapping[str, FromStep]) -> Setup:
        by_order = {line.order: line for line in lines}
        return Setup(tuple(self.piece(by_order[order]) for order in sorted(by_order)), inputs)

    def described(self) -> dict[str, NotebookParameter]:
        return {name: _described(one, name in self.declared) for name, one in self.chosen.items()}


def _described(found: Definition, is_declared: bool) -> NotebookParameter:
    node, is_constant = found.node, found.kind is Kind.CONSTANT
    last = found.statements[-1].cell_text.splitlines()[(node.end_lineno or 1) - 1].encode()
    comment = last[node.end_col_offset or 0 :].decode("utf-8", "replace").strip()
    return NotebookParameter(
        name=found.name,
        value=found.value if is_constant else None,
        label=found.label,
        annotation=ast.unparse(node.annotation) if isinstance(node, ast.AnnAssign) else "",
        comment=comment.lstrip("#").strip() if comment.startswith("#") else "",
        is_declared=is_declared,
        is_constant=is_constant,
    )


def _check_literal(name: str, value: Any) -> None:
    try:
        same = ast.literal_eval(repr(value)) == value
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        same = False
    if not same:
        raise UsageError(
            f"The parameter {name!r} is given {value!r}, which is no plain value.",
            "Give a number, a text, True, False, None, or a list or mapping of these.",
        )
