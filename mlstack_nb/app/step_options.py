"""The options of `@step`, checked where they are written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from mlstack_nb.app.names import check_name
from mlstack_nb.core.policy import CachePolicy
from mlstack_nb.core.step import Settings
from mlstack_nb.errors import UsageError, nearest
from mlstack_nb.ports.materializer import BaseMaterializer

Given = Mapping[str, type[BaseMaterializer]] | type[BaseMaterializer] | None
_FIELDS = {
    "enable_cache": "cache",
    "cache_policy": "policy",
    "experiment_tracker": "tracker",
    "output_materializers": "materializers",
    **{name: name for name in ("retries", "timeout_s", "environment", "secrets")},
}
"""Options of `@step`, and where settings have them."""


def settings_of(
    step: str,
    *,
    outputs: Iterable[str],
    enable_cache: bool | None,
    cache_policy: CachePolicy | None,
    experiment_tracker: str | bool | None,
    output_materializers: Given,
    retries: Any,
    timeout_s: Any,
    environment: Any = None,
    secrets: Any = (),
) -> Settings:
    """Raises UsageError naming the step and the option that is wrong."""
    check_name("step", step)
    if not isinstance(retries, int) or retries < 0:
        raise _wrong(step, "retries", retries, "Give a whole number: retries=2")
    if timeout_s is not None and not (isinstance(timeout_s, (int, float)) and 0 < timeout_s < math.inf):
        raise _wrong(step, "timeout_s", timeout_s, "Give seconds above zero: timeout_s=90")
    if environment is not None and not _are_texts(environment):
        raise _wrong(step, "environment", environment, 'Give texts by name: environment={"MODE": "fast"}')
    if isinstance(secrets, str) or not all(isinstance(name, str) for name in secrets):
        raise _wrong(step, "secrets", secrets, 'Give names of environment variables: secrets=["TOKEN"]')
    return Settings(
        cache=enable_cache is not False,
        policy=cache_policy or CachePolicy(),
        retries=retries,
        timeout_s=timeout_s,
        tracker={True: "", False: None}.get(experiment_tracker, experiment_tracker),  # type: ignore[arg-type]
        materializers=_materializers(step, output_materializers, list(outputs)),
        environment=dict(environment or {}),
        secrets=tuple(secrets),
    )


def changed(settings: Settings, step: str, given: Mapping[str, Any], outputs: list[str]) -> Settings:
    """`settings` with the options that are `given`. Raises UsageError."""
    options: dict[str, Any] = dict.fromkeys(("enable_cache", "cache_policy", "experiment_tracker"))
    options |= {"output_materializers": None, "retries": 0, "timeout_s": None}
    new = settings_of(step, outputs=outputs, **{**options, **given})
    return replace(settings, **{_FIELDS[name]: getattr(new, _FIELDS[name]) for name in given})


def _are_texts(environment: Any) -> bool:
    return isinstance(environment, Mapping) and all(
        isinstance(part, str) for pair in environment.items() for part in pair
    )


def check_known(decorator: str, unknown: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raises UsageError with the nearest option when there is an `unknown` one."""
    for name in unknown:
        near = nearest(name, known := list(known))
        hint = f"Did you mean {near!r}?" if near else f"Its options are: {', '.join(known)}."
        raise UsageError(f"{decorator} has no option {name!r}.", hint)


def _materializers(step: str, given: Given, outputs: list[str]) -> dict[str, str]:
    if given is None:
        return {}
    from mlstack_nb.materializers import remember

    by_output = given if isinstance(given, Mapping) else dict.fromkeys(outputs, given)
    for name, kind in by_output.items():
        if name not in outputs:
            near = nearest(name, outputs)
            hint = f"Did you mean {near!r}?" if near else f"Its outputs are: {', '.join(outputs)}."
            raise UsageError(f"Step {step!r} has no output {name!r}, which output_materializers names.", hint)
        if BaseMaterializer not in getattr(kind, "__mro__", ()):
            raise _wrong(step, "output_materializers", kind, "Give a subclass of BaseMaterializer.")
    return {name: remember(kind) for name, kind in by_output.items()}


def _wrong(step: str, option: str, value: Any, hint: str) -> UsageError:
    return UsageError(f"Step {step!r} has {option}={value!r}.", hint)
