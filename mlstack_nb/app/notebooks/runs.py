"""Running the steps of a compiled notebook, each in a kernel of its own."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mlstack_nb.app.notebooks.assembly import with_values
from mlstack_nb.app.notebooks.cell_failures import failed_step
from mlstack_nb.app.notebooks.compiled import CompiledNotebook, CompiledStep
from mlstack_nb.app.notebooks.mapped_cells import compiled_item
from mlstack_nb.app.notebooks.step_calls import (
    SETUP,
    STEP_RUN_VARIABLE,
    CallRecord,
    Kept,
    forget_kept,
    read_kept,
    read_told,
)
from mlstack_nb.app.notebooks.step_notebooks import BODY, Document, literals, setup_notebook, step_notebook
from mlstack_nb.app.notebooks.whole import environment_of
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.workspace import STACK_VARIABLE, WORKSPACE_VARIABLE
from mlstack_nb.catalog.runs import end_lost_steps
from mlstack_nb.core.digest import digest
from mlstack_nb.core.display import Display
from mlstack_nb.core.step import Body, Produced, Step
from mlstack_nb.engine.calls import StepResult
from mlstack_nb.engine.environment import variables_of
from mlstack_nb.engine.mapping import running_item
from mlstack_nb.engine.masking import masked_values
from mlstack_nb.engine.values import Sealed, Value
from mlstack_nb.errors import CellCancelledError, ObjectMissingError
from mlstack_nb.source.notebook_file import Notebook

if TYPE_CHECKING:
    from mlstack_nb.engine.calls import Handed
    from mlstack_nb.kernels.execute import Kernels
    from mlstack_nb.kernels.outcome import ExecutedNotebook, Progress

_IMPORT = re.compile(r"\s*(?:import|from)\s+([A-Za-z_][\w.]*)")


@dataclass(eq=False)
class NotebookRun:
    """One run of a notebook: bodies for its steps, and the values that ordinary cells compute for them.

    `stop` is set when everything is to end; `timeout_s` is for each cell of a step that sets no limit itself;
    `use_cache` is for the step cells of a whole notebook.
    """

    notebook: CompiledNotebook
    runtime: Runtime
    run_id: str
    stop: threading.Event
    timeout_s: float | None = None
    use_cache: bool = True
    _kept: dict[str, Mapping[str, Kept]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _opening: threading.Lock = field(default_factory=threading.Lock)
    _opened: Kernels | None = None
    _executions: int = 0

    def complete(self, step: Step, results: Mapping[str, StepResult]) -> tuple[Step, Mapping[str, Value]]:
        """The step with the values that ordinary cells compute for it: plain ones in it, the others beside it.

        They are computed once for all steps, where they need nothing of a step themselves. Raises StepError.
        """
        compiled = self.notebook.step(step.name)
        if not compiled.values:
            return step, {}
        plain: dict[str, Any] = {}
        stored: dict[str, Value] = {}
        for name, one in self._values_of(compiled, results).items():
            value = Value(one.artifact, self.runtime.engine.codec)
            if one.digest:
                plain[name] = Sealed(one.digest, value)
            elif one.is_plain:
                plain[name] = value.get()
            else:
                stored[name] = value
        return with_values(step, plain), stored

    def body(self, compiled: CompiledStep) -> Body:
        """What runs the step when it is handed its inputs; it expects `Handed`."""

        def run(inputs: dict[str, Any]) -> Produced:
            item = running_item.get()
            return run_step(compiled if item is None else compiled_item(compiled, item), inputs)

        def run_step(compiled: CompiledStep, inputs: dict[str, Any]) -> Produced:
            handed = cast("Handed", inputs)
            given = {name: value.artifact for name, value in handed.items() if isinstance(value, Value)}
            given |= {name: one.artifact for name, one in self._known(compiled).items()}
            written = literals(compiled.parameters)
            rest = {name: value for name, value in compiled.parameters.items() if name not in written}
            given |= {name: self.runtime.engine.codec.save(value, name=name).artifact for name, value in rest.items()}
            record = self._record(compiled, given, tracker=handed.tracker)
            forget_kept(self.runtime.engine.store, self.run_id, record.step)
            document = step_notebook(self.notebook, compiled, run_id=self.run_id)
            timeout = compiled.step.settings.timeout_s or self.timeout_s
            environment = variables_of(compiled.step, self.runtime.engine.secret_of)
            executed, kept = self._execute(document, record, timeout_s=timeout, environment=environment)
            codec, store = self.runtime.engine.codec, self.runtime.engine.store
            values = {name: Value(one.artifact, codec) for name, one in kept.items()}
            return Produced(values, _display(executed), read_told(store, self.run_id, record.step))

        return run

    def close(self) -> None:
        """End the kernels that wait for more steps."""
        if self._opened is not None:
            self._opened.close()

    def _kernels(self) -> Kernels:
        """Those of this run; while one works, the next one starts."""
        from mlstack_nb.kernels.execute import Kernels

        with self._opening:
            if self._opened is None:
                variables = {
                    WORKSPACE_VARIABLE: str(self.runtime.workspace.root.absolute()),
                    STACK_VARIABLE: self.runtime.stack.name,
                    **({} if self.notebook.is_whole else {STEP_RUN_VARIABLE: self.run_id}),
                    **environment_of(self.notebook, self.run_id, use_cache=self.use_cache),
                }
                origin = self.notebook.notebook
                self._opened = Kernels(
                    kernel=origin.kernel or None,
                    cwd=Path(origin.folder or "."),
                    env={**os.environ, **variables},
                    preload=imported_modules(origin),
                )
            self._executions += 1
            if self._executions < len(self.notebook.steps):
                self._opened.prestart(1)
            return self._opened

    def _values_of(self, compiled: CompiledStep, results: Mapping[str, StepResult]) -> dict[str, Kept]:
        """What its setup gives; one at a time, for most steps share one."""
        group = self.notebook.sharing(compiled.name)
        with self._lock:
            if group[0].name not in self._kept:
                self._kept[group[0].name] = self._set_up(group, results)
        return self._known(compiled)

    def _known(self, compiled: CompiledStep) -> dict[str, Kept]:
        if not compiled.values:
            return {}
        kept = self._kept[self.notebook.sharing(compiled.name.partition("[")[0])[0].name]
        return {value: kept[value] for value in compiled.values}

    def _set_up(self, group: Sequence[CompiledStep], results: Mapping[str, StepResult]) -> Mapping[str, Kept]:
        name = f"{SETUP} for {group[0].name}"
        setup = self.notebook.setup(step.name for step in group)
        place = digest(self.run_id, name)
        leases = self.runtime.engine.leases
        known = self._kept_already(name) or leases.wait(
            place, lambda: self._kept_already(name), notice=lambda _owner: None
        )
        if known:
            return known
        values = list(dict.fromkeys(value for step in group for value in step.values))
        given = {key: results[source.step].outputs[source.output].artifact for key, source in setup.inputs.items()}
        document = setup_notebook(self.notebook, setup, run_id=self.run_id, name=name, values=values)
        with leases.holding(place):
            return self._execute(document, CallRecord(self.notebook.name, name, given), timeout_s=self.timeout_s)[1]

    def _kept_already(self, name: str) -> Mapping[str, Kept] | None:
        """What another node of the run has made of the same ordinary cells."""
        try:
            return read_kept(self.runtime.engine.store, self.run_id, name)
        except ObjectMissingError:
            return None

    def _record(
        self, compiled: CompiledStep, given: Mapping[str, Any], *, tracker: Mapping[str, str] | None
    ) -> CallRecord:
        step = compiled.step
        outputs = {output.name: output.artifact_name(self.notebook.name, step.name) for output in step.outputs}
        return CallRecord(self.notebook.name, step.name, given, outputs, step.settings.materializers, tracker)

    def _execute(
        self,
        document: Document,
        record: CallRecord,
        *,
        timeout_s: float | None,
        environment: Mapping[str, str] | None = None,
    ) -> tuple[ExecutedNotebook, dict[str, Kept]]:
        """Execute a notebook that takes from `record` and keeps what it gives. Raises StepError when a cell fails."""
        store = self.runtime.engine.store
        record.write(store, self.run_id)
        try:
            executed = self._kernels().execute(
                document, env=environment or None, timeout_s=timeout_s, on_progress=_tell, cancel=self.stop
            )
        finally:
            if self.notebook.is_whole:
                end_lost_steps(self.runtime.catalog, self.run_id, but=record.step)
        store.put_notebook(self.run_id, record.step, json.dumps(masked_values(executed.document)).encode())
        if executed.failed is not None:
            if isinstance(executed.failed.error, CellCancelledError):
                raise KeyboardInterrupt
            raise failed_step(executed, record.step, self.notebook)
        return executed, read_kept(store, self.run_id, record.step)


def imported_modules(notebook: Notebook) -> list[str]:
    """What its cells import, as far as a look at the lines tells: kernels that have it ready start faster."""
    lines = (line for cell in notebook.cells if cell.kind == "code" for line in cell.text.splitlines())
    return sorted({found[1] for line in lines if (found := _IMPORT.match(line))})


def _tell(progress: Progress) -> None:
    """What the cells put out goes where this process prints."""
    if progress.text and progress.stream != "error":
        (sys.stderr if progress.stream == "stderr" else sys.stdout).write(progress.text)


def _display(executed: ExecutedNotebook) -> Display | None:
    """What the step's own cells showed."""
    outputs = [
        output
        for cell in executed.document["cells"]
        if BODY in cell["metadata"].get("tags", ())
        for output in cell["outputs"]
    ]
    return Display.of(outputs) if outputs else None
