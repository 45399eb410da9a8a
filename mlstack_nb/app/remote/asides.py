"""What a step did to the catalog of its node, which goes with the node: it travels with the step's record."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlstack_nb.catalog.listings import Wanted, list_versions
from mlstack_nb.catalog.logged import logged
from mlstack_nb.catalog.tags import RUN, VERSION, tags_by_subject

if TYPE_CHECKING:
    from mlstack_nb.catalog.database import Catalog


def aside_of(catalog: Catalog, run_id: str, step: str) -> dict[str, Any]:
    """Artifacts that it saved by hand, tags and metadata of its run; empty where there is nothing of these."""
    by_hand = {"save_type": "oneof:manual,preexisting", "pipeline_run": run_id, "step": step}
    found, _ = list_versions(catalog, Wanted(by_hand, sort_by="asc:id", size=0))
    ids = [str(one.id) for one in found]
    with catalog.read() as connection:
        tags = tags_by_subject(connection, VERSION, ids)
        told = logged(connection, VERSION, ids)
        of_run = tags_by_subject(connection, RUN, [run_id])[run_id]
        told_of_run = logged(connection, RUN, [run_id])[run_id]
    saved = []
    for one, number in zip(found, ids, strict=True):
        known = {**one.artifact.metadata, **told[number]}
        artifact = replace(one.artifact, tags=tags[number], metadata=known)
        saved.append({"artifact": artifact.to_json(), "origin": one.origin, "created_at": one.created_at})
    rest = {"saved": saved, "tags": list(of_run), "metadata": told_of_run}
    return {name: value for name, value in rest.items() if value}
