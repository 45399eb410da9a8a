"""What the store keeps of each run, under `runs/<run id>/`: the plan, every step's record and notebook, the outcome."""

from __future__ import annotations

import json

from mlstack_nb.core.plan import Plan
from mlstack_nb.core.run import Run, StepRun
from mlstack_nb.errors import ObjectMissingError
from mlstack_nb.ports.artifact_store import ArtifactStore


class RunRecords:
    """Records appear whole or not at all; the newer one of a name replaces the older."""

    def __init__(self, files: ArtifactStore) -> None:
        self.files = files

    def put_plan(self, plan: Plan) -> None:
        self.files.write(f"runs/{plan.run_id}/plan.json", plan.to_json().encode())

    def plan(self, run_id: str) -> Plan:
        """As far as its record tells. Raises ObjectMissingError."""
        return Plan.from_json(self.files.read(f"runs/{run_id}/plan.json"))

    def put_run(self, run: Run) -> None:
        """The whole run in one file, once it has ended: the only record of a step that came from the cache."""
        self.files.write(f"runs/{run.id}/run.json", json.dumps(run.to_json()).encode())

    def put_step(self, step: StepRun) -> None:
        self.files.write(_step_path(step.run_id, step.step), json.dumps(step.to_json()).encode())

    def step(self, run_id: str, step: str) -> StepRun | None:
        """None for a step that has left no record so far."""
        try:
            return StepRun.from_json(json.loads(self.files.read(_step_path(run_id, step))))
        except ObjectMissingError:
            return None

    def steps(self, run_id: str) -> list[StepRun]:
        """All that have left a record, by name."""
        paths = [path for path in self.files.paths(f"runs/{run_id}/steps") if path.endswith(".json")]
        records = [path for path in paths if not path.endswith((".call.json", ".kept.json"))]
        return [StepRun.from_json(json.loads(self.files.read(path))) for path in records]

    def put_notebook(self, run_id: str, step: str, content: bytes) -> None:
        """The notebook that a step was executed as, with its outputs."""
        self.files.write(_notebook_path(run_id, step), content)

    def notebook(self, run_id: str, step: str) -> bytes | None:
        """None for a step that was not executed as a notebook."""
        try:
            return self.files.read(_notebook_path(run_id, step))
        except ObjectMissingError:
            return None


def _step_path(run_id: str, step: str) -> str:
    return f"runs/{run_id}/steps/{step}.json"


def _notebook_path(run_id: str, step: str) -> str:
    return f"runs/{run_id}/steps/{step}.ipynb"
