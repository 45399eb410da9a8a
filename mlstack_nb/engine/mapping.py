"""A step that runs once for each item of a list: its items are steps of their own, in the cache, too.

The step itself only puts together what they gave. So one more item runs one more, and another order runs none.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from mlstack_nb.core.events import StepsAdded
from mlstack_nb.core.run import StepRun
from mlstack_nb.core.step import Body, FromStep, Literal, Over, Produced, Settings, Source, Step
from mlstack_nb.engine.calls import Engine, StepCall, StepResult
from mlstack_nb.engine.values import Value
from mlstack_nb.errors import TypeMismatchError

Outcome = StepResult | BaseException
RunItems = Callable[[Sequence[StepCall]], Mapping[str, Outcome]]
"""Runs every item, and gives what became of each by its name; nothing of those that were not begun."""

running_item: ContextVar[StepCall | None] = ContextVar("mlstack_item", default=None)
"""The item whose code runs in this context."""


def item_name(step: str, number: int) -> str:
    """What item `number` of a step is called."""
    return f"{step}[{number}]"


def is_item(run: str, step: str) -> bool:
    """Whether a step run of that name is an item of `step`."""
    return run.startswith(f"{step}[") and run.endswith("]")


def items_among(step: str, runs: Sequence[StepRun]) -> list[StepRun]:
    """Those of `runs` that are items of `step`."""
    return [run for run in runs if is_item(run.step, step)]


def whole(call: StepCall) -> StepCall:
    """`call` of a step that is mapped, as the call that only puts together what the items give.

    Nothing is loaded for it, and whatever is set for the code (retries, time limit, tracker) is for the items.
    """
    settings = call.step.settings
    own = Settings(
        cache=settings.cache, policy=settings.policy, environment=settings.environment, secrets=settings.secrets
    )
    outputs = tuple(replace(output, type=None) for output in call.step.outputs)
    return replace(call, step=replace(call.step, settings=own, outputs=outputs), apart=True)


def body_of(call: StepCall, engine: Engine, run_items: RunItems) -> Body:
    """The body of `whole(call)`: runs the items, and gives a list for each output.

    All items run, whatever becomes of others; then the first failure is raised, with a note that names its item.
    """

    def body(_inputs: dict[str, Any]) -> Produced:
        items = items_of(call, engine)
        return gathered(call.step, items, run_items(items))

    return body


def items_of(call: StepCall, engine: Engine) -> list[StepCall]:
    """The calls that a mapped step stands for, which all who follow the run are told of.

    Raises TypeMismatchError for what is no list, or of another length.
    """
    step = call.step
    lists = {one: _items(one, call) for one in step.over}
    made = [_item(call, number, chosen, lists) for number, chosen in enumerate(_chosen(lists, step))]
    if made:
        engine.emit(StepsAdded(call.run_id, tuple(item.step for item in made)))
    return made


def gathered(step: Step, items: Sequence[StepCall], outcomes: Mapping[str, Outcome]) -> Produced:
    """A list for each output, in the order of the items. Raises the first failure, with a note that names its item."""
    found = [(item.step.name, outcomes.get(item.step.name)) for item in items]
    failed = [(name, one) for name, one in found if isinstance(one, BaseException)]
    if failed:
        name, error = failed[0]
        error.add_note(f"in {name}; {len(failed)} of {len(items)} items failed")
        raise error
    results = [one for _, one in found if isinstance(one, StepResult)]
    return Produced({one.name: [result.outputs[one.name].get() for result in results] for one in step.outputs})


def stored_item(stored: Value, item: Any, number: int) -> Value:
    """An item of a stored list, stored by itself."""
    return stored.codec.save(item, name=f"{stored.artifact.name}[{number}]")


def check_lengths(lengths: Mapping[str, int], *, step: str) -> None:
    """Raises TypeMismatchError unless the lists that are walked together are equally long."""
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise TypeMismatchError(
            f"Step {step!r} is mapped over lists of different lengths: {told}.",
            "Make them equally long, or let every item meet every other: product, --product.",
        )


def _item(call: StepCall, number: int, chosen: Mapping[Over, int], lists: Mapping[Over, Sequence[Any]]) -> StepCall:
    step = call.step
    gone = {one.of for one in chosen if not one.keeps}
    sources = {name: source for name, source in step.inputs.items() if name not in gone}
    inputs = {name: value for name, value in call.inputs.items() if name not in gone}
    plain = {name: value for name, value in call.parameters.items() if name not in gone}
    for one, at in chosen.items():
        sources[one.item] = _source(step.inputs[one.of], at)
        (inputs if one.of in call.inputs else plain)[one.item] = lists[one][at]
    made = replace(step, name=item_name(step.name, number), inputs=sources, over=(), crossed=False)
    return replace(call, step=made, inputs=inputs, parameters=plain)


def _items(one: Over, call: StepCall) -> list[Any]:
    stored = call.inputs.get(one.of)
    found = stored.get() if stored is not None else call.parameters[one.of]
    if not isinstance(found, (list, tuple, range)):
        raise TypeMismatchError(
            f"Step {call.step.name!r} is mapped over {one.of!r}, which is a {type(found).__name__}, not a list.",
            "Map over a list or a tuple; give everything else whole.",
        )
    if stored is None:
        return list(found)
    return [stored_item(stored, item, number) for number, item in enumerate(found)]


def _chosen(lists: Mapping[Over, Sequence[Any]], step: Step) -> Iterator[dict[Over, int]]:
    """The positions of the items that meet."""
    places = [range(len(found)) for found in lists.values()]
    if step.crossed:
        yield from (dict(zip(lists, at, strict=True)) for at in itertools.product(*places))
        return
    check_lengths({one.of: len(found) for one, found in lists.items()}, step=step.name)
    yield from (dict.fromkeys(lists, at) for at in places[0])


def _source(source: Source, at: int) -> Source:
    if isinstance(source, FromStep):
        return replace(source, item=at)
    if isinstance(source, Literal) and isinstance(source.value, (list, tuple, range)):
        return Literal(source.value[at])
    return source
