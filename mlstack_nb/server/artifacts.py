"""Artifacts over HTTP: what there is, and one version with preview and lineage."""

from __future__ import annotations

from typing import Any

from mlstack_nb.app import artifacts
from mlstack_nb.server.route import Call, Wanted


class ArtifactsWanted(Wanted):
    pipeline: str | None = None


class VersionWanted(Wanted):
    version: str | None = None


def listing(call: Call, wanted: ArtifactsWanted) -> list[dict[str, Any]]:
    found = artifacts.list_all(call.workspace)
    return [one for one in found if wanted.pipeline in (None, one["pipeline"])]


def show(call: Call, wanted: VersionWanted) -> dict[str, Any]:
    name = call.words["name"]
    found = artifacts.show(call.workspace, name, version=wanted.version)
    return {
        **found,
        "made_by": _with_run(found["made_by"]),
        "read_by": [_with_run(one) for one in found["read_by"]],
        "versions": artifacts.versions(call.workspace, name),
    }


def _with_run(reading: dict[str, Any]) -> dict[str, Any]:
    return {**reading, "run": reading["run_id"]}
