"""Guards the cache against code that was edited but not reloaded: results of the old under the key of the new."""

from __future__ import annotations

from collections.abc import Mapping

from mlstack_nb.core.step import Fingerprint
from mlstack_nb.errors import StaleCodeError
from mlstack_nb.source import loaded


def modules_of(fingerprint: Fingerprint) -> set[str]:
    """The project's modules that a step reaches, by the labels of its parts."""
    labels = (label.removeprefix("module ") for label in fingerprint.parts if label.startswith("module "))
    return {label.partition(":")[0] for label in labels}


def check_loaded(steps: Mapping[str, str]) -> None:
    """Raises StaleCodeError when a module was edited after this process imported it.

    `steps` maps the modules to ask about to a step that uses each.
    """
    for module in loaded.stale(steps) if steps else ():
        raise StaleCodeError(
            f"Step {steps[module]!r} uses module {module!r}, which was edited on disk after this process imported it.",
            f"Reload it (importlib.reload({module})), restart the kernel, or use: %load_ext autoreload",
        )
