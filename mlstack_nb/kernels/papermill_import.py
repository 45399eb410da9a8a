"""Importing papermill, without the grammar of internationalised addresses that takes two thirds of the time.

nbformat imports jsonschema, which imports, where jupyter_server is installed, a package that builds a parser as it is
imported: 0.85 s of 1.35 s. A stand-in of that package builds the parser when an address is first checked.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from types import ModuleType
from typing import Any

_GRAMMAR = "rfc3987_syntax"
_lock = threading.Lock()


def import_papermill() -> None:
    """Import papermill and its engines; from several threads, once."""
    with _lock:
        if "papermill" in sys.modules:
            return
        _import_validator()
        importlib.import_module("papermill")


def _import_validator() -> None:
    if {"jsonschema", _GRAMMAR} & sys.modules.keys() or importlib.util.find_spec(_GRAMMAR) is None:
        return
    stand_in = ModuleType(_GRAMMAR)
    stand_in.is_valid_syntax = _is_valid_syntax  # type: ignore[attr-defined]
    sys.modules[_GRAMMAR] = stand_in
    try:
        importlib.import_module("jsonschema")
    finally:
        del sys.modules[_GRAMMAR]


def _is_valid_syntax(*arguments: Any, **options: Any) -> Any:
    return importlib.import_module(_GRAMMAR).is_valid_syntax(*arguments, **options)
