"""A model: a name under which versions gather, each with the runs and artifacts that belong to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from mlstack_nb.errors import UsageError

if TYPE_CHECKING:
    from mlstack_nb.core.step import Step


class Stage(StrEnum):
    """Where a version stands; ZenML's names. `latest` is no place but a way to ask: for the newest version.

    `staging` and `production` have one version each, `archived` any number.
    """

    NONE = "none"
    STAGING = "staging"
    PRODUCTION = "production"
    ARCHIVED = "archived"
    LATEST = "latest"

    @property
    def is_exclusive(self) -> bool:
        return self in (Stage.STAGING, Stage.PRODUCTION)


ABOUT = ("license", "description", "audience", "use_cases", "limitations", "trade_offs", "ethics")
"""What people may say of a model."""


@dataclass(frozen=True)
class ModelSpec:
    """What a step or a pipeline says of the model that its results belong to.

    `version`: None for a new one for each run that is not wholly cached; a number or a stage for one that there is; any
    other text is a version's name, made where there is none. `save_models_to_registry`: whether its models go to the
    stack's model registry.
    """

    name: str
    version: int | str | None = field(default=None, kw_only=True)
    license: str = field(default="", kw_only=True)
    description: str = field(default="", kw_only=True)
    audience: str = field(default="", kw_only=True)
    use_cases: str = field(default="", kw_only=True)
    limitations: str = field(default="", kw_only=True)
    trade_offs: str = field(default="", kw_only=True)
    ethics: str = field(default="", kw_only=True)
    tags: Iterable[str] = field(default=(), kw_only=True)
    save_models_to_registry: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        for name in ABOUT:
            object.__setattr__(self, name, getattr(self, name) or "")
        tags = self.tags or ()
        object.__setattr__(self, "tags", (tags,) if isinstance(tags, str) else tuple(tags))
        version: object = self.version
        if version is not None and (not isinstance(version, int | str) or isinstance(version, bool) or version == ""):
            raise UsageError(
                f"Model {self.name!r} is given version={version!r}.", "Give a number, a stage, or a version's name."
            )

    @property
    def about(self) -> dict[str, str]:
        """What it says of the model, without what it leaves open."""
        return {name: text for name in ABOUT if (text := getattr(self, name))}

    @property
    def is_new(self) -> bool:
        """Whether each run makes a version of its own."""
        return self.version is None

    def to_json(self) -> dict[str, Any]:
        said = {one.name: getattr(self, one.name) for one in fields(ModelSpec)}
        return {**said, "tags": [str(getattr(tag, "name", tag)) for tag in self.tags]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ModelSpec:
        return ModelSpec(**data)


def models_of(steps: Iterable[Step], default: ModelSpec | None) -> dict[str, ModelSpec]:
    """Step -> the model that its results belong to: its own, else the pipeline's."""
    found = {step.name: step.settings.model or default for step in steps}
    return {step: model for step, model in found.items() if model is not None}


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version that there is. `number` counts from 1; `name` is the author's, else the number as text."""

    id: int
    model: str
    number: int
    name: str
    stage: Stage
    description: str
    created_at: float


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model that there is. `about` has what people say of it, by the names in `ABOUT`."""

    name: str
    about: Mapping[str, str]
    created_at: float
