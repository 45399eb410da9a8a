"""Running a step cell of a live notebook: once, or once for each item of the lists that it is mapped over."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from mlstack_nb.core.step import Left
from mlstack_nb.engine.calls import Engine, StepCall, StepResult
from mlstack_nb.engine.mapping import Outcome, gathered, items_of, whole
from mlstack_nb.engine.runner import drive

Namespace = dict[str, Any]
Enter = Callable[[Namespace], Namespace]
"""From the inputs of a step to the namespace that its code runs in."""

Driving = Generator[Namespace, Left, tuple[StepResult, Left]]
"""Yields namespaces to execute the code in, takes them back, and returns the result with the last one."""


def drive_cell(call: StepCall, engine: Engine, enter: Enter) -> Driving:
    """Throw in what the code raised; it is raised again when the step gives up."""
    return _drive_items(call, engine, enter) if call.step.over else _drive_once(call, engine, enter)


def _drive_once(call: StepCall, engine: Engine, enter: Enter) -> Driving:
    left: Left = {}
    driver = drive(call, engine)
    try:
        given = next(driver)
        while True:
            try:
                left = yield enter(given)
            except BaseException as error:  # noqa: BLE001  (handed on, not kept)
                given = driver.throw(error)
            else:
                given = driver.send(left)
    except StopIteration as stop:
        return stop.value, left


def _drive_items(call: StepCall, engine: Engine, enter: Enter) -> Driving:
    """One item after the other, since they share the kernel; an item that fails does not stop the others."""
    driver = drive(whole(call), engine)
    try:
        next(driver)
        outcomes: dict[str, Outcome] = {}
        try:
            items = items_of(call, engine)
            for item in items:
                try:
                    outcomes[item.step.name], _ = yield from _drive_once(item, engine, enter)
                except (Exception, SystemExit) as error:  # noqa: BLE001  (raised when the others have ended)
                    outcomes[item.step.name] = error
            produced = gathered(call.step, items, outcomes)
        except BaseException as error:  # noqa: BLE001  (handed on, not kept)
            driver.throw(error)
        else:
            driver.send(produced)
    except StopIteration as stop:
        return stop.value, {}
    raise AssertionError("unreachable: a driver returns or raises")
