"""Offering our stacks to jupyter-scheduler, where it is switched on and nobody has configured it otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlstack_nb.server.site import Site

SCHEDULER = "jupyter_scheduler"
CONFIGURED = {
    "SchedulerApp": ("environment_manager_class", "scheduler_class"),
    "BaseScheduler": ("execution_manager_class",),
    "Scheduler": ("execution_manager_class",),
}
"""What is people's own choice where they make one."""


def offer_stacks(server: Any, site: Callable[[], Site]) -> None:
    """To be called once jupyter-scheduler's settings are known, before they are used: Jupyter links every extension
    before it loads the first one, both by name.
    """
    extension = server.extension_manager.extension_points.get(SCHEDULER)
    app = extension.app if extension is not None else None
    if app is None:
        return
    chosen = [
        f"{kind}.{name}" for kind, names in CONFIGURED.items() for name in names if name in app.config.get(kind, {})
    ]
    if chosen:
        server.log.info("mlstack_nb: jupyter-scheduler gets no stacks, for its %s is configured", ", ".join(chosen))
        return
    from mlstack_nb.server.scheduler_jobs import StackScheduler, environments_of

    app.environment_manager_class = environments_of(site)
    app.scheduler_class = StackScheduler
