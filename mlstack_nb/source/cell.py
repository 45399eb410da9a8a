"""One cell of a notebook, read: its tree, its names, and the outputs it declares."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mlstack_nb.core.artifact import ArtifactConfig, ArtifactType
from mlstack_nb.core.step import Output
from mlstack_nb.errors import StepSyntaxError, UsageError
from mlstack_nb.source.code import Code, parsed
from mlstack_nb.source.ipython_syntax import python_body, to_python
from mlstack_nb.source.names import Names

_UNREADABLE = (SyntaxError, ValueError, MemoryError, RecursionError)


@dataclass(frozen=True, slots=True)
class Cell:
    """`label` is how people call the cell: `In[3]`, `cell 4`.

    `tree` is for reading, with the body of `%%time` and its like as code and lines where the text has them; to run
    the cell, give `text` to IPython. Cells of equal text share tree and code. `is_python` is False for `%%bash` and
    its like, whose text counts as a string.
    """

    label: str
    text: str
    tree: ast.Module
    code: Code
    is_python: bool = True

    @property
    def names(self) -> Names:
        return self.code.names


def parse(text: str, *, label: str, first_line: int = 1) -> Cell:
    """Read a cell; `first_line` is the number of its first line, for messages (2 below a `%%step` line).

    Raises StepSyntaxError naming the cell and the line.
    """
    try:
        return Cell(label, text, *_read(text))
    except _UNREADABLE as error:
        place = f"C{label[1:]}" if label.startswith("cell ") else f"Cell {label}"
        raise _syntax_error(error, text, place, first_line) from error


def parse_file(text: str, *, path: str) -> Cell:
    """Read a file of plain Python as one cell. Raises StepSyntaxError naming the file and the line."""
    try:
        tree = parsed(text)
    except _UNREADABLE as error:
        raise _syntax_error(error, text, path, 1) from error
    return Cell(path, text, tree, Code(tree.body))


def outputs_of(cell: Cell, declared: Sequence[str] | None = None) -> tuple[Output, ...]:
    """The outputs of a step cell: the `declared` names, else the public names that it assigns at its top level.

    Functions, classes, modules, loop variables and open files are outputs only when declared. A type's expression
    is its source text; `Annotated[T, "name"]` gives the artifact's name.
    """
    names = cell.names
    if declared is None:
        declared = [name for name in names.binds if name in names.assigned and not name.startswith("_")]
    return tuple(_output(name, names.annotations.get(name)) for name in declared)


def declared(annotation: ast.expr) -> tuple[str, str, ArtifactConfig | None]:
    """The type's source text, the name and the configuration of an annotation.

    `Annotated[int, "age"]` gives `("int", "age", None)`, and so, but for the configuration, does
    `Annotated[int, ArtifactConfig(name="age")]`. Raises UsageError for a configuration that is not written out.
    """
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        text = annotation.value
        try:
            annotation = ast.parse(text, mode="eval").body
        except SyntaxError:
            return text, "", None
    if not (isinstance(annotation, ast.Subscript) and isinstance(annotation.slice, ast.Tuple)):
        return ast.unparse(annotation), "", None
    marker = annotation.value
    if "Annotated" not in (getattr(marker, "id", ""), getattr(marker, "attr", "")):
        return ast.unparse(annotation), "", None
    kind, *extras = annotation.slice.elts
    texts = (extra.value for extra in extras if isinstance(extra, ast.Constant) and isinstance(extra.value, str))
    config = next((_config(extra) for extra in extras if _is_config(extra)), None)
    return ast.unparse(kind), next(texts, "") or (config.name or "" if config else ""), config


def _is_config(node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return "ArtifactConfig" in (getattr(called, "id", ""), getattr(called, "attr", ""))


def _config(node: ast.expr) -> ArtifactConfig:
    try:
        assert isinstance(node, ast.Call)
        return ArtifactConfig(**{one.arg or "": _literal(one.value) for one in node.keywords})
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"An output is annotated with {ast.unparse(node)!r}, which is not known before the cell is executed.",
            'Write its values out: ArtifactConfig(name="model", tags=["best"])',
        ) from error


def _literal(node: ast.expr) -> Any:
    """A plain value, or a member of `ArtifactType`."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ArtifactType":
        return ArtifactType[node.attr] if node.attr in ArtifactType.__members__ else ArtifactType(node.attr)
    return ast.literal_eval(node)


def _output(name: str, annotation: ast.expr | None) -> Output:
    if annotation is None:
        return Output(name)
    kind, artifact, config = declared(annotation)
    return Output(name, artifact, kind, config)


@lru_cache(maxsize=2048)
def _read(text: str) -> tuple[ast.Module, Code, bool]:
    body = python_body(text)
    tree = parsed(to_python(text) if body is None else body)
    return tree, Code(tree.body, shows_last=True), body is not None


def _syntax_error(error: Exception, text: str, place: str, first_line: int) -> StepSyntaxError:
    if not isinstance(error, SyntaxError):
        return StepSyntaxError(f"{place} can not be read: {error}.", "Correct it and run it again.")
    number = error.lineno or 1
    lines = text.splitlines()
    line = lines[number - 1].strip() if number <= len(lines) else ""
    where = f"{place}, line {number + first_line - 1}"
    return StepSyntaxError(f"{where}: {error.msg}: `{line}`", "Correct the line and run it again.")
