"""Which model each step of a run belongs to, so that the run's end can give it what is its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlstack_nb.core.events import Event, RunEnded, RunStarted, StepsAdded
from mlstack_nb.core.model import ModelSpec, models_of
from mlstack_nb.core.run import Run


class RunModels:
    """A listener. A run without a model costs it a look at its steps; of others `tell` hears when they have ended."""

    def __init__(self, tell: Callable[[Run, Mapping[str, ModelSpec]], None]) -> None:
        self._tell = tell
        self._models: dict[str, dict[str, ModelSpec]] = {}
        self._defaults: dict[str, ModelSpec | None] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            plan = event.plan
            self._defaults[event.run.id] = plan.model
            self._models[event.run.id] = models_of(plan.steps, plan.model)
        elif isinstance(event, StepsAdded):
            default = self._defaults.get(event.run_id)
            self._models.setdefault(event.run_id, {}).update(models_of(event.steps, default))
        elif isinstance(event, RunEnded):
            self._defaults.pop(event.run.id, None)
            models = self._models.pop(event.run.id, None)
            if models:
                self._tell(event.run, models)
