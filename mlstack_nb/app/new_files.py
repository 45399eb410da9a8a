"""Writing files that people did not name: never over one that is there."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from mlstack_nb.app.notebooks.executed import write
from mlstack_nb.engine.run_records import file_stem
from mlstack_nb.errors import ConflictError, StoreUnwritableError

if TYPE_CHECKING:
    from pathlib import Path


def write_new(content: bytes, path: Path) -> Path:
    """Write `path`, or where it is taken one with a number: `train_2.py`. A name too long for a file is cut.

    Returns what it is called. Raises StoreUnwritableError.
    """
    path = path.with_stem(file_stem(path.stem))
    for number in itertools.count(1):
        free = path if number == 1 else path.with_name(f"{path.stem}_{number}{path.suffix}")
        try:
            write(content, free)
        except ConflictError:
            continue
        except StoreUnwritableError as error:
            raise StoreUnwritableError(error.what, f"Make {path.parent} writable for the server.") from error
        return free
    raise AssertionError  # there are numbers enough
