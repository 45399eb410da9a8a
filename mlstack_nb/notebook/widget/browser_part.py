"""Whether what a live panel needs is there: the package anywidget, and what is built for the browser."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

BUILT = Path(__file__).parent / "built" / "widget.js"
NOT_INSTALLED = 'This is a picture. For a panel that follows and runs the pipeline: pip install "mlstack-nb[widget]"'
NOT_BUILT = "This is a picture: the live panel was not built, which takes Node.js. Install mlstack-nb from a wheel."


def missing() -> str:
    """What is, for people; empty when nothing is."""
    if find_spec("anywidget") is None:
        return NOT_INSTALLED
    return "" if BUILT.is_file() else NOT_BUILT
