"""How times, sizes and artifacts are written for people, the same on every surface."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from mlstack_nb.core.artifact import Artifact

if TYPE_CHECKING:
    from mlstack_nb.core.run import StepRun


def duration(seconds: float) -> str:
    """`4.2 ms`, `43 ms`, `1.2 s`, `2 min 5 s`, `1 h 3 min`."""
    if seconds < 0.00995:
        return f"{max(seconds, 0.0) * 1e3:.1f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def brief(seconds: float) -> str:
    """A time that changes while it is read, so without fractions: `9 s`, `2 min 5 s`, `1 h 3 min`."""
    return f"{round(seconds)} s" if seconds < 59.5 else duration(max(seconds, 60.0))


def size(count: int) -> str:
    """Bytes in decimal units: `512 B`, `143 kB`, `1.2 MB`."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.5:
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    return f"{value:.0f} TB"


def moment(iso: str | None) -> str:
    """Local date and time, to the second, of a time in ISO 8601; empty for none."""
    return "" if iso is None else datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def type_name(artifact: Artifact) -> str:
    """`DataFrame` of `pandas.core.frame.DataFrame`."""
    return artifact.type.rsplit(".", 1)[-1]


def shape(artifact: Artifact) -> str:
    """Rows by columns, empty where the value has none."""
    found = artifact.metadata.get("shape")
    return "\N{MULTIPLICATION SIGN}".join(str(length) for length in found) if isinstance(found, list | tuple) else ""


def artifact_line(artifact: Artifact, name: str = "") -> str:
    """Name, type, shape and bytes of an output, in one short line."""
    parts = (name or artifact.name, type_name(artifact), shape(artifact), size(artifact.size_bytes))
    return " ".join(part for part in parts if part)


def item_counts(items: Sequence[StepRun]) -> dict[str, int]:
    """How many there are, and how many of each state."""
    return {"total": len(items), **Counter(run.state.value for run in items)}


def items_line(items: Sequence[StepRun]) -> str:
    """`2 of 5 items cached, 1 failed`."""
    found = item_counts(items)
    others = [f"{found[state]} {state}" for state in ("failed", "cancelled") if found.get(state)]
    return ", ".join([f"{found.get('cached', 0)} of {found['total']} items cached", *others])
