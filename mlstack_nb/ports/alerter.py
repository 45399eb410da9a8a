"""The alerter: tells people what happened, where they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from mlstack_nb.core.stack import Kind
from mlstack_nb.ports.component import StackComponent


class Occasion(StrEnum):
    """Why somebody is told: a run failed or succeeded, a schedule did not start one, or people's code says so."""

    FAILURE = "failure"
    SUCCESS = "success"
    MISS = "miss"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Alert:
    """`title` is one line, `text` what there is to say, `facts` are short values by name."""

    occasion: Occasion
    title: str
    text: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


class Alerter(StackComponent, ABC):
    """Safe for threads: alerts of runs are sent from one of their own."""

    kind: ClassVar[Kind] = Kind.ALERTER

    @property
    @abstractmethod
    def occasions(self) -> frozenset[Occasion]:
        """On which of them it is to be sent something."""

    @abstractmethod
    def send(self, alert: Alert) -> None:
        """Deliver it, within a time that is configured. Raises ConfigError where that can not be done.

        What it says of an error holds no secret part of the configuration.
        """

    def post(self, message: str) -> None:
        """Deliver a line of people's own. Raises as `send`."""
        self.send(Alert(Occasion.MESSAGE, message))
