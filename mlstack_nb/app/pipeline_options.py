"""The options of `@pipeline`: what holds for all its steps, and what it says of its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlstack_nb.app.names import check_name
from mlstack_nb.app.step_options import COMMON, OPTIONS, CommonOptions, changed, check_known, inherited
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.policy import ExecutionMode
from mlstack_nb.core.step import Settings, Step
from mlstack_nb.errors import NotFoundError, UsageError, nearest


class PipelineOptions(CommonOptions, total=False):
    """`execution_mode` is what a step that failed does to the others: see `ExecutionMode`. With `dynamic` the steps run
    as they are called: see docs/dynamic.md.
    """

    execution_mode: ExecutionMode | str | None
    dynamic: bool | None


class RunOptions(PipelineOptions, total=False):
    """Options of runs: `config_path` is a YAML file with any of them, whose word is below what is given beside it.

    `steps` are options of single steps, by the names that they have in the pipeline; `run_name` may have
    `{placeholders}`.
    """

    run_name: str | None
    steps: Mapping[str, Mapping[str, Any]] | None
    step_configurations: Mapping[str, Mapping[str, Any]] | None
    config_path: str | Path | None


PIPELINE_OPTIONS = tuple(PipelineOptions.__annotations__)
RUN_OPTIONS = tuple(RunOptions.__annotations__)


@dataclass(frozen=True, slots=True)
class RunPlanning:
    """How the runs of a pipeline are to be. `settings` hold for steps that say nothing else, `steps` for single ones.

    `parameters` are the pipeline's own from a file, `arguments` those of calls of steps, by the steps' names.
    """

    settings: Settings = field(default_factory=Settings)
    execution_mode: ExecutionMode | None = None
    run_name: str = ""
    steps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def changed(self, pipeline: str, given: Mapping[str, Any], *, merge: bool = True) -> RunPlanning:
        """With the options that are `given`; None gives none. Raises UsageError."""
        of = f"Pipeline {pipeline!r}"
        common = {name: value for name, value in given.items() if name in COMMON}
        steps = {**self.steps} if merge else {}
        both = (*(given.get("step_configurations") or {}).items(), *(given.get("steps") or {}).items())
        for name, options in both:
            if not isinstance(options, Mapping):
                raise UsageError(f"{of} has steps[{name!r}] = {options!r}.", "Give its options by name.")
            check_known(f"Step {name!r}", dict.fromkeys(set(options) - {*OPTIONS}), OPTIONS)
            steps[name] = {**steps.get(name, {}), **options}
        return replace(
            self,
            settings=changed(self.settings, of, common, merge=merge),
            execution_mode=_mode(given.get("execution_mode"), of) or self.execution_mode,
            run_name=_run_name(given.get("run_name")) or self.run_name,
            steps=steps,
        )

    def check_steps(self, pipeline: str, names: list[str]) -> None:
        """Raises NotFoundError when a step that is configured is none of the pipeline's."""
        for name in (*self.steps, *self.arguments):
            if name not in names:
                near = nearest(name, names)
                raise NotFoundError(
                    f"The configuration has options for step {name!r}, which is no step of pipeline {pipeline!r}.",
                    f"Did you mean {near!r}?" if near else f"Its steps are: {', '.join(names)}.",
                )

    def graph(self, name: str, steps: Sequence[Step], parameters: Mapping[str, Any]) -> Pipeline:
        """These steps as a pipeline, with what is said of its runs."""
        common = self.settings
        return Pipeline(
            name,
            tuple(steps),
            parameters,
            run_name=self.run_name,
            execution_mode=self.execution_mode,
            substitutions=common.substitutions,
            extra=common.extra,
            model=common.model,
            tags=common.tags,
        )

    def configured(self, step: Step) -> Step:
        """The step with what is said of it here, and what is said of all and it says nothing of itself."""
        settings = inherited(step.settings, self.settings)
        own = self.steps.get(step.name)
        if own:
            outputs = [output.name for output in step.outputs]
            settings = changed(settings, f"Step {step.name!r}", own, outputs)
        return step if settings is step.settings else replace(step, settings=settings)


def _mode(given: ExecutionMode | str | None, of: str) -> ExecutionMode | None:
    if given is None:
        return None
    try:
        return ExecutionMode(str(getattr(given, "value", given)).lower())
    except ValueError:
        near = nearest(str(given), list(ExecutionMode))
        hint = f"Did you mean {near!r}?" if near else f"Choose one of: {', '.join(ExecutionMode)}."
        raise UsageError(f"{of} has execution_mode={given!r}.", hint) from None


def _run_name(given: str | None) -> str:
    if given is None:
        return ""
    check_name("run", given)
    return given
