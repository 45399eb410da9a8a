"""Writing runs while they go on: at most one transaction a step, and many cached steps in one."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlalchemy import Boolean, Integer, Text, bindparam, case, func, select
from sqlalchemy.exc import IntegrityError

from mlstack_nb.catalog.database import Catalog
from mlstack_nb.catalog.numbering import next_number, number_of_named
from mlstack_nb.catalog.origins import Origins
from mlstack_nb.catalog.prepared import Prepared, once, upsert
from mlstack_nb.catalog.rows import Row, artifact_row, run_row, step_row
from mlstack_nb.catalog.tables import artifacts, runs, step_inputs, step_runs
from mlstack_nb.catalog.told import Labels, check_labels, labels_of, tag_run, tells, write_told
from mlstack_nb.core.events import Event, RunEnded, RunStarted, StepsAdded
from mlstack_nb.core.plan import Plan
from mlstack_nb.core.run import REMOTE, Run, State, StepRun
from mlstack_nb.core.step import FromStep, Step
from mlstack_nb.core.tag import Tag, tags_of
from mlstack_nb.errors import CatalogError
from mlstack_nb.ports.owner import NOBODY, Owner

if TYPE_CHECKING:
    from sqlalchemy import Connection, Dialect, Insert

MOST_BUFFERED = 256
_INPUT_COLUMNS = ("step_run_id", "name", "digest", "from_step", "from_output")

Edges = dict[str, Mapping[str, tuple[str, str]]]
_NO_EDGES: Mapping[str, tuple[str, str]] = {}


@dataclass(slots=True)
class _Known:
    """A run that goes on, or may be opened again. `running` maps steps that run now to their positions.

    `fixed` has the positions where they are known before, so that several processes write the same rows.
    """

    run: Run
    edges: Edges
    fixed: Mapping[str, int] = field(default_factory=dict)
    next_position: int = 0
    running: dict[str, int] = field(default_factory=dict)
    labels: Mapping[str, Labels] = field(default_factory=dict)
    tags: tuple[Tag, ...] = ()

    def position(self, step: StepRun) -> int:
        """One for each step run, the same when it starts and when it ends."""
        if step.step in self.fixed:
            return self.fixed[step.step]
        position = self.running.pop(step.step, None)
        if position is None:
            position = self.next_position
            self.next_position += 1
        if not step.state.is_final:
            self.running[step.step] = position
        return position


class Recorder:
    """A listener that writes events to the catalog. All events of one run go through one recorder, but for those of
    steps that another process adds to it.

    Rows wait in memory until a step's code is about to run, the run ends, or many have gathered; `flush`
    writes them at once. What a flush could not write (it raises CatalogError) is written by the next one.
    The run that ended last may go on: a step that starts in it opens it again.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._owner = Owner.of_this_process()
        self._origins = Origins()
        dialect = catalog.engine.dialect
        self._put_runs = upsert(runs, dialect, runs.c.keys())
        self._put_steps = upsert(step_runs, dialect, step_runs.c.keys())
        self._add_inputs = Prepared(once(step_inputs, dialect), dialect, step_inputs.c.keys())
        self._add_artifacts = Prepared(_counted(dialect), dialect, [c.name for c in artifacts.c if c.name != "id"])
        self._known: dict[str, _Known] = {}
        self._run_rows: dict[str, Row] = {}
        self._steps: dict[str, tuple[int, StepRun]] = {}
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, RunStarted):
                known = self._known.setdefault(event.run.id, _Known(event.run, {}))
                known.edges = _edges(event.plan.steps)
                if event.run.mode == REMOTE:
                    known.fixed = {step.name: position for position, step in enumerate(event.plan.steps)}
                    known.next_position = len(known.fixed)
                known.labels = labels_of(event.plan.steps, event.plan.pipeline)
                known.tags = tags_of(event.plan.tags)
                self._put_run(event.run)
            elif isinstance(event, StepsAdded):
                known = self._known[event.run_id]
                known.edges |= _edges(event.steps)
                if labels := labels_of(event.steps, known.run.pipeline):
                    known.labels = {**known.labels, **labels}
            elif isinstance(event, RunEnded):
                self._put_run(event.run)
                self._flush()
                self._forget_ended(but=event.run.id)
            else:
                self._put_step(event.step)

    def join(self, run: Run, plan: Plan) -> None:
        """Add steps of `plan` to a run that another process records: they come after those that are there."""
        with self._lock:
            if run.id not in self._known:
                taken = select(func.coalesce(func.max(step_runs.c.position), -1)).where(step_runs.c.run_id == run.id)
                with self._catalog.read() as connection:
                    last: int = connection.execute(taken).scalar_one()
                self._known[run.id] = _Known(replace(run, steps=()), {}, next_position=last + 1)
            self._known[run.id].edges = _edges(plan.steps)

    def flush(self) -> None:
        with self._lock:
            self._flush()

    def tagged(self, run_id: str, tags: Iterable[Tag]) -> None:
        """A run that goes on got tags: those that cascade go on to what it will make."""
        with self._lock:
            if run_id in self._known:
                self._known[run_id].tags = tags_of((*self._known[run_id].tags, *tags))

    def untagged(self, run_id: str, names: Iterable[str]) -> None:
        with self._lock:
            if run_id in self._known:
                gone = set(names)
                self._known[run_id].tags = tuple(tag for tag in self._known[run_id].tags if tag.name not in gone)

    def _put_run(self, run: Run) -> None:
        self._known[run.id].run = run
        self._run_rows[run.id] = run_row(run, NOBODY if run.mode == REMOTE else self._owner)

    def _put_step(self, step: StepRun) -> None:
        known = self._known[step.run_id]
        if step.step in known.labels and not step.state.is_final:
            with self._catalog.read() as connection:
                check_labels(connection, known.labels[step.step])
        position = known.position(step)
        self._steps[f"{step.run_id}.{position}"] = position, step
        if known.run.state.is_final:
            self._put_run(replace(known.run, state=State.RUNNING, ended_at=None))
        if not step.state.is_final or len(self._steps) >= MOST_BUFFERED:
            self._flush()

    def _forget_ended(self, *, but: str) -> None:
        ended = [run_id for run_id, known in self._known.items() if known.run.state.is_final and run_id != but]
        for run_id in ended:
            del self._known[run_id]

    def _flush(self) -> None:
        if not self._run_rows and not self._steps:
            return
        try:
            self._write()
        except CatalogError as error:
            if not isinstance(error.__cause__, IntegrityError):
                raise
            self._origins.forget()  # somebody deleted the run of one
            self._write()
        self._origins.committed()
        self._run_rows.clear()
        self._steps.clear()

    def _write(self) -> None:
        with self._catalog.write() as connection:
            origins = self._origins.of(self._steps, connection)
            self._put_runs.execute(connection, list(self._run_rows.values()))
            self._write_steps(connection, origins)
            for run_id in self._run_rows:
                if self._known[run_id].tags:
                    tag_run(connection, run_id, self._known[run_id].tags)

    def _write_steps(self, connection: Connection, origins: Mapping[str, str]) -> None:
        steps: list[Row] = []
        inputs: list[Row] = []
        outputs: list[Row] = []
        for step_run_id, (position, step) in self._steps.items():
            origin = origins.get(step_run_id)
            steps.append(step_row(step, step_run_id=step_run_id, position=position, origin=origin))
            if origin is None and step.state.is_final:
                inputs += self._inputs(step_run_id, step)
                outputs += [
                    artifact_row(artifact, step=step, step_run_id=step_run_id, output=output)
                    for output, artifact in step.outputs.items()
                ]
        self._put_steps.execute(connection, steps)
        self._add_inputs.execute(connection, inputs)
        self._add_artifacts.execute(connection, outputs)
        for step_run_id, (_, step) in self._steps.items():
            if tells(step) and step_run_id not in origins:
                write_told(connection, step_run_id, step)

    def _inputs(self, step_run_id: str, step: StepRun) -> list[Row]:
        edges = self._known[step.run_id].edges.get(step.step, _NO_EDGES)
        return [
            dict(zip(_INPUT_COLUMNS, (step_run_id, name, digest, *edges.get(name, (None, None))), strict=True))
            for name, digest in step.inputs.items()
        ]


def _edges(steps: Iterable[Step]) -> Edges:
    return {
        step.name: {
            name: (source.step, source.output) for name, source in step.inputs.items() if isinstance(source, FromStep)
        }
        for step in steps
    }


def _counted(dialect: Dialect) -> Insert:
    """Adds an artifact where it is not there yet: as the next version of its name, or as the one that it is to be."""
    named = bindparam("named", type_=Text)
    numbered = bindparam("numbered", type_=Integer)
    version = case(
        (numbered.is_not(None), numbered),
        (bindparam("is_labelled", type_=Boolean), number_of_named(named)),
        else_=next_number(named),
    )
    return once(artifacts, dialect).values(version=version)
