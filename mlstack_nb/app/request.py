"""How a run is asked for: what `mlstack run` is given, kept with the run's plan, so that it can be resumed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

COMPAT_VARIABLE = "MLSTACK_COMPAT"


def compat_here() -> str:
    """Whose import paths lead here in this process: "zenml", or "" for nobody's."""
    return os.environ.get(COMPAT_VARIABLE, "")


@dataclass(frozen=True, slots=True)
class Request:
    """How a run is asked for; all but the target may be left to its default.

    `texts` are parameters as they were typed, `values` those with a type of their own. `resumes` are ids of earlier
    runs whose results are good enough. The run starts at step `first`, is `only` one, or ends with step `until`.
    `configuration` is what the file `configured_by` says of the run: see `RunConfiguration`. `compat` names the tool
    whose import paths the target's code has.
    """

    target: str
    texts: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    stack: str | None = None
    first: str = ""
    only: str = ""
    until: str = ""
    use_cache: bool = True
    fail_fast: bool = False
    whole: bool = False
    timeout_s: float | None = None
    isolation: str = ""
    run_id: str = ""
    resumes: tuple[str, ...] = ()
    configuration: Mapping[str, Any] = field(default_factory=dict)
    configured_by: str = ""
    compat: str = field(default_factory=compat_here)

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "run_id"}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Request:
        known = {one.name for one in fields(cls)}
        return cls(**{**{k: v for k, v in data.items() if k in known}, "resumes": tuple(data.get("resumes", ()))})
