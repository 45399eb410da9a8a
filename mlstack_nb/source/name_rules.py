"""What each kind of node does to names: the rules that `NameWalk` applies; those that open scopes are next door."""

from __future__ import annotations

import ast
import re
from typing import Any

from mlstack_nb.source.embedded import embedded_in
from mlstack_nb.source.name_frames import CLASS, FUNCTION
from mlstack_nb.source.name_scopes import SCOPE_RULES
from mlstack_nb.source.name_walk import IMPORTED, LOOPED, NameWalk, Rule

_DYNAMIC_AT_MODULE = frozenset({"vars", "locals", "dir"})
_SPEAKING_METHODS = frozenset({"query", "eval", "run_line_magic", "run_cell_magic", "system", "getoutput"})
_QUERY_NAME = re.compile(r"@([A-Za-z_]\w*)")


def _name(walk: NameWalk, node: ast.Name) -> None:
    walk.read(node.id)


def _constant(walk: NameWalk, node: ast.Constant) -> None:
    """Reads nothing."""


def _walrus(walk: NameWalk, node: ast.NamedExpr) -> None:
    walk.visit(node.value)
    walk.target(node.target)


def _assign(walk: NameWalk, node: ast.Assign) -> None:
    walk.visit(node.value)
    for target in node.targets:
        walk.target(target)


def _annotated(walk: NameWalk, node: ast.AnnAssign) -> None:
    in_function = walk.frame.kind == FUNCTION
    if not in_function:
        walk.annotation(node.annotation)
    if walk.frame is walk.module and isinstance(node.target, ast.Name):
        walk.annotations[node.target.id] = node.annotation
    if node.value is not None:
        walk.visit(node.value)
    if node.value is not None or in_function:
        walk.target(node.target)


def _augmented(walk: NameWalk, node: ast.AugAssign) -> None:
    if isinstance(node.target, ast.Name):
        walk.read(node.target.id)
    walk.visit(node.value)
    walk.target(node.target)


def _delete(walk: NameWalk, node: ast.Delete) -> None:
    for target in node.targets:
        if not isinstance(target, ast.Name):
            walk.visit(target)
            continue
        walk.read(target.id)
        if walk.frame.kind == FUNCTION:
            walk.bind(target.id)
        else:
            walk.frame.state.pop(target.id, None)


def _import(walk: NameWalk, node: ast.Import) -> None:
    for alias in node.names:
        walk.dynamic = walk.dynamic or alias.name == "__main__"
        walk.bind(alias.asname or alias.name.partition(".")[0], IMPORTED)


def _import_from(walk: NameWalk, node: ast.ImportFrom) -> None:
    for alias in node.names:
        if alias.name == "*":
            walk.star_imports.append("." * node.level + (node.module or ""))
        elif node.module == "__future__":
            walk.lazy_annotations = walk.lazy_annotations or alias.name == "annotations"
        else:
            walk.bind(alias.asname or alias.name, IMPORTED)


def _global(walk: NameWalk, node: ast.Global) -> None:
    walk.frame.globals |= frozenset(node.names) if walk.frame is not walk.module else frozenset()


def _nonlocal(walk: NameWalk, node: ast.Nonlocal) -> None:
    walk.frame.nonlocals |= frozenset(node.names)


def _if(walk: NameWalk, node: ast.If) -> None:
    walk.visit(node.test)
    walk.paths([lambda: walk.block(node.body), lambda: walk.block(node.orelse)])


def _for(walk: NameWalk, node: ast.For | ast.AsyncFor) -> None:
    walk.awaits = walk.awaits or (isinstance(node, ast.AsyncFor) and not walk.functions)
    walk.visit(node.iter)

    def body() -> None:
        walk.target(node.target, LOOPED)
        walk.block(node.body)

    walk.loop(body, lambda: walk.block(node.orelse), endless=False)


def _while(walk: NameWalk, node: ast.While) -> None:
    walk.visit(node.test)
    endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
    walk.loop(lambda: walk.block(node.body), lambda: walk.block(node.orelse), endless=endless)


def _with(walk: NameWalk, node: ast.With | ast.AsyncWith) -> None:
    walk.awaits = walk.awaits or (isinstance(node, ast.AsyncWith) and not walk.functions)
    for item in node.items:
        walk.visit(item.context_expr)
        if item.optional_vars is not None:
            walk.target(item.optional_vars, LOOPED)
    walk.block(node.body)


