"""Scripts that call their pipelines themselves, run as `python FILE` would run them, in this process."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlstack_nb.errors import NotFoundError


def run_script(file: Path, arguments: Sequence[str]) -> int:
    """The exit code that the script asks for, 0 by default; what it raises comes out. Raises NotFoundError."""
    if not file.is_file():
        raise NotFoundError(f"There is no file {file}.", "Check the path.")
    with _as_started(file, arguments):
        try:
            runpy.run_path(str(file), run_name="__main__")
        except SystemExit as ended:
            if isinstance(ended.code, str):
                sys.stderr.write(f"{ended.code}\n")
            return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


@contextmanager
def _as_started(file: Path, arguments: Sequence[str]) -> Iterator[None]:
    """`sys.argv` and `sys.path` as Python has them when it starts a script."""
    before = sys.argv[:], sys.path[:]
    sys.argv[:] = [str(file), *arguments]
    sys.path.insert(0, str(file.absolute().parent))
    try:
        yield
    finally:
        sys.argv[:], sys.path[:] = before
