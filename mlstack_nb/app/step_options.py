"""The options of `@step`, checked where they are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypedDict

from mlstack_nb.app.hooks import hooks_of
from mlstack_nb.app.machine_settings import read_settings, resources_of
from mlstack_nb.app.names import check_name
from mlstack_nb.core.hooks import Hook, Hooks
from mlstack_nb.core.policy import CachePolicy, StepRetryConfig
from mlstack_nb.core.step import Settings
from mlstack_nb.errors import UsageError, nearest
from mlstack_nb.ports.materializer import BaseMaterializer
from mlstack_nb.ports.registry import load_target

if TYPE_CHECKING:
    from mlstack_nb.core.model import ModelSpec

Given = (
    Mapping[str, type[BaseMaterializer] | str]
    | Sequence[type[BaseMaterializer] | str]
    | type[BaseMaterializer]
    | str
    | None
)


class CommonOptions(TypedDict, total=False):
    """What a step and a pipeline may both be given; a pipeline's holds for those of its steps that say nothing else.

    `environment` is set while a step runs and counts; of `secrets`, names of variables that are set already, a keyed
    digest counts. `substitutions` are values of `{placeholders}` in names. Hooks are functions or `package.function`.
    """

    name: str | None
    enable_cache: bool | None
    cache_policy: CachePolicy | str | None
    enable_artifact_metadata: bool | None
    enable_artifact_visualization: bool | None
    enable_step_logs: bool | None
    environment: Mapping[str, Any] | None
    secrets: Sequence[str] | None
    settings: Mapping[str, Any] | None
    extra: Mapping[str, Any] | None
    substitutions: Mapping[str, str] | None
    retry: StepRetryConfig | Mapping[str, Any] | None
    on_start: Hook | None
    on_success: Hook | None
    on_failure: Hook | None
    on_end: Hook | None
    model: ModelSpec | str | None
    tags: Sequence[Any] | None


class StepOptions(CommonOptions, total=False):
    """`experiment_tracker=True` takes the active stack's own; a name insists on that component."""

    experiment_tracker: str | bool | None
    output_materializers: Given
    retries: int | None
    timeout_s: float | None


