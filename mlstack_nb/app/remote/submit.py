"""Handing a run to an engine: its code, its plan, and a node for each step, which runs `mlstack_nb.run_node`."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mlstack_nb.app.remote.code import project_root, put_code
from mlstack_nb.app.remote.earlier import recalled_for
from mlstack_nb.app.remote.submission import STORE_VARIABLE, Submission, portable, store_variable
from mlstack_nb.app.targets import is_notebook
from mlstack_nb.core.events import RunEnded, RunStarted
from mlstack_nb.core.plan import Plan
from mlstack_nb.core.run import REMOTE, Run, State
from mlstack_nb.errors import UsageError
from mlstack_nb.ports.remote_orchestrator import NodeGraph, RemoteOrchestrator

if TYPE_CHECKING:
    from mlstack_nb.app.request import Request
    from mlstack_nb.app.runtime import Runtime

PYTHON = "python"
NODE_MODULE = "mlstack_nb.run_node"


def submit(runtime: Runtime, plan: Plan, request: Request, documents: Mapping[Path, bytes]) -> Run:
    """Hand the run to its stack's engine and return at once; the run is in the catalog, and in the store.

    `documents` are the contents of files that travel in place of what is on disk. Raises UsageError for what can not
    travel, ConfigError where the engine can not be reached; the run then counts as failed.
    """
    store = runtime.engine.store
    _check_values(request)
    plan = replace(plan, mode=REMOTE)
    stack = portable(runtime)
    place = _place(request.target)
    root = project_root(runtime.workspace, place.parent)
    others = {path.resolve().relative_to(root).as_posix(): data for path, data in documents.items()}
    code = put_code(store, root, others=others)
    submission = Submission(
        plan.run_id,
        code,
        _inside(request.target, place, root),
        _folder(root),
        stack,
        recalled=recalled_for(runtime, plan),
    )
    store.put_plan(plan)
    submission.write(store)
    run = Run(plan.run_id, plan.pipeline, runtime.stack.name, State.PENDING, time.time(), mode=REMOTE)
    run = replace(run, parameters=plan.parameters, name=plan.run_name)
    runtime.engine.emit(RunStarted(run, plan))
    runtime.recorder.flush()
    try:
        engine = cast("RemoteOrchestrator", runtime.engine.orchestrator)
        reference = engine.submit(graph_of(plan, store_variable(stack)))
    except BaseException:
        failed = replace(run, state=State.FAILED, ended_at=time.time())
        store.put_run(failed)
        runtime.engine.emit(RunEnded(failed))
        raise
    replace(submission, reference=reference).write(store)
    return run


def graph_of(plan: Plan, store: str) -> NodeGraph:
    """Every step as a command that needs the store, and nothing else."""
    nodes = (
        replace(node, command=(PYTHON, "-m", NODE_MODULE, plan.run_id, node.name), environment={STORE_VARIABLE: store})
        for node in plan.nodes
    )
    return NodeGraph(plan.run_id, tuple(nodes))


def _check_values(request: Request) -> None:
    """Parameters go as JSON: what would not come back the same is refused."""
    for name, value in request.values.items():
        try:
            is_same = _typed(json.loads(json.dumps(value))) == _typed(value)
        except (TypeError, ValueError):
            is_same = False
        if not is_same:
            raise UsageError(
                f"Parameter {name!r} is a {type(value).__name__}, which can not travel to the stack's engine.",
                "Give it as text, number, list or mapping; a larger value as what a step gives.",
            )


def _typed(value: Any) -> Any:
    """With its types: 1 is not True, and a tuple is no list."""
    if isinstance(value, Mapping):
        return {name: _typed(one) for name, one in value.items()}
    return [_typed(one) for one in value] if type(value) is list else (type(value), value)


def _place(target: str) -> Path:
    """The file of a target, or what stands for it in the working directory."""
    file = target if is_notebook(target) else target.partition(":")[0]
    return Path(file).absolute() if file.endswith((".py", ".ipynb")) else Path.cwd() / file


def _inside(target: str, place: Path, root: Path) -> str:
    file, colon, name = (target, "", "") if is_notebook(target) else target.partition(":")
    if not file.endswith((".py", ".ipynb")):
        return target
    return f"{place.resolve().relative_to(root).as_posix()}{colon}{name}"


def _folder(root: Path) -> str:
    here = Path.cwd().resolve()
    return here.relative_to(root).as_posix() if here.is_relative_to(root) else "."
