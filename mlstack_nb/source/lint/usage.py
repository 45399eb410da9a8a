"""What the code of a step calls, uses of imported modules, and writes as text; `usage_walk` finds it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlstack_nb.source.lint.findings import Edit, Finding, Place
from mlstack_nb.source.lint.passages import Part, Passage, StepCode
from mlstack_nb.source.lint.rules import RULES


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """A node in its place. `is_deferred`: it stands in a function, so it runs when that is called.

    `is_embedded`: it stands behind a magic (`%time x`), where columns mean nothing.
    """

    node: ast.expr | ast.stmt
    passage: Passage
    line: int
    last_line: int
    is_deferred: bool = False
    is_embedded: bool = False

    @property
    def place(self) -> Place:
        return self.passage.place

    @property
    def shift(self) -> int:
        """What the lines of a node are away from those of its cell."""
        return self.place.first_line - 1

    def finding(self, rule: str, message: str, hint: str = "", edits: tuple[Edit, ...] = ()) -> Finding:
        """Without a hint of its own it has that of the rule. Edits count where the columns mean something."""
        return Finding(
            rule=rule,
            place=self.place,
            line=self.line,
            message=message,
            hint=hint or RULES[rule].fix,
            column=1 if self.is_embedded else self.node.col_offset + 1,
            last_line=self.last_line,
            edits=() if self.is_embedded else edits,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """A name, or a chain of attributes, that leads into an import; `is_called` when it is the function of a call."""

    spot: Spot
    path: str
    is_called: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Called:
    """`path` is where the function was imported from, with its name; empty for others. `method` is its last name."""

    spot: Spot
    node: ast.Call
    path: str
    method: str
    receiver: ast.expr | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A string that is no docstring; of an f-string the beginning. `given_to` is the call that it is an argument of."""

    spot: Spot
    value: str
    given_to: Called | None = None
    is_formatted: bool = False


@dataclass(slots=True)
class Usage:
    """All of one step, each list in the order of the code."""

    code: StepCode
    uses: list[Use] = field(default_factory=list)
    calls: list[Called] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    statements: list[Spot] = field(default_factory=list)
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    # what each name is assigned, None where that is no expression of its own
    literals: dict[str, list[ast.expr | None]] = field(default_factory=dict)
    paths: dict[ast.expr, str] = field(default_factory=dict)

    def path(self, node: ast.AST) -> str:
        """Where an expression was imported from; empty for what was not."""
        return self.paths.get(node, "") if isinstance(node, ast.expr) else ""

    @property
    def at_once(self) -> Iterator[Called]:
        """The calls of ordinary cells that happen when these are executed."""
        return (call for call in self.calls if not call.spot.is_deferred and call.spot.passage.part is not Part.BODY)
