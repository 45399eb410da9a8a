"""Results that a step need not run for: in the cache, or soon, when another process works on it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from mlstack_nb.core.naming import kept_name
from mlstack_nb.core.run import Reason, State, StepRun
from mlstack_nb.engine.calls import Engine, StepCall, StepResult
from mlstack_nb.engine.keys import is_fresh, may_reuse
from mlstack_nb.engine.store import CacheEntry
from mlstack_nb.engine.values import Value, renamed
from mlstack_nb.ports.owner import Owner

LOST = {
    Reason.OBJECTS_MISSING: "its objects are gone from the store",
    Reason.DAMAGED: "its objects in the store were damaged",
}


def look_up(call: StepCall, engine: Engine, key: str) -> CacheEntry | Reason:
    """The result in the cache that is good for `call`, or why there is none."""
    found = engine.store.look_up(key)
    if call.only_cached or may_reuse(call.step.settings):
        if isinstance(found, CacheEntry) and not is_fresh(found.ended_at, call.step.settings.policy):
            return Reason.EXPIRED
        if isinstance(found, CacheEntry) and not all(map(engine.codec.is_current, found.outputs.values())):
            return Reason.MATERIALIZER
        return found
    return found if isinstance(found, CacheEntry) and found.run_id in call.resumes else Reason.CACHE_OFF


def await_result(call: StepCall, engine: Engine, key: str) -> CacheEntry | Reason:
    """`look_up`, and where another process is making the result at this moment, that when it is there."""
    found: CacheEntry | Reason = Reason.NO_ENTRY
    name = call.step.name

    def waiting_for(owner: Owner) -> None:
        engine.notice(f"step {name}: process {owner.pid} on {owner.host} is running it; waiting for that")

    def find() -> CacheEntry | None:
        nonlocal found
        found = look_up(call, engine, key)
        return found if isinstance(found, CacheEntry) else None

    if find() or found is Reason.CACHE_OFF:
        return found
    engine.leases.wait(key, find, notice=waiting_for)
    if isinstance(found, Reason) and found in LOST:
        engine.notice(f"step {name}: {LOST[found]}; running it again")
    return found


def reused(call: StepCall, engine: Engine, began: StepRun, hit: CacheEntry) -> StepResult:
    """The result that `hit` is."""
    outputs = named_outputs(call, hit.outputs, engine)
    run = replace(
        began,
        state=State.CACHED,
        ended_at=time.time(),
        outputs=outputs,
        saved_s=hit.duration_s,
        display=hit.display,
    )
    return StepResult(run, {name: Value(artifact, engine.codec) for name, artifact in outputs.items()})


def named_outputs(call: StepCall, outputs: Mapping[str, Any], engine: Engine) -> dict[str, Any]:
    """The artifacts of a cache entry under the names that they have in this pipeline, and in this step.

    They come in the order that the step gives them. What a function that returns nothing gives is None.
    """
    named: dict[str, Any] = {}
    for output, artifact in zip_longest(call.step.outputs, outputs.values()):
        if output is None:
            break
        name = output.artifact_name(call.pipeline, call.step.name)
        found = engine.codec.save(None, name=name).artifact if artifact is None else artifact
        named[output.name] = renamed(found, kept_name(output, found.name) if output.template else name)
    return named
