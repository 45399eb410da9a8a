"""What the rules find in a Python file: in its step functions and what they reach, else in all of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from mlstack_nb.app.lint.notebooks import merged
from mlstack_nb.app.lint.structure import untyped_return
from mlstack_nb.app.lint.types import return_type
from mlstack_nb.errors import StepSyntaxError
from mlstack_nb.source.cell import parse_file
from mlstack_nb.source.code import Code
from mlstack_nb.source.effects import Kind
from mlstack_nb.source.function_fingerprint import own_decorator
from mlstack_nb.source.lint.checks import check_code, is_silenced
from mlstack_nb.source.lint.findings import Finding, Place
from mlstack_nb.source.lint.passages import Part, Passage, StepCode
from mlstack_nb.source.reach import reach
from mlstack_nb.source.scope import NotebookScope

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def lint_text(text: str, path: str) -> list[Finding]:
    """Everything, in the order of the lines, less what comments switch off. A file that is no Python is a finding."""
    try:
        found = list(_found(text, path))
    except StepSyntaxError as error:
        cause = error.__cause__
        line = cause.lineno or 0 if isinstance(cause, SyntaxError) else 0
        what = f"{cause.msg}." if isinstance(cause, SyntaxError) else error.what
        return [Finding("MLS401", Place(), line, what[:1].upper() + what[1:], error.hint)]
    kept = [one for one in found if not is_silenced(one, text)]
    return sorted(kept, key=lambda one: one.order)


def _found(text: str, path: str) -> Iterator[Finding]:
    cell = parse_file(text, path=path)
    scope = NotebookScope()
    scope.add(cell)
    steps = [
        node
        for node in cell.code.nodes
        if isinstance(node, _Function) and any(_is_step(one, scope) for one in node.decorator_list)
    ]
    if not steps:
        yield from merged(check_code(StepCode(path, (Passage(cell.code.nodes, Place()),), is_whole=True)))
        return
    yield from merged(finding for node in steps for finding in check_code(_code(node, scope)))
    for node in steps:
        for one in untyped_return(node, Place(), node.name):
            yield replace(one, edits=tuple(return_type(node, -1)))


def _is_step(decorator: ast.expr, scope: NotebookScope) -> bool:
    """`@step`, ours or ZenML's."""
    if own_decorator(decorator, scope) == "step":
        return True
    func = decorator.func if isinstance(decorator, ast.Call) else decorator
    definition = scope.lookup(func.id) if isinstance(func, ast.Name) else None
    node = definition.node if definition is not None else None
    is_zenml = isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "zenml"
    return is_zenml and isinstance(node, ast.ImportFrom) and node.names[0].name == "step"


def _code(node: _Function, scope: NotebookScope) -> StepCode:
    """What a step function reaches, in the order of the file, and the function itself."""
    found = reach(Code([node]), scope)
    constants = [one for name in found.constants if (one := scope.lookup(name)) is not None]
    around: dict[tuple[tuple[int, int], str], Passage] = {}
    for definition in (*found.definitions, *found.value_definitions, *constants):
        if definition.node is node:
            continue
        part = {Kind.VALUE: Part.SETUP, Kind.CONSTANT: Part.CONSTANT}.get(definition.kind, Part.PRELUDE)
        for statement in definition.statements:
            around[statement.order, ast.dump(statement.node)] = Passage((statement.node,), Place(), part)
    passages = [around[key] for key in sorted(around)]
    return StepCode(
        name=node.name,
        passages=(*passages, Passage((node,), Place())),
        texts=dict(_defaults(node)),
        function=node.name,
        counts_anew=_keeps_no_result(node),
    )


def _defaults(node: _Function) -> Iterator[tuple[str, str]]:
    """Parameters that are plain text by default, and are not annotated as paths."""
    positional = [*node.args.posonlyargs, *node.args.args]
    pairs = [
        *zip(positional[len(positional) - len(node.args.defaults) :], node.args.defaults, strict=True),
        *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
    ]
    for argument, default in pairs:
        declared = ast.unparse(argument.annotation) if argument.annotation is not None else ""
        is_text = isinstance(default, ast.Constant) and isinstance(default.value, str)
        if isinstance(default, ast.Constant) and is_text and "DataFile" not in declared and "Path" not in declared:
            yield argument.arg, str(default.value)


def _keeps_no_result(node: _Function) -> bool:
    """`@step(enable_cache=False)`, or one with a policy of its own."""
    options = [
        one for decorator in node.decorator_list if isinstance(decorator, ast.Call) for one in decorator.keywords
    ]
    return any(
        one.arg == "cache_policy"
        or (one.arg == "enable_cache" and isinstance(one.value, ast.Constant) and one.value.value is False)
        for one in options
    )
