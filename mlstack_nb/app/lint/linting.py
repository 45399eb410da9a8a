"""`mlstack lint`: notebooks and Python files against the rules, with `fix` mended as far as that is safe."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.lint.fixes import fixed_file, fixed_notebook, with_edits
from mlstack_nb.app.lint.modules import lint_text
from mlstack_nb.app.lint.notebook_text import with_sources
from mlstack_nb.app.lint.notebooks import lint_cells
from mlstack_nb.errors import NotFoundError, StoreUnwritableError, UsageError, nearest
from mlstack_nb.source.lint.findings import Finding
from mlstack_nb.source.lint.rules import chosen
from mlstack_nb.source.notebook_file import read_notebook

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace

_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Linted:
    """One file. `fixed` are the findings that are mended, and in the file no more."""

    path: str
    findings: tuple[Finding, ...]
    fixed: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "findings": [one.to_json() for one in self.findings],
            "fixed": [one.to_json() for one in self.fixed],
        }


def lint(
    paths: Iterable[str],
    *,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    fix: bool = False,
    workspace: Workspace | None = None,
) -> list[Linted]:
    """In the order of `paths`. With `fix` the files are written, each whole or not at all; types that are certain from
    a recorded run are those of `workspace`.

    Raises UsageError for a rule that nobody knows and a path that is neither notebook nor Python file, NotFoundError,
    StoreUnwritableError; whatever is wrong inside a file is a finding.
    """
    rules = chosen(select, ignore)
    paths = list(paths)
    for path in paths:
        _check(path)
    return [_linted(path, rules, fix=fix, workspace=workspace) for path in paths]


def _linted(path: str, rules: frozenset[str], *, fix: bool, workspace: Workspace | None) -> Linted:
    fixed: tuple[Finding, ...] = ()
    if path.endswith(".ipynb"):
        notebook = read_notebook(path)
        if fix:
            after, fixed = fixed_notebook(notebook, rules, workspace)
            changed = {
                one.index: one.text
                for one, old in zip(after.cells, notebook.cells, strict=True)
                if one.text != old.text
            }
            if changed:
                _write(path, with_sources(_text_of(path), changed))
            notebook = after
        found = [with_edits(one, notebook) for one in lint_cells(notebook)]
    else:
        text = _text_of(path)
        mark, text = text[: text.startswith(_BYTE_ORDER_MARK)], text.removeprefix(_BYTE_ORDER_MARK)
        if fix:
            new, fixed = fixed_file(text, path, rules)
            if new != text:
                _write(path, mark + new)
            text = new
        found = lint_text(text, path)
    return Linted(path, tuple(one for one in found if one.rule in rules), fixed)


def _check(path: str) -> None:
    file = Path(path)
    if file.is_dir():
        raise UsageError(f"{path} is a folder.", f"Name the files: mlstack lint {file / '*.ipynb'}")
    if file.suffix not in (".ipynb", ".py"):
        raise UsageError(f"{path} is no notebook and no Python file.", "Give the path of an .ipynb or a .py file.")
    if not file.exists():
        beside = [one.name for one in file.parent.iterdir()] if file.parent.is_dir() else []
        near = nearest(file.name, [name for name in beside if name.endswith((".ipynb", ".py"))])
        raise NotFoundError(
            f"There is no file {path}.", f"Did you mean {str(file.parent / near)!r}?" if near else "Check the path."
        )


def _text_of(path: str) -> str:
    try:
        return Path(path).read_bytes().decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text in UTF-8.", "Save it again as UTF-8.") from error


def _write(path: str, text: str) -> None:
    """In one step, so that who reads sees the old file or the new one; its permissions stay."""
    target = Path(path).resolve()
    aside = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}.new")
    try:
        aside.write_bytes(text.encode())
        shutil.copymode(target, aside)
        aside.replace(target)
    except OSError as error:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise StoreUnwritableError(
            f"{path} can not be written: {error.strerror}.", "Make it writable, or leave --fix out."
        ) from error
