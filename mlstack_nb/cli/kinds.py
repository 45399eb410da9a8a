"""Kinds as arguments and options, spelled with a hyphen or an underscore."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from mlstack_nb.core.stack import Kind

Command = TypeVar("Command", bound=Callable[..., Any])

LETTERS = {
    Kind.ORCHESTRATOR: "-o",
    Kind.ARTIFACT_STORE: "-a",
    Kind.EXPERIMENT_TRACKER: "-e",
    Kind.MODEL_DEPLOYER: "-d",
    Kind.MODEL_REGISTRY: "-r",
    Kind.CONTAINER_REGISTRY: "-c",
    Kind.FEATURE_STORE: "-f",
    Kind.DATA_VALIDATOR: "-v",
    Kind.ALERTER: "-al",
}

HYPHENS = {"token_normalize_func": lambda token: token.replace("_", "-")}
"""Context settings that take `--artifact_store` for `--artifact-store`."""


class KindArgument(click.ParamType):  # type: ignore[type-arg]
    name = "kind"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Kind:
        from mlstack_nb.app.names import kind_of

        return value if isinstance(value, Kind) else kind_of(value)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "KIND"


def kind_options(command: Command) -> Command:
    """One option for each kind; `chosen` collects them."""
    for kind, letter in reversed(LETTERS.items()):
        what = kind.replace("_", " ")
        command = click.option(letter, f"--{kind.replace('_', '-')}", str(kind), metavar="NAME", help=f"The {what}.")(
            command
        )
    return command


def chosen(options: Mapping[str, str | None]) -> dict[Kind, str]:
    return {Kind(kind): name for kind, name in options.items() if name is not None}
