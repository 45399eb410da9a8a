"""ZenML's `CachePolicy`, said in the words of ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from mlstack_nb.core import policy

_DATA = ("input *", "parameter *")


@dataclass(frozen=True, slots=True)
class PolicyWithFunction(policy.CachePolicy):
    """`salted_by` gives the salt anew for each run."""

    salted_by: Callable[[], Any] | None = None


def CachePolicy(  # noqa: N802 - a class there
    *,
    include_step_code: bool = True,
    include_step_parameters: bool = True,
    include_artifact_values: bool = True,
    include_artifact_ids: bool = True,
    ignored_inputs: Sequence[str] | None = None,
    file_dependencies: Sequence[str] | None = None,
    source_dependencies: Sequence[Any] | None = None,  # noqa: ARG001
    cache_func: Callable[[], Any] | None = None,
    expires_after: float | None = None,
) -> policy.CachePolicy:
    """What a step's key is made of. `source_dependencies` add nothing: what the code reaches counts anyway.

    Inputs count by their content, or not at all. `cache_func` is called when the step is wired.
    """
    excluded = [f"{kind} {name}" for name in ignored_inputs or () for kind in ("input", "parameter")]
    if not include_step_parameters:
        excluded.append("parameter *")
    if not (include_artifact_values or include_artifact_ids):
        excluded.append("input *")
    return PolicyWithFunction(
        include=("*",) if include_step_code else _DATA,
        exclude=tuple(excluded),
        files=tuple(file_dependencies or ()),
        expires_after_s=expires_after,
        salted_by=cache_func,
    )


def for_this_run(given: policy.CachePolicy) -> policy.CachePolicy:
    """With the salt that its function gives now."""
    if not isinstance(given, PolicyWithFunction):
        return given
    plain = policy.CachePolicy(**{one.name: getattr(given, one.name) for one in fields(policy.CachePolicy)})
    return plain if given.salted_by is None else replace(plain, salt=f"{plain.salt}{given.salted_by()}")
