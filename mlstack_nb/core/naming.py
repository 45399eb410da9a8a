"""Names with placeholders: `model_{date}`, filled when a run begins, in every process of a run with the same words."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from mlstack_nb.core.step import Output, Step
from mlstack_nb.errors import UsageError, nearest

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")
_OF_RUN_ID = re.compile(r"(\d{8}-\d{6})-([0-9a-f]{6})")
OF_THE_RUN = ("date", "time")
"""Placeholders that every run has: `2026_11_21`, and `09_30_00_123456`, both UTC."""


def moment_of(run_id: str) -> dict[str, str]:
    """`date` and `time` of a run. Its id tells both; of another engine's id it is the moment of the call."""
    found = _OF_RUN_ID.fullmatch(run_id)
    if found is None:
        now = datetime.fromtimestamp(time.time(), UTC)
        return {"date": now.strftime("%Y_%m_%d"), "time": now.strftime("%H_%M_%S_%f")}
    begun = datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    fraction = int(found[2], 16) % 1_000_000
    return {"date": begun.strftime("%Y_%m_%d"), "time": f"{begun.strftime('%H_%M_%S')}_{fraction:06}"}


def filled(template: str, substitutions: Mapping[str, str], *, run_id: str, of: str) -> str:
    """`template` with every placeholder replaced. Raises UsageError for one that has no value."""
    return _filled(template, {**moment_of(run_id), **substitutions}, of=of) if "{" in template else template


def with_names(step: Step, *, run_id: str) -> Step:
    """The step with the names that its outputs have in that run. Raises UsageError."""
    if not any("{" in output.artifact for output in step.outputs):
        return step
    return replace(step, outputs=tuple(_named(output, step, run_id) for output in step.outputs))


def kept_name(output: Output, made: str) -> str:
    """The name of a cached result that was `made` under another: that one, where only the moment of its run differs."""
    pattern = _PLACEHOLDER.sub("\0", output.template)
    pattern = re.escape(pattern).replace(re.escape("\0"), ".+")
    return made if re.fullmatch(pattern, made) else output.artifact


def _named(output: Output, step: Step, run_id: str) -> Output:
    """Its `template` is left with the placeholders that the moment fills."""
    of = f"an output of step {step.name!r}"
    later = {name: f"{{{name}}}" for name in OF_THE_RUN}
    template = _filled(output.artifact, {**later, **step.settings.substitutions}, of=of)
    artifact = _filled(template, moment_of(run_id), of=of)
    return replace(output, artifact=artifact, template=template if template != artifact else "")


def _filled(template: str, known: Mapping[str, str], *, of: str) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in known:
            near = nearest(name, known)
            hint = f"Did you mean {{{near}}}?" if near else f'Give it one: substitutions={{"{name}": "..."}}'
            raise UsageError(f"The name {template!r} of {of} has the placeholder {name!r}, which has no value.", hint)
        return str(known[name])

    return _PLACEHOLDER.sub(value, template)
