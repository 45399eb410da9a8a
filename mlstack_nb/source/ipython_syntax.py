"""IPython cell text to plain Python, line for line.

The calls are those that IPython's own TransformerManager makes; unlike IPython, each line stays where it is, so
that positions in the tree are positions in the cell. Magics are recognised at the start of logical lines and after
an assignment, never inside strings or brackets.
"""

from __future__ import annotations

import ast
import re
from textwrap import dedent, indent
from typing import NamedTuple

PYTHON_CELL_MAGICS = frozenset(
    "capture debug ipytest lprun memit mprun prun pyinstrument scalene snakeviz step time timeit wandb".split()
)

_SPECIAL = re.compile(r"^[ \t]*[%!?,;/]|=[ \t\\\n]*[%!]|\?$", re.MULTILINE)
_BLANK_LINE = re.compile(r"^[ \t]+$", re.MULTILINE)
_PROMPT = re.compile(r"^\s*(?:>>>|\.\.\.)(?: |$)", re.MULTILINE)
_IPYTHON_PROMPT = re.compile(r"^(?:(?:(?:\[nav\]|\[ins\])? )?In \[\d+\]: |\s*\.{3,}: ?)")
_TOKEN = re.compile(
    r"""(?P<open>[\[({]) | (?P<close>[\])}]) | (?P<string>\"{3}|'{3}|["']) | (?P<comment>\#[^\n]*)
    | (?P<joined>\\\n) | (?P<newline>\n) | (?P<assign>(?<![=!<>:+\-*/%&|^@])=(?!=))""",
    re.VERBOSE,
)
_STRING_END = {
    quote: re.compile(rf"(?:[^\\{'' if len(quote) == 3 else chr(10)}]|\\.)*?{quote}", re.DOTALL)
    for quote in ('"""', "'''", '"', "'")
}
_HELP = re.compile(r"(%{0,2}(?!\d)[\w*]+(?:\.(?!\d)[\w*]+|\[-?[0-9]+\])*)(\?\??)$")
_ESCAPES = frozenset("!?%,;/")
_OPERATORS = ("%=", "//", "/=", "!=")


class CellMagic(NamedTuple):
    """A cell that starts with `%%name line`. `before` counts the blank lines above it."""

    name: str
    line: str
    body: str
    before: int


def to_python(text: str) -> str:
    """Plain Python with as many lines as `text`; what is no IPython syntax comes back as it is."""
    text = plain(text)
    magic = cell_magic(text)
    if magic is not None:
        call = f"get_ipython().run_cell_magic({magic.name!r}, {magic.line!r}, {magic.body!r})"
        return "\n" * magic.before + call + "\n" * (text.count("\n") - magic.before)
    return _translate(text) if _SPECIAL.search(text) else text


def python_body(text: str) -> str | None:
    """What a reader of the code should parse: like `to_python`, but with the body of `%%time` and its like as code.

    The magic's own line becomes a call with an empty body. None when the cell is not Python (`%%bash`, `%%html`).
    """
    text = plain(text)
    magic = cell_magic(text)
    if magic is None:
        return _translate(text) if _SPECIAL.search(text) else text
    if magic.name not in PYTHON_CELL_MAGICS:
        return None
    body = python_body(magic.body)
    if body is None:
        return None
    head = f"get_ipython().run_cell_magic({magic.name!r}, {magic.line!r}, '')"
    if magic.name == "timeit":  # its assignments stay inside
        names = "".join(f", {name}=None" for name in _assigned_names(magic.line))
        head, body = f"def _timed(setup={head}{names}):", indent(body, " ") or " pass"
    result = "\n" * magic.before + head + "\n" + body
    return result if text.endswith("\n") else result.removesuffix("\n")


def _assigned_names(code: str) -> list[str]:
    try:
        nodes = ast.walk(ast.parse(code))
    except SyntaxError:
        return []
    return list(dict.fromkeys(n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)))


def cell_magic(text: str) -> CellMagic | None:
    """The cell magic that `text` starts with, or None. Only blank lines may stand above it."""
    if "%%" not in text:
        return None
    text = plain(text)
    rest = text.lstrip("\n")
    if not rest.startswith("%%") or re.match(r"%%\w+\?", rest):
        return None
    first, _, body = rest.partition("\n")
    name, _, line = first[2:].rstrip().partition(" ")
    if not body.endswith("\n") and body:
        body += "\n"
    return CellMagic(name, line, body, len(text) - len(rest))


def plain(text: str) -> str:
    """Without common indentation and pasted prompts; lines that hold only blanks become empty."""
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    text = _BLANK_LINE.sub("", text)
    start = text.lstrip("\n")
    if start[:1] in (" ", "\t"):
        text = dedent(text)
        start = text.lstrip("\n")
    if start.startswith(">>>"):
        return dedent(_PROMPT.sub("", text))
    lines = start.split("\n", 2)
    if any(_IPYTHON_PROMPT.match(line) for line in lines[:2]):
        return "\n".join(_IPYTHON_PROMPT.sub("", line, count=1) for line in text.split("\n"))
    return text


