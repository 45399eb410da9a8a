"""The code of each step of a notebook: its own, and what compiling found that travels with it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from mlstack_nb.app.notebooks.analysis import Analysis
from mlstack_nb.app.notebooks.compiled import CompiledNotebook, CompiledStep
from mlstack_nb.core.step import FromStep, Settings
from mlstack_nb.core.types import is_data_file
from mlstack_nb.errors import MlstackError, StepSyntaxError
from mlstack_nb.source.cell import Cell, parse
from mlstack_nb.source.effects import Kind
from mlstack_nb.source.ipython_syntax import cell_magic
from mlstack_nb.source.lint.findings import Place
from mlstack_nb.source.lint.passages import Part, Passage, StepCode
from mlstack_nb.source.notebook_file import Notebook
from mlstack_nb.source.ordinary import Line, Order
from mlstack_nb.source.step_line import split_cell


def codes_of(compiled: CompiledNotebook, analysis: Analysis | None) -> Iterator[StepCode]:
    """`analysis` is None for a notebook without steps."""
    if analysis is None:
        yield from (_whole(compiled, step) for step in compiled.steps)
        return
    lines = {line.order: line for line in analysis.timeline.items if isinstance(line, Line)}
    places = {cell.label: Place(cell.label, cell.index) for cell in compiled.notebook.cells}
    for step in compiled.steps:
        yield _Steps(analysis, lines, places).code(step)


class _Steps:
    def __init__(self, analysis: Analysis, lines: Mapping[Order, Line], places: Mapping[str, Place]) -> None:
        self.analysis = analysis
        self.lines = lines
        self.places = places

    def code(self, step: CompiledStep) -> StepCode:
        setup = {piece.order for piece in step.setup.lines}
        orders = sorted({*setup, *(piece.order for piece in step.prelude)})
        around = [self._passage(self.lines[order], Part.SETUP if order in setup else Part.PRELUDE) for order in orders]
        function = step.call.function if step.call is not None else ""
        if function:
            passages = [_as_body(one) if _defines(one, function) else one for one in around]
        else:
            passages = [*self._constants(step, set(orders)), *around, *self._own(step)]
        texts = dict(self._texts(step))
        settings = step.step.settings
        return StepCode(
            name=step.name,
            passages=tuple(passages),
            texts=texts,
            inputs=frozenset({*step.step.inputs, *step.parameters} - texts.keys()),
            function=function,
            counts_anew=_counts_anew(settings),
            files=settings.policy.files,
        )

    def _passage(self, line: Line, part: Part) -> Passage:
        return Passage(line.nodes, self.places[line.cell.label], part)

    def _own(self, step: CompiledStep) -> Iterator[Passage]:
        parts = self.analysis.readings[step.name].draft.parts
        for body, part in zip(step.body, parts, strict=True):
            yield Passage(part.code.nodes, Place(body.cell.label, body.cell.index, body.first_line))

    def _constants(self, step: CompiledStep, known: set[Order]) -> Iterator[Passage]:
        """The lines that give the step values which are known without executing them."""
        wanted = self.analysis.prelude(self.analysis.readings[step.name].origins.values())
        for line in wanted:
            if line.order not in known:
                yield self._passage(line, Part.CONSTANT)

    def _texts(self, step: CompiledStep) -> Iterator[tuple[str, str]]:
        """What counts as plain text: constants of ordinary cells, literal arguments of a step function."""
        for name, value in step.parameters.items():
            if not isinstance(value, str) or is_data_file(step.step.input_types.get(name)):
                continue
            reading = self.analysis.readings.get(step.name)
            origin = reading.origins.get(name) if reading is not None and step.call is None else None
            if step.call is not None or (origin is not None and origin.kind is Kind.CONSTANT):
                yield name, value


def _as_body(passage: Passage) -> Passage:
    return Passage(passage.nodes, passage.place)


def _defines(passage: Passage, function: str) -> bool:
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function for node in passage.nodes
    )


def _counts_anew(settings: Settings) -> bool:
    policy = settings.policy
    return not settings.cache or policy.expires_after_s is not None or bool(policy.salt)


def _whole(compiled: CompiledNotebook, step: CompiledStep) -> StepCode:
    cells = [(body.cell, parse(body.text, label=body.cell.label)) for body in step.body]
    passages = tuple(Passage(part.code.nodes, Place(cell.label, cell.index)) for cell, part in cells)
    files = frozenset(name for name, one in compiled.parameters.items() if "DataFile" in one.annotation)
    return StepCode(compiled.name, passages, inputs=files, is_whole=True)


def codes_without_compiling(notebook: Notebook) -> Iterator[StepCode]:
    """The `%%step` cells alone, for a notebook that can not be compiled, with the imports of the other cells."""
    imports: list[Passage] = []
    for cell in notebook.cells:
        if cell.kind != "code":
            continue
        try:
            found = split_cell(cell.text)
            text = found[1] if found is not None else cell.text
            magic = cell_magic(cell.text)
            first = magic.before + 2 if found is not None and magic is not None else 1
            part = parse(text, label=cell.label, first_line=first)
        except MlstackError:
            continue
        if found is None:
            imports.append(_imports(part, Place(cell.label, cell.index)))
            continue
        asked = found[0]
        yield StepCode(
            name=asked.name,
            passages=(*imports, Passage(part.code.nodes, Place(cell.label, cell.index, first))),
            counts_anew=_counts_anew(asked.settings),
            files=asked.settings.policy.files,
        )


def _imports(part: Cell, place: Place) -> Passage:
    nodes = tuple(node for node in part.code.nodes if isinstance(node, ast.Import | ast.ImportFrom))
    return Passage(nodes, place, Part.PRELUDE)


def needed_outputs(compiled: CompiledNotebook) -> set[tuple[str, str]]:
    """Step and output, for each output that another step, the setup of one, or the metrics need."""
    sources = [
        *(source for step in compiled.steps for source in step.step.inputs.values()),
        *(source for step in compiled.steps for source in step.setup.inputs.values()),
        *compiled.metrics.values(),
    ]
    return {(one.step, one.output) for one in sources if isinstance(one, FromStep)}


def readable(text: str, label: str) -> Cell | None:
    """None for a cell that is no Python."""
    try:
        return parse(text, label=label)
    except StepSyntaxError:
        return None
