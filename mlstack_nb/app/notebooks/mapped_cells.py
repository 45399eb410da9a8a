"""Step cells that run once for each item of a list: what they reach, and each item as a step of a notebook."""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import replace

from mlstack_nb.app.notebooks.compiled import CompiledStep
from mlstack_nb.core.step import FromStep, Over
from mlstack_nb.engine.calls import StepCall
from mlstack_nb.errors import UsageError
from mlstack_nb.source.cell import Cell
from mlstack_nb.source.code import Code
from mlstack_nb.source.reach import Reach, reach
from mlstack_nb.source.scope import Scope
from mlstack_nb.source.step_line import StepLine

_CODE = "code of a mapped cell"


def reach_cell(
    asked: StepLine, code: Cell | Code, scope: Scope, *, outputs: Collection[str], lists: Collection[str]
) -> Reach:
    """What a step cell reads: its code, and the lists that it is mapped over; items are nobody's but the step's.

    `outputs` are those of other steps that the code may read, `lists` those that it may be mapped over. Raises
    UsageError for an item that the code does not read.
    """
    if not asked.over:
        return reach(code, scope, outputs=outputs, through_values=False)
    items = {item for item, _ in asked.over}
    own = reach(code, scope, outputs={*outputs, *items}, through_values=False)
    for item in items.difference(own.inputs):
        raise UsageError(
            f"Step {asked.name!r} is mapped with {item!r} for an item, which its code does not read.",
            f"Read {item!r} in the cell, or take --map from its line.",
        )
    loads: list[ast.stmt] = [ast.Expr(ast.Name(of, ast.Load())) for _, of in asked.over]
    walked = reach(Code(loads), scope, outputs=set(lists), through_values=False)
    inputs = [name for name in own.inputs if name not in items]
    definitions = {id(one): one for one in (*own.definitions, *walked.definitions)}
    return replace(
        own,
        inputs=tuple(dict.fromkeys((*inputs, *walked.inputs))),
        constants={**own.constants, **walked.constants},
        definitions=tuple(definitions.values()),
        values=tuple(dict.fromkeys((*own.values, *walked.values))),
        value_definitions=tuple({id(one): one for one in (*own.value_definitions, *walked.value_definitions)}.values()),
        undefined=tuple(dict.fromkeys((*own.undefined, *walked.undefined))),
        memo={_CODE: own},
    )


def reach_of_code(found: Reach) -> Reach:
    """Of what `reach_cell` found that which the code reads itself: this counts for each item."""
    own: Reach = found.memo.get(_CODE, found)
    return own


def over_of(asked: StepLine, found: Reach) -> tuple[Over, ...]:
    """The lists of a mapped cell. One that its code reads, too, is given whole beside the item."""
    own = reach_of_code(found)
    read = {*own.inputs, *own.constants, *own.values}
    return tuple(Over(item, of, keeps=of in read) for item, of in asked.over)


def compiled_item(compiled: CompiledStep, item: StepCall) -> CompiledStep:
    """One item of a mapped step, as a step to be run from nothing: it takes its item as an input."""
    gone = {one.of for one in compiled.step.over if not one.keeps}
    names = {one.item for one in compiled.step.over}
    taken = {name: FromStep(compiled.name, name) for name in names if name in item.inputs}
    written = {name: item.parameters[name] for name in names if name in item.parameters}
    return replace(
        compiled,
        step=replace(item.step, inputs={**item.step.inputs, **taken}),
        parameters={**{name: value for name, value in compiled.parameters.items() if name not in gone}, **written},
        values={name: order for name, order in compiled.values.items() if name not in gone},
    )
