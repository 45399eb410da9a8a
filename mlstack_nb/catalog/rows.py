"""Runs, step runs and artifacts as rows of the catalog, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mlstack_nb.core.artifact import Artifact, ArtifactType
from mlstack_nb.core.run import Failure, Reason, Run, State, StepRun
from mlstack_nb.core.types import shown
from mlstack_nb.ports.owner import Owner

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

Row = dict[str, Any]


def run_row(run: Run, owner: Owner) -> Row:
    return {
        "id": run.id,
        "pipeline": run.pipeline,
        "stack": run.stack,
        "state": run.state.value,
        "mode": run.mode,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "parameters": to_text(run.parameters),
        "owner_host": owner.host,
        "owner_pid": owner.pid,
        "owner_ticks": owner.ticks,
        "name": run.name or None,
    }


def step_row(step: StepRun, *, step_run_id: str, position: int, origin: str | None) -> Row:
    """With an `origin`, what can be read there is not written again."""
    return {
        "id": step_run_id,
        "run_id": step.run_id,
        "position": position,
        "step": step.step,
        "state": step.state.value,
        "key": step.key,
        "origin": origin,
        "started_at": step.started_at,
        "ended_at": step.ended_at,
        "attempt": step.attempt,
        "saved_s": step.saved_s,
        "fingerprint": "{}" if origin else to_text(step.fingerprint),
        "parameters": "{}" if origin else to_text(step.parameters),
        "failure": to_text(asdict(step.failure)) if step.failure else None,
        "tracker": to_text(step.tracker) if step.tracker else None,
        "reason": step.reason.value if step.reason else None,
        "code": None if origin else step.code,
    }


def artifact_row(artifact: Artifact, *, step: StepRun, step_run_id: str, output: str) -> Row:
    """All but the version, which the database counts: `named`, `numbered` and `is_labelled` are for the counting."""
    label = artifact.label
    number = int(label) if label.isdecimal() else None
    return {
        "name": artifact.name,
        "named": artifact.name,
        "numbered": number,
        "is_labelled": bool(label),
        "step_run_id": step_run_id,
        "output": output,
        "created_at": step.ended_at or step.started_at,
        "type": artifact.type,
        "materializer": artifact.materializer,
        "digest": artifact.digest,
        "object": artifact.object,
        "inline": artifact.inline,
        "size_bytes": artifact.size_bytes,
        "kind": artifact.kind.value,
        "metadata": to_text(artifact.metadata),
        "preview": to_text(artifact.preview) if artifact.preview is not None else None,
        "label": label if label and number is None else None,
        "origin": "step",
    }


def run_of(row: RowMapping | Row, steps: tuple[StepRun, ...]) -> Run:
    return Run(
        id=row["id"],
        pipeline=row["pipeline"],
        stack=row["stack"],
        state=State(row["state"]),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        mode=row["mode"],
        parameters=json.loads(row["parameters"]),
        steps=steps,
        name=row["name"] or "",
    )


def step_of(
    row: RowMapping,
    *,
    recorded: RowMapping,
    inputs: Mapping[str, str],
    outputs: Mapping[str, Artifact],
) -> StepRun:
    """`recorded` is the row of the origin, or `row` itself where there is none."""
    return StepRun(
        run_id=row["run_id"],
        step=row["step"],
        state=State(row["state"]),
        key=row["key"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        attempt=row["attempt"],
        saved_s=row["saved_s"],
        fingerprint=json.loads(recorded["fingerprint"]),
        inputs=inputs,
        parameters=json.loads(recorded["parameters"]),
        outputs=outputs,
        failure=Failure(**json.loads(row["failure"])) if row["failure"] else None,
        tracker=json.loads(row["tracker"]) if row["tracker"] else None,
        reason=Reason(row["reason"]) if row["reason"] else None,
        code=recorded["code"] or "",
    )


def artifact_of(row: RowMapping) -> Artifact:
    return Artifact(
        name=row["name"],
        type=row["type"],
        materializer=row["materializer"],
        digest=row["digest"],
        size_bytes=row["size_bytes"],
        object=row["object"],
        inline=row["inline"],
        kind=ArtifactType(row["kind"]),
        metadata=json.loads(row["metadata"]),
        preview=json.loads(row["preview"]) if row["preview"] else None,
        label=row["label"] or "",
    )


def to_text(values: Mapping[str, Any]) -> str:
    """JSON; what JSON can not hold is told by its repr, so that any parameter can be recorded."""
    if not values:
        return "{}"
    try:
        return json.dumps(values, default=shown)
    except (TypeError, ValueError, RecursionError):
        return json.dumps({name: shown(value) for name, value in values.items()})
