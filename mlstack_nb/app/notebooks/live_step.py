"""The notebook of a step that ran in a live kernel: what a step that runs in a kernel of its own leaves by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.notebooks.compile import compile_cells
from mlstack_nb.app.notebooks.live_cells import live_notebook
from mlstack_nb.app.notebooks.step_calls import CallRecord, carried
from mlstack_nb.app.notebooks.step_notebooks import BODY, literals, step_notebook
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.catalog.artifacts import with_digest
from mlstack_nb.core.artifact import Artifact
from mlstack_nb.core.run import State
from mlstack_nb.errors import UsageError

if TYPE_CHECKING:
    from mlstack_nb.app.notebooks.compiled import CompiledStep
    from mlstack_nb.app.session import Session
    from mlstack_nb.core.run import StepRun

_KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def leave_notebook(session: Session, run: StepRun) -> None:
    """Store the notebook of a step run of `session`, with what it was given; it says what is no longer as it was.

    Nothing is lost when it is left as soon as the step has ended. Raises GraphError and its kin where the cells do not
    fit together any more, UsageError for a mapped step, MaterializerError, StoreError.
    """
    if session.steps[run.step].step.over:
        raise UsageError(
            f"Step {run.step!r} is mapped, and its items share the kernel: no notebook of one is kept.",
            f"Run the notebook apart (mlstack run NOTEBOOK), then: mlstack debug last '{run.step}[0]'",
        )
    runtime = Runtime.current()
    notebook = compile_cells(replace(live_notebook(session, step=run.step), metadata=_KERNEL))
    step = notebook.step(run.step)
    then = {name: value for name, value in session.steps[run.step].parameters.items() if name in step.parameters}
    step = replace(step, parameters={**step.parameters, **then})
    given = {**_inputs(session, run, runtime), **_values(session, step, runtime)}
    CallRecord(notebook.name, run.step, given).write(runtime.engine.store, run.run_id)
    document = step_notebook(notebook, step, run_id=run.run_id)
    document["cells"][1:1] = list(_notes(step, run, given))
    display = session.display_of(run) if run.state.is_good else None
    for cell in document["cells"]:
        if BODY in cell["metadata"].get("tags", ()):
            cell["outputs"] = list(_outputs(run)) if display is None else [_whole(one) for one in display.outputs]
    for number, cell in enumerate(document["cells"]):
        cell["id"] = f"mlstack-{number}"
    runtime.engine.store.put_notebook(run.run_id, run.step, json.dumps(document).encode())


def _inputs(session: Session, run: StepRun, runtime: Runtime) -> dict[str, Artifact]:
    """Those of the content that the step read, wherever it still is."""
    here = {name: value.artifact for name, value in session.given(run.step).items()}
    found = {name: one for name, one in here.items() if run.inputs.get(name) == one.digest}
    for name, digest in run.inputs.items():
        if name not in found and (known := with_digest(runtime.catalog, digest)) is not None:
            found[name] = known
    return found


def _values(session: Session, step: CompiledStep, runtime: Runtime) -> dict[str, Artifact]:
    """The plain values that can not be written as code."""
    plain = {**step.parameters, **session.steps[step.name].parameters}
    written = literals(step.parameters)
    names = [name for name in (*step.parameters, *step.values) if name in plain and name not in written]
    return {name: carried(plain[name], name, runtime.engine.codec).artifact for name in names}


def _notes(step: CompiledStep, run: StepRun, given: Mapping[str, Artifact]) -> Iterator[dict[str, Any]]:
    """What was set around the step, and what a reader must know that is not as it was."""
    settings = step.step.settings
    if settings.environment:
        yield _cell("code", f"import os\nos.environ.update({dict(settings.environment)!r})")
    lost = ", ".join(name for name in run.inputs if name not in given)
    told = []
    if lost:
        told.append(f"- {lost}: the kernel has another value now, and the store has none with what the step read")
    if step.step.fingerprint.digest != run.code:
        parts = step.step.fingerprint.parts
        edited = [part for part, digest in parts.items() if run.fingerprint.get(part) != digest]
        told.append(f"- the code: edited since the step ran ({', '.join(edited) or 'something was taken out'})")
    if settings.secrets:
        told.append(f"- secrets: set {', '.join(settings.secrets)} before you go on")
    if told:
        yield _cell("markdown", "\n".join(["**Not as it was:**", "", *told]))


def _outputs(run: StepRun) -> Iterator[dict[str, Any]]:
    if run.state is State.FAILED and run.failure is not None:
        trace = run.failure.traceback.splitlines()
        yield {"output_type": "error", "ename": run.failure.type, "evalue": run.failure.message, "traceback": trace}


def _whole(output: Mapping[str, Any]) -> dict[str, Any]:
    return {**output, "execution_count": None} if output["output_type"] == "execute_result" else dict(output)


def _cell(kind: str, source: str) -> dict[str, Any]:
    code: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": source, **code}
