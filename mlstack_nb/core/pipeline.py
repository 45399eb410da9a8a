"""A pipeline: a directed acyclic graph of steps, with parameters. It knows no infrastructure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlstack_nb.core.graph import ancestors, descendants, topological_order
from mlstack_nb.core.policy import ExecutionMode
from mlstack_nb.core.step import FromStep, Step
from mlstack_nb.errors import ConflictError, GraphError, NotFoundError, UsageError, nearest


@dataclass(frozen=True, slots=True)
class Pipeline:
    """`steps` in the order they were written; `parameters` with their values or defaults.

    `run_name` is what its runs are called, `tags` are those of its runs, and `substitutions` the values of placeholders
    in `run_name`.
    """

    name: str
    steps: tuple[Step, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    run_name: str = ""
    execution_mode: ExecutionMode | None = None
    substitutions: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    model: Any = None
    tags: tuple[Any, ...] = ()

    @property
    def graph(self) -> dict[str, tuple[str, ...]]:
        return {step.name: step.needs for step in self.steps}

    def step(self, name: str) -> Step:
        """Raises NotFoundError with the nearest name."""
        for step in self.steps:
            if step.name == name:
                return step
        known = [step.name for step in self.steps]
        raise NotFoundError.of("step", name, known, f"The steps are: {', '.join(known)}.")

    def ordered(self) -> list[Step]:
        """Steps after all they need. Raises ConflictError, GraphError or CycleError when they do not fit."""
        self.check()
        by_name = {step.name: step for step in self.steps}
        return [by_name[name] for name in topological_order(self.graph)]

    def part(self, *, first: str = "", only: str = "", until: str = "") -> tuple[Pipeline, frozenset[str]]:
        """What is left of it when a run begins at step `first`, runs `only` one, or ends with step `until`.

        Returns that and the names of its steps which are not to run: others need their results. With no name given it
        is the whole pipeline. Raises NotFoundError for an unknown step, UsageError for a choice that leaves nothing.
        """
        chosen = {step.name for step in self.steps}
        for name in filter(None, (first, only, until)):
            self.step(name)
        if first:
            chosen &= {first} | descendants(self.graph, first)
        if until:
            chosen &= {until} | ancestors(self.graph, until)
        if only:
            chosen &= {only}
        if not chosen:
            raise UsageError(
                "No step is left to run.", f"Steps after {first!r}: see them with --dry-run --from {first}"
            )
        needed = {need for name in chosen for need in ancestors(self.graph, name)} - chosen
        steps = tuple(step for step in self.steps if step.name in chosen | needed)
        return replace(self, steps=steps), frozenset(needed)

    def without_cache(self) -> Pipeline:
        """The same, with every step to be run whatever the cache has."""
        steps = (replace(step, settings=replace(step.settings, cache=False)) for step in self.steps)
        return replace(self, steps=tuple(steps))

    def check(self) -> None:
        """Every name once, every edge to an output that exists."""
        outputs: dict[str, set[str]] = {}
        for step in self.steps:
            if step.name in outputs:
                raise ConflictError(
                    f"Two steps of pipeline {self.name!r} are called {step.name!r}.", "Rename one of them."
                )
            outputs[step.name] = {output.name for output in step.outputs}
        for step in self.steps:
            for name in step.after:
                if name not in outputs:
                    near = nearest(name, outputs)
                    raise NotFoundError(
                        f"Step {step.name!r} is to run after {name!r}, which is no step of pipeline {self.name!r}.",
                        f"Did you mean {near!r}?" if near else f"Its steps are: {', '.join(outputs)}.",
                    )
            for name, source in step.inputs.items():
                if isinstance(source, FromStep) and source.output not in outputs.get(source.step, ()):
                    raise GraphError(
                        f"Input {name!r} of step {step.name!r} is output {source.output!r} of step "
                        f"{source.step!r}, which has no such output.",
                        f"Run the cell of step {source.step!r} again, or declare the output there.",
                    )
