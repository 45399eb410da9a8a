"""The line under a step's cell: what happened, how long it took, what came out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from mlstack_nb.app.wording import artifact_line, duration, item_counts, items_line, shape, size, type_name
from mlstack_nb.core.run import State, StepRun
from mlstack_nb.notebook.wording import LOOKS, shortened

MIME = "application/vnd.mlstack.step+json"
BOX = (
    "display:flex;flex-wrap:wrap;align-items:baseline;gap:2px 10px;padding:2px var(--jp-code-padding, 0);"
    "font-family:var(--jp-ui-font-family, system-ui, sans-serif);"
    "font-size:var(--jp-ui-font-size1, 13px);line-height:1.5"
)
QUIET = "opacity:0.75"
HINT = "\n  -> "
CODE = "font-family:var(--jp-code-font-family, ui-monospace, monospace)"


@dataclass(frozen=True, slots=True)
class Badge:
    """Text, HTML that follows the theme, and the same facts for the Lab extension.

    `replayed`: what the cell shows above is what it showed when the step was executed. `items` are those of a mapped
    step that ran.
    """

    run: StepRun
    replayed: bool = False
    items: Sequence[StepRun] = ()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {MIME: self.data(), "text/html": self.html(), "text/plain": self.text()}

    def text(self) -> str:
        outputs = [artifact_line(artifact, name) for name, artifact in self.run.outputs.items()]
        return " · ".join([f"step {shortened(self.run.step, 80)}", self._summary(), *outputs, *self._notes()])

    def html(self) -> str:
        look = LOOKS[self.run.state]
        name = escape(shortened(self.run.step, 80))
        symbol = f'<span style="color:{look.css};font-weight:700">{look.symbol}</span>'
        parts = [
            f"<span>{symbol} step <b>{name}</b></span>",
            f"<span>{escape(self._summary())}</span>",
            *(self._output_html(name) for name in self.run.outputs),
            *(f'<span style="{QUIET}">{escape(note)}</span>' for note in self._notes()),
        ]
        return f'<div style="{BOX}" title="key {escape(self.run.key or "none")}">{"".join(parts)}</div>'

    def data(self) -> dict[str, Any]:
        run = self.run
        return {
            "version": 1,
            "step": run.step,
            "state": run.state.value,
            "run_id": run.run_id,
            "key": run.key,
            "attempt": run.attempt,
            "duration_s": run.duration_s,
            "saved_s": run.saved_s,
            "replayed": self.replayed,
            "items": {state: count for state, count in item_counts(self.items).items() if count},
            "outputs": [
                {
                    "name": name,
                    "artifact": artifact.name,
                    "type": artifact.type,
                    "shape": shape(artifact),
                    "size_bytes": artifact.size_bytes,
                    "digest": artifact.digest,
                }
                for name, artifact in run.outputs.items()
            ],
            "failure": run.failure and {"type": run.failure.type, "message": run.failure.message},
            "tracker": run.tracker and dict(run.tracker),
        }

    def _summary(self) -> str:
        run = self.run
        match run.state:
            case State.COMPLETED:
                return f"ran in {duration(run.duration_s)}"
            case State.CACHED:
                return f"cached, saved {duration(run.saved_s)}"
            case State.FAILED | State.CANCELLED:
                after = f" after {duration(run.duration_s)}" if run.started_at else ""
                return f"{run.state.value}{after}, nothing was stored"
        return run.state.value

    def _notes(self) -> list[str]:
        """What is worth saying besides: the failure, a replay, a retry, the tracker's run."""
        run = self.run
        notes = []
        if run.state is State.FAILED and run.failure is not None:
            notes.append(reason(run))
        if self.items:
            notes.append(items_line(self.items))
        if self.replayed:
            notes.append("output replayed")
        if run.attempt > 1:
            notes.append(f"attempt {run.attempt}")
        if run.tracker:
            notes.append(shortened(f"{run.tracker.get('name', 'tracker')} run {run.tracker.get('run_id', '')}", 80))
        return notes

    def _output_html(self, name: str) -> str:
        artifact = self.run.outputs[name]
        facts = " ".join(part for part in (type_name(artifact), shape(artifact), size(artifact.size_bytes)) if part)
        return f'<span><span style="{CODE}">{escape(name)}</span> <span style="{QUIET}">{escape(facts)}</span></span>'


def reason(run: StepRun) -> str:
    """Why a step failed, on one line; empty when it did not. The hint is left to the error, which is shown, too."""
    if run.failure is None:
        return ""
    kind = run.failure.type.rsplit(".", 1)[-1]
    return shortened(f"{kind}: {run.failure.message.partition(HINT)[0]}", 160)
