"""Why a step ran, or did not: against its last run before, from what the catalog and the store recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.differences import Finding, Side, differences
from mlstack_nb.app.freshness import Freshness, Standing
from mlstack_nb.app.remote.refreshing import find_run
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.wording import items_line
from mlstack_nb.catalog import runs as rows
from mlstack_nb.catalog import step_history
from mlstack_nb.core.run import LAST, Reason, Run, State, StepRun
from mlstack_nb.core.step import FromStep
from mlstack_nb.engine.mapping import items_among
from mlstack_nb.engine.store import cut
from mlstack_nb.errors import ConfigError, NotFoundError

if TYPE_CHECKING:
    from mlstack_nb.app.session import Session
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.engine.store import Store

MOST_ITEMS = 10
_CACHE = {
    Reason.CACHE_OFF: "the cache is switched off (--no-cache, enable_cache=False or MLSTACK_CACHE=off)",
    Reason.OBJECTS_MISSING: "object missing: the cache had an entry, but its objects were gone from the store",
    Reason.DAMAGED: "object damaged: the cache had an entry, but its objects were not what was written",
    Reason.EXPIRED: "the cache had an entry, but it had expired",
    Reason.MATERIALIZER: "the cache had an entry, but the materializer that wrote it has changed",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """`run_id` is empty for a run that is only thought of, `compared_with` where the step had no run before."""

    pipeline: str
    step: str
    run_id: str
    state: State
    compared_with: str
    reasons: tuple[Finding, ...]

    @property
    def headline(self) -> str:
        did = {State.CACHED: "came from the cache", State.SKIPPED: "did not run", State.PENDING: "would run now"}
        where = f" in run {self.run_id}" if self.run_id else ""
        against = f", compared with run {self.compared_with}" if self.compared_with else ""
        return f"step {self.step} {did.get(self.state, 'ran')}{where}{against}"

    def lines(self) -> list[str]:
        """The headline, then a line for each reason, diffs below theirs."""
        told = [self.headline]
        for reason in self.reasons:
            told.append(f"  - {reason.text}")
            told += [f"      {line}" for line in reason.diff.splitlines()]
        return told

    def to_json(self) -> dict[str, Any]:
        return {
            "pipeline": self.pipeline,
            "step": self.step,
            "run": self.run_id or None,
            "state": self.state.value,
            "compared_with": self.compared_with or None,
            "reasons": [reason.to_json() for reason in self.reasons],
        }


def why(workspace: Workspace, step: str, reference: str = LAST) -> Explanation:
    """Why `step` ran or did not in a run, by its id, the beginning of one, or `last`.

    Raises NotFoundError for the run or, with the nearest name, for the step; UsageError for an ambiguous beginning.
    """
    run = find_run(workspace, reference)
    after = step_of(run, step)
    before = _run_before(workspace, run.pipeline, after)
    reasons = _Reasons(workspace, run, after, before).all()
    return Explanation(run.pipeline, step, run.id, after.state, before.id if before else "", tuple(reasons))


def why_live(session: Session, step: str) -> list[Explanation]:
    """The same of a step of a live notebook: why it would run now, if it is not fresh, and why it ran last.

    Raises NotFoundError with the nearest name.
    """
    standing = session.standings().get(step)
    if standing is None:
        known = session.steps
        raise NotFoundError.of("step", step, known, f"Steps so far: {', '.join(known) or 'none yet'}.")
    workspace = Runtime.current().workspace
    found = []
    if standing.freshness is not Freshness.FRESH:
        found.append(_not_fresh(workspace, session.name, step, standing))
    last = session.states.get(step)
    if last is not None:
        found.append(why(workspace, step, last.run_id))
    return found


def _not_fresh(workspace: Workspace, pipeline: str, name: str, standing: Standing) -> Explanation:
    step, now = standing.step, standing.now
    if step is None or now is None:
        reasons = [Finding("behind", need, f"step `{need}`, which it reads, is not fresh") for need in standing.behind]
        if standing.trouble:
            reasons = [Finding("trouble", name, f"it can not run now: {standing.trouble}")]
        return Explanation(pipeline, name, "", State.PENDING, "", tuple(reasons))
    before = _run_before(workspace, pipeline, now)
    if before is None:
        return Explanation(pipeline, name, "", State.PENDING, "", (_first(),))
    earlier = step_of(before, name)
    sources = {label: cut(text) for label, text in step.fingerprint.sources.items()}
    edges = {name: source.step for name, source in step.inputs.items() if isinstance(source, FromStep)}
    reasons = differences(side_of(workspace, before, earlier), Side(now, sources, edges, {}))
    if not reasons:
        reasons = [_without_difference(now, earlier)]
    return Explanation(pipeline, name, "", State.PENDING, before.id, tuple(reasons))


def _without_difference(now: StepRun, earlier: StepRun) -> Finding:
    if not earlier.state.is_good:
        return _ended_badly(earlier)
    return (_of_cache(now.reason) or _gone()) if now.key == earlier.key else _unseen()


class _Reasons:
    """The reasons of one step run, `before` being the run that it is compared with."""

    def __init__(self, workspace: Workspace, run: Run, after: StepRun, before: Run | None) -> None:
        self.workspace = workspace
        self.run = run
        self.after = after
        self.before = before
        self.earlier = step_of(before, after.step) if before is not None else None

    def all(self) -> list[Finding]:
        return [*self._reasons(), *self._items()]

    def _items(self) -> list[Finding]:
        """Of a mapped step: which of its items ran."""
        items = items_among(self.after.step, self.run.steps)
        if not items:
            return []
        ran = [one.step for one in items if one.state is not State.CACHED]
        told = f"; not these: {', '.join(ran[:MOST_ITEMS])}{', ...' if len(ran) > MOST_ITEMS else ''}" if ran else ""
        return [Finding("items", self.after.step, f"{items_line(items)}{told}")]

    def _reasons(self) -> list[Finding]:
        after = self.after
        if not after.key:
            return [self._never_began()]
        if after.state is State.CACHED:
            return [self._cached(), *self._differences()]
        found = _of_cache(after.reason)
        of_cache = [found] if found is not None else []
        if self.before is None or self.earlier is None:
            was_there = after.reason in (Reason.OBJECTS_MISSING, Reason.DAMAGED, Reason.EXPIRED, Reason.MATERIALIZER)
            return of_cache if was_there else [_first(), *of_cache]
        return [*of_cache, *self._differences()] or [self._nothing_differs(self.before, self.earlier)]

    def _never_began(self) -> Finding:
        if self.after.state is State.SKIPPED:
            failed = [f"`{step.step}`" for step in self.run.steps if step.state in (State.FAILED, State.CANCELLED)]
            return Finding("skipped", self.after.step, f"a step that it needs did not end well: {', '.join(failed)}")
        failure = self.after.failure
        told = f": {failure.type}: {failure.message}" if failure else ""
        return Finding("not-begun", self.after.step, f"it never began{told}")

    def _cached(self) -> Finding:
        made = step_history.run_that_made(self.workspace.catalog, self.after.key, before=self.after.started_at)
        if made is None:
            store = _store(self.workspace, self.run.stack)
            entry = store.entry(self.after.key) if store is not None else None
            made = entry.run_id if entry is not None else None
        since = f" since run {made}" if made else ""
        return Finding("cached", self.after.step, f"from the cache: nothing changed{since}", before=made)

    def _differences(self) -> list[Finding]:
        """None for the same key: what differs then does not count, by the step's cache policy."""
        if self.before is None or self.earlier is None or self.earlier.key == self.after.key:
            return []
        old, new = side_of(self.workspace, self.before, self.earlier), side_of(self.workspace, self.run, self.after)
        return differences(old, new) or [_unseen()]

    def _nothing_differs(self, before: Run, earlier: StepRun) -> Finding:
        if not earlier.state.is_good:
            return _ended_badly(earlier)
        if before.stack != self.run.stack:
            text = f"stack {before.stack} -> {self.run.stack}: its store had no entry for this step"
            return Finding("stack", "stack", text, before.stack, self.run.stack)
        return _gone()


