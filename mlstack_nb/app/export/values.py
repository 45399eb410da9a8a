"""Values that ordinary cells compute for steps: which lines give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlstack_nb.app.notebooks.analysis import Analysis
from mlstack_nb.app.notebooks.compiled import CompiledNotebook, CompiledStep, Piece
from mlstack_nb.core.step import FromStep
from mlstack_nb.source.setup_slice import SetupSlice


@dataclass(frozen=True, slots=True)
class Needed:
    """`pieces` give `names` to a step; they read the step outputs `inputs`."""

    names: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = ()
    inputs: Mapping[str, FromStep] | None = None


def values_of(notebook: CompiledNotebook, step: CompiledStep, analysis: Analysis) -> tuple[Needed, Needed]:
    """What can be computed before any step runs, and what reads outputs of steps."""
    reading = analysis.readings.get(step.name)
    if reading is None:
        return Needed(), Needed()
    slices = {
        name: reading.setups[name] if name in step.values else reading.bare[name] for name in reading.found.values
    }
    early = {name: one for name, one in slices.items() if not one.inputs}
    late = {name: one for name, one in slices.items() if one.inputs}
    inputs = {key: FromStep(maker, key) for one in late.values() for key, maker in one.inputs.items()}
    return Needed(tuple(early), tuple(_pieces(early, notebook))), Needed(
        tuple(late), tuple(_pieces(late, notebook)), inputs
    )


def _pieces(slices: Mapping[str, SetupSlice], notebook: CompiledNotebook) -> Iterator[Piece]:
    lines = {line.order: line for one in slices.values() for line in one.lines}
    for order in sorted(lines):
        line = lines[order]
        names = line.code.names.binds
        known = notebook.parameters.get(names[0]) if len(names) == 1 else None
        is_constant = known is not None and known.is_constant and known.label == line.cell.label
        yield Piece(line.text, line.cell.label, order, names, names[0] if is_constant else "", line.is_alone)
