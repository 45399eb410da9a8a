"""Arguments of steps: values that are written in the code, of the types that the step declares."""

from __future__ import annotations

from typing import Any

from mlstack_nb.core.types import fits, named, shown
from mlstack_nb.errors import UsageError
from mlstack_nb.source.functions import Parameter


def coerced(value: Any, parameter: Parameter, *, step: str) -> Any:
    """`value`, or what it means where another type is declared: `3.0` is the `int` 3. Raises UsageError.

    What has no annotation may be anything; so may the default. Only a value that does not fit costs anything.
    """
    declared = parameter.type
    if declared is None or value is parameter.default or fits(value, declared):
        return value
    from pydantic import ConfigDict, PydanticSchemaGenerationError, PydanticUserError, TypeAdapter, ValidationError

    try:
        adapter = TypeAdapter(declared, config=ConfigDict(arbitrary_types_allowed=True))
    except (PydanticSchemaGenerationError, TypeError):
        return value
    except PydanticUserError:  # a model, or a dataclass: it has a configuration of its own
        adapter = TypeAdapter(declared)
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise UsageError(
            f"Input {parameter.name!r} of step {step!r} is declared {named(declared)}, but {shown(value)} is given: "
            f"{error.errors()[0]['msg'].lower()}.",
            f"Change the value, or the annotation of {parameter.name!r}.",
        ) from None
