"""A notebook file: its cells and what it says of its kernel. It is read as JSON; the code in it is not looked at."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack_nb.errors import ConflictError, NotFoundError, UsageError, nearest

_CONVERT = "Convert it: jupyter nbconvert --to notebook --inplace {path}"
_SAVE_AGAIN = "Open it in JupyterLab and save it again."
_PYTHON = frozenset({"python", "python3", "ipython", "ipython3"})


@dataclass(frozen=True, slots=True)
class NotebookCell:
    """`index` counts every cell of the notebook from 0, text cells too; `kind` is code, markdown or raw.

    `name` is what people call it where its place is not the way to tell: `In[3]`.
    """

    index: int
    text: str
    kind: str = "code"
    tags: tuple[str, ...] = ()
    id: str | None = None
    name: str = ""

    @property
    def label(self) -> str:
        """What messages call it: `cell 7` is the seventh cell from the top."""
        return self.name or f"cell {self.index + 1}"


@dataclass(frozen=True, slots=True)
class Notebook:
    """The cells of a notebook, wherever they come from.

    `folder` is where its kernel runs, so what its imports and paths start from; None for the working directory.
    `kernel` is the kernel's name, empty when the notebook does not say.
    """

    name: str
    cells: tuple[NotebookCell, ...]
    folder: str | None = None
    kernel: str = ""
    language: str = "python"
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)


def read_notebook(path: str | os.PathLike[str]) -> Notebook:
    """Read an `.ipynb` of version 4.

    Raises NotFoundError, or UsageError saying what the file is instead and how to make a notebook of it, ConflictError
    for two cells of one id.
    """
    shown = os.fspath(path)
    content = _json_of(_bytes_of(shown), shown)
    if not isinstance(content, dict) or not ("cells" in content or "worksheets" in content or "nbformat" in content):
        raise UsageError(f"{shown} is no notebook: it is JSON, but has no cells.", "Give the path of an .ipynb file.")
    _check_version(content, shown)
    metadata = content.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    kernel = _mapping(metadata, "kernelspec")
    language = str(kernel.get("language") or _mapping(metadata, "language_info").get("name") or "python").lower()
    name = str(kernel.get("name") or "")
    if language not in _PYTHON:
        raise UsageError(
            f"{shown} is a notebook of kernel {name or language!r}, whose language is {language}; only Python is read.",
            "Choose a Python kernel for it in JupyterLab (Kernel, Change Kernel).",
        )
    cells = tuple(_cells(content["cells"], shown))
    _check_ids(cells, shown)
    folder = os.path.dirname(os.path.abspath(shown))
    stem = os.path.splitext(os.path.basename(shown))[0]
    return Notebook(stem, cells, folder, name, "python", metadata)


def _bytes_of(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        near = nearest(os.path.basename(path), _notebooks_beside(path))
        hint = f"Did you mean {os.path.join(os.path.dirname(path), near)!r}?" if near else "Give the path of an .ipynb."
        raise NotFoundError(f"There is no notebook {path}.", hint) from None
    except IsADirectoryError:
        known = sorted(_notebooks_beside(os.path.join(path, "")))
        hint = f"Give a notebook in it: {os.path.join(path, known[0])}" if known else "Give the path of an .ipynb file."
        raise UsageError(f"{path} is a folder.", hint) from None
    except OSError as error:
        raise UsageError(f"{path} can not be read: {error.strerror}.", "Check the permissions of the file.") from error


def _notebooks_beside(path: str) -> list[str]:
    try:
        return [name for name in os.listdir(os.path.dirname(path) or ".") if name.endswith(".ipynb")]
    except OSError:
        return []


def _json_of(data: bytes, path: str) -> Any:
    if not data.strip():
        raise UsageError(f"{path} is empty.", "Write cells into it in JupyterLab, and save it.")
    try:
        return json.loads(data)  # finds out about UTF-16 and byte order marks itself
    except json.JSONDecodeError as error:
        if b"\n<<<<<<< " in data:
            raise UsageError(
                f"{path} holds the marks of an unfinished merge (line {error.lineno}).",
                "Finish the merge, or take one side: git checkout --ours (or --theirs) FILE",
            ) from error
        hint = (
            "Run a script's pipeline by its module: MODULE:PIPELINE"
            if path.endswith(".py")
            else "Give the path of an .ipynb file; restore it from a checkpoint if it was one."
        )
        raise UsageError(f"{path} is no notebook: it is not JSON (line {error.lineno}: {error.msg}).", hint) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise UsageError(
            f"{path} is no notebook: it is not text in UTF-8, or nested too deeply.", "Give the path of an .ipynb file."
        ) from error


def _check_version(content: Mapping[str, Any], path: str) -> None:
    version = content.get("nbformat", 3 if "worksheets" in content else 4)
    if not isinstance(version, int) or version < 4 or "worksheets" in content:
        raise UsageError(
            f"{path} is a notebook of format {version}, which is older than 4.", _CONVERT.format(path=path)
        )
    if version > 4:
        raise UsageError(f"{path} is a notebook of format {version}; formats up to 4 are known.", "Update mlstack-nb.")
    if not isinstance(content.get("cells"), list):
        raise UsageError(f"{path} is no notebook: its cells are no list.", _SAVE_AGAIN)


def _cells(found: list[Any], path: str) -> Iterator[NotebookCell]:
    for index, cell in enumerate(found):
        where = f"Cell {index + 1} of {path}"
        if not isinstance(cell, dict):
            raise UsageError(f"{where} is {type(cell).__name__}, not a cell.", _SAVE_AGAIN)
        source = cell.get("source", "")
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str):
            raise UsageError(f"{where} has a source that is no text.", _SAVE_AGAIN)
        tags = _mapping(cell, "metadata").get("tags") or ()
        if not isinstance(tags, list | tuple) or not all(isinstance(tag, str) for tag in tags):
            raise UsageError(f"{where} has tags that are no list of words.", "Write its tags again in JupyterLab.")
        identity = cell.get("id")
        kind = str(cell.get("cell_type", "code"))
        yield NotebookCell(index, source, kind, tuple(tags), identity if isinstance(identity, str) else None)


def _check_ids(cells: tuple[NotebookCell, ...], path: str) -> None:
    seen: dict[str, NotebookCell] = {}
    for cell in cells:
        if cell.id is not None and seen.setdefault(cell.id, cell) is not cell:
            raise ConflictError(
                f"{path} has two cells of the id {cell.id!r}: {seen[cell.id].label} and {cell.label}.", _SAVE_AGAIN
            )


def _mapping(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = holder.get(key)
    return found if isinstance(found, dict) else {}
