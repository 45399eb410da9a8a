"""What opens a scope does to names: functions, lambdas, classes, comprehensions, type parameters."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from mlstack_nb.source.name_frames import CLASS, FUNCTION, INNER
from mlstack_nb.source.name_walk import DEFINED, NameWalk, Rule


def _function(walk: NameWalk, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    for decorator in node.decorator_list:
        walk.visit(decorator)
    _defaults(walk, node.args)

    def signature_and_body() -> None:
        arguments = _arguments(node.args)
        for argument in arguments:
            walk.annotation(argument.annotation)
        walk.annotation(node.returns)
        walk.inside(FUNCTION, lambda: walk.block(node.body), [argument.arg for argument in arguments])

    _with_type_parameters(walk, node, signature_and_body)
    walk.bind(node.name, DEFINED)


def _lambda(walk: NameWalk, node: ast.Lambda) -> None:
    _defaults(walk, node.args)
    walk.inside(FUNCTION, lambda: walk.visit(node.body), [argument.arg for argument in _arguments(node.args)])


def _class(walk: NameWalk, node: ast.ClassDef) -> None:
    for decorator in node.decorator_list:
        walk.visit(decorator)

    def bases_and_body() -> None:
        for base in (*node.bases, *node.keywords):
            walk.visit(base)
        walk.inside(CLASS, lambda: walk.block(node.body))

    _with_type_parameters(walk, node, bases_and_body)
    walk.bind(node.name, DEFINED)


def _with_type_parameters(walk: NameWalk, node: Any, inner: Callable[[], None]) -> None:
    parameters = getattr(node, "type_params", None)
    if not parameters:
        inner()
        return

    def bounds_then_inner() -> None:
        for parameter in parameters:
            if getattr(parameter, "bound", None) is not None:
                walk.visit(parameter.bound)
        inner()

    walk.inside(INNER, bounds_then_inner, [parameter.name for parameter in parameters])


def _type_alias(walk: NameWalk, node: Any) -> None:
    _with_type_parameters(walk, node, lambda: walk.visit(node.value))
    walk.target(node.name, DEFINED)


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    several = [arguments.vararg, arguments.kwarg]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *(one for one in several if one)]


def _defaults(walk: NameWalk, arguments: ast.arguments) -> None:
    for default in (*arguments.defaults, *arguments.kw_defaults):
        if default is not None:
            walk.visit(default)


def _comprehension(walk: NameWalk, node: Any) -> None:
    first = node.generators[0]
    walk.visit(first.iter)  # in the scope around it; everything else is inside

    def inner() -> None:
        for generator in node.generators:
            walk.awaits = walk.awaits or bool(generator.is_async and not walk.functions)
            if generator is not first:
                walk.visit(generator.iter)
            for name in _target_names(generator.target):
                walk.frame.state[name] = True
            for condition in generator.ifs:
                walk.visit(condition)
        for part in ("key", "value", "elt"):
            if hasattr(node, part):
                walk.visit(getattr(node, part))

    walk.inside(INNER, inner)


def _target_names(target: ast.expr) -> list[str]:
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]


SCOPE_RULES: dict[type, Rule] = {
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.Lambda: _lambda,
    ast.ClassDef: _class,
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp), _comprehension),
}
if hasattr(ast, "TypeAlias"):
    SCOPE_RULES[ast.TypeAlias] = _type_alias
