"""Two runs beside each other: stack, parameters, and for each step code, packages, inputs, results and time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.differences import Finding, differences
from mlstack_nb.app.explain import side_of, step_of
from mlstack_nb.app.remote.refreshing import find_run
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.wording import artifact_line
from mlstack_nb.catalog.logged import logged_in
from mlstack_nb.errors import MaterializerError
from mlstack_nb.materializers import by_target

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.core.artifact import Artifact
    from mlstack_nb.core.run import Run, StepRun

_FIELDS = ("pipeline", "stack", "state")
_READABLE = ("mlstack_nb.materializers.builtin_values:", "mlstack_nb.materializers.texts:")
_SCALAR = (bool, int, float, str)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`general` is about the runs as a whole, `steps` has for each step what differs: empty for nothing."""

    before: Run
    after: Run
    general: tuple[Finding, ...]
    steps: Mapping[str, tuple[Finding, ...]]

    def lines(self) -> list[str]:
        told = [f"run {self.before.id} -> run {self.after.id}"]
        told += [f"  {one.text}" for one in self.general]
        for step, found in self.steps.items():
            told.append(f"step {step}" + ("" if found else ": the same"))
            for one in found:
                told.append(f"  - {one.text}")
                told += [f"      {line}" for line in one.diff.splitlines()]
        return told

    def to_json(self) -> dict[str, Any]:
        return {
            "before": self.before.id,
            "after": self.after.id,
            "general": [one.to_json() for one in self.general],
            "steps": {step: [one.to_json() for one in found] for step, found in self.steps.items()},
        }


def compare(workspace: Workspace, before: str, after: str) -> Comparison:
    """What differs between two runs, each by id, the beginning of one, or `last`. Raises NotFoundError, UsageError."""
    old, new = find_run(workspace, before), find_run(workspace, after)
    names = dict.fromkeys([*(step.step for step in new.steps), *(step.step for step in old.steps)])
    steps = {name: tuple(_of_step(workspace, old, new, name)) for name in names}
    return Comparison(old, new, tuple(_general(old, new)), steps)


def _general(old: Run, new: Run) -> Iterator[Finding]:
    for name in _FIELDS:
        was, now = str(getattr(old, name)), str(getattr(new, name))
        if was != now:
            yield Finding(name, name, f"{name} {was} -> {now}", was, now)
    for name in dict.fromkeys([*new.parameters, *old.parameters]):
        first, second = old.parameters.get(name), new.parameters.get(name)
        if first != second:
            yield Finding("parameter", name, f"parameter {name} {first!r} -> {second!r}", first, second)


def _of_step(workspace: Workspace, old: Run, new: Run, name: str) -> Iterator[Finding]:
    has = [any(step.step == name for step in run.steps) for run in (old, new)]
    if not all(has):
        where = new.id if has[1] else old.id
        yield Finding("step", name, f"only in run {where}")
        return
    before, after = step_of(old, name), step_of(new, name)
    if before.key != after.key:
        yield from differences(side_of(workspace, old, before), side_of(workspace, new, after))
    if before.state.is_good != after.state.is_good:
        yield Finding("state", name, f"{before.state} -> {after.state}", before.state.value, after.state.value)
    for output, artifact in after.outputs.items():
        earlier = before.outputs.get(output)
        if earlier is not None and earlier.digest != artifact.digest:
            yield from _of_output(output, earlier, artifact)
    yield from _of_metrics(_logged(workspace, old, before), _logged(workspace, new, after), of="logged ")


def _logged(workspace: Workspace, run: Run, step: StepRun) -> dict[str, Any]:
    """What the step told of itself, and its experiment tracker. Raises ConfigError where that can not be reached."""
    with workspace.catalog.read() as connection:
        told = logged_in(connection, run.id).get(step.step, {})
    plain = {name: value for name, value in told.items() if isinstance(value, _SCALAR)}
    tracker = Runtime.current(workspace=workspace, stack=run.stack).engine.tracker
    return {**plain, **(tracker.metrics(step.tracker["run_id"]) if tracker is not None and step.tracker else {})}


def _of_metrics(old: Mapping[str, Any], new: Mapping[str, Any], *, of: str = "") -> Iterator[Finding]:
    for key in dict.fromkeys([*new, *old]):
        before, after = old.get(key), new.get(key)
        if before != after:
            yield Finding("metric", key, f"{of}{key} {before!r} -> {after!r}{_change(before, after)}", before, after)


def _of_output(name: str, was: Artifact, now: Artifact) -> Iterator[Finding]:
    """Figures by value, everything else by what it is."""
    old, new = _figures(name, was), _figures(name, now)
    if not old or not new:
        text = f"output {artifact_line(was, name)} -> {artifact_line(now, name).removeprefix(name).strip()}"
        yield Finding("output", name, text, was.digest, now.digest)
        return
    yield from _of_metrics(old, new)


def _figures(name: str, artifact: Artifact) -> dict[str, Any]:
    """The plain values in an output: itself, or those of a mapping by `output.key`."""
    if artifact.inline is None or not artifact.materializer.startswith(_READABLE):
        return {}
    try:
        value = by_target(artifact.materializer).loads(artifact.inline)
    except (MaterializerError, ValueError):
        return {}
    if isinstance(value, dict):
        return {f"{name}.{key}": one for key, one in value.items() if isinstance(one, _SCALAR)}
    return {name: value} if isinstance(value, _SCALAR) else {}


def _change(before: Any, after: Any) -> str:
    numbers = [value for value in (before, after) if isinstance(value, int | float) and not isinstance(value, bool)]
    return f" ({after - before:+.4g})" if len(numbers) == 2 else ""
