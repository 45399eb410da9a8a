"""The fingerprint of a live function, such as a `@step`: read from the source that it was compiled from."""

from __future__ import annotations

import ast
import linecache
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

from mlstack_nb.core.digest import UndigestibleError, digest
from mlstack_nb.core.step import Fingerprint
from mlstack_nb.errors import UsageError
from mlstack_nb.source.cell import parse
from mlstack_nb.source.code import Code
from mlstack_nb.source.definition import first_line
from mlstack_nb.source.effects import Kind, root_name
from mlstack_nb.source.fingerprint import combined
from mlstack_nb.source.module_scope import ModuleScope, module_scope
from mlstack_nb.source.modules import OWN_PACKAGES, Module, Origin, locate
from mlstack_nb.source.project_code import Slice, slice_of
from mlstack_nb.source.reach import Reach, reach
from mlstack_nb.source.scope import NotebookScope, Scope

_FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_OWN_DECORATORS = frozenset({"step", "pipeline"})


Content = Callable[[Any], str]


def _by_type(value: Any) -> str:
    kind = value if isinstance(value, type) else type(value)
    return f"{kind.__module__}.{kind.__qualname__}"


def of_function(
    func: Callable[..., Any], scope: NotebookScope | None = None, *, content: Content = _by_type
) -> Fingerprint:
    """The fingerprint of `func` and of what it reaches in its module, or in `scope` when a notebook cell defines it.

    Decorators of ours do not count, others do. Constants of its module count by value; other values by the code
    that makes them and by what they are now, as far as `content` can tell. A closure's variables count by what they
    are now: plain data by value, functions by their own fingerprint, the rest by what `content` says of a value.
    Raises UsageError when `func` is no Python function or its source can not be found.
    """
    return _of_function(func, scope, frozenset(), content)


def _of_function(
    func: Callable[..., Any], scope: Scope | None, outer: frozenset[CodeType], content: Content
) -> Fingerprint:
    plain = _plain(func)
    home, node = _source_of(plain, scope)
    key = "live", plain.__code__
    known: tuple[Reach, Slice] | None = home.memo.get(key)
    if known is None:
        code = Code([_without_own_decorators(node, home)])
        found = reach(code, home)
        inner = slice_of(found, home)
        parts, writings = {"body": code.digest, **inner.parts}, {"body": _text_of(node, plain, home), **inner.writings}
        known = home.memo[key] = found, Slice(parts, inner.targets, writings)
    found, inner = known
    live = _live_values(plain, found)
    if not live:
        return combined(inner)
    seen = outer | {plain.__code__}
    return combined(inner, {label: _live_part(value, scope, seen, content) for label, value in live.items()})


def _plain(func: Any) -> FunctionType:
    """The function as it was written: below wrappers and bound methods."""
    while not isinstance(func, FunctionType) or hasattr(func, "__wrapped__"):
        inner = getattr(func, "__wrapped__", None) or getattr(func, "__func__", None)
        if inner is None:
            raise UsageError(f"{func!r} is not a Python function.", "Write the step as a `def`.")
        func = inner
    return func


def _source_of(func: FunctionType, scope: Scope | None) -> tuple[Scope, ast.stmt]:
    """The scope that the function's free names live in, and its statement."""
    home = _module_of(func)
    if home is not None:
        definition = home.lookup(func.__name__)
        node = definition.node if definition and definition.kind is Kind.FUNCTION else None
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _is_source(node, func):
            return home, node
        trees: Iterable[ast.AST] = [cell.tree for cell in home.cells]
    else:
        lines = linecache.getlines(func.__code__.co_filename, func.__globals__)
        cell = parse("".join(lines), label=func.__code__.co_filename)
        trees = [cell.tree] if lines else [one.tree for one in scope.cells] if scope else []
        home = scope or _scope_of_one(cell)
    nodes = [node for tree in trees for node in ast.walk(tree) if _is_source(node, func)]
    if not nodes:
        nodes = [node for tree in trees for node in ast.walk(tree) if getattr(node, "name", "") == func.__name__][:1]
    if not nodes:
        raise UsageError(
            f"The source of function {func.__qualname__!r} can not be found.",
            "Define it in a file or in a notebook cell.",
        )
    first = nodes[0]
    if isinstance(first, ast.FunctionDef | ast.AsyncFunctionDef):
        return home, first
    # which of several lambdas on one line it is can not be told: all count
    return home, ast.Expr(ast.List([node for node in nodes if isinstance(node, ast.expr)], ast.Load()))


