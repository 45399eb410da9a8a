"""What a client does with pipelines, runs and step runs."""

from __future__ import annotations

from typing import Any

from mlstack_nb.app import deletion
from mlstack_nb.app.remote.refreshing import refresh_all
from mlstack_nb.app.run_names import find_run
from mlstack_nb.catalog import listings
from mlstack_nb.catalog.runs import fail_lost_runs
from mlstack_nb.client.opened import Opened
from mlstack_nb.client.pages import Page, page_of, wanted
from mlstack_nb.client.runs import PipelineRecord, RunRecord
from mlstack_nb.client.steps import StepRecord
from mlstack_nb.errors import NotFoundError

_ORDER = ("sort_by", "page", "size", "logical_operator")


class RunCalls(Opened):
    """Filters are given by name: `status="failed"`, `name="contains:night"`, `start_time="gte:2026-01-31"`.

    Before the colon stands one of equals, notequals, contains, notcontains, startswith, endswith, oneof, in, gt, gte,
    lt, lte. `sort_by` is `asc:FIELD` or `desc:FIELD`, `page` begins with 1, and `size=0` is everything.
    """

    def get_pipeline(self, name_id_or_prefix: str) -> PipelineRecord:
        """Raises NotFoundError, a KeyError too, for one that has not run in this workspace."""
        if not listings.has_pipeline(self.catalog, name_id_or_prefix):
            known = [one.name for one in listings.list_pipelines(self.catalog, listings.Wanted(size=0))[0]]
            raise NotFoundError.of("pipeline", name_id_or_prefix, known, f"There is: {', '.join(known) or 'none yet'}.")
        return PipelineRecord(self._workspace, name_id_or_prefix)

    def list_pipelines(self, **filters: Any) -> Page[PipelineRecord]:
        """Filters: name, tag, created, updated."""
        asked = wanted(**split(filters))
        found, total = listings.list_pipelines(self.catalog, asked)
        return page_of((PipelineRecord(self._workspace, one.name) for one in found), total, asked)

    def delete_pipeline(self, name_id_or_prefix: str) -> None:
        """All its runs; what they made stays. Raises ConflictError while one goes on."""
        deletion.delete_pipeline(self.workspace, self.get_pipeline(name_id_or_prefix).name)

    def get_pipeline_run(self, name_id_or_prefix: str = "last") -> RunRecord:
        """By id, by the beginning of one, by name, or the `last`. Raises NotFoundError, a KeyError too."""
        fail_lost_runs(self.catalog)
        return RunRecord(self._workspace, find_run(self.workspace, name_id_or_prefix))

    def list_pipeline_runs(self, **filters: Any) -> Page[RunRecord]:
        """Filters: id, name, pipeline, stack, status, mode, tag, created, updated, start_time, end_time."""
        fail_lost_runs(self.catalog)
        refresh_all(self.workspace)
        asked = wanted(**split(filters))
        found, total = listings.list_runs(self.catalog, asked)
        return page_of((RunRecord(self._workspace, run) for run in found), total, asked)

    def delete_pipeline_run(self, name_id_or_prefix: str) -> None:
        """What it made stays. Raises ConflictError while it goes on."""
        deletion.delete_run(self.workspace, name_id_or_prefix)

    def get_run_step(self, step_run_id: str) -> StepRecord:
        return StepRecord.of_id(self.workspace, step_run_id)

    def list_run_steps(self, **filters: Any) -> Page[StepRecord]:
        """Filters: id, name, pipeline_run_id, pipeline, status, cache_key, created, updated, start_time, end_time."""
        fail_lost_runs(self.catalog)
        asked = wanted(**split(filters))
        found, total = listings.list_steps(self.catalog, asked)
        return page_of(StepRecord.of_ids(self._workspace, found), total, asked)


def split(given: dict[str, Any]) -> dict[str, Any]:
    """Filters apart from how their listing is ordered and cut."""
    order = {name: given[name] for name in _ORDER if name in given}
    return {"filters": {name: value for name, value in given.items() if name not in order}, **order}
