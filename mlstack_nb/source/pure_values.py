"""Values that plain arithmetic on literals gives, found without a kernel: `Path("data") / name`, `f"{a}.csv"`.

Only code that can do nothing but compute such a value is evaluated; for any other the answer is that nobody knows.
"""

from __future__ import annotations

import ast
import builtins
import math
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_BUILTINS = {
    name: getattr(builtins, name)
    for name in (
        "abs all any bool dict divmod enumerate float frozenset int len list max min range reversed round set sorted "
        "str sum tuple zip True False None"
    ).split()
    if hasattr(builtins, name)
}
_MODULES: dict[str, Any] = {"math": math, "os": os, "os.path": os.path, "pathlib": pathlib}
# methods and attributes of texts, paths, dicts, lists and those modules that only compute
_ATTRIBUTES = frozenset(
    "Path PurePath basename capitalize ceil count dirname e endswith exp floor get index items join joinpath keys log "
    "log10 log2 lower lstrip name parent parts path pi removeprefix removesuffix rstrip sep split splitext sqrt "
    "startswith stem strip suffix title upper values with_name with_suffix".split()
)
_NODES = (
    *(
        ast.Assign,
        ast.AnnAssign,
        ast.Expr,
        ast.Import,
        ast.ImportFrom,
        ast.alias,
        ast.Name,
        ast.Constant,
        ast.Attribute,
    ),
    *(ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Subscript, ast.Slice, ast.Starred, ast.Call),
    *(ast.Tuple, ast.List, ast.Set, ast.Dict, ast.JoinedStr, ast.FormattedValue, ast.keyword),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.comprehension, ast.expr_context, ast.unaryop, ast.boolop, ast.cmpop),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.BitAnd, ast.BitOr, ast.BitXor, ast.MatMult),
)
_LARGEST = 10_000


def pure_values(
    statements: Iterable[ast.stmt], wanted: Iterable[str], given: Mapping[int, Mapping[str, Any]]
) -> dict[str, Any] | None:
    """The values of the `wanted` names after the statements, or None where these do more than compute plain values.

    `given` has, by `id` of a statement, names that get another value right after it.
    """
    names: dict[str, Any] = {"__builtins__": {}, **_BUILTINS, "range": _short_range}
    for node in statements:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names.update(_imported(node))
            continue
        if not _is_pure(node, names):
            return None
        try:
            exec(compile(ast.Module([_without_annotation(node)], []), "<constants>", "exec"), names)  # noqa: S102
        except Exception:  # noqa: BLE001  the kernel will show it, with a traceback
            return None
        names.update(given.get(id(node), {}))
    return {name: names[name] for name in wanted} if all(name in names for name in wanted) else None


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Any]]:
    """What is known of an import; what is not stays an unknown name."""
    for alias in node.names:
        if isinstance(node, ast.Import):
            if alias.name in _MODULES and ("." not in alias.name or not alias.asname):
                top = alias.name.partition(".")[0]
                yield alias.asname or top, _MODULES[top]
        elif not node.level and node.module in _MODULES and alias.name in _ATTRIBUTES:
            yield alias.asname or alias.name, getattr(_MODULES[node.module], alias.name)


def _is_pure(node: ast.stmt, known: Mapping[str, Any]) -> bool:
    inner = list(ast.walk(_without_annotation(node)))
    bound = {one.id for one in inner if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    return all(isinstance(one, _NODES) and _only_computes(one, {*known, *bound}) for one in inner)


def _only_computes(node: ast.AST, known: set[str]) -> bool:
    match node:
        case ast.Name(name):
            return name in known
        case ast.Attribute(_, name, ctx):
            return name in _ATTRIBUTES and isinstance(ctx, ast.Load)
        case ast.Subscript(_, _, ctx):
            return isinstance(ctx, ast.Load)
        case ast.BinOp(left, ast.Mult(), right):
            return _is_small(left) and _is_small(right)
    return True


def _is_small(factor: ast.expr) -> bool:
    """Whether no text or list becomes huge by it."""
    return not (isinstance(factor, ast.Constant) and isinstance(factor.value, int) and abs(factor.value) > _LARGEST)


def _without_annotation(node: ast.stmt) -> ast.stmt:
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return ast.copy_location(ast.Assign([node.target], node.value), node)
    return node


def _short_range(*limits: int) -> range:
    found = range(*limits)
    if len(found) > _LARGEST:
        raise ValueError("too many for a value that is found without a kernel")
    return found
