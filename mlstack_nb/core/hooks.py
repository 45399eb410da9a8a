"""Hooks: functions of people that are called when a step starts and once it has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

Hook = Callable[..., Any] | str
"""A function, or where it is found: `package.module.function`."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What ends is told after its result was checked and stored: `on_success` or `on_failure` first, then `on_end`.

    A step that comes from the cache starts nothing and ends nothing. What a hook raises changes no state.
    """

    on_start: Hook | None = None
    on_success: Hook | None = None
    on_failure: Hook | None = None
    on_end: Hook | None = None

    def given(self) -> dict[str, Hook]:
        """Those that there are, by name."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: hook for name, hook in found.items() if hook is not None}

    def over(self, others: Hooks) -> Hooks:
        """These, and of the `others` those that these lack."""
        return Hooks(**{**others.given(), **self.given()})


NO_HOOKS = Hooks()
