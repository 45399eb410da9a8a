"""Whether the project modules loaded in this process are still those on disk.

Fingerprints read files; a kernel runs what it imported. Between an edit and the reload, results of the old code would
be kept under the new code's key. Call `observe` after every cell, and ask `stale` before a result is trusted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

from mlstack_nb.errors import StepSyntaxError
from mlstack_nb.source.cell import parse_file
from mlstack_nb.source.modules import OWN_PACKAGES, is_installed


class _Observed(NamedTuple):
    """A module as it was imported. A reload gives it another `spec`."""

    spec: Any
    path: str
    stamp: tuple[int, int]
    text: bytes


_project: dict[str, _Observed] = {}
_others: set[str] = set()


def observe() -> None:
    """Take note of the project modules that were imported or reloaded since the last call."""
    for name, known in list(_project.items()):
        if getattr(sys.modules.get(name), "__spec__", None) is not known.spec:
            del _project[name]
    for name in [name for name in sys.modules if name not in _others and name not in _project]:
        observed = _observed(name)
        if observed is None:
            _others.add(name)
        else:
            _project[name] = observed


def stale(modules: Iterable[str]) -> tuple[str, ...]:
    """Those of `modules` whose code on disk is not the code that was imported; comments do not count."""
    observe()
    return tuple(name for name in modules if (known := _project.get(name)) and _has_changed(known))


def _observed(name: str) -> _Observed | None:
    spec = getattr(sys.modules.get(name), "__spec__", None)
    path = getattr(spec, "origin", None)
    if not isinstance(path, str) or not path.endswith(".py") or not os.path.isabs(path):
        return None
    if name.partition(".")[0] in OWN_PACKAGES or is_installed(path):
        return None
    stamp = _stamp(path)
    return _Observed(spec, path, stamp, _content(path)) if stamp != (0, 0) else None


def _has_changed(known: _Observed) -> bool:
    if _stamp(known.path) == known.stamp:
        return False
    now = _content(known.path)
    return now != known.text and _meaning(now) != _meaning(known.text)


def _meaning(text: bytes) -> str:
    try:
        return parse_file(text.decode("utf-8", "replace"), path="").code.digest
    except StepSyntaxError:
        return "not Python"


def _stamp(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
