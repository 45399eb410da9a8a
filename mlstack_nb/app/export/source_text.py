"""Editing source as text, so that people's own formatting and comments stay: indenting, cutting, wrapping."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable

from mlstack_nb.source.ipython_syntax import plain
from mlstack_nb.source.normal_form import shown, shows_value

_INSIDE = (tokenize.STRING, tokenize.FSTRING_MIDDLE) if hasattr(tokenize, "FSTRING_MIDDLE") else (tokenize.STRING,)


def indented(text: str, by: str = "    ") -> str:
    """Every line further in, but for those that go on inside a string, whose value would change."""
    inside = _lines_inside_strings(text)
    lines = text.split("\n")
    return "\n".join(by + line if line.strip() and at not in inside else line for at, line in enumerate(lines, 1))


def showing_last(text: str) -> str:
    """A cell's text with what it shows at its end as `display(...)`."""
    tree = ast.parse(text)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr) or not shows_value(last):
        return text
    for opening, closing in (("display(", ")"), ("display((", "))")):
        wrapped = _wrapped(text, last, opening, closing)
        if ast.dump(ast.parse(wrapped).body[-1]) == ast.dump(shown(last)):
            break
    return wrapped


def _wrapped(text: str, node: ast.stmt, opening: str, closing: str) -> str:
    lines = text.encode().split(b"\n")
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    rest = lines[last][node.end_col_offset or 0 :].lstrip(b"; ")
    lines[last] = lines[last][: node.end_col_offset] + closing.encode() + (b"  " + rest if rest else b"")
    lines[first] = lines[first][: node.col_offset] + opening.encode() + lines[first][node.col_offset :]
    return b"\n".join(lines).decode()


def cut(text: str, nodes: Iterable[ast.stmt]) -> str:
    """The text without some statements, each of which has its lines for itself."""
    gone = {at for node in nodes for at in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    return "\n".join(line for at, line in enumerate(text.split("\n"), 1) if at not in gone)


def with_comments(cell: str, text: str) -> str:
    """Some lines of a cell with the comments that stand right above them."""
    lines, wanted = plain(cell).split("\n"), text.split("\n")
    starts = (at for at in range(len(lines)) if lines[at : at + len(wanted)] == wanted)
    first = next(starts, None)
    if first is None:
        return text
    above: list[str] = []
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
        above.insert(0, lines[first])
    return "\n".join([*above, text])


def _lines_inside_strings(text: str) -> set[int]:
    found: set[int] = set()
    starts: list[int] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            name = tokenize.tok_name[token.type]
            if name == "FSTRING_START":
                starts.append(token.start[0])
            elif name == "FSTRING_END" and starts:
                found.update(range(starts.pop() + 1, token.end[0] + 1))
            elif token.type in _INSIDE:
                found.update(range(token.start[0] + 1, token.end[0] + 1))
    except (tokenize.TokenError, IndentationError):
        return found
    return found
