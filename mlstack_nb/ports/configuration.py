"""A flavor's configuration as a pydantic model: the one that checks YAML, CLI options, REST bodies and forms."""

from __future__ import annotations

import dataclasses
import typing
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model


class Configuration(BaseModel):
    """Base of a `Config` whose fields need more than plain types.

    Secrets are `pydantic.SecretStr` fields: masked in listings, plans and records.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


@cache
def model_of(config: type[Any]) -> type[BaseModel]:
    """The model that checks a flavor's `Config`: itself, or the one that its dataclass fields describe.

    A field's metadata are arguments of `pydantic.Field`: `description`, `ge`.
    """
    if issubclass(config, BaseModel):
        return config
    types = typing.get_type_hints(config)
    fields: dict[str, Any] = {
        field.name: (types[field.name], Field(**field.metadata, **_default(field)))
        for field in dataclasses.fields(config)
    }
    return create_model(config.__name__, __base__=Configuration, __doc__=config.__doc__, **fields)


def _default(field: dataclasses.Field[Any]) -> dict[str, Any]:
    if field.default_factory is not dataclasses.MISSING:
        return {"default_factory": field.default_factory}
    return {} if field.default is dataclasses.MISSING else {"default": field.default}
