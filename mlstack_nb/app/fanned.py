"""What a step offers beside being called: `map`, `product`, `submit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlstack_nb.app.step_wiring import Wiring, wiring
from mlstack_nb.errors import UsageError

if TYPE_CHECKING:
    from mlstack_nb.app.dynamic.outputs import MapResultsFuture, StepFuture


class Fanned:
    """Base of a step that is a function. Its methods are for the body of a pipeline; they raise UsageError elsewhere.

    `id` and `after` mean what they mean in a call of the step.
    """

    def map(self, *args: Any, **kwargs: Any) -> MapResultsFuture:
        """Run once for each item of its lists, which are walked together; `unmapped(x)` is given whole.

        In a pipeline that is not dynamic each output is then the list of what the items gave.
        """
        found: MapResultsFuture = _current(self, "map").fan_out(self, args, kwargs, crossed=False)
        return found

    def product(self, *args: Any, **kwargs: Any) -> MapResultsFuture:
        """`map`, with every item of one list meeting every item of the others; the last list is walked fastest."""
        found: MapResultsFuture = _current(self, "product").fan_out(self, args, kwargs, crossed=True)
        return found

    def submit(self, *args: Any, **kwargs: Any) -> StepFuture:
        """Run in a thread of its own, as soon as what it is given is there; only in a dynamic pipeline."""
        found: StepFuture = _current(self, "submit").submit(self, args, kwargs)
        return found


def _current(step: Any, method: str) -> Wiring:
    current = wiring.get()
    if current is None:
        what = f"{method} of step {step.name!r} is called outside of a pipeline."
        raise UsageError(what, "Call it in the body of a function with @pipeline(dynamic=True).")
    return current
