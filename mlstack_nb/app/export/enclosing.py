"""Code of cells inside a function: there, what functions of the cells call `global` are the function's own names."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator

from mlstack_nb.source.code import Code

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def enclosed(body: str, arguments: Iterable[str]) -> str:
    """The body of a function, with `nonlocal` where `global` meant a name that the function itself has now."""
    if "global" not in body:
        return body
    own = {*arguments, *Code(_Silent().visit(ast.parse(body)).body).names.binds}
    lines = body.encode().split(b"\n")
    for node, is_inner in sorted(_globals(ast.parse(body).body), key=lambda pair: -pair[0].lineno):
        line, end = lines[node.lineno - 1], node.end_col_offset or 0
        new = _declared(node, own) if is_inner else "pass"  # beside functions it says nothing
        lines[node.lineno - 1] = line[: node.col_offset] + new.encode() + line[end:]
    return b"\n".join(lines).decode()


class _Silent(ast.NodeTransformer):
    """Takes out what makes inner functions bind names outside."""

    def visit_Global(self, node: ast.Global) -> ast.Pass:
        return ast.copy_location(ast.Pass(), node)


def _globals(nodes: Iterable[ast.AST], *, is_inner: bool = False) -> Iterator[tuple[ast.Global, bool]]:
    """Each `global`, and whether it stands in a function of the cells."""
    for node in nodes:
        if isinstance(node, ast.Global):
            yield node, is_inner
        else:
            yield from _globals(ast.iter_child_nodes(node), is_inner=is_inner or isinstance(node, _FUNCTIONS))


def _declared(node: ast.Global, own: Collection[str]) -> str:
    kinds = {
        "nonlocal": [name for name in node.names if name in own],
        "global": [name for name in node.names if name not in own],
    }
    return "; ".join(f"{kind} {', '.join(names)}" for kind, names in kinds.items() if names)
