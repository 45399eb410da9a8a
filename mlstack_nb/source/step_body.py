"""The normal form that a step cell and the step function made of it share, so that both have one cache key.

Of a function it leaves out what says how the step is called and not what it does: decorators of ours, annotations,
defaults (they count as parameters), the names of its parameters (they count with their values) and a `return` of plain
names at its end (they count as the names of outputs). What a cell shows at its end counts as `display(...)`.
Functions and classes that stand first count as those around the step do: moving one in or out changes nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlstack_nb.source.code import Code
from mlstack_nb.source.normal_form import is_silent

RETURNS = "returns"
_NOTHING = ""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITIONS = (*_FUNCTIONS, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class StepBody:
    """`code` is what to look for names in, `parts` are those that stand for the code itself.

    The part `returns` lists the names that a function returns at its end, and is empty where it returns nothing at all.
    """

    code: Code
    parts: Mapping[str, str]


def body_of_cell(code: Code) -> dict[str, str]:
    """The parts of a step cell's own code."""
    head, rest = _split(code.nodes)
    return {**head, "body": Code(rest, shows_last=True).digest} if head else {"body": code.digest}


def body_of_function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> StepBody:
    """That of a step function without decorators."""
    fields = {name: getattr(node, name) for name in node._fields}
    bare = type(node)(**{**fields, "args": _bare(node.args), "returns": None})
    nodes, returns = _without_return(node.body)
    head, rest = _split(nodes)
    parts = {**head, "body": Code(rest).digest}
    # a cell evaluates the annotations of its variables, a function does not: what they name counts in both
    written = [ast.Expr(one.annotation) for one in _inside(node.body) if isinstance(one, ast.AnnAssign)]
    code = Code([ast.copy_location(bare, node), *written])
    return StepBody(code, parts if returns is None else {**parts, RETURNS: returns})


def united(own: Mapping[str, str], around: Mapping[str, str]) -> dict[str, str]:
    """The parts of a step's own code and of what it reaches. Of two functions of one name each counts."""
    return {**around, **{f"own {label}" if label in around else label: part for label, part in own.items()}}


def returned(parts: Mapping[str, str], count: int) -> tuple[str, ...] | None:
    """The names under which `count` outputs are known to the code, where the parts tell them."""
    told = parts.get(RETURNS)
    if told is None:
        return None
    names = tuple(told.split(", ")) if told else ()
    return names if len(names) == count or (not names and count == 1) else None


def _split(nodes: Sequence[ast.stmt]) -> tuple[dict[str, str], list[ast.stmt]]:
    """The parts of the functions and classes that stand first, and the other statements."""
    speaking = [node for node in nodes if not is_silent(node)]
    count = next((at for at, node in enumerate(speaking) if not isinstance(node, _DEFINITIONS)), len(speaking))
    first = speaking[:count]
    labels = [f"{'class' if isinstance(node, ast.ClassDef) else 'function'} {_name(node)}" for node in first]
    if not first or len({_name(node) for node in first}) < count:
        return {}, list(nodes)
    rest = [node for node in nodes if not any(node is one for one in first)]
    return {label: Code([node]).digest for label, node in zip(labels, first, strict=True)}, rest


def _name(node: ast.stmt) -> str:
    return getattr(node, "name", "")


def _bare(arguments: ast.arguments) -> ast.arguments:
    """The names alone."""
    return ast.arguments(
        posonlyargs=[ast.arg(one.arg) for one in arguments.posonlyargs],
        args=[ast.arg(one.arg) for one in arguments.args],
        vararg=arguments.vararg and ast.arg(arguments.vararg.arg),
        kwonlyargs=[ast.arg(one.arg) for one in arguments.kwonlyargs],
        kw_defaults=[None for _ in arguments.kwonlyargs],
        kwarg=arguments.kwarg and ast.arg(arguments.kwarg.arg),
        defaults=[],
    )


def _without_return(nodes: Sequence[ast.stmt]) -> tuple[Sequence[ast.stmt], str | None]:
    match nodes[-1] if nodes else None:
        case ast.Return(ast.Name(name)):
            return nodes[:-1], name
        case ast.Return(ast.Tuple(names)) if len(names) > 1 and all(isinstance(one, ast.Name) for one in names):
            return nodes[:-1], ", ".join(one.id for one in names if isinstance(one, ast.Name))
    return nodes, None if _gives_something(nodes) else _NOTHING


def _gives_something(nodes: Sequence[ast.stmt]) -> bool:
    """Whether a function of these statements may return anything but None."""
    return any(isinstance(node, ast.Yield | ast.YieldFrom | ast.Return) for node in _inside(nodes))


def _inside(nodes: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """The statements and all inside them, but for what is in functions and classes of their own."""
    todo: list[ast.AST] = list(nodes)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, (*_DEFINITIONS, ast.Lambda)):
            todo.extend(ast.iter_child_nodes(node))
