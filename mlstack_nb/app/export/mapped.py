"""Mapped cells as calls of `map` and `product`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlstack_nb.app.notebooks.compiled import CompiledStep
from mlstack_nb.core.step import FromStep, Step

_PLAIN = (str, int, float, bool, type(None))


def method_of(step: Step) -> str:
    """What stands between a function and its arguments."""
    return "" if not step.over else ".product" if step.crossed else ".map"


def item_names(step: Step, names: Iterable[str]) -> list[str]:
    """The parameters of a step's function: for a list that it is mapped over, what its items are called."""
    gone = {one.of for one in step.over if not one.keeps}
    return [*(name for name in names if name not in gone), *(one.item for one in step.over)]


def item_type(listed: str) -> str:
    """The type of an item, from that of the list; empty where it is not known."""
    return listed.removeprefix("list[")[:-1] if listed.startswith("list[") else ""


def mapped_arguments(step: CompiledStep, values: Mapping[str, str]) -> dict[str, str]:
    """The arguments of the call: lists under the names of their items, all else that may be a list as it is."""
    over = {one.item: values.get(one.of, one.of) for one in step.step.over}  # else it is a constant of the module
    whole = {name: values[name] for name in item_names(step.step, values) if name not in over}
    return {name: _whole(step, name, text) for name, text in whole.items()} | over


def _whole(step: CompiledStep, name: str, text: str) -> str:
    is_plain = not isinstance(step.step.inputs[name], FromStep) and isinstance(step.parameters.get(name, ()), _PLAIN)
    return text if is_plain else f"unmapped({text})"
