"""What a step showed while it ran: the text it wrote, its rich displays and figures, as a notebook file has them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

VERSION = 1
STREAMS = ("stdout", "stderr")
BUNDLES = ("display_data", "execute_result")
MOST = 1_000_000
"""How many characters of a step's outputs are kept."""


@dataclass(frozen=True, slots=True)
class Display:
    """`outputs` are those of nbformat 4, in the order they were shown; `left_out` counts the characters not kept."""

    outputs: tuple[Mapping[str, Any], ...]
    left_out: int = 0

    @classmethod
    def of(cls, outputs: Iterable[Mapping[str, Any]], *, most: int = MOST) -> Display:
        """What of an executed cell's outputs is kept: up to `most` characters, errors not at all."""
        kept: list[Mapping[str, Any]] = []
        left_out = 0
        for output in outputs:
            if output["output_type"] not in ("stream", *BUNDLES):
                continue
            length = len(json.dumps(output))
            if length > most:
                left_out += length
                continue
            most -= length
            kept.append({name: value for name, value in output.items() if name != "execution_count"})
        return cls(tuple(kept), left_out)

    def to_json(self) -> bytes:
        return json.dumps({"version": VERSION, "outputs": self.outputs, "left_out": self.left_out}).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Display | None:
        """None for what another version wrote, and for anything that is not such a record."""
        try:
            found = json.loads(data)
            outputs, left_out = found["outputs"], found["left_out"]
            is_good = found["version"] == VERSION and isinstance(left_out, int) and all(map(_is_output, outputs))
        except (ValueError, KeyError, TypeError):
            return None
        return cls(tuple(outputs), left_out) if is_good else None


def _is_output(output: Any) -> bool:
    match output:
        case {"output_type": "stream", "name": name, "text": str()}:
            return name in STREAMS
        case {"output_type": kind, "data": dict(), "metadata": dict()}:
            return kind in BUNDLES
    return False
