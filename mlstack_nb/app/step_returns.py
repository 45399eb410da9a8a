"""What a step's function returned, as its outputs by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlstack_nb.errors import UsageError
from mlstack_nb.source.functions import FunctionShape


def outputs_of(produced: Any, shape: FunctionShape, *, step: str) -> Mapping[str, Any]:
    """A tuple is split where several outputs are declared, however the code made it. Raises UsageError."""
    outputs = shape.outputs
    if not shape.is_several:
        return {outputs[0].name: produced}
    if not isinstance(produced, (tuple, list)) or len(produced) != len(outputs):
        got = f"{len(produced)} values" if isinstance(produced, (tuple, list)) else type(produced).__name__
        raise UsageError(
            f"Step {step!r} declares {len(outputs)} outputs but returned {got}.",
            "Return a tuple with one value for each output.",
        )
    return {output.name: value for output, value in zip(outputs, produced, strict=True)}
