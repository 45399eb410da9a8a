"""Compiles a step's body as IPython compiles a cell, with the line numbers of the whole cell."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any

from mlstack_nb.errors import StepSyntaxError

Shell = Any  # an InteractiveShell, whose types are there in part only


@dataclass(frozen=True, slots=True)
class Body:
    """The code of step `step`. `header` is what stands above it in its cell, `number` the `n` of the cell's `In[n]`."""

    step: str
    header: str
    text: str
    number: int


def compiled(shell: Shell, body: Body) -> list[tuple[CodeType, bool]]:
    """Code objects to execute in this order; the flag tells whether evaluating one gives an awaitable.

    All of them compile before the first may run. Raises StepSyntaxError naming the line.
    """
    blank, text = _leading_blank_lines(body.text)
    header = body.header + blank
    # a compiler of its own: `from __future__` neither comes in from the notebook nor gets out
    compiler = shell.compiler_class()
    filename = "<step>"
    try:
        text = shell.transform_cell(text)
        filename = shell.compile.cache(header + text, body.number, raw_code=body.header + body.text)
        tree = shell.transform_ast(compiler.ast_parse("\n" * header.count("\n") + text, filename))
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if shell.autoawait else 0
        with compiler.extra_flags(flags):
            codes = [compiler(node, filename, mode) for node, mode in _runnable(shell, tree, text)]
    except (SyntaxError, ValueError, OverflowError) as error:
        raise _syntax_error(body, error) from None
    return [(code, bool(code.co_flags & inspect.CO_COROUTINE)) for code in codes]


def awaits(shell: Shell, text: str) -> bool:
    """Whether the body has a top-level `await`. False where it can not be compiled; running it tells why."""
    if "async" not in text and "await" not in text:
        return False
    try:
        transformed = shell.transform_cell(text)
    except SyntaxError:
        return False
    return bool(shell.should_run_async(text, transformed_cell=transformed))


def _runnable(shell: Shell, tree: Any, text: str) -> Iterator[tuple[ast.mod, str]]:
    """Every statement as IPython's `ast_node_interactivity` wants it: `single` ones display their value."""
    nodes = list(tree.body)
    shown = _shown_from(nodes, shell.ast_node_interactivity)
    if shell.displayhook.semicolon_at_end_of_expression(text):
        shown = len(nodes)
    for index, node in enumerate(nodes):
        if index >= shown:
            yield ast.Interactive([node]), "single"
        else:
            yield ast.Module([node], []), "exec"


def _shown_from(nodes: list[ast.stmt], interactivity: str) -> int:
    """The index of the first statement whose value is displayed."""
    if not nodes or interactivity == "none":
        return len(nodes)
    if interactivity == "all":
        return 0
    last = nodes[-1]
    if interactivity == "last_expr_or_assign":
        target = _assigned_name(last)
        if target is not None:
            nodes.append(ast.copy_location(ast.Expr(ast.copy_location(ast.Name(target, ast.Load()), last)), last))
            return len(nodes) - 1
    shows = interactivity == "last" or isinstance(last, ast.Expr)
    return len(nodes) - 1 if shows else len(nodes)


def _assigned_name(node: ast.stmt) -> str | None:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case ast.AugAssign(target=ast.Name(id=name)) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return None


def _leading_blank_lines(text: str) -> tuple[str, str]:
    """IPython drops blank lines at the top of a cell, which would shift every line number."""
    lines = text.splitlines(keepends=True)
    count = next((index for index, line in enumerate(lines) if line.strip()), len(lines))
    return "".join(lines[:count]), "".join(lines[count:])


def _syntax_error(body: Body, error: Exception) -> StepSyntaxError:
    if not isinstance(error, SyntaxError) or error.lineno is None:
        return StepSyntaxError(f"The code of step {body.step!r} can not be compiled: {error}.", "Correct the cell.")
    line = error.lineno
    code = (error.text or "").rstrip()
    shown = f"\n    {code.strip()}" if code.strip() else ""
    return StepSyntaxError(
        f"Step {body.step!r} has a syntax error in line {line}: {error.msg}{shown}", f"Correct line {line} of the cell."
    )
