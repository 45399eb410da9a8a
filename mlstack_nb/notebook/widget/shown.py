"""What a panel shows, as JSON: the stacks, the graph of the notebook, the states of its steps, its newest run.

The file of the notebook tells the steps, and the catalog what became of them, whoever ran them. Steps that were run
here and are not saved yet come from the session.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlstack_nb.app import stacks
from mlstack_nb.app.notebook_graph import graph_of_compiled
from mlstack_nb.app.notebooks.compile import compile_cells
from mlstack_nb.app.workspace import STACK_VARIABLE
from mlstack_nb.catalog import runs as rows
from mlstack_nb.core.run import Run, State, StepRun, iso
from mlstack_nb.core.step import FromStep
from mlstack_nb.errors import MlstackError
from mlstack_nb.source.notebook_file import read_notebook

if TYPE_CHECKING:
    from pathlib import Path

    from mlstack_nb.app.notebooks.compiled import CompiledNotebook
    from mlstack_nb.app.session import Session
    from mlstack_nb.app.step_cells import StepCell
    from mlstack_nb.app.workspace import Workspace

Record = dict[str, Any]
STATE = ("state", "stale", "duration_s", "saved_s", "ran_with")
LOOK_AFTER_S = 2.0
"""A run whose process is gone changes nothing: it is found by looking."""
NO_GRAPH: Record = {"pipeline": "notebook", "notices": [], "error": None, "nodes": [], "edges": []}


class Shown:
    """Reads anew only what has changed. Not for several threads at once.

    `file` is None where nobody told which notebook this is, `session` while no step has been run.
    """

    def __init__(self, workspace: Workspace, file: Path | None) -> None:
        self.workspace, self.file = workspace, file
        self.session: Session | None = None
        self._seen: object = None
        self._looks_again = self._is_open = False
        self._looked_at = 0.0
        self._compiled: tuple[object, CompiledNotebook | MlstackError] | None = None
        self._stale: frozenset[str] = frozenset()

    def look(self) -> Record | None:
        """All that is shown; None when nothing has changed since the last look."""
        seen, now = self._signature(), time.monotonic()
        has_changed = seen != self._seen
        is_due = self._is_open and now - self._looked_at > LOOK_AFTER_S
        if not (has_changed or self._looks_again or is_due):
            return None
        found = {"stacks": self._stacks(), **self._pipeline()}
        # once more after a change: another may have followed within the resolution of a file's time
        self._seen, self._looks_again, self._looked_at = seen, has_changed, now
        self._is_open = found["run"] is not None and not State(found["run"]["state"]).is_final
        return found

    def _signature(self) -> object:
        """Cheap to make, and another one after any change."""
        root = self.workspace.root
        files = [
            root / "active_stack",
            root / "catalog.db",
            root / "catalog.db-wal",
            *([self.file] if self.file else []),
        ]
        session = self.session
        cells = () if session is None else (session.name, *map(id, list(session.steps.values())))
        return [_stat(file) for file in files], os.environ.get(STACK_VARIABLE), cells

    def _stacks(self) -> Record:
        """Whatever keeps the stacks or the active one from being read is the `error`."""
        found: Record = {"active": "", "active_by": "", "names": [], "components": {}, "error": None}
        try:
            found["active"], found["active_by"] = self.workspace.active_stack_name()
            found["names"] = [stack["name"] for stack in stacks.list_all(self.workspace)]
            found["components"] = stacks.describe(self.workspace)["components"]
        except MlstackError as error:
            found["error"] = problem_of(error)
        return found

    def _pipeline(self) -> Record:
        try:
            saved = self._of_file()
            record = self._with_session(saved)
            run = self._newest_run(record["pipeline"], len(saved["nodes"]))
        except MlstackError as error:
            record, run = {**NO_GRAPH, "error": problem_of(error)}, None
        states = {node["name"]: {key: node[key] for key in STATE if key in node} for node in record["nodes"]}
        nodes = [{key: node[key] for key in ("name", "label", "outputs")} for node in record["nodes"]]
        graph = {key: record[key] for key in ("pipeline", "notices", "error", "edges")}
        return {"graph": {**graph, "nodes": nodes}, "states": states, "run": run}

    def _of_file(self) -> Record:
        notebook = self._notebook()
        if notebook is None:
            return NO_GRAPH
        if isinstance(notebook, MlstackError):
            return {**NO_GRAPH, "error": problem_of(notebook)}
        newest = rows.list_runs(self.workspace.catalog, pipeline=notebook.name, limit=1)
        if newest and not newest[0].state.is_final:  # what has changed since is looked for when it has ended
            record = graph_of_compiled(self.workspace, notebook, stale=self._stale)
            began = {step.step for step in rows.get_run(self.workspace.catalog, newest[0].id).steps}
            return {**record, "nodes": [{**n, "stale": n["stale"] and n["name"] not in began} for n in record["nodes"]]}
        record = graph_of_compiled(self.workspace, notebook)
        self._stale = frozenset(node["name"] for node in record["nodes"] if node["stale"])
        return record

    def _notebook(self) -> CompiledNotebook | MlstackError | None:
        """What the file says, compiled once after each change; None where there is none."""
        seen = _stat(self.file) if self.file is not None else None
        if self.file is None or seen is None:
            return None
        if self._compiled is None or self._compiled[0] != seen:
            found: CompiledNotebook | MlstackError
            try:
                found = compile_cells(read_notebook(self.file))
            except MlstackError as error:
                found = error
            self._compiled = seen, found
        return self._compiled[1]

    def _with_session(self, record: Record) -> Record:
        """Steps of the session that the file does not have; a cell of the file that is another step by now goes."""
        session = self.session
        cells = [] if session is None else list(session.steps.values())
        known = {node["name"] for node in record["nodes"]}
        new = [cell for cell in cells if cell.step.name not in known]
        if session is None or not new:
            return record
        gone = {cell.cell_id for cell in new} - {None}
        nodes = [node for node in record["nodes"] if node.get("cell_id") not in gone]
        nodes += [_node(cell, session.states.get(cell.step.name)) for cell in new]
        names = {node["name"] for node in nodes}
        edges = [one for one in [*record["edges"], *_edges(new)] if one["source"] in names and one["target"] in names]
        is_of_file = bool(known)
        name = record["pipeline"] if is_of_file else session.name
        error = record["error"] if is_of_file else None
        return {**record, "pipeline": name, "error": error, "nodes": nodes, "edges": edges}

    def _newest_run(self, pipeline: str, steps: int) -> Record | None:
        newest = rows.list_runs(self.workspace.catalog, pipeline=pipeline, limit=1)
        if not newest:
            return None
        counts = rows.count_steps(self.workspace.catalog, [newest[0].id])[newest[0].id]
        return run_record(newest[0], counts, steps)


def run_record(run: Run, counts: Mapping[State, int], steps: int) -> Record:
    """`steps` is how many steps the saved notebook has, as a run of it will."""
    begun = sum(counts.values())
    ended = sum(count for state, count in counts.items() if state.is_final)
    return {
        "id": run.id,
        "state": run.state.value,
        "stack": run.stack,
        "mode": run.mode,
        "started_at": iso(run.started_at),
        "duration_s": run.duration_s if run.ended_at is not None else None,
        "counts": {state.value: counts[state] for state in State if state in counts},
        "ended": ended,
        "total": begun if run.state.is_final else max(steps, begun),
        "failure": None,
    }


def problem_of(error: MlstackError) -> Record:
    return {"what": error.what, "hint": error.hint}


def _node(cell: StepCell, run: StepRun | None) -> Record:
    return {
        "name": cell.step.name,
        "label": cell.label,
        "outputs": [{"name": output.name} for output in cell.step.outputs],
        "state": (run.state if run is not None else State.PENDING).value,
        "stale": False,
        "duration_s": run.duration_s if run is not None else 0.0,
        "saved_s": run.saved_s if run is not None else 0.0,
    }


def _edges(cells: Iterable[StepCell]) -> Iterator[Record]:
    for cell in cells:
        sources = [source for source in cell.step.inputs.values() if isinstance(source, FromStep)]
        for need in cell.step.needs:
            read = dict.fromkeys(source.output for source in sources if source.step == need)
            yield {"source": need, "target": cell.step.name, "outputs": list(read)}


def _stat(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
