"""Formatting a module: by ruff, with the settings of the place where it goes, when ruff is installed."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path


def formatted(text: str, path: Path | None) -> str:
    """The text as ruff writes it; as it is, where ruff is not installed or can not read it.

    Only imports at the head are sorted, for inside a step their order is a part of its code. What ruff would find in
    the code of cells, which stays as it was written, it is told to pass over.
    """
    command = _ruff()
    if command is None:
        return text
    name = ["--stdin-filename", str(path.absolute())] if path is not None else []
    head, rest = _divided(text)
    head = _run([command, "check", "--quiet", "--select", "I", "--fix-only", *name, "-"], head)
    made = _run([command, "format", "--quiet", *name, "-"], head + rest)
    found = _findings([command, "check", "--quiet", "--output-format", "json", *name, "-"], made)
    return _passing_over(found, made)


def _divided(text: str) -> tuple[str, str]:
    """The lines down to the last import at module level, and those below."""
    tree = ast.parse(text)
    last = max((node.end_lineno or 0 for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)), default=0)
    lines = text.splitlines(keepends=True)
    return "".join(lines[:last]), "".join(lines[last:])


def _findings(command: list[str], text: str) -> list[str]:
    """The rules that the text breaks."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)  # noqa: S603  (ruff's own)
    try:
        return sorted({one["code"] for one in json.loads(done.stdout) if (one["code"] or "").isalnum()})
    except ValueError:  # its settings are wrong, which it has said to nobody who could mend them here
        return []


def _passing_over(rules: list[str], text: str) -> str:
    """The text with a line below its docstring that names the rules."""
    if not rules:
        return text
    end = ast.parse(text).body[0].end_lineno or 0
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:end], "\n", f"# ruff: noqa: {', '.join(rules)}\n", *lines[end:]])


def _ruff() -> str | None:
    beside = Path(sys.executable).with_name("ruff")
    return str(beside) if beside.is_file() else shutil.which("ruff")


def _run(command: list[str], text: str) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)  # noqa: S603  (ruff's own)
    return done.stdout if done.returncode == 0 and done.stdout else text