class _LogicalLine(NamedTuple):
    """Offsets into the text: the end (after the newline), the first top-level `=`, whether it ends with `?`."""

    end: int
    assign: int | None
    asks: bool


def _translate(text: str) -> str:
    source = text if text.endswith("\n") else text + "\n"
    out: list[str] = []
    at = 0
    while at < len(source):
        end, piece = _translate_logical_line(source, at)
        out.append(piece)
        at = end
    result = "".join(out)
    return result if text.endswith("\n") else result[:-1]


def _translate_logical_line(source: str, at: int) -> tuple[int, str]:
    """The end of the logical line that starts at `at`, and its translation with as many newlines."""
    logical = _logical_line(source, at)
    start = at
    while source[start] in " \t\f":
        start += 1
    if logical.asks and (found := _HELP.search(source[start : logical.end])):
        return logical.end, _kept(source, at, start, logical.end, _help_call(found[1], found[2]))
    first = source[start]
    if first in _ESCAPES and not source.startswith(_OPERATORS, start):
        end = _continued_end(source, start)
        call = _escaped_call(_joined(source[start:end]))
        return end, source[at:end] if call is None else _kept(source, at, start, end, call)
    if logical.assign is not None:
        value = _after_blanks(source, logical.assign + 1)
        line_start = source.rfind("\n", 0, logical.assign) + 1
        own_line = bool(source[line_start : logical.assign].strip())
        if (source[value] == "!" and own_line) or (source[value] == "%" and _starts_name(source, value + 1)):
            end = _continued_end(source, value)
            return end, _kept(source, at, value, end, _assigned_call(_joined(source[value:end])))
    return logical.end, source[at : logical.end]


def _logical_line(source: str, at: int) -> _LogicalLine:
    depth, assign, opaque = 0, None, at
    position = at
    while token := _TOKEN.search(source, position):
        kind, position = token.lastgroup, token.end()
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth = max(0, depth - 1)
        elif kind == "string":
            closing = _STRING_END[token[0]].match(source, position)
            if closing:
                position = opaque = closing.end()
            elif len(token[0]) == 3:
                return _LogicalLine(len(source), assign, False)
        elif kind == "comment":
            opaque = position
        elif kind == "assign" and depth == 0 and assign is None:
            assign = token.start()
        elif kind == "newline" and depth == 0:
            break
    else:
        position = len(source)
    mark = len(source[at:position].rstrip("\n")) + at - 1
    return _LogicalLine(position, assign, mark >= opaque and source[mark] == "?")


def _continued_end(source: str, at: int) -> int:
    end = source.index("\n", at) + 1
    while source.endswith("\\\n", at, end) and end < len(source):
        end = source.index("\n", end) + 1
    return end


def _joined(command: str) -> str:
    """One command from its physical lines, as IPython joins them."""
    parts = command.splitlines()
    return " ".join([part.rstrip()[:-1] for part in parts[:-1]] + [parts[-1].rstrip()])


def _kept(source: str, at: int, start: int, end: int, call: str) -> str:
    return source[at:start] + call + "\n" * source.count("\n", start, end)


def _after_blanks(source: str, at: int) -> int:
    while source[at] in " \t" or source.startswith("\\\n", at):
        at += 2 if source[at] == "\\" else 1
    return at


def _starts_name(source: str, at: int) -> bool:
    at = _after_blanks(source, at)
    return source[at].isidentifier()


def _help_call(target: str, mark: str) -> str:
    method = "pinfo2" if mark == "??" else "psearch" if "*" in target else "pinfo"
    return f"get_ipython().run_line_magic({method!r}, {target!r})"


def _assigned_call(command: str) -> str:
    if command.startswith("!"):
        return f"get_ipython().getoutput({command[1:]!r})"
    name, _, line = command[1:].partition(" ")
    return f"get_ipython().run_line_magic({name!r}, {line!r})"


def _escaped_call(command: str) -> str | None:
    """The call for one escaped command, None when IPython would leave it alone."""
    mark = command[:2] if command[:2] in ("!!", "??") else command[:1]
    content = command[len(mark) :]
    name, _, line = content.partition(" ")
    if mark == "!":
        return f"get_ipython().system({content!r})"
    if mark == "!!":
        return f"get_ipython().getoutput({content!r})"
    if mark in ("?", "??"):
        return _help_call(content, mark) if content else "get_ipython().show_usage()"
    if mark == "%":
        return f"get_ipython().run_line_magic({name!r}, {line!r})"
    if mark == ",":
        return '{}("{}")'.format(name, '", "'.join(line.split()))
    if mark == ";":
        return f'{name}("{line}")'
    return "{}({})".format(name, ", ".join(line.split())) if name else None
