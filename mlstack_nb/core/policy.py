"""What of a step enters its cache key, how long a result is good for, and what a failure leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase


class ExecutionMode(StrEnum):
    """What a step that failed does to the rest of its run; only what depends on it is skipped in any case.

    `FAIL_FAST` ends the other steps at once, `STOP_ON_FAILURE` begins no more, `CONTINUE_ON_FAILURE` goes on with
    every branch.
    """

    FAIL_FAST = "fail_fast"
    STOP_ON_FAILURE = "stop_on_failure"
    CONTINUE_ON_FAILURE = "continue_on_failure"

    @property
    def stops(self) -> bool:
        """Whether nothing more is begun once a step has failed."""
        return self is not ExecutionMode.CONTINUE_ON_FAILURE


@dataclass(frozen=True, slots=True)
class StepRetryConfig:
    """How often a step that failed is tried again, after `delay` seconds, each time `backoff` times as long."""

    max_retries: int = 1
    delay: float = 0
    backoff: float = 0


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """`include` and `exclude` are patterns over the labels of a step's parts, as `why` shows them.

    Labels are `body`, `function clean`, `constant DEPTH`, `package scikit-learn`, `python`, `input df`,
    `parameter depth`, and their like; `package:*` is the same pattern as `package *`. `files` are paths whose
    content counts, `salt` any text: another one makes every earlier result another step's.
    """

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    expires_after_s: float | None = None
    files: tuple[str, ...] = ()
    salt: str = ""

    def __post_init__(self) -> None:
        for name in ("include", "exclude", "files"):
            given = getattr(self, name)
            object.__setattr__(self, name, (given,) if isinstance(given, str) else tuple(given))

    @property
    def changes_keys(self) -> bool:
        return bool(self.include != ("*",) or self.exclude or self.files or self.salt)

    def admitted(self, parts: Mapping[str, str]) -> dict[str, str]:
        """The parts that count."""
        return {
            label: part
            for label, part in parts.items()
            if _matches(label, self.include) and not _matches(label, self.exclude)
        }


def _matches(label: str, patterns: tuple[str, ...]) -> bool:
    spaced = (pattern if " " in pattern else pattern.replace(":", " ", 1) for pattern in patterns)
    return any(fnmatchcase(label, pattern) for pattern in spaced)
