"""The model registry: where people outside find versions of models, with what is known of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mlstack_nb.core.model import Stage
from mlstack_nb.core.stack import Kind
from mlstack_nb.ports.component import StackComponent


@dataclass(frozen=True, slots=True)
class Entry:
    """One artifact of a version of a model: a model that can be loaded. `number` is the version's, counted here;
    `digest` names the content. `tracker_run` is the experiment tracker's run that it came from, "" for none.
    """

    model: str
    number: int
    artifact: str
    digest: str
    run_id: str = ""
    tracker_run: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a version. `tags` are words and values, `metadata` what people's code logged."""

    name: str
    stage: Stage
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Registered:
    """`version` in the registry's own count; `uri` is what its tools load the model by."""

    name: str
    version: str
    uri: str


class ModelRegistry(StackComponent, ABC):
    """The catalog is the truth, and this a mirror of it: every method may be called again with the same, and does no
    more then. What others put into the registry stays. Methods raise ConfigError where it can not be reached, or
    refuses.
    """

    kind: ClassVar[Kind] = Kind.MODEL_REGISTRY

    @abstractmethod
    def put_model(self, name: str, *, description: str, tags: Mapping[str, str]) -> None:
        """It is there, and this is known of it."""

    @abstractmethod
    def register(self, entry: Entry, load: Callable[[], Any]) -> Registered:
        """It is there; `load` gives the model, and is called only where it was not."""

    @abstractmethod
    def describe(self, model: str, number: int, told: Told) -> None:
        """This is known of each entry of the version; a stage of one version is no other's."""

    @abstractmethod
    def entries(self, model: str, number: int) -> list[Registered]:
        """Those of a version, oldest first."""

    @abstractmethod
    def delete(self, model: str, number: int | None = None) -> None:
        """The entries of a version are gone, or the model with all that came from here. None of it is fine."""
