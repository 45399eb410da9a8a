"""What a name of a notebook or module is, and the statements that made it so."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any, NamedTuple

from mlstack_nb.source.code import Code
from mlstack_nb.source.effects import Kind


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A top-level statement in its place. `order` sorts statements as they stand, cell after cell.

    `text` is its source, the whole lines it stands on; for one name of an import, that import alone.
    """

    label: str
    order: tuple[int, int]
    node: ast.stmt
    cell_text: str

    @property
    def line(self) -> int:
        return first_line(self.node)

    @property
    def text(self) -> str:
        if isinstance(self.node, ast.Import | ast.ImportFrom):
            return ast.unparse(self.node)
        return "\n".join(self.cell_text.splitlines()[self.line - 1 : self.node.end_lineno])


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """`statements`: all that make the name what it is, in order: its binding, and what changed it since.

    `value` is that of a constant; a constant has one statement, nobody changes it, and it is plain data.
    """

    name: str
    kind: Kind
    code: Code
    statements: tuple[Statement, ...]
    value: Any = None

    @property
    def node(self) -> ast.stmt:
        """The statement that bound the name last."""
        return self.statements[-1].node

    @property
    def is_data_file(self) -> bool:
        """Whether it is declared `Annotated[str, DataFile()]`, under whatever name that came."""
        node = self.node
        return isinstance(node, ast.AnnAssign) and any(
            "DataFile" in (getattr(part, "id", ""), getattr(part, "attr", "")) for part in ast.walk(node.annotation)
        )

    @property
    def label(self) -> str:
        return self.statements[-1].label

    @property
    def line(self) -> int:
        return self.statements[-1].line

    @property
    def order(self) -> tuple[int, int]:
        return self.statements[-1].order

    @property
    def text(self) -> str:
        return "\n".join(statement.text for statement in self.statements)

    @property
    def reads(self) -> tuple[str, ...]:
        return self.code.names.reads


def first_line(node: ast.stmt) -> int:
    """The line that a statement begins on, its decorators included."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


class Change(NamedTuple):
    """A statement that changes the object behind a name in place, or deletes the name."""

    name: str
    label: str
    line: int
    text: str