def _of_cache(reason: Reason | None) -> Finding | None:
    """What became of the entry in the cache, where that alone was a reason to run."""
    if reason not in _CACHE:
        return None
    return Finding(reason.value.replace(" ", "-"), "cache", _CACHE[reason])


def _first() -> Finding:
    return Finding("first", "", "never run before")


def _gone() -> Finding:
    return Finding("no-entry", "cache", "nothing changed, but its entry is gone from the cache")


def _unseen() -> Finding:
    text = "what changed is not recorded: a parameter's type, an output's materializer or the cache policy"
    return Finding("other", "", text)


def _ended_badly(before: StepRun) -> Finding:
    failure = before.failure
    told = f" ({failure.type})" if failure else ""
    return Finding("ended-badly", before.step, f"nothing changed, but its run before {before.state}{told}")


def _run_before(workspace: Workspace, pipeline: str, after: StepRun) -> Run | None:
    found = step_history.run_before(workspace.catalog, pipeline=pipeline, step=after.step, before=after.started_at)
    return rows.get_run(workspace.catalog, found) if found is not None else None


def step_of(run: Run, name: str) -> StepRun:
    """The newest one of that name."""
    for step in reversed(run.steps):
        if step.step == name:
            return step
    known = list(dict.fromkeys(step.step for step in run.steps))
    raise NotFoundError.of("step", name, known, f"Steps of run {run.id}: {', '.join(known) or 'none'}.")


def side_of(workspace: Workspace, run: Run, step: StepRun) -> Side:
    store = _store(workspace, run.stack)
    return Side(
        step,
        store.sources(step.code) if store is not None and step.code else {},
        step_history.producers(workspace.catalog, run.id, step.step),
        {other.step: other.state for other in run.steps},
    )


def _store(workspace: Workspace, stack: str) -> Store | None:
    """The store of a stack; None where the stack, or what it needs, is no longer there."""
    try:
        return Runtime(workspace, workspace.active_stack(stack)).engine.store
    except (NotFoundError, ConfigError):
        return None
