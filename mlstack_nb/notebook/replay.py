"""Shows again what a step showed when it was executed."""

from __future__ import annotations

import sys
from typing import Any

from IPython.core import display_functions

from mlstack_nb.app.wording import size
from mlstack_nb.core.display import Display

MARK = {"mlstack": {"replayed": True}}


def replay(display: Display) -> None:
    """Text goes to its stream; displays and results are displays now, with a mark in their metadata."""
    written = ""
    for output in display.outputs:
        if output["output_type"] == "stream":
            if written not in ("", output["name"]):
                getattr(sys, written).flush()  # each stream has a buffer of its own: this keeps their order
            written = output["name"]
            getattr(sys, written).write(output["text"])
        else:
            _publish(output["data"], output["metadata"])
            written = ""
    if display.left_out:
        _publish({"text/plain": f"... {size(display.left_out)} of this step's output were not kept"}, {})


def _publish(data: dict[str, Any], metadata: dict[str, Any]) -> None:
    publish: Any = display_functions.publish_display_data
    publish(data, {**metadata, **MARK})
