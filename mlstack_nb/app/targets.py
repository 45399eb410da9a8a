"""What `mlstack run` is given: a notebook's path, or `module:pipeline`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from mlstack_nb.app.pipeline_wiring import PipelineWiring
from mlstack_nb.errors import NotFoundError, UsageError, nearest

NOTEBOOK = ".ipynb"
importing: ContextVar[str] = ContextVar("mlstack_importing", default="")
"""The target whose module is imported just now, only to find the pipeline in it."""


def is_notebook(target: str) -> bool:
    return target.endswith(NOTEBOOK)


def find_function(target: str) -> PipelineWiring[Any]:
    """The `@pipeline` that `package.module:name` or `path/to/file.py:name` names; its module is imported.

    The name may be left out where the module has one pipeline only. The working directory, or the file's folder, is
    put on `sys.path`, as Python does for a script. Raises UsageError or NotFoundError; what the module raises when it
    is imported comes out as it is.
    """
    place, _, name = target.partition(":")
    with being_imported(place):
        module = _from_file(Path(place)) if place.endswith(".py") else _from_name(place)
    found = {key: value for key, value in vars(module).items() if isinstance(value, PipelineWiring)}
    if name:
        if name not in found:
            raise NotFoundError.of("pipeline", name, found, f"Pipelines in {place}: {', '.join(found) or 'none'}.")
        return found[name]
    if not found:
        raise UsageError(f"{place} has no pipeline.", "Put @pipeline on the function that calls the steps.")
    if len(found) > 1:
        raise UsageError(
            f"{place} has several pipelines: {', '.join(found)}.", f"Say which: {place}:{next(iter(found))}"
        )
    return next(iter(found.values()))


@contextmanager
def being_imported(place: str) -> Iterator[None]:
    """Inside, `importing` tells what is imported only to find a pipeline in it, which so must not run."""
    token = importing.set(place)
    try:
        yield
    finally:
        importing.reset(token)


def _from_file(path: Path) -> Any:
    if not path.is_file():
        raise NotFoundError(f"There is no file {path}.", _nearby(path))
    _put_first(path.absolute().parent)
    return importlib.import_module(path.stem)


def _from_name(name: str) -> Any:
    _put_first(Path.cwd())
    try:
        known = importlib.util.find_spec(name)
    except (ModuleNotFoundError, ValueError):
        known = None
    if known is None:
        raise NotFoundError(
            f"There is no notebook and no module {name!r}.",
            _nearby(Path(name)) if "/" in name or "." in name else f"Name a notebook, or a module: {name}.py:PIPELINE",
        )
    return importlib.import_module(name)


def _put_first(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _nearby(path: Path) -> str:
    folder = path.parent
    files = [file.name for file in folder.iterdir() if file.suffix in (".py", NOTEBOOK)] if folder.is_dir() else []
    near = nearest(path.name, files)
    return f"Did you mean {folder / near}?" if near else f"Notebooks and modules there: {', '.join(files) or 'none'}."
