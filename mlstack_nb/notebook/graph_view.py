"""The pipeline as a picture, coloured by state: data for the Lab extension, an image for everything else, text."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from mlstack_nb.app.wording import artifact_line, duration, item_counts, items_line
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.run import State, StepRun
from mlstack_nb.core.step import FromParameter, FromStep, Step
from mlstack_nb.notebook.drawing import Drawing, Node, drawn
from mlstack_nb.notebook.wording import LOOKS, shortened

MIME = "application/vnd.mlstack.pipeline+json"
READABLE = 0.65
EMPTY = "no steps yet: run a cell that starts with %%step NAME"


@dataclass(frozen=True, slots=True)
class GraphView:
    """`runs` has the last step run of every step that has one; a step without is pending.

    `stale` names the steps whose last run is not what they would give now; `items` are those of mapped steps.
    """

    pipeline: Pipeline
    runs: Mapping[str, StepRun]
    stale: Collection[str] = ()
    items: Mapping[str, Sequence[StepRun]] = field(default_factory=dict)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {MIME: self.data(), "text/html": self.html(), "text/plain": self.text()}

    def text(self) -> str:
        """Every step on a line, below the steps it needs, with an arrow for each of those."""
        lines = [f"pipeline {shortened(self.pipeline.name, 80)}"]
        if not self.pipeline.steps:
            lines.append(f"  {EMPTY}")
        for step in self.pipeline.ordered():
            lines.append(f"  {LOOKS[self._state(step)].symbol} {shortened(step.name, 80)}  ({self._outcome(step)})")
            for need in step.needs:
                label = self._label(need, step)
                lines.append(f"      ← {shortened(need, 80)}{f': {label}' if label else ''}")
            parameters = _parameters(step, self.pipeline)
            if parameters:
                lines.append(f"      with {shortened(parameters, 120)}")
        return "\n".join(lines)

    def drawing(self) -> Drawing:
        steps = self.pipeline.ordered()
        nodes = [Node(step.name, self._state(step), self._notes(step), step.name in self.stale) for step in steps]
        nodes = nodes or [Node(self.pipeline.name, State.PENDING, (EMPTY,))]
        return drawn(nodes, {(need, step.name): self._label(need, step) for step in steps for need in step.needs})

    def html(self) -> str:
        """An image by data address: it survives sanitizing, which inline SVG does not.

        It shrinks to the page as long as it can be read; a wider one scrolls.
        """
        drawing = self.drawing()
        image = base64.b64encode(drawing.svg.encode()).decode()
        width = f"max(100%, {READABLE * drawing.width:.0f}px)"
        alt = escape(f"Graph of pipeline {shortened(self.pipeline.name, 80)}, {len(self.pipeline.steps)} steps")
        picture = f'<img alt="{alt}" style="max-width:{width}" src="data:image/svg+xml;base64,{image}">'
        return f'<div style="overflow-x:auto">{picture}</div>'

    def data(self) -> dict[str, Any]:
        steps = self.pipeline.ordered()
        return {
            "version": 1,
            "pipeline": self.pipeline.name,
            "nodes": [self._node(step) for step in steps],
            "edges": [
                {"source": need, "target": step.name, "outputs": _outputs_read(need, step)}
                for step in steps
                for need in step.needs
            ],
        }

    def _node(self, step: Step) -> dict[str, Any]:
        run = self.runs.get(step.name)
        return {
            "name": step.name,
            "state": self._state(step).value,
            "duration_s": run.duration_s if run else None,
            "saved_s": run.saved_s if run else None,
            "outputs": [output.name for output in step.outputs],
            "parameters": _values(step, self.pipeline),
            "stale": step.name in self.stale,
            "items": item_counts(self.items[step.name]) if self.items.get(step.name) else None,
        }

    def _state(self, step: Step) -> State:
        run = self.runs.get(step.name)
        return run.state if run else State.PENDING

    def _outcome(self, step: Step) -> str:
        """The state in words: never by colour alone."""
        run = self.runs.get(step.name)
        if run is None:
            return "not run yet"
        stale = ", stale" if step.name in self.stale else ""
        if items := self.items.get(step.name):
            stale = f", {items_line(items)}{stale}"
        if run.state is State.COMPLETED:
            return f"ran in {duration(run.duration_s)}{stale}"
        if run.state is State.CACHED:
            return f"cached, saved {duration(run.saved_s)}{stale}"
        return f"{run.state.value}{stale}" if items else run.state.value

    def _notes(self, step: Step) -> tuple[str, ...]:
        """Below the name: the outcome, the parameters, and outputs that no step reads."""
        used = {
            (source.step, source.output)
            for reader in self.pipeline.steps
            for source in reader.inputs.values()
            if isinstance(source, FromStep)
        }
        ends = [output.name for output in step.outputs if (step.name, output.name) not in used]
        parameters = _parameters(step, self.pipeline)
        notes = [self._outcome(step), *([parameters] if parameters else [])]
        return (*notes, *(f"→ {self._described(step, name)}" for name in ends[:3]))

    def _described(self, step: Step, output: str) -> str:
        run = self.runs.get(step.name)
        artifact = run.outputs.get(output) if run else None
        return artifact_line(artifact, output) if artifact else output

    def _label(self, need: str, step: Step) -> str:
        return ", ".join(_outputs_read(need, step))


def _outputs_read(need: str, step: Step) -> list[str]:
    sources = (source for source in step.inputs.values() if isinstance(source, FromStep))
    return list(dict.fromkeys(source.output for source in sources if source.step == need))


def _values(step: Step, pipeline: Pipeline) -> dict[str, str]:
    names = (source.name for source in step.inputs.values() if isinstance(source, FromParameter))
    return {name: shortened(repr(pipeline.parameters[name]), 60) for name in names if name in pipeline.parameters}


def _parameters(step: Step, pipeline: Pipeline) -> str:
    return ", ".join(f"{name}={value}" for name, value in _values(step, pipeline).items())
