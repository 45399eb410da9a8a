"""Formatting a module: by ruff, with the settings of the place where it goes, when ruff is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


def formatted(text: str, path: Path | None) -> str:
    """The text as ruff writes it; as it is, where ruff is not installed or can not read it."""
    command = _ruff()
    if command is None:
        return text
    name = ["--stdin-filename", str(path.absolute())] if path is not None else []
    sorted_imports = _run([command, "check", "--quiet", "--select", "I", "--fix-only", *name, "-"], text)
    return _run([command, "format", "--quiet", *name, "-"], sorted_imports)


def _ruff() -> str | None:
    beside = Path(sys.executable).with_name("ruff")
    return str(beside) if beside.is_file() else shutil.which("ruff")


def _run(command: list[str], text: str) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)  # noqa: S603  (ruff's own)
    return done.stdout if done.returncode == 0 and done.stdout else text
