"""What the code of a step may ask about where it runs, and the function of a pipeline about what it wires."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.step_wiring import wiring
from mlstack_nb.core.notes import Notes, notes
from mlstack_nb.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from mlstack_nb.app.pipeline_wiring import PipelineWiring
    from mlstack_nb.core.artifact import Artifact
    from mlstack_nb.core.model import ModelVersion
    from mlstack_nb.core.run import Run, StepRun
    from mlstack_nb.ports.materializer import BaseMaterializer


def get_step_context() -> StepContext:
    """That of the step whose code, or whose hook, runs here. Raises UsageError outside of steps."""
    here = notes()
    if here is None:
        raise UsageError("No step runs here, so there is no step context.", "Ask for it in the code of a step.")
    return StepContext(here)


def get_pipeline_context() -> PipelineContext:
    """That of the pipeline whose function wires its steps just now. Raises UsageError inside steps, and elsewhere."""
    current = wiring.get()
    if notes() is not None:
        raise UsageError(
            "Inside a step there is no pipeline context: the pipeline's function was called before.",
            "Ask get_step_context().pipeline_run",
        )
    if current is None or current.pipeline is None:
        raise UsageError(
            "No pipeline is wired here, so there is no pipeline context.", "Ask for it in a function with @pipeline."
        )
    return PipelineContext.of(current.pipeline)


@dataclass(frozen=True, slots=True)
class PipelineContext:
    """What a pipeline says of its runs and its steps. `enable_cache` is None where it says nothing."""

    name: str
    run_name: str
    enable_cache: bool | None
    settings: Mapping[str, Any]
    extra: Mapping[str, Any]
    substitutions: Mapping[str, str]
    tags: Sequence[Any]
    model: Any

    @classmethod
    def of(cls, pipeline: PipelineWiring[Any]) -> PipelineContext:
        planning, common = pipeline.planning, pipeline.planning.settings
        return cls(
            pipeline.name,
            planning.run_name,
            common.cache if "cache" in common.explicit else None,
            common.asked,
            common.extra,
            common.substitutions,
            common.tags,
            common.model,
        )


@dataclass(frozen=True, slots=True)
class StepContext:
    """Metadata and tags that are added here are kept when the step has succeeded.

    Outputs are called by their own names or by those of their artifacts; where there is one only, it may be left out.
    """

    _notes: Notes

    @property
    def step_name(self) -> str:
        return self._notes.step.name

    @property
    def pipeline_name(self) -> str:
        return self._notes.pipeline

    @property
    def run_id(self) -> str:
        return self._notes.run_id

    @property
    def pipeline_run(self) -> Run:
        """The run as the catalog has it now."""
        from mlstack_nb.app.run_names import find_run
        from mlstack_nb.app.runtime import Runtime

        runtime = Runtime.here()
        runtime.recorder.flush()
        return find_run(runtime.workspace, self.run_id)

    @property
    def step_run(self) -> StepRun:
        """In a hook that is called at the end: with its state, outputs and failure."""
        if self._notes.run is not None:
            return self._notes.run
        from mlstack_nb.app.runtime import Runtime
        from mlstack_nb.catalog.runs import get_run

        steps = {one.step: one for one in get_run(Runtime.here().catalog, self.run_id).steps}
        if self.step_name not in steps:
            raise NotFoundError(f"Step {self.step_name!r} of run {self.run_id} is not recorded here.", "")
        return steps[self.step_name]

    @property
    def inputs(self) -> Mapping[str, Artifact]:
        """The artifacts that the step reads, by the names of its arguments."""
        return {name: value.artifact for name, value in self._notes.inputs.items()}

    @property
    def model(self) -> Any:
        """What `model=` of the step, else of its pipeline, said, a `Model`; None where none did."""
        from mlstack_nb.app.models.linking import model_here
        from mlstack_nb.app.models.model import Model
        from mlstack_nb.app.runtime import Runtime

        found = model_here(Runtime.here())
        return None if found is None else Model.of(found)

    @property
    def model_version(self) -> ModelVersion:
        """The version that this run's results belong to. Raises UsageError for a step without a model."""
        from mlstack_nb.app.models.linking import version_here
        from mlstack_nb.app.runtime import Runtime

        return version_here(Runtime.here())

    @property
    def extra(self) -> Mapping[str, Any]:
        return self._notes.step.settings.extra

    def add_output_metadata(self, metadata: Mapping[str, Any], output_name: str | None = None) -> None:
        """Raises UsageError for an output that is not there, and for what can not be kept."""
        from mlstack_nb.app.logged import plain

        self._notes.add_to_output(self._output(output_name), plain(metadata))

    def get_output_metadata(self, output_name: str | None = None) -> Mapping[str, Any]:
        return dict(self._notes.outputs.get(self._output(output_name), {}))

    def add_output_tags(self, tags: Sequence[str], output_name: str | None = None) -> None:
        """Raises UsageError for an output that is not there."""
        if isinstance(tags, str) or not all(isinstance(tag, str) for tag in tags):
            raise UsageError(f"{tags!r} is no list of tags.", 'Write it so: add_output_tags(["checked"])')
        self._notes.tag_output(self._output(output_name), list(tags))

    def get_output_tags(self, output_name: str | None = None) -> list[str]:
        return list(self._notes.tags.get(self._output(output_name), ()))

    def remove_output_tags(self, tags: Sequence[str], output_name: str | None = None) -> None:
        """Those that were added here."""
        name = self._output(output_name)
        self._notes.tags[name] = [tag for tag in self._notes.tags.get(name, ()) if tag not in tags]

    def get_output_artifact_uri(self, output_name: str | None = None) -> str:
        """A place in the artifact store for files that go with an output of this run; on a local store it is a folder.

        The output itself is stored under its content, which is not known yet.
        """
        from mlstack_nb.app.runtime import Runtime

        root = Runtime.here().engine.store.files.uri
        place = f"{root.rstrip('/')}/runs/{self.run_id}/steps/{self.step_name}.{self._output(output_name)}"
        if "://" not in place:
            Path(place).mkdir(parents=True, exist_ok=True)
        return place

    def get_output_materializer(self, output_name: str | None = None) -> type[BaseMaterializer]:
        """The one that will write the output, as far as its declared type tells. Raises UsageError where none does."""
        from mlstack_nb import materializers

        name = self._output(output_name)
        target = self._notes.step.settings.materializers.get(name)
        if target:
            return materializers.by_target(target)
        declared = next(one.type for one in self._notes.step.outputs if one.name == name)
        known = materializers.registry().candidates(declared) if isinstance(declared, type) else ()
        found: type[BaseMaterializer] | None = next(iter(known), None)
        if found is None:
            raise UsageError(
                f"Output {name!r} of step {self.step_name!r} declares no type whose materializer is known.",
                "Annotate it, or give it one: output_materializers={...}",
            )
        return found

    def _output(self, name: str | None) -> str:
        from mlstack_nb.app.logged import output_of

        return output_of(self._notes, name)
