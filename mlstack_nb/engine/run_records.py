"""What the store keeps of each run, under `runs/<run id>/`: the plan, every step's record and notebook, the outcome."""

from __future__ import annotations

import json

from mlstack_nb.core.digest import digest
from mlstack_nb.core.plan import Plan
from mlstack_nb.core.run import Run, StepRun
from mlstack_nb.errors import ObjectMissingError
from mlstack_nb.ports.artifact_store import ArtifactStore

LONGEST_NAME_BYTES = 180
"""File systems allow 255 bytes; the endings and the names of files that are not whole yet need some of them."""


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
        self.files.write(step_path(step.run_id, step.step, "json"), json.dumps(step.to_json()).encode())

    def step(self, run_id: str, step: str) -> StepRun | None:
        """None for a step that has left no record so far."""
        try:
            return StepRun.from_json(json.loads(self.files.read(step_path(run_id, step, "json"))))
        except ObjectMissingError:
            return None

    def steps(self, run_id: str) -> list[StepRun]:
        """All that have left a record, by name."""
        paths = [path for path in self.files.paths(f"runs/{run_id}/steps") if path.endswith(".json")]
        records = [path for path in paths if not path.endswith((".call.json", ".kept.json"))]
        return [StepRun.from_json(json.loads(self.files.read(path))) for path in records]

    def put_notebook(self, run_id: str, step: str, content: bytes) -> None:
        """The notebook that a step was executed as, with its outputs."""
        self.files.write(step_path(run_id, step, "ipynb"), content)

    def notebook(self, run_id: str, step: str) -> bytes | None:
        """None for a step that was not executed as a notebook."""
        try:
            return self.files.read(step_path(run_id, step, "ipynb"))
        except ObjectMissingError:
            return None


def step_path(run_id: str, step: str, ending: str) -> str:
    """Where the store has something of a step."""
    return f"runs/{run_id}/steps/{file_stem(step)}.{ending}"


def file_stem(name: str) -> str:
    """The name, where it is too long for a file's cut and made unique again."""
    encoded = name.encode()
    if len(encoded) <= LONGEST_NAME_BYTES:
        return name
    return f"{encoded[:LONGEST_NAME_BYTES].decode(errors='ignore')}-{digest(name)[:16]}"
