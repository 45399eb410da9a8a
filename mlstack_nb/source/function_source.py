"""Where the source of a live function is: in a module's file or in the cell that it was compiled from."""

from __future__ import annotations

import ast
import linecache
import os
import sys
from collections.abc import Iterable
from types import FunctionType
from typing import Any

from mlstack_nb.errors import UsageError
from mlstack_nb.source.cell import parse
from mlstack_nb.source.definition import first_line
from mlstack_nb.source.effects import Kind
from mlstack_nb.source.module_scope import ModuleScope, module_scope
from mlstack_nb.source.modules import Module, Origin, locate
from mlstack_nb.source.scope import NotebookScope, Scope


def plain_function(func: Any) -> FunctionType:
    """The function as it was written: below wrappers and bound methods."""
    while not isinstance(func, FunctionType) or hasattr(func, "__wrapped__"):
        inner = getattr(func, "__wrapped__", None) or getattr(func, "__func__", None)
        if inner is None:
            raise UsageError(f"{func!r} is not a Python function.", "Write the step as a `def`.")
        func = inner
    return func


def source_of(func: FunctionType, scope: Scope | None) -> tuple[Scope, ast.stmt]:
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
    lambdas = [node for node in nodes if isinstance(node, ast.Lambda)]
    # where the columns do not say which of several on one line it is, all count
    return home, ast.Expr(ast.List([*(_in_place(lambdas, func) or lambdas)], ast.Load()))


def text_of(node: ast.stmt, func: FunctionType, home: Scope) -> str:
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
    if not func.__module__:
        return None
    if func.__module__ == "__main__":
        own = getattr(sys.modules.get("__main__"), "__file__", None)
        module = Module("__main__", Origin.PROJECT, own and os.path.abspath(own))
    else:
        module = locate(func.__module__)
    if module.path is None or os.path.abspath(file) != module.path:
        return None
    return module_scope(module)


def _in_place(lambdas: list[ast.Lambda], func: FunctionType) -> list[ast.Lambda]:
    """The one whose body holds every place that the function was compiled from, and none of them inside."""
    places = [
        ((line, start), (last, end))
        for line, last, start, end in func.__code__.co_positions()
        if line is not None and last is not None and start is not None and end
    ]
    found = [one for one in lambdas if places and all(_holds(one.body, *place) for place in places)]
    return [one for one in found if not any(other is not one and _is_inside(other, one) for other in found)]


def _holds(node: ast.expr, start: tuple[int, int], end: tuple[int, int]) -> bool:
    last = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
    return (node.lineno, node.col_offset) <= start and end <= last


def _is_inside(inner: ast.expr, outer: ast.expr) -> bool:
    return any(node is inner for node in ast.walk(outer))


def _is_source(node: ast.AST, func: FunctionType) -> bool:
    code = func.__code__
    if isinstance(node, ast.Lambda):
        return code.co_name == "<lambda>" and node.lineno == code.co_firstlineno
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name != code.co_name:
        return False
    return first_line(node) == code.co_firstlineno
