"""Checking a component's configuration against its flavor's `Config`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from mlstack_nb.core.stack import Component, Kind, references
from mlstack_nb.errors import ConfigError, nearest
from mlstack_nb.flavors import registry

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

    from mlstack_nb.app.secrets import SecretSource


def validated(
    kind: Kind, name: str, *, flavor: str, configuration: Mapping[str, Any], source: SecretSource
) -> Component:
    """The component, its configuration as the flavor's `Config` reads it, without the defaults.

    Fields that refer to secrets are checked with the values, and stay as they are. Raises NotFoundError for an unknown
    flavor, secret or key, MissingPackageError, or ConfigError that names every wrong field.
    """
    from pydantic import ValidationError

    config_class = _model(kind, flavor)
    referring = {field: value for field, value in configuration.items() if references(value)}
    given = _with_secrets(configuration, source, f"{kind} {name!r}") if referring else dict(configuration)
    try:
        config = config_class.model_validate(given)
    except ValidationError as error:
        wrong = _explanation(f"{kind} {name!r} (flavor {flavor})", error, config_class)
        raise wrong from (None if referring else error)  # pydantic's error shows the values
    secrets = secret_fields(config_class)
    values = config.model_dump(mode="json", exclude_unset=True)
    revealed = {field: _revealed(getattr(config, field)) for field in secrets & values.keys()}
    if referring and values.keys() - configuration.keys():
        _refuse_derived(kind, name, sorted(values.keys() - configuration.keys()))
    return Component(kind, flavor, name, {**values, **revealed, **referring}, secrets)


def _with_secrets(configuration: Mapping[str, Any], source: SecretSource, place: str) -> dict[str, Any]:
    from mlstack_nb.app.secrets import resolved

    found: dict[str, Any] = resolved(configuration, source, place=place)
    return found


def _refuse_derived(kind: Kind, name: str, fields: list[str]) -> None:
    """What a flavor takes out of a secret's value would be stored in the clear."""
    raise ConfigError(
        f"{kind} {name!r}: {', '.join(map(repr, fields))} would be taken from another field, which a reference to a "
        "secret does not allow.",
        f"Give each field by itself: --{fields[0]} '{{{{NAME.KEY}}}}'",
    )


def _model(kind: Kind, flavor: str) -> type[BaseModel]:
    from mlstack_nb.ports.configuration import model_of

    return model_of(registry().load(kind, flavor).Config)


def secret_fields(config_class: type[BaseModel]) -> frozenset[str]:
    return frozenset(name for name, field in config_class.model_fields.items() if _is_secret(field.annotation))


def fields(kind: Kind, flavor: str) -> list[dict[str, Any]]:
    """What can be configured, in the order of declaration: name, type, required, default, secret, description."""
    config_class = _model(kind, flavor)
    secrets = secret_fields(config_class)
    return [
        {
            "name": name,
            "type": _type_name(field.annotation),
            "required": field.is_required(),
            "default": None if field.is_required() or name in secrets else field.get_default(call_default_factory=True),
            "secret": name in secrets,
            "description": field.description or "",
        }
        for name, field in config_class.model_fields.items()
    ]


def from_text(kind: Kind, flavor: str, options: Mapping[str, str]) -> dict[str, Any]:
    """Options as they are typed: JSON where the field is not a text and the option looks like a list or an object."""
    known = _model(kind, flavor).model_fields
    return {
        name: json_or_text(value)
        if name in known and str not in (known[name].annotation, *get_args(known[name].annotation))
        else value
        for name, value in options.items()
    }


def json_or_text(value: str) -> Any:
    if value[:1] not in ("[", "{"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _explanation(place: str, error: ValidationError, config_class: type[BaseModel]) -> ConfigError:
    known = list(config_class.model_fields)
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    unknown = [str(problem["loc"][0]) for problem in problems if problem["type"] == "extra_forbidden"]
    near = nearest(unknown[0], known) if unknown else None
    listing = f"Its fields are: {', '.join(known)}." if known else "This flavor has nothing to configure."
    what = "; ".join(_problem(problem) for problem in problems)
    return ConfigError(f"{place}: {what}.", f"Did you mean {near!r}?" if near else listing)


def _problem(problem: ErrorDetails) -> str:
    field = ".".join(map(str, problem["loc"]))
    if problem["type"] == "extra_forbidden":
        return f"there is no field {field!r}"
    if problem["type"] == "missing":
        return f"field {field!r} is required"
    message = problem["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    return f"field {field!r}: {message}" if field else message


def _type_name(annotation: Any) -> str:
    """`str | None`, without the modules that types come from."""
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return re.sub(r"(?:\w+\.)+", "", text)


def _is_secret(annotation: Any) -> bool:
    from pydantic import SecretStr

    if isinstance(annotation, type) and issubclass(annotation, SecretStr):
        return True
    return any(_is_secret(part) for part in get_args(annotation))


def _revealed(value: Any) -> Any:
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value
