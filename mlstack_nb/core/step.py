"""A step: code + named inputs + parameters + settings -> named outputs. Plain data; it holds no code object."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mlstack_nb.core.artifact import ArtifactConfig
from mlstack_nb.core.display import Display
from mlstack_nb.core.hooks import NO_HOOKS, Hooks
from mlstack_nb.core.policy import CachePolicy


@dataclass(frozen=True, slots=True)
class FromStep:
    """An input that is another step's output: an edge of the graph. With `item` it is that item of a list."""

    step: str
    output: str
    item: int | None = None


@dataclass(frozen=True, slots=True)
class FromParameter:
    """An input that is a parameter of the pipeline."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """An input that is a value written in the code."""

    value: Any


@dataclass(frozen=True, slots=True)
class Captured:
    """An input that is a value of an ordinary cell, neither constant nor code: taken as it was, by content."""

    cell: str


@dataclass(frozen=True, slots=True)
class FromArtifact:
    """An input that is an artifact of earlier: the version, the newest by default, that is there when the step runs.

    With `metadata` it is not the artifact but what was told of it under that name.
    """

    name: str
    version: str = ""
    metadata: str = ""


Source = FromStep | FromParameter | Literal | Captured | FromArtifact


@dataclass(frozen=True, slots=True)
class Output:
    """A named result. `artifact` is the name its author gave it, if any; `type` the declared type, None when open.

    `config` has what else the author says of it; `template` is the name as it was written, where it had placeholders.
    """

    name: str
    artifact: str = ""
    type: Any = None
    config: ArtifactConfig | None = None
    template: str = ""

    def artifact_name(self, pipeline: str, step: str) -> str:
        """The name its versions are counted under: the author's, else one that is unique in the workspace."""
        return self.artifact or f"{pipeline}::{step}::{self.name}"


@dataclass(frozen=True, slots=True)
class Resources:
    """What a step asks of the machine that runs it, in the words of the engine that gives it (`memory`: `4Gi`).

    `secrets` maps an environment variable to the secret and the key that it is filled from; `image` is empty for the
    stack's own.
    """

    limits: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    image: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a step runs. `tracker`: None asks for none, "" for the stack's own, else a component's name.

    `environment` are variables that are set while it runs, `secrets` names of those that are set already and count.
    `report`: whether the executed step is kept as a page for people; None leaves it to the stack. Before another
    attempt it waits `retry_delay_s`, each time `retry_backoff` times as long. `metadata`, `previews` and `logs`:
    whether those of its outputs and what it prints are kept; None means yes. `asked` is what `settings=` said.
    `explicit` has the names of the fields that its author gave, which what a pipeline says for all its steps does not
    change.
    """

    cache: bool = True
    policy: CachePolicy = field(default_factory=CachePolicy)
    retries: int = 0
    timeout_s: float | None = None
    tracker: str | None = None
    materializers: Mapping[str, str] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    report: bool | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    retry_delay_s: float = 0.0
    retry_backoff: float = 1.0
    hooks: Hooks = NO_HOOKS
    substitutions: Mapping[str, str] = field(default_factory=dict)
    metadata: bool | None = None
    previews: bool | None = None
    logs: bool | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)
    model: Any = None
    tags: tuple[Any, ...] = ()
    explicit: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a step's code is: one digest, and the digest of each part that went into it.

    A part's label is for people: `body`, `function clean`, `constant DEPTH`, `package scikit-learn`.
    `sources` has the source text of those parts that are code of the project; it says nothing new, so it is not
    compared.
    """

    digest: str
    parts: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Over:
    """The code gets, as `item`, one item at a time of the list that is the input `of`; with `keeps` that one, too."""

    item: str
    of: str
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """`inputs` are in the order the code reads them; `after` names steps that must end first.

    With `over` the code runs once for each item of those lists, and each output is the list of what it gave. The lists
    are walked together, or, where the step is `crossed`, every item meets every other.
    """

    name: str
    inputs: Mapping[str, Source]
    outputs: tuple[Output, ...]
    fingerprint: Fingerprint
    settings: Settings = Settings()
    after: tuple[str, ...] = ()
    source: str = ""
    input_types: Mapping[str, Any] = field(default_factory=dict)
    over: tuple[Over, ...] = ()
    crossed: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        """The steps that must end before this one, without repeats."""
        edges = (source.step for source in self.inputs.values() if isinstance(source, FromStep))
        return tuple(dict.fromkeys((*edges, *self.after)))


@dataclass(frozen=True, slots=True)
class Produced:
    """What a step's code left: its names, and what it showed meanwhile, where somebody recorded that.

    `told` is what code that ran in another process told of the step.
    """

    names: Mapping[str, Any]
    display: Display | None = None
    told: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, left: Mapping[str, Any] | Produced) -> Produced:
        return left if isinstance(left, Produced) else cls(left)


Left = Mapping[str, Any] | Produced


class Body(Protocol):
    """The executable part of a step: takes inputs by name, gives outputs by name.

    It may mutate what it is given: the runner hands out isolated values. A body that is
    `async` returns an awaitable of the same mapping.
    """

    def __call__(self, inputs: dict[str, Any], /) -> Left | Awaitable[Left]: ...
