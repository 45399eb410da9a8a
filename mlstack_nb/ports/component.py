"""What every component is: a kind, a flavor, a name and a validated configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from mlstack_nb.core.stack import Kind


class Configuration(BaseModel):
    """Base of every flavor's `Config`; the one model behind YAML, CLI options, REST bodies and forms.

    Secrets are `pydantic.SecretStr` fields: masked in listings, plans and records.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


class StackComponent:
    """Base of every flavor.

    Building one is cheap and does no I/O: an SDK is imported and a service reached when a method needs it.
    `workspace` is the `.mlstack` folder, where an embedded flavor keeps what it writes.
    """

    kind: ClassVar[Kind]
    Config: ClassVar[type[Configuration]] = Configuration

    def __init__(self, name: str, configuration: Any, workspace: Path) -> None:
        self.name = name
        self.configuration = configuration
        self.workspace = workspace
