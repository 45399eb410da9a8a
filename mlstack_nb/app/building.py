"""Components built from what is kept of them; only there is the value that `{{name.key}}` stands for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstack_nb.core.stack import Component
from mlstack_nb.errors import ConfigError
from mlstack_nb.flavors import registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlstack_nb.app.secrets import SecretSource


def build(component: Component, root: Path, source: SecretSource | None) -> Any:
    """The object that does the work; `root` is the workspace's folder. No service is reached. A component that refers
    to no secret needs no source.

    Raises MissingPackageError, NotFoundError for a secret, or ConfigError for what does not fit the flavor.
    """
    flavor = registry().load(component.kind, component.flavor)
    try:
        configuration = flavor.Config(**_given(component, flavor.Config, source))
    except (TypeError, ValueError) as error:
        # written by another version, or by hand: pydantic's error is a ValueError, a dataclass's a TypeError
        raise ConfigError(
            f"The configuration of {component.kind} {component.name!r} does not fit its flavor {component.flavor!r}.",
            "See what is wrong: mlstack doctor",
        ) from (None if component.references else error)  # pydantic's shows the values
    return flavor(component.name, configuration, root)


def _given(component: Component, config: Any, source: SecretSource | None) -> Mapping[str, Any]:
    """With the values of secrets, of the types that the flavor's fields have."""
    if source is None or not component.references:
        return component.configuration
    from mlstack_nb.app.secrets import resolved
    from mlstack_nb.ports.configuration import model_of

    values: dict[str, Any] = resolved(component.configuration, source, place=f"{component.kind} {component.name!r}")
    model = model_of(config)
    return values if model is config else model.model_validate(values).model_dump(exclude_unset=True)