OPTIONS = tuple(StepOptions.__annotations__)
COMMON = tuple(CommonOptions.__annotations__)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads options of one step or pipeline: `of` names it, `outputs` are its outputs' names."""

    of: str
    outputs: Sequence[str]

    def wrong(self, option: str, value: Any, hint: str) -> UsageError:
        return UsageError(f"{self.of} has {option}={value!r}.", hint)

    def flag(self, field: str, option: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, bool):
            raise self.wrong(option, value, f"Say {option}=True or {option}=False")
        return {field: value}

    def policy(self, value: Any) -> dict[str, Any]:
        if value == "default":
            return {"policy": CachePolicy()}
        if not isinstance(value, CachePolicy):
            raise self.wrong("cache_policy", value, 'Give a CachePolicy: cache_policy=CachePolicy(exclude="package:*")')
        return {"policy": value}

    def tracker(self, value: Any) -> dict[str, Any]:
        return {"tracker": {True: "", False: None}.get(value, value)}

    def retries(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, int) or value < 0:
            raise self.wrong("retries", value, "Give a whole number: retries=2")
        return {"retries": value}

    def retry(self, value: Any) -> dict[str, Any]:
        """A StepRetryConfig, a mapping, or an object of another library with its fields."""
        names = [field.name for field in fields(StepRetryConfig)]
        hint = "Write it so: retry=StepRetryConfig(max_retries=3, delay=10, backoff=2)"
        if isinstance(value, Mapping):
            check_known(f"retry of {self.of.lower()}", {k: v for k, v in value.items() if k not in names}, names)
            found = {name: value[name] for name in names if name in value}
        elif hasattr(value, "max_retries"):
            found = {name: getattr(value, name) for name in names if hasattr(value, name)}
        else:
            raise self.wrong("retry", value, hint)
        asked = replace(StepRetryConfig(), **found)
        numbers: tuple[Any, ...] = (asked.max_retries, asked.delay, asked.backoff)
        if not isinstance(numbers[0], int) or not all(isinstance(n, (int, float)) and n >= 0 for n in numbers):
            raise self.wrong("retry", value, hint)
        waits = {"retry_delay_s": float(asked.delay), "retry_backoff": float(asked.backoff or 1)}
        return {"retries": asked.max_retries, **waits}

    def timeout(self, value: Any) -> dict[str, Any]:
        if not (isinstance(value, (int, float)) and 0 < value < math.inf):
            raise self.wrong("timeout_s", value, "Give seconds above zero: timeout_s=90")
        return {"timeout_s": value}

    def texts(self, option: str, value: Any, hint: str) -> dict[str, Any]:
        is_fit = isinstance(value, Mapping) and all(isinstance(name, str) for name in value)
        if not is_fit or not all(isinstance(one, (str, int, float)) for one in value.values()):
            raise self.wrong(option, value, hint)
        return {option: {name: str(one) for name, one in value.items()}}

    def secrets(self, value: Any) -> dict[str, Any]:
        if isinstance(value, str) or not all(isinstance(name, str) for name in value):
            raise self.wrong("secrets", value, 'Give names of environment variables: secrets=["TOKEN"]')
        return {"secrets": tuple(value)}

    def settings(self, value: Any) -> dict[str, Any]:
        return {"asked": read_settings(value, of=self.of)}

    def extra(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise self.wrong("extra", value, 'Give values by name: extra={"owner": "anna"}')
        return {"extra": dict(value)}

    def tags(self, value: Any) -> dict[str, Any]:
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise self.wrong("tags", value, 'Give a list: tags=["nightly"]')
        return {"tags": tuple(value)}

    def model(self, value: Any) -> dict[str, Any]:
        """A model, or its name alone."""
        from mlstack_nb.core.model import ModelSpec

        if not isinstance(value, (ModelSpec, str)):
            raise self.wrong("model", value, 'Give a model: model=Model("fraud")')
        return {"model": ModelSpec(value) if isinstance(value, str) else value}

    def materializers(self, value: Any) -> dict[str, Any]:
        return {"materializers": _materializers(self, value)}


_READ: dict[str, Callable[[_Reader, Any], dict[str, Any]]] = {
    "enable_cache": lambda reader, value: reader.flag("cache", "enable_cache", value),
    "cache_policy": _Reader.policy,
    "enable_artifact_metadata": lambda reader, value: reader.flag("metadata", "enable_artifact_metadata", value),
    "enable_artifact_visualization": lambda reader, value: reader.flag(
        "previews", "enable_artifact_visualization", value
    ),
    "enable_step_logs": lambda reader, value: reader.flag("logs", "enable_step_logs", value),
    "environment": lambda reader, value: reader.texts(
        "environment", value, 'Give texts by name: environment={"MODE": "fast"}'
    ),
    "secrets": _Reader.secrets,
    "settings": _Reader.settings,
    "extra": _Reader.extra,
    "substitutions": lambda reader, value: reader.texts(
        "substitutions", value, 'Give texts by name: substitutions={"kind": "big"}'
    ),
    "retry": _Reader.retry,
    "model": _Reader.model,
    "tags": _Reader.tags,
    "experiment_tracker": _Reader.tracker,
    "output_materializers": _Reader.materializers,
    "retries": _Reader.retries,
    "timeout_s": _Reader.timeout,
}
_MERGED = ("environment", "extra", "substitutions", "asked", "materializers")
"""Fields whose entries stay when others are given."""
_UNNAMED = "output"
"""What an output is called whose author gives it no name."""
_OF_RUNS = frozenset({"tags", "extra"})
"""What a pipeline says of its runs, not of their steps."""


def settings_of(step: str, *, outputs: Iterable[str], **given: Any) -> Settings:
    """Those of a step with the options that are `given`; None gives none. Raises UsageError naming step and option."""
    check_name("step", step)
    return changed(Settings(), f"Step {step!r}", given, outputs)


def changed(
    settings: Settings, of: str, given: Mapping[str, Any], outputs: Iterable[str] = (), *, merge: bool = True
) -> Settings:
    """`settings` with the options that are `given`. Raises UsageError.

    With `merge`, what is given by name and tags are added to what is there; otherwise they take its place.
    """
    reader = _Reader(of, list(outputs))
    found: dict[str, Any] = {}
    for option, value in given.items():
        if value is not None and option in _READ:
            found |= _READ[option](reader, value)
    hooks = hooks_of(given, of=of)
    if hooks != Hooks():
        found["hooks"] = hooks.over(settings.hooks)
    explicit = settings.explicit | found.keys()
    if merge:
        found |= {name: _merged(getattr(settings, name), found[name]) for name in _MERGED if name in found}
        if "tags" in found:
            found["tags"] = tuple(dict.fromkeys((*settings.tags, *found["tags"])))
    if "asked" in found:
        found["resources"] = resources_of(found["asked"], of=of)
    return replace(settings, **found, explicit=explicit)


def inherited(own: Settings, common: Settings) -> Settings:
    """A step's settings with what its pipeline says for all its steps, where it says nothing itself."""
    taken: dict[str, Any] = {}
    for name in common.explicit - _OF_RUNS:
        mine, theirs = getattr(own, name), getattr(common, name)
        if name in _MERGED:
            taken[name] = _merged(theirs, mine)
        elif name == "hooks":
            taken[name] = mine.over(theirs)
        elif name not in own.explicit:
            taken[name] = theirs
    if "asked" in taken:
        taken["resources"] = resources_of(taken["asked"], of="The pipeline")
    return replace(own, **taken) if taken else own


def check_known(of: str, unknown: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raises UsageError with the nearest option when there is an `unknown` one."""
    for name in unknown:
        near = nearest(name, known := list(known))
        hint = f"Did you mean {near!r}?" if near else f"Its options are: {', '.join(known)}."
        raise UsageError(f"{of} has no option {name!r}.", hint)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two levels deep, which is what `settings` have."""
    both = {name: {**below[name], **above[name]} for name in above if _are_mappings(below.get(name), above[name])}
    return {**below, **above, **both}


def _are_mappings(*values: Any) -> bool:
    return all(isinstance(value, Mapping) for value in values)


def _materializers(reader: _Reader, given: Any) -> dict[str, str]:
    from mlstack_nb.materializers import remember

    by_output = given if isinstance(given, Mapping) else dict.fromkeys(reader.outputs, given)
    if (
        len(by_output) == 1
        and reader.outputs == [_UNNAMED]
        and nearest(name := next(iter(by_output)), [_UNNAMED]) is None
    ):
        by_output = {_UNNAMED: by_output[name]}  # there is no other that could be meant
    found = {}
    for name, kind in by_output.items():
        if name not in reader.outputs:
            near = nearest(name, reader.outputs)
            hint = f"Did you mean {near!r}?" if near else f"Its outputs are: {', '.join(reader.outputs)}."
            raise UsageError(f"{reader.of} has no output {name!r}, which output_materializers names.", hint)
        found[name] = remember(_materializer(reader, kind))
    return found


def _materializer(reader: _Reader, given: Any) -> type[BaseMaterializer]:
    """A class, where it is found, or a list with one of these."""
    kind = given[0] if isinstance(given, (list, tuple)) and len(given) == 1 else given
    if isinstance(kind, str):
        module, _, name = kind.replace(":", ".").rpartition(".")
        try:
            kind = load_target(f"{module}:{name}")
        except (ImportError, AttributeError, ValueError) as error:
            raise reader.wrong("output_materializers", given, f"It can not be imported: {error}.") from error
    if BaseMaterializer not in getattr(kind, "__mro__", ()):
        raise reader.wrong("output_materializers", given, "Give a subclass of BaseMaterializer.")
    return kind  # type: ignore[no-any-return]
