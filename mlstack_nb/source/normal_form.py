"""What code means, as a digest: formatting, comments, docstrings, quotes and positions do not count.

The form is written from the syntax tree alone and can be read in one way only, so that two trees share it exactly
when they are the same code. Left out besides positions are bare strings (docstrings; in a cell all but the last
statement, which is displayed), `pass`, and empty fields, so that trees of newer Pythons, which have more fields,
give the same form. What a cell shows at its end counts as a call of `display`.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from blake3 import blake3

_SKIPPED = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
_IMPORTERS = frozenset({"import_module", "__import__"})
# calls that are known to give nothing to show
_SHOWS_NOTHING = frozenset(
    "append clear close display dump extend filterwarnings insert log_metric log_metrics log_param log_params print "
    "remove reverse savefig seed set_option set_theme show simplefilter sort tight_layout to_csv to_parquet to_pickle "
    "update".split()
)
_BLOCKS = frozenset({"body", "orelse", "finalbody"})
_FIELDS: dict[type, tuple[tuple[str, str, bool], ...]] = {}
_TAGS: dict[type, str] = {float: "f", complex: "c", bytes: "b", bool: "t", type(None): "0", type(...): "e"}

ImportNode = ast.Import | ast.ImportFrom


class Form:
    """The digest of some code, and the imports anywhere inside it, those in functions included."""

    __slots__ = ("_out", "digest", "imports")

    def __init__(self, nodes: Sequence[ast.AST], *, shows_last: bool = False) -> None:
        """`shows_last`: the value of the last statement is displayed, as in a cell."""
        self.imports: list[ImportNode] = []
        self._out: list[str] = []
        kept = _speaking(nodes)
        last = nodes[-1] if shows_last and nodes else None
        if isinstance(last, ast.Expr) and shows_value(last):
            kept = [*(kept if is_silent(last) else kept[:-1]), shown(last)]
        self._list("", kept)
        self.digest = blake3("".join(self._out).encode("utf-8", "surrogatepass")).hexdigest()

    def _list(self, label: str, items: Sequence[Any]) -> None:
        self._out.append(f"{label}[{len(items)}")
        for item in items:
            self._write(item)

    def _write(self, node: Any) -> None:
        kind = node.__class__
        if kind is ast.Name:
            self._out.append(f"n{node.id};")
        elif kind is ast.Constant:
            self._plain(node.value)
        elif node is None:  # a missing item, as the key of `**more` in a dict; unlike the constant None
            self._out.append("-")
        elif kind in _FIELDS or isinstance(node, ast.AST):
            self._fields(node, kind)
        else:
            self._plain(node)

    def _fields(self, node: Any, kind: type[ast.AST]) -> None:
        if kind is ast.Import or kind is ast.ImportFrom:
            self.imports.append(node)
        elif kind is ast.Call and node.args and node.args[0].__class__ is ast.Constant and (by_name := _imported(node)):
            self.imports.append(by_name)
        self._out.append(f"({kind.__name__}")
        for name, label, is_block in _FIELDS.get(kind) or _learn(kind):
            value = getattr(node, name, None)
            if value.__class__ is list:
                if is_block:
                    value = _speaking(value)
                if value:
                    self._list(label, value)
            elif value is not None:
                self._out.append(label)
                self._write(value)
        self._out.append(")")

    def _plain(self, value: Any) -> None:
        kind = value.__class__
        if kind is str:
            self._out.append(f"s{len(value)}:{value}")
        elif kind is int:
            self._out.append(f"i{value:x};")
        else:
            self._out.append(f"{_TAGS[kind]}{value!r};")


def shows_value(node: ast.Expr) -> bool:
    """Whether a cell that ends with it may show something."""
    call = node.value
    if not isinstance(call, ast.Call):
        return True
    return getattr(call.func, "attr", getattr(call.func, "id", "")) not in _SHOWS_NOTHING


def shown(node: ast.Expr) -> ast.Expr:
    """The statement that shows the value wherever it stands."""
    call = ast.Call(ast.Name("display", ast.Load()), [node.value], [])
    return ast.copy_location(ast.Expr(ast.copy_location(call, node)), node)


def normal_form(*nodes: ast.AST) -> str:
    """The digest of code, in 64 lowercase hex characters."""
    return Form(nodes).digest


def _learn(kind: type[ast.AST]) -> tuple[tuple[str, str, bool], ...]:
    fields = tuple((name, f".{name}=", name in _BLOCKS) for name in kind._fields if name not in _SKIPPED)
    _FIELDS[kind] = fields
    return fields


def _imported(call: ast.Call) -> ImportNode | None:
    """`import_module("a.b")` and `__import__("a.b")` as `from a.b import *`, for what of it is used is not known."""
    function = getattr(call.func, "attr", getattr(call.func, "id", ""))
    name = getattr(call.args[0], "value", None)
    if function not in _IMPORTERS or not isinstance(name, str):
        return None
    module = name.lstrip(".")
    return ast.ImportFrom(module, [ast.alias("*")], len(name) - len(module))


def _speaking(nodes: Sequence[ast.AST]) -> list[ast.AST]:
    """The statements that do something."""
    return [node for node in nodes if not is_silent(node)]


def is_silent(node: Any) -> bool:
    """Whether a statement does nothing: `pass`, and a bare string."""
    kind = node.__class__
    if kind is ast.Expr:
        return node.value.__class__ is ast.Constant and node.value.value.__class__ is str
    return kind is ast.Pass
