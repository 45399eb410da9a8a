"""Python inside IPython's calls: the code of `%time y = f(x)`, the names in `!cp {path} $HOME`, `%%capture out`.

Works on the calls that `ipython_syntax` writes: `get_ipython().run_line_magic(name, line)` and its kin.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from mlstack_nb.source.ipython_syntax import to_python

# magic -> the options that take a value; what follows the options is Python
_STATEMENT_MAGICS = {
    "time": "",
    "timeit": "nrp",
    "prun": "lsTD",
    "memit": "rti",
    "lprun": "fmTDsuz",
    "mprun": "fT",
    "debug": "b",
}
_ISOLATED = frozenset({"timeit", "memit"})
_SHELL_MAGICS = frozenset("! bash sh script system sx perl ruby python python2 python3 pypy".split())
_CALLS = frozenset({"run_line_magic", "run_cell_magic", "system", "getoutput"})

_OPTION = re.compile(r"\s*-(?:-\w[\w-]*(?:=\S+)?|([a-zA-Z])(\S*))(?:\s+|$)")
_BRACES = re.compile(r"\{([^{}]+)\}")
_DOLLAR = re.compile(r"(?<!\$)\$\{?([A-Za-z_]\w*)")
_BINDING_OPTION = re.compile(r"--(?:out|err|proc)[ =](\w+)")


class Embedded(NamedTuple):
    """`statements` run where the call stands; `isolated` when what they assign is not seen outside.

    `reads` are names that IPython fills in when they exist and leaves alone when not.
    """

    statements: tuple[ast.stmt, ...] = ()
    isolated: bool = False
    reads: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()


def embedded_in(call: ast.Call) -> Embedded | None:
    """What a call of IPython's holds, or None when `call` is any other call."""
    func = call.func
    if not (isinstance(func, ast.Attribute) and func.attr in _CALLS and _is_shell(func.value)):
        return None
    texts = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    if len(texts) != len(call.args):
        return None
    if func.attr in ("system", "getoutput"):
        return Embedded(reads=tuple(interpolated(*texts)))
    name, line, *body = texts if len(texts) > 1 else [*texts, ""]
    if name in _STATEMENT_MAGICS:
        return _statements(name, line, "".join(body))
    if name == "capture" and body:
        target = next((word for word in line.split() if not word.startswith("-")), None)
        return Embedded(_parsed("".join(body)), binds=(target,) if target and target.isidentifier() else ())
    if name in _SHELL_MAGICS:
        binds = tuple(_BINDING_OPTION.findall(line))
        return Embedded(reads=tuple(interpolated(line, *(body if name in ("!", "system", "sx") else ()))), binds=binds)
    return Embedded(reads=tuple(interpolated(line)))


def interpolated(*texts: str) -> Iterator[str]:
    """The names that IPython would look up for `{expression}` and `$name`, as far as they parse."""
    for text in texts:
        for expression in _BRACES.findall(text):
            try:
                tree = ast.parse(expression.partition("!r")[0].strip(), mode="eval")
            except SyntaxError:
                continue
            yield from (node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
        yield from _DOLLAR.findall(text)


def _is_shell(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "get_ipython"


def _statements(magic: str, line: str, body: str) -> Embedded:
    code = _without_options(line, _STATEMENT_MAGICS[magic])
    statements = _parsed(code) + _parsed(body)
    if not statements and code.strip():
        return Embedded(reads=tuple(interpolated(line)))
    return Embedded(statements, isolated=magic in _ISOLATED)


def _without_options(line: str, valued: str) -> str:
    while option := _OPTION.match(line):
        letter, value = option[1], option[2]
        line = line[option.end() :]
        if letter and letter in valued and not value:
            line = line.partition(" ")[2]
    return line


def _parsed(code: str) -> tuple[ast.stmt, ...]:
    try:
        return tuple(ast.parse(to_python(code)).body)
    except SyntaxError:
        return ()
