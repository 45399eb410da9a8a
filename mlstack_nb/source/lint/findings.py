"""What a rule found, and the edit that mends it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from mlstack_nb.source.lint.rules import RULES, Rule


@dataclass(frozen=True, slots=True)
class Place:
    """Where some code stands: in which cell of a notebook, or in a file, for which `cell` is empty and `index` -1.

    `index` counts all cells from 0. `first_line` is the number in the cell of the first line of the code.
    """

    cell: str = ""
    index: int = -1
    first_line: int = 1


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes of one line of a cell's text to be replaced: `line` from 1, `start` and `end` from 0, `old` what is there.

    With `end` -1 whole lines, `new`, are inserted above that line.
    """

    index: int
    line: int
    start: int
    end: int
    new: str
    old: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """`line` and `last_line` are numbers in the cell or file, 0 where only the cell is known; `column` is from 1.

    `steps` are those that the code belongs to. `edits` mend it, if any are known; `about` is the literal or the name
    that is wrong, for those who know more.
    """

    rule: str
    place: Place
    line: int
    message: str
    hint: str
    column: int = 1
    last_line: int = 0
    steps: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    about: ast.expr | str | None = field(default=None, compare=False, repr=False)

    @property
    def described(self) -> Rule:
        return RULES[self.rule]

    @property
    def order(self) -> tuple[int, int, int, str]:
        return self.place.index, self.line, self.column, self.rule

    @property
    def where(self) -> str:
        """`cell 7, line 3`, or `line 3` of a file."""
        line = f"line {self.line}" if self.line else ""
        return ", ".join(filter(None, (self.place.cell, line)))

    def to_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "name": self.described.name,
            "cell": self.place.cell or None,
            "line": self.line or None,
            "column": self.column if self.line else None,
            "steps": list(self.steps),
            "message": self.message,
            "hint": self.hint,
            "is_fixable": bool(self.edits),
        }
