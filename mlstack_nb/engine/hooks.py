"""Calling people's hooks: what one raises is told, and changes nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from mlstack_nb.core.hooks import Hook
from mlstack_nb.core.run import State, StepRun
from mlstack_nb.engine.awaiting import awaited
from mlstack_nb.engine.calls import Engine, StepCall
from mlstack_nb.engine.environment import in_environment
from mlstack_nb.ports.registry import load_target


def tell_started(_run: StepRun, call: StepCall, engine: Engine) -> None:
    """The step's code is about to run for the first time."""
    hook = call.step.settings.hooks.on_start
    if hook is not None:
        _call("on_start", hook, call, engine)


def tell_ended(run: StepRun, call: StepCall, engine: Engine, error: BaseException | None = None) -> None:
    """The step has ended, and how it did is recorded."""
    hooks = call.step.settings.hooks
    good = run.state is State.COMPLETED
    ending = hooks.on_success if good else hooks.on_failure
    if ending is not None:
        _call("on_success" if good else "on_failure", ending, call, engine, error)
    if hooks.on_end is not None:
        _call("on_end", hooks.on_end, call, engine, error)


def _call(moment: str, hook: Hook, call: StepCall, engine: Engine, error: BaseException | None = None) -> None:
    try:
        with in_environment(call.step.settings.environment):
            function = _found(hook)
            takes_error = moment in ("on_failure", "on_end") and _takes_argument(function)
            awaited(function(error) if takes_error else function())
    except Exception as failure:  # noqa: BLE001  (people's code; the step has ended whatever it does)
        name = hook if isinstance(hook, str) else getattr(hook, "__qualname__", repr(hook))
        engine.notice(f"step {call.step.name}: its hook {moment}={name} raised {type(failure).__name__}: {failure}")


def _found(hook: Hook) -> Callable[..., Any]:
    if not isinstance(hook, str):
        return hook
    module, _, name = hook.replace(":", ".").rpartition(".")
    return load_target(f"{module}:{name}")


def _takes_argument(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return True  # a builtin
    by_position = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    )
    return any(one.kind in by_position for one in parameters)
