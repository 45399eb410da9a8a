"""The cache key: digest(step fingerprint, digests of the inputs' contents, parameter values, output names)."""

from __future__ import annotations

import functools
import itertools
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import BuiltinFunctionType, FunctionType
from typing import Any

from mlstack_nb.core.digest import UndigestibleError, digest, encode
from mlstack_nb.core.policy import CachePolicy
from mlstack_nb.core.step import Settings, Step
from mlstack_nb.core.types import is_data_file
from mlstack_nb.engine.paths import path_digest
from mlstack_nb.engine.values import Codec, Sealed
from mlstack_nb.source.function_fingerprint import of_value
from mlstack_nb.source.step_body import RETURNS, returned

_CACHING = type(functools.cache(len))
_CONTAINERS = (list, tuple, dict, set)
_CONSTANT = "constant "
_SHOWN = (str, int, float, bool, type(None), list, tuple, dict)


def cache_key(
    step: Step,
    *,
    inputs: Mapping[str, str],
    parameters: Mapping[str, str],
    environment: Mapping[str, str] | None = None,
) -> str:
    """Names the result `step` would give, without running it: 64 hex characters.

    `inputs` maps names to content digests, `parameters` to value digests, `environment` labels to what the variables
    count as; their order does not matter. A constant that the code reaches counts as a parameter would, and an output
    by the name that the code has for it, so that a cell and the function made of it have one key.
    """
    environment = environment or {}
    names = returned(step.fingerprint.parts, len(step.outputs))
    outputs = _outputs(step, names)
    code = {label: part for label, part in step.fingerprint.parts.items() if names is None or label != RETURNS}
    mapped = []
    if step.over:
        inputs, parameters = _by_item(inputs, step), _by_item(parameters, step)
        mapped = [("over", [one.item for one in step.over], step.crossed)]
    policy = step.settings.policy
    if policy.changes_keys:
        inputs, parameters = _admitted("input", inputs, policy), _admitted("parameter", parameters, policy)
        given, rest = _given({**parameters, **inputs}, policy.admitted({**code, **environment}))
        files = [(Path(file).name, path_digest(Path(file))) for file in policy.files]
        parts = sorted(rest.items()), sorted(given.items()), outputs, files, policy.salt
        return digest("key by policy", *parts, *mapped)
    given, rest = _given({**parameters, **inputs}, code)
    known = len(rest) == len(step.fingerprint.parts)
    meaning = step.fingerprint.digest if known else digest(list(rest.items()))
    set_here = [sorted(environment.items())] if environment else []
    return digest("key", meaning, sorted(given.items()), outputs, *set_here, *mapped)


def _outputs(step: Step, names: tuple[str, ...] | None) -> list[tuple[str, str]]:
    """Each output's name in the code, with its materializer; none for a function that returns nothing."""
    written = [step.settings.materializers.get(output.name, "") for output in step.outputs]
    known = [output.name for output in step.outputs] if names is None else names
    return list(zip(known, written, strict=False))


def _given(values: Mapping[str, str], code: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What is given to the code and the constants that it reaches, by name; and the other parts of the code."""
    constants = {label: label.removeprefix(_CONSTANT) for label in code if label.startswith(_CONSTANT)}
    moved = {label: name for label, name in constants.items() if name not in values}
    given = {**values, **{name: code[label] for label, name in moved.items()}}
    return given, {label: part for label, part in code.items() if label not in moved}


def _by_item(values: Mapping[str, str], step: Step) -> dict[str, str]:
    """The lists that a step is mapped over count by what the code calls their items."""
    gone = {one.of for one in step.over if not one.keeps}
    rest = {name: value for name, value in values.items() if name not in gone}
    return rest | {f"each {one.item}": values[one.of] for one in step.over if one.of in values}


def _admitted(kind: str, values: Mapping[str, str], policy: CachePolicy) -> dict[str, str]:
    admitted = policy.admitted({f"{kind} {name}": part for name, part in values.items()})
    return {label.removeprefix(f"{kind} "): part for label, part in admitted.items()}


def content_parts(step: Step, values: Mapping[str, Any], digests: Mapping[str, str]) -> dict[str, str]:
    """The parts of the key that the record of a step run does not show otherwise: contents behind paths and objects.

    `values` are the parameters, `digests` what they count with.
    """
    parts = {
        f"content of {name}": digests[name]
        for name, value in values.items()
        if not isinstance(value, _SHOWN) or is_data_file(step.input_types.get(name))
    }
    parts.update((f"file {file}", path_digest(Path(file))) for file in step.settings.policy.files)
    return parts


def may_reuse(settings: Settings) -> bool:
    """Whether a result from the cache will do: the step's own word, unless `MLSTACK_CACHE=off` says no to all."""
    return settings.cache and os.environ.get("MLSTACK_CACHE", "").lower() not in ("off", "0", "false", "no")


def is_fresh(ended_at: float, policy: CachePolicy) -> bool:
    """Whether a result of that moment has not expired yet."""
    return policy.expires_after_s is None or time.time() - ended_at < policy.expires_after_s


def parameter_digest(value: Any, declared: Any, codec: Codec) -> str:
    """`value_digest` of a parameter of that declared type: a text that is marked as a data file is a path."""
    return value_digest(Path(value) if isinstance(value, str) and is_data_file(declared) else value, codec)


def value_digest(value: Any, codec: Codec) -> str:
    """The digest of a parameter or captured value: plain data by value, own code by what it means, the rest by content.

    A `Path` counts with its last name and the bytes below it, so the same data in another folder is the same
    value. Raises MaterializerError for a value that can not be written.
    """
    if isinstance(value, Sealed):
        return value.digest
    if isinstance(value, Path):
        return digest("path", value.name, path_digest(value))
    try:
        return digest("value", encode(value))
    except UndigestibleError:
        pass
    with suppress(RecursionError):  # held by itself, or nested too deeply: only its file can tell
        by_code = of_value(value, content=lambda part: value_digest(part, codec))
        if by_code is not None:
            return digest("code", by_code)
        if _holds_plain(value):
            members = [value_digest(member, codec) for member in _members(value)]
            return digest("holds", type(value).__name__, sorted(members) if type(value) is set else members)
    return codec.digest_of(value)


def is_plain(value: Any) -> bool:
    """Whether a value is taken as it is: plain data, paths, functions, and containers of these.

    Everything else goes through a materializer; so does a container that holds itself or is nested too deeply.
    """
    try:
        encode(value)
    except UndigestibleError:
        pass
    else:
        return True
    try:
        return isinstance(value, (Path, Sealed)) or _is_function(value) or _holds_plain(value)
    except RecursionError:
        return False


def _holds_plain(value: Any) -> bool:
    return type(value) in _CONTAINERS and all(map(is_plain, _members(value)))


def _is_function(value: Any) -> bool:
    """A function, also behind `functools.partial` and `functools.cache`."""
    if isinstance(value, functools.partial):
        return _is_function(value.func)
    return isinstance(value, (FunctionType, BuiltinFunctionType, _CACHING))


def _members(value: Any) -> Iterator[Any]:
    return itertools.chain.from_iterable(value.items()) if type(value) is dict else iter(value)
