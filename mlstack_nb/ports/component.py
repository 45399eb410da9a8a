"""What every component is: a kind, a flavor, a name and a validated configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mlstack_nb.core.stack import Kind


@dataclass(frozen=True)
class NoConfiguration:
    """The `Config` of a flavor that has nothing to configure."""


class StackComponent:
    """Base of every flavor.

    `Config` is a frozen dataclass of plain types, or a `ports.configuration.Configuration` where fields are secret
    or need validators. A dataclass costs a run no import of pydantic: what is stored was checked when it was
    registered. Building a component is cheap and does no I/O: an SDK is imported and a service reached when a method
    needs it. `workspace` is the `.mlstack` folder, where an embedded flavor keeps what it writes.
    """

    kind: ClassVar[Kind]
    Config: ClassVar[type[Any]] = NoConfiguration

    def __init__(self, name: str, configuration: Any, workspace: Path) -> None:
        self.name = name
        self.configuration = configuration
        self.workspace = workspace

    def check(self) -> str:
        """Reach what the component stands for, within seconds, and leave nothing behind; returns what was found there.

        Raises MlstackError where it can not be used. For what needs nothing outside of this process it is "".
        """
        return ""

    def portable(self) -> Mapping[str, Any]:
        """Fields to be added to the configuration, so that another process with another workspace means the same."""
        return {}
