"""Inputs that are artifacts of earlier, on nodes: found where the run is submitted, or made by a step of the run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlstack_nb.core.artifact import Artifact
from mlstack_nb.core.step import FromArtifact
from mlstack_nb.engine.values import Value
from mlstack_nb.errors import NotFoundError

if TYPE_CHECKING:
    from mlstack_nb.app.runtime import Runtime
    from mlstack_nb.core.plan import Plan


def recalled_for(runtime: Runtime, plan: Plan) -> dict[str, Any]:
    """What inputs of the plan stand for now, as JSON; content that is in another store comes into the run's.

    What a step of the run is still to make is left out.
    """
    found: dict[str, Any] = {}
    for source in {one for step in plan.steps for one in step.inputs.values() if isinstance(one, FromArtifact)}:
        with suppress(NotFoundError):
            value = runtime.engine.recall(source)
            found[_key(source)] = _as_json(runtime, value) if isinstance(value, Value) else {"value": value}
    return found


@dataclass(frozen=True, slots=True)
class Recall:
    """What such inputs stand for on a node: made by a step of the run, else as it was when it was submitted."""

    runtime: Runtime
    run_id: str
    recalled: Mapping[str, Any]

    def __call__(self, source: FromArtifact) -> Any:
        made = self._made(source)
        if made is not None:
            return made.metadata[source.metadata] if source.metadata else Value(made, self.runtime.engine.codec)
        known = self.recalled.get(_key(source))
        if known is None:
            raise NotFoundError(
                f"There was no artifact {source.name!r} when run {self.run_id} was submitted, and no step of it has "
                "made one yet.",
                "Let the step that makes it come first: after=...",
            )
        if "value" in known:
            return known["value"]
        return Value(Artifact.from_json(known["artifact"]), self.runtime.engine.codec)

    def _made(self, source: FromArtifact) -> Artifact | None:
        if source.version:
            return None
        ended = sorted(self.runtime.engine.store.steps(self.run_id), key=lambda step: step.ended_at or 0.0)
        made = [artifact for step in ended for artifact in step.outputs.values() if artifact.name == source.name]
        known = [artifact for artifact in made if not source.metadata or source.metadata in artifact.metadata]
        return known[-1] if known else None


def _as_json(runtime: Runtime, value: Value) -> dict[str, Any]:
    artifact, codec = value.artifact, runtime.engine.codec
    if artifact.object is not None and not runtime.engine.store.has_object(artifact.object):
        artifact = codec.save(value.get(), name=artifact.name).artifact
    return {"artifact": artifact.to_json()}


def _key(source: FromArtifact) -> str:
    return json.dumps([source.name, source.version, source.metadata])
