"""Classes by import path: recorded beside values that are stored without a pickle."""

from __future__ import annotations

from typing import Any

from mlstack_nb.errors import MaterializerError
from mlstack_nb.ports.registry import load_target


def class_path(kind: Any) -> str | None:
    """`module:QualName` of a class or function, or None for one that a new process could not import by it."""
    if not kind.__module__ or kind.__module__ == "__main__" or "<locals>" in kind.__qualname__:
        return None
    path = f"{kind.__module__}:{kind.__qualname__}"
    try:
        return path if load_target(path) is kind else None
    except (ImportError, AttributeError, ValueError):
        return None


def imported_class(path: str) -> type[Any]:
    """Raises MaterializerError when the class is gone."""
    try:
        return load_target(path)
    except (ImportError, AttributeError, ValueError) as error:
        raise MaterializerError(
            f"The class {path!r} of a stored value can not be imported any more: {error}.",
            f"Restore it in the module {path.partition(':')[0]!r}, or run the step that made the value again.",
        ) from error
