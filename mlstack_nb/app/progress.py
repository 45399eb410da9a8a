"""How far a run is, as numbers: what has ended, how fast it goes, how long it will still take. No clock runs here.

Times are UTC epoch seconds, as in the events.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlstack_nb.app.wording import brief
from mlstack_nb.core.events import Event, RunStarted, StepEnded, StepsAdded, StepStarted
from mlstack_nb.core.run import State
from mlstack_nb.ports.orchestrator import Company

if TYPE_CHECKING:
    from mlstack_nb.app.runtime import Runtime

PACED_BY = 20
"""A rate is that of the newest steps, so many at most: what was slow an hour ago says little."""
LEARNED_FROM = 3
"""So many steps of this run tell how long those may take that no earlier run has timed."""


@dataclass(frozen=True, slots=True)
class Headway:
    """`rate` is steps a second whose code ran; `left_s` the time left. Each is None when nobody can know it yet.

    `is_least`: some of the steps to come have never been timed, and are not in `left_s`.
    """

    ended: int
    total: int
    running: int
    rate: float | None = None
    left_s: float | None = None
    is_least: bool = False

    def words(self) -> str:
        """`3/10 steps, 2 running, 0.8 steps/s, about 12 s left`."""
        parts = [f"{self.ended}/{self.total} steps"]
        if self.running > 1:
            parts.append(f"{self.running} running")
        if self.rate is not None:
            parts.append(rate_words(self.rate))
        if self.left_s is not None and self.left_s >= 1:
            parts.append(f"{'at least' if self.is_least else 'about'} {brief(self.left_s)} left")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class AtWork:
    """A step whose code runs; `usual_s` is what it took before, None where nobody knows."""

    step: str
    spent_s: float
    usual_s: float | None

    def words(self) -> str:
        """`train 4 s of about 9 s`."""
        time = self.time()
        return f"{self.step} {time}" if time else self.step

    def time(self) -> str:
        """`4 s of about 9 s`; once that is over, `12 s, usually 9 s`. Empty within the first second."""
        if self.spent_s < 1:
            return ""
        if self.usual_s is None or self.usual_s < 1:
            return brief(self.spent_s)
        if self.spent_s <= self.usual_s:
            return f"{brief(self.spent_s)} of about {brief(self.usual_s)}"
        return f"{brief(self.spent_s)}, usually {brief(self.usual_s)}"


class Course:
    """The course of one run, from its events. `usual` has the seconds that steps took in earlier runs.

    `workers` is how many steps run at once, None where nothing but their needs limits them.
    """

    def __init__(self, usual: Mapping[str, float], *, workers: int | None = None) -> None:
        self._usual = usual
        self._workers = workers
        self._needs: dict[str, tuple[str, ...]] = {}
        self._instant: Collection[str] = ()
        self._running: dict[str, float] = {}
        self._ended: dict[str, State] = {}
        self._took: deque[tuple[float, float]] = deque(maxlen=PACED_BY)

    def note(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._needs = {node.name: node.needs for node in event.plan.nodes}
            self._instant = event.plan.only_cached
        elif isinstance(event, StepsAdded):
            self._needs |= {step.name: step.needs for step in event.steps}
        elif isinstance(event, StepStarted):
            self._running[event.step.step] = event.step.started_at
        elif isinstance(event, StepEnded):
            step = event.step
            self._running.pop(step.step, None)
            self._ended[step.step] = step.state
            if step.state is State.COMPLETED and step.ended_at is not None:
                self._took.append((step.started_at, step.ended_at))

    def headway(self, now: float) -> Headway:
        left, is_least = self._left(now)
        counts = len(self._ended), len(self._needs), len(self._running)
        return Headway(*counts, rate=self._rate(now), left_s=left, is_least=is_least)

    def at_work(self, now: float) -> list[AtWork]:
        """In the order they started."""
        return [
            AtWork(step, max(now - since, 0.0), self._usual.get(step))
            for step, since in sorted(self._running.items(), key=lambda pair: pair[1])
        ]

    def _rate(self, now: float) -> float | None:
        """None before the first step has ended, and in the first second, when any number would be noise."""
        if not self._took:
            return None
        span = now - min(began for began, _ in self._took)
        return len(self._took) / span if span >= 1 else None

    def _left(self, now: float) -> tuple[float | None, bool]:
        times = [ended - began for began, ended in self._took]
        learned = sum(times) / len(times) if len(times) >= LEARNED_FROM else None
        durations: dict[str, float] = dict.fromkeys(self._instant, 0.0)
        unknown = False
        for step in self._needs.keys() - self._ended.keys() - durations.keys():
            known = self._usual.get(step, learned)
            unknown = unknown or known is None
            durations[step] = known if known is not None else 0.0
        if not any(durations[step] for step in durations if step not in self._ended):
            return None, unknown
        spent = {step: max(now - since, 0.0) for step, since in self._running.items()}
        return time_left(self._needs, durations, ended=self._ended, spent=spent, workers=self._workers), unknown


def time_left(
    needs: Mapping[str, Collection[str]],
    durations: Mapping[str, float],
    *,
    ended: Mapping[str, State],
    spent: Mapping[str, float],
    workers: int | None,
) -> float:
    """Seconds until the last step ends, when `workers` take the first one that is ready, in the order of `needs`.

    `spent` has those that run; one that has taken longer than its duration ends now. What needs a step that did not
    end well never runs.
    """
    rank = {step: number for number, step in enumerate(needs)}
    waits = {step: {need for need in needs[step] if need in rank and not _is_good(ended.get(need))} for step in needs}
    users: dict[str, list[str]] = {}
    for step, open_needs in waits.items():
        for need in open_needs:
            users.setdefault(need, []).append(step)
    begun = ended.keys() | spent.keys()
    ready = [rank[step] for step in needs if step not in begun and not waits[step]]
    heapq.heapify(ready)
    order = list(needs)
    at_work = [(max(durations.get(step, 0.0) - since, 0.0), rank[step]) for step, since in spent.items()]
    heapq.heapify(at_work)
    now = 0.0
    while at_work or ready:
        while ready and (workers is None or len(at_work) < workers):
            number = heapq.heappop(ready)
            heapq.heappush(at_work, (now + durations.get(order[number], 0.0), number))
        now, number = heapq.heappop(at_work)
        for user in users.get(order[number], ()):
            waits[user].discard(order[number])
            if not waits[user] and user not in begun:
                heapq.heappush(ready, rank[user])
    return now


def rate_words(per_second: float) -> str:
    """`12 steps/s`, `0.8 steps/s`, `3.5 steps/min`, `2 steps/h`."""
    rates = {unit: per_second * seconds for unit, seconds in (("s", 1), ("min", 60), ("h", 3600))}
    unit = next((unit for unit, rate in rates.items() if rate >= 0.5), "h")
    text = f"{rates[unit]:.1f}".removesuffix(".0") if rates[unit] < 9.95 else f"{rates[unit]:.0f}"
    return f"{text} steps/{unit}"


def course_of(pipeline: str, runtime: Runtime, company: Company) -> Course:
    """The course of a run of that pipeline that is about to begin."""
    from mlstack_nb.catalog.step_history import last_durations

    return Course(last_durations(runtime.catalog, pipeline), workers=runtime.engine.orchestrator.workers(company))


def _is_good(state: State | None) -> bool:
    return state is not None and state.is_good
