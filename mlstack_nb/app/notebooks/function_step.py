"""The notebook of a step that is a function of a module: it imports it, takes what the step was given, and calls it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.launch import launch_of, prepare
from mlstack_nb.app.notebooks.step_calls import CallRecord, carried
from mlstack_nb.app.notebooks.step_notebooks import BODY, Document, literals, setting, taking
from mlstack_nb.app.steps import StepFunction
from mlstack_nb.app.targets import is_notebook
from mlstack_nb.catalog.artifacts import with_digest
from mlstack_nb.core.artifact import Artifact
from mlstack_nb.core.step import FromStep, Literal, Step

if TYPE_CHECKING:
    from mlstack_nb.app.launch import Launch
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.core.run import Run, StepRun


def function_notebook(workspace: Workspace, run: Run, ended: StepRun) -> Document | None:
    """The notebook of a step of `mlstack run module:pipeline`; None where the run was begun in another way.

    The module is imported and its pipeline wired again. Raises what that raises, and StoreError.
    """
    request = launch_of(workspace, run)
    if request is None or is_notebook(request.target):
        return None
    launch = prepare(replace(request, stack=run.stack, isolation="", run_id=run.id))
    known = {step.name: step for step in launch.pipeline.steps}  # without items, and those of a dynamic pipeline
    step = known.get(ended.step)
    if step is None or step.over:
        return None
    function = getattr(launch.bodies[step.name], "__self__", None)
    if not isinstance(function, StepFunction) or "<locals>" in function.function.__qualname__:
        return None
    given = dict(_inputs(step, run, ended, launch))
    plain = {name: source.value for name, source in step.inputs.items() if isinstance(source, Literal)}
    written = literals(plain)
    codec = launch.runtime.engine.codec
    given |= {name: carried(value, name, codec).artifact for name, value in plain.items() if name not in written}
    CallRecord(run.pipeline, step.name, given).write(codec.store, run.id)
    return _document(step, function, ended, written)


def _inputs(step: Step, run: Run, ended: StepRun, launch: Launch) -> Iterator[tuple[str, Artifact]]:
    """Those of the content that the step read."""
    made = {(one.step, output): artifact for one in run.steps for output, artifact in one.outputs.items()}
    for name, source in step.inputs.items():
        if isinstance(source, FromStep) and name in ended.inputs:
            near = made.get((source.step, source.output))
            is_same = near is not None and near.digest == ended.inputs[name]
            found = near if is_same else with_digest(launch.runtime.catalog, ended.inputs[name])
            if found is not None:
                yield name, found


def _document(step: Step, function: StepFunction[..., Any], ended: StepRun, written: Mapping[str, str]) -> Document:
    target = function.function
    name = target.__qualname__.partition(".")[0]
    file = Path(inspect.getfile(target)).absolute()
    folder = file.parents[target.__module__.count(".") + (file.name == "__init__.py")]
    texts = [f"# {step.name}\n\n{target.__qualname__} of {target.__module__}, run {ended.run_id}"]
    if step.fingerprint.digest != ended.code:
        texts[0] += "\n\n**Not as it was:** the code has been edited since the step ran."
    begin = [f"import sys\nsys.path.insert(0, {str(folder)!r})"]
    if step.settings.environment:
        begin.append(f"import os\nos.environ.update({dict(step.settings.environment)!r})")
    begin.append(f"from {target.__module__} import {name}")
    if written:
        begin.append(setting(written))
    if names := [one for one in step.inputs if one not in written]:
        begin.append(taking(names, run_id=ended.run_id, step=step.name))
    arguments = ", ".join(f"{one}={one}" for one in step.inputs)
    wait = "await " if inspect.iscoroutinefunction(target) else ""
    cells = [_cell("markdown", texts[0]), *(_cell("code", text) for text in begin)]
    cells.append(_cell("code", f"{wait}{target.__qualname__}({arguments})", BODY))
    for number, cell in enumerate(cells):
        cell["id"] = f"mlstack-{number}"
    version = ".".join(map(str, sys.version_info[:3]))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python", "version": version}}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}


def _cell(kind: str, source: str, *tags: str) -> dict[str, Any]:
    made: dict[str, Any] = {"cell_type": kind, "metadata": {"tags": list(tags)} if tags else {}, "source": source}
    return made | ({"execution_count": None, "outputs": []} if kind == "code" else {})
