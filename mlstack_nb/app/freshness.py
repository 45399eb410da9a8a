"""Which steps of a live notebook would run again if they were run now; found without running any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from mlstack_nb.app.step_cells import StepCell, read_step
from mlstack_nb.core.graph import topological_order
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.run import Reason, StepRun
from mlstack_nb.core.step import FromStep, Step
from mlstack_nb.engine.calls import Engine, StepCall, begun
from mlstack_nb.engine.keys import is_fresh, may_reuse
from mlstack_nb.engine.values import Codec, Value
from mlstack_nb.errors import MlstackError

if TYPE_CHECKING:
    from mlstack_nb.app.bindings import Bindings


class Freshness(StrEnum):
    """Whether a step's last run is what its code, inputs and parameters give now."""

    FRESH = "fresh"
    STALE = "stale"
    NEVER = "never run"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a step stands. Where it is known, `step` is the step as it is now and `now` the step run that it would be.

    `behind` are steps that it reads from and that are not fresh themselves; `trouble` is what keeps it from running.
    """

    freshness: Freshness
    step: Step | None = None
    now: StepRun | None = None
    behind: tuple[str, ...] = ()
    trouble: str = ""


def standings(
    pipeline: Pipeline,
    cells: Mapping[str, StepCell],
    states: Mapping[str, StepRun],
    *,
    bindings: Bindings,
    values: Callable[[Step], Mapping[str, Value]],
    engine: Engine,
) -> dict[str, Standing]:
    """By step, each after those that it needs. `states` are the last step runs, `values` has the outputs a step reads.

    Cells are read anew, and what ordinary cells hold is hashed, but not stored.
    """
    codec = Codec(engine.store, engine.codec.materializers, keeps=False)
    engine = replace(engine, codec=codec, notice=lambda _line: None)
    found: dict[str, Standing] = {}
    for name in topological_order(pipeline.graph):
        last = states.get(name)
        try:
            cell = _read_again(cells[name], cells, bindings, engine)
            behind = _behind(cell.step, found)
            if behind:
                found[name] = Standing(Freshness.STALE if last else Freshness.NEVER, cell.step, behind=behind)
                continue
            inputs = {**values(cell.step), **cell.captured}
            now = begun(StepCall(cell.step, "", pipeline.name, inputs, cell.parameters), engine)
        except MlstackError as error:
            found[name] = Standing(Freshness.STALE if last else Freshness.NEVER, trouble=error.what)
            continue
        found[name] = _compared(last, now, cell.step, engine)
    return found


def _read_again(cell: StepCell, cells: Mapping[str, StepCell], bindings: Bindings, engine: Engine) -> StepCell:
    return read_step(
        cell.line,
        cell.body,
        label=cell.label,
        cell_id=cell.cell_id,
        cells=cells,
        bindings=bindings,
        engine=engine,
        tagged=cell.tagged,
    )


def _behind(step: Step, found: Mapping[str, Standing]) -> tuple[str, ...]:
    needs = dict.fromkeys(source.step for source in step.inputs.values() if isinstance(source, FromStep))
    return tuple(need for need in needs if need in found and found[need].freshness is not Freshness.FRESH)


def _compared(last: StepRun | None, now: StepRun, step: Step, engine: Engine) -> Standing:
    if last is None:
        return Standing(Freshness.NEVER, step, now)
    if not last.state.is_good or last.key != now.key:
        return Standing(Freshness.STALE, step, now)
    reason = lost(step, now.key, engine) if may_reuse(step.settings) else None
    return Standing(Freshness.STALE if reason else Freshness.FRESH, step, replace(now, reason=reason))


def lost(step: Step, key: str, engine: Engine) -> Reason | None:
    """What is the matter with the cache entry of a key, if anything."""
    found = engine.store.look_up(key)
    if isinstance(found, Reason):
        return found
    return None if is_fresh(found.ended_at, step.settings.policy) else Reason.EXPIRED
