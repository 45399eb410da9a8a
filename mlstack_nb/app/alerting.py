"""Telling people, by the stack's alerter, of runs that end.

An alert is sent once, whoever sees the run end, from a thread of its own: what it is about goes on, and where it can
not be sent that is said and nothing else happens. A process that ends waits for its alerts as long as they may take.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable

from mlstack_nb.app.wording import duration
from mlstack_nb.core.events import Event, RunEnded
from mlstack_nb.core.run import Run, State
from mlstack_nb.engine.masking import masked
from mlstack_nb.engine.store import Store
from mlstack_nb.errors import MlstackError
from mlstack_nb.ports.alerter import Alert, Alerter, Occasion

INTERACTIVE = "interactive"
MOST_CHARACTERS = 800
LONGEST_S = 90.0
"""How long a process that ends waits for its alerts; alerters give up before."""
_OCCASIONS = {State.FAILED: Occasion.FAILURE, State.COMPLETED: Occasion.SUCCESS, State.CACHED: Occasion.SUCCESS}

Notice = Callable[[str], None]
_on_their_way: set[threading.Thread] = set()


class RunAlerts:
    """A listener that tells of runs that end; `alerter` is built when the first one does."""

    def __init__(self, alerter: Callable[[], Alerter], store: Store, notice: Notice) -> None:
        self._alerter = alerter
        self._store = store
        self._notice = notice

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunEnded) and event.run.mode != INTERACTIVE and event.run.state in _OCCASIONS:
            self.tell(event.run.id, of_run(event.run))

    def tell(self, run_id: str, alert: Alert) -> None:
        """Send what is to be said of a run's end, where that is wanted and has not been said. Raises nothing."""
        try:
            alerter = self._alerter()
            if alert.occasion in alerter.occasions and claimed(self._store, run_id):
                deliver(alerter, alert, self._notice)
        except MlstackError as error:
            self._notice(f"no alert is sent of run {run_id}: {masked(error.what)}")


def claimed(store: Store, run_id: str) -> bool:
    """Whether nobody has told of the run's end so far; from now on somebody has."""
    return store.files.write(f"runs/{run_id}/alerted", b"", if_absent=True)


def deliver(alerter: Alerter, alert: Alert, notice: Notice) -> None:
    """Send it from a thread of its own; what goes wrong is told to `notice`."""

    def send() -> None:
        try:
            alerter.send(alert)
        except Exception as error:  # noqa: BLE001 - an alerter from outside may raise anything, and nothing depends on it
            what = error.what if isinstance(error, MlstackError) else f"{type(error).__name__}: {error}"
            notice(f"an alert was not sent ({alert.title}): {masked(what)}")
        finally:
            _on_their_way.discard(thread)

    thread = threading.Thread(target=send, name="mlstack alert", daemon=True)
    _on_their_way.add(thread)
    thread.start()


def wait_for_alerts(limit_s: float = LONGEST_S) -> None:
    """Until those on their way are sent, or have failed."""
    deadline = time.monotonic() + limit_s
    for thread in list(_on_their_way):
        thread.join(max(deadline - time.monotonic(), 0.0))


def of_run(run: Run) -> Alert:
    """What is to be said of a run that has ended."""
    failed = [step for step in run.steps if step.state is State.FAILED]
    facts = {"run": run.id, "stack": run.stack, "time": duration(run.duration_s)}
    if not failed:
        is_good = run.state.is_good
        title = f"Pipeline {run.pipeline} {'succeeded' if is_good else 'failed'}"
        return Alert(_OCCASIONS[run.state], title, "", facts if is_good else _with_hint(facts))
    failure = failed[0].failure
    where = ", ".join(step.step for step in failed)
    text = f"{failure.type}: {failure.message}" if failure is not None else ""
    return Alert(
        Occasion.FAILURE, f"Pipeline {run.pipeline} failed at {where}", shortened(masked(text)), _with_hint(facts)
    )


def shortened(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _with_hint(facts: dict[str, str]) -> dict[str, str]:
    return {**facts, "see": f"mlstack runs show {facts['run']}"}


atexit.register(wait_for_alerts)