def _text_of(node: ast.stmt, func: FunctionType, home: Scope) -> str:
    """The function as it is written, or put together from its tree where it has no lines of its own."""
    if isinstance(home, ModuleScope):
        lines = home.text.splitlines(keepends=True)
    else:
        lines = linecache.getlines(func.__code__.co_filename, func.__globals__)
    if not lines or isinstance(node, ast.Expr):
        return ast.unparse(node)
    return "".join(lines[first_line(node) - 1 : node.end_lineno])


def _scope_of_one(cell: Any) -> Scope:
    scope = NotebookScope()
    scope.add(cell)
    return scope


def _module_of(func: FunctionType) -> Scope | None:
    """The scope of the module file that holds the function; None for notebooks and code made at run time."""
    file = func.__code__.co_filename
    if func.__module__ == "__main__":
        own = getattr(sys.modules.get("__main__"), "__file__", None)
        module = Module("__main__", Origin.PROJECT, own and os.path.abspath(own))
    else:
        module = locate(func.__module__ or "")
    if module.path is None or os.path.abspath(file) != module.path:
        return None
    return module_scope(module)


def _is_source(node: ast.AST, func: FunctionType) -> bool:
    code = func.__code__
    if isinstance(node, ast.Lambda):
        return code.co_name == "<lambda>" and node.lineno == code.co_firstlineno
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name != code.co_name:
        return False
    return first_line(node) == code.co_firstlineno


def _without_own_decorators(node: ast.stmt, home: Scope) -> ast.stmt:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return node
    kept = [decorator for decorator in node.decorator_list if not _is_own(decorator, home)]
    if len(kept) == len(node.decorator_list):
        return node
    fields = {name: getattr(node, name) for name in node._fields}
    return ast.copy_location(type(node)(**{**fields, "decorator_list": kept}), node)


def _is_own(decorator: ast.expr, home: Scope) -> bool:
    name = root_name(decorator)
    definition = home.lookup(name)
    if definition is None:
        return name in _OWN_DECORATORS | OWN_PACKAGES
    node = definition.node
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").partition(".")[0] in OWN_PACKAGES and not node.level
    return isinstance(node, ast.Import) and node.names[0].name.partition(".")[0] in OWN_PACKAGES


def _live_values(func: FunctionType, found: Reach) -> Mapping[str, Any]:
    """What only the live function knows: its closure, computed values of its module, names defined elsewhere."""
    live: dict[str, Any] = {}
    for name, cell in zip(func.__code__.co_freevars, func.__closure__ or (), strict=True):
        try:
            live[f"closure {name}"] = cell.cell_contents
        except ValueError:  # not bound yet
            live[f"closure {name}"] = None
    for definition in found.value_definitions:
        if definition.name in func.__globals__:
            live[f"value {definition.name} now"] = func.__globals__[definition.name]
    for name in found.undefined:
        if name in func.__globals__ and name not in func.__code__.co_freevars:
            live[f"global {name}"] = func.__globals__[name]
    return live


def _live_part(value: Any, scope: Scope | None, seen: frozenset[CodeType], content: Content) -> str:
    try:
        return digest(value)
    except UndigestibleError:
        pass
    if isinstance(value, FunctionType):
        return value.__qualname__ if value.__code__ in seen else _of_function(value, scope, seen, content).digest
    if isinstance(value, ModuleType):
        return f"module {value.__name__}"
    return _by_type(value) if isinstance(value, type) else content(value)