def _try(walk: NameWalk, node: Any) -> None:
    before, was_dead = dict(walk.frame.state), walk.is_dead
    walk.block(node.body)
    # anywhere in the body may have failed: what it binds is possible in a handler, not certain
    failed = {name: name in before and before[name] for name in {**before, **walk.frame.state}}

    def handle(handler: ast.ExceptHandler) -> None:
        if not walk.is_flat:
            walk.frame.state, walk.is_dead = dict(failed), was_dead
        if handler.type is not None:
            walk.visit(handler.type)
        if handler.name:
            walk.bind(handler.name, LOOPED)
        walk.block(handler.body)
        if handler.name and not walk.is_flat:
            walk.frame.state.pop(handler.name, None)

    def no_failure() -> None:
        walk.is_dead = ended_early
        walk.block(node.orelse)

    ended_early = walk.is_dead
    walk.paths([no_failure, *(lambda handler=handler: handle(handler) for handler in node.handlers)])
    walk.block(node.finalbody)


def _match(walk: NameWalk, node: ast.Match) -> None:
    walk.visit(node.subject)
    last = node.cases[-1]
    catches_all = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None and last.guard is None

    def run(case: ast.match_case) -> None:
        walk.visit(case.pattern)
        if case.guard is not None:
            walk.visit(case.guard)
        walk.block(case.body)

    walk.paths([(lambda case=case: run(case)) for case in node.cases], may_skip=not catches_all)  # type: ignore[misc]


def _pattern(walk: NameWalk, node: Any) -> None:
    """`as`, `*rest` and `**rest` bind; the values and classes in a pattern are read."""
    walk.children(node)
    name = node.rest if isinstance(node, ast.MatchMapping) else node.name
    if name:
        walk.bind(name)


def _return(walk: NameWalk, node: ast.Return | ast.Raise) -> None:
    walk.children(node)
    walk.stop()


def _break(walk: NameWalk, _: ast.Break) -> None:
    walk.stop("exits")


def _continue(walk: NameWalk, _: ast.Continue) -> None:
    walk.stop("nexts")


def _await(walk: NameWalk, node: ast.Await) -> None:
    walk.awaits = walk.awaits or not walk.functions
    walk.visit(node.value)


def _call(walk: NameWalk, node: ast.Call) -> None:
    func = node.func
    if isinstance(func, ast.Name):
        bare = not node.args and not walk.functions and func.id in _DYNAMIC_AT_MODULE
        walk.dynamic = walk.dynamic or bare
    elif isinstance(func, ast.Attribute) and func.attr in _SPEAKING_METHODS:
        _speaking_call(walk, node, func.attr)
    walk.children(node)


def _speaking_call(walk: NameWalk, node: ast.Call, method: str) -> None:
    """A call whose text names variables: IPython's own, and `frame.query("age > @limit")`."""
    if method in ("query", "eval"):
        for text in (part.value for arg in node.args for part in ast.walk(arg) if isinstance(part, ast.Constant)):
            for name in _QUERY_NAME.findall(text) if isinstance(text, str) else ():
                walk.optionally(ast.Name(name, ast.Load()))
        return
    embedded = embedded_in(node)
    if embedded is None:
        return
    for name in embedded.reads:
        walk.optionally(ast.Name(name, ast.Load()))
    if embedded.isolated:
        walk.inside(CLASS, lambda: walk.block(embedded.statements))
    else:
        walk.block(embedded.statements)
    for name in embedded.binds:
        walk.bind(name)


RULES: dict[type, Rule] = {
    **SCOPE_RULES,
    ast.Name: _name,
    ast.Constant: _constant,
    ast.NamedExpr: _walrus,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Delete: _delete,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Global: _global,
    ast.Nonlocal: _nonlocal,
    ast.If: _if,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.Match: _match,
    ast.MatchAs: _pattern,
    ast.MatchStar: _pattern,
    ast.MatchMapping: _pattern,
    ast.Return: _return,
    ast.Raise: _return,
    ast.Break: _break,
    ast.Continue: _continue,
    ast.Await: _await,
    ast.Call: _call,
}
