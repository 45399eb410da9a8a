"""A live notebook: its steps, what they gave, and the names bound in the kernel.

It knows no IPython: the notebook floor tells it which cells were executed, and executes step bodies for it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.bindings import Bindings
from mlstack_nb.app.freshness import Freshness, Standing, standings
from mlstack_nb.app.live_driving import drive_cell
from mlstack_nb.app.live_run import LiveRun
from mlstack_nb.app.progress import Course, course_of
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.step_cells import StepCell, read_step
from mlstack_nb.core.display import Display
from mlstack_nb.core.events import Event, Listener, StepEnded
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.run import Run, State, StepRun
from mlstack_nb.core.step import Body, FromStep, Left, Produced, Step
from mlstack_nb.engine.calls import Engine, StepCall, StepResult
from mlstack_nb.engine.execute import Execution
from mlstack_nb.engine.values import Value
from mlstack_nb.errors import GraphError, NotFoundError, UsageError
from mlstack_nb.ports.orchestrator import Company
from mlstack_nb.source.cell import parse as parse_cell
from mlstack_nb.source.scope import NotebookScope

if TYPE_CHECKING:
    from mlstack_nb.app.notebooks.tagged_step import TaggedStep

Namespace = dict[str, Any]
Execute = Callable[[StepCell, Namespace], Left]


class Session:
    """One per kernel. `namespace` is the kernel's own; step outputs are bound in it.

    `on_failure` is told of a step whose code failed, while cells and values are still as it found them.
    """

    def __init__(
        self,
        *,
        namespace: Namespace,
        name: str = "notebook",
        on_failure: Callable[[Session, StepRun], None] | None = None,
    ) -> None:
        self.name = name
        self._on_failure = on_failure
        self.scope = NotebookScope()
        self.bindings = Bindings(namespace, self.scope)
        self._cells: dict[str, StepCell] = {}
        self._results: dict[str, StepResult] = {}
        self._states: dict[str, StepRun] = {}
        self._items: dict[str, list[StepRun]] = {}
        self._live_run = LiveRun()

    @property
    def steps(self) -> Mapping[str, StepCell]:
        """Step cells by name, the one executed last at the end."""
        return self._cells

    @property
    def states(self) -> Mapping[str, StepRun]:
        """The last step run of every step that has one."""
        return self._states

    def items(self, step: str) -> list[StepRun]:
        """What became of the items when a mapped step ran last; none where it came from the cache as a whole."""
        return self._items.get(step, [])

    def prepare(self, text: str, *, label: str) -> None:
        """An ordinary cell is about to be executed: load the step outputs that it reads."""
        self.bindings.load_for(parse_cell(text, label=label))

    def record(self, text: str, *, label: str, cell_id: str | None = None) -> None:
        """An ordinary cell was executed; `cell_id` tells that it is one that was executed before."""
        self._forget_edited(cell_id, label=label)
        self.bindings.record(parse_cell(text, label=label), cell_id=cell_id)

    def pipeline(self) -> Pipeline:
        parameters = {name: value for cell in self._cells.values() for name, value in cell.parameters.items()}
        return Pipeline(self.name, tuple(cell.step for cell in self._cells.values()), parameters)

    def forget(self, name: str) -> None:
        """The step is no longer part of the notebook. Raises NotFoundError with the nearest name."""
        if name not in self._cells:
            raise NotFoundError.of("step", name, self._cells, f"Steps so far: {', '.join(self._cells) or 'none yet'}.")
        del self._cells[name]
        self._results.pop(name, None)
        self._states.pop(name, None)
        self.bindings.forget(name)

    def forget_cells(self, cell_ids: Iterable[str]) -> None:
        """Cells were deleted in the front end: their steps and what they defined are no longer in the notebook."""
        gone = set(cell_ids)
        self.bindings.forget_cells(gone)
        for name in [name for name, cell in self._cells.items() if cell.cell_id in gone]:
            self.forget(name)

    def _forget_edited(self, cell_id: str | None, *, label: str, besides: str = "") -> None:
        """The steps that a cell was before it got another name, or became an ordinary one."""
        if cell_id is None:
            return
        for name, cell in list(self._cells.items()):
            if cell.cell_id == cell_id and cell.label != label and name != besides:
                self.forget(name)

    def drive_cell(
        self, line: str, body: str, *, label: str, cell_id: str | None = None, tagged: TaggedStep | None = None
    ) -> Generator[Namespace, Left, StepRun]:
        """Run one step cell: yields the fresh namespace to execute `body` in, takes it back, binds the outputs.

        Throw in what the body raised; it is raised again when the step gives up. Raises MlstackError before it
        yields when the cell does not fit the others.
        """
        runtime = Runtime.current()
        cell = self._read(line, body, label=label, cell_id=cell_id, runtime=runtime, tagged=tagged)
        step = cell.step
        self._forget_edited(cell_id, label=label, besides=step.name)
        inputs = self._values_of(step)
        self._cells.pop(step.name, None)
        self._cells[step.name] = cell
        run = self._live_run.open(step.name, self.pipeline(), runtime)
        call = StepCall(step, run.id, self.name, {**inputs, **cell.captured}, cell.parameters)
        before = self._states.get(step.name)
        engine = self._observed(runtime.engine)
        self._items.pop(step.name, None)
        try:
            driving = drive_cell(call, engine, lambda given: self._namespace(cell, given))
            self._keep(step.name, *(yield from driving))
            return self._states[step.name]
        finally:
            after = self._states.get(step.name)
            self._live_run.close(after if after is not before else None, runtime)
            if after is not None and after is not before:
                self._tell_failed([after])

    def run_all(
        self,
        execute: Execute,
        *,
        listener: Listener | None = None,
        part: Mapping[str, str] | None = None,
        use_cache: bool = True,
        fail_fast: bool = False,
    ) -> tuple[Run, Mapping[str, BaseException]]:
        """Run every step cell, in the order their names demand, as one run of the pipeline that `listener` follows.

        `part` chooses some of them, as `Pipeline.part` does. Returns the run with what each failed step raised.
        """
        if not self._cells:
            raise UsageError("This notebook has no step yet.", "Run a cell that starts with: %%step NAME")
        runtime = Runtime.current()
        self._cells = {
            name: self._read(
                cell.line, cell.body, label=cell.label, cell_id=cell.cell_id, runtime=runtime, tagged=cell.tagged
            )
            for name, cell in self._cells.items()
        }
        left: dict[str, Left] = {}
        pipeline, only_cached = self.pipeline().part(**(part or {}))
        cells = {step.name: self._cells[step.name] for step in pipeline.steps}
        execution = runtime.execution(
            pipeline if use_cache else pipeline.without_cache(),
            {name: self._body(cell, execute, left) for name, cell in cells.items()},
            captured={name: cell.captured for name, cell in cells.items()},
            listener=listener,
            company=Company.NONE,
            fail_fast=fail_fast,
            only_cached=only_cached,
        )
        self._live_run.leave()
        try:
            run = execution.run()
        finally:
            self._take_over(execution, left)
        return run, execution.errors

    def course(self) -> Course:
        """For a listener of `run_all`: its course, with what steps took in earlier runs."""
        return course_of(self.name, Runtime.current(), Company.NONE)

    def adopt(self, run: Run) -> None:
        """Take over what steps gave that ran elsewhere, as if they had run here."""
        codec = Runtime.current().engine.codec
        for step in run.steps:
            self._ended(step)
            if step.state.is_good and step.step in self._cells:
                outputs = {name: Value(artifact, codec) for name, artifact in step.outputs.items()}
                self._keep(step.step, StepResult(step, outputs), {})

    def given(self, step: str) -> Mapping[str, Value]:
        """What the kernel has of the inputs of a step: outputs of steps, and values of ordinary cells as it took them.

        An output may be newer than the one that the step read.
        """
        found = dict(self._cells[step].captured)
        for name, source in self._cells[step].step.inputs.items():
            if isinstance(source, FromStep) and source.step in self._results:
                outputs = self._results[source.step].outputs
                found |= {name: outputs[source.output]} if source.output in outputs else {}
        return found

    def display_of(self, run: StepRun) -> Display | None:
        """What the step showed when it was executed; None for nothing, and where that is no longer there."""
        return Runtime.current().engine.store.display(run.display) if run.display else None

    def standings(self) -> Mapping[str, Standing]:
        """How every step stands, found without running or storing anything."""
        if not self._cells:
            return {}
        engine = Runtime.current().engine
        return standings(
            self.pipeline(), self._cells, self._states, bindings=self.bindings, values=self._values_of, engine=engine
        )

    def freshness(self) -> Mapping[str, Freshness]:
        """Whether each step is what it would be if it were run now."""
        return {name: standing.freshness for name, standing in self.standings().items()}

    def _read(
        self, line: str, body: str, *, label: str, cell_id: str | None, runtime: Runtime, tagged: TaggedStep | None
    ) -> StepCell:
        place: dict[str, Any] = {"label": label, "cell_id": cell_id, "tagged": tagged}
        cell = read_step(line, body, cells=self._cells, bindings=self.bindings, engine=runtime.engine, **place)
        runtime.check_tracker(cell.step)
        return cell

    def _body(self, cell: StepCell, execute: Execute, left: dict[str, Left]) -> Body:
        def body(inputs: Namespace) -> Left:
            left[cell.step.name] = execute(cell, self._namespace(cell, inputs))
            return left[cell.step.name]

        return body

    def _take_over(self, execution: Execution, left: Mapping[str, Left]) -> None:
        self._items.clear()
        for ended in execution.ended.values():
            self._ended(ended)
        for step in execution.plan.steps:
            if step.name in execution.results:
                own = {} if step.over else left.get(step.name, {})
                self._keep(step.name, execution.results[step.name], own)
        self._tell_failed(execution.ended.values())

    def _keep(self, step: str, result: StepResult, left: Left) -> None:
        self._states[step] = result.run
        self._results[step] = result
        self.bindings.bind(step, result, Produced.of(left).names)

    def _ended(self, run: StepRun) -> None:
        """What a step gave before it failed is no longer what it gives."""
        base = run.step.partition("[")[0]
        if base != run.step:
            self._items.setdefault(base, []).append(run)
            return
        self._states[run.step] = run
        if not run.state.is_good:
            self._results.pop(run.step, None)

    def _tell_failed(self, ended: Iterable[StepRun]) -> None:
        for run in ended:
            is_mapped = run.step not in self._cells or self._cells[run.step].step.over
            if self._on_failure is not None and not is_mapped and run.state is State.FAILED and run.key:
                self._on_failure(self, run)

    def _observed(self, engine: Engine) -> Engine:
        """`engine`, with this session learning how each step ended."""

        def emit(event: Event) -> None:
            if isinstance(event, StepEnded):
                self._ended(event.step)
            engine.emit(event)

        return replace(engine, emit=emit)

    def _values_of(self, step: Step) -> dict[str, Value]:
        """The outputs `step` reads. Raises GraphError for a step before it that has not run well."""
        values = {}
        for name, source in step.inputs.items():
            if not isinstance(source, FromStep):
                continue
            result = self._results.get(source.step)
            if result is None:
                raise GraphError(
                    f"Step {step.name!r} reads {name!r} of step {source.step!r}, which has not run well yet.",
                    f"Run the cell of step {source.step!r} first.",
                )
            values[name] = result.outputs[source.output]
        return values

    def _namespace(self, cell: StepCell, inputs: Namespace) -> Namespace:
        namespace = self.bindings.fresh(cell.prelude)
        namespace.update(inputs)
        return namespace
