"""Stacks and their components, as the client gives them, and what it does with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mlstack_nb.app import components, stacks
from mlstack_nb.app.deployments import deployer_of
from mlstack_nb.app.names import kind_of
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.client.opened import Opened
from mlstack_nb.client.pages import Page, listed
from mlstack_nb.core.stack import Component, Kind, Stack
from mlstack_nb.errors import NotFoundError, nearest

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace

ELSEWHERE = frozenset({"annotator", "deployer", "image_builder", "log_store", "sandbox", "step_operator"})
"""Kinds that ZenML's stacks may have and ours have not."""


class ComponentRecord:
    """A registered component; secret values of its configuration are masked."""

    def __init__(self, component: Component) -> None:
        self._component = component

    @property
    def id(self) -> str:
        return f"{self._component.kind}/{self._component.name}"

    @property
    def name(self) -> str:
        return self._component.name

    @property
    def type(self) -> Kind:
        return self._component.kind

    @property
    def flavor(self) -> str:
        return self._component.flavor

    flavor_name = flavor

    @property
    def configuration(self) -> dict[str, Any]:
        return self._component.shown()

    def __repr__(self) -> str:
        return f"<{self.type} {self.name} ({self.flavor})>"


class StackRecord:
    """A registered stack: `components` has, by kind, a list of the one component of it."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    @property
    def id(self) -> str:
        return self._stack.name

    @property
    def name(self) -> str:
        return self._stack.name

    @property
    def components(self) -> dict[Kind, list[ComponentRecord]]:
        return {one.kind: [ComponentRecord(one)] for one in self._stack.components}

    def __repr__(self) -> str:
        parts = ", ".join(f"{one.kind} {one.name}" for one in self._stack.components)
        return f"<stack {self.name}: {parts}>"


class LiveStack:
    """A stack ready to use. `orchestrator`, `artifact_store`, `experiment_tracker`, `model_deployer`, ... are its
    components made live, None where it has none of that kind.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._made: dict[Kind, Any] = {}

    @property
    def id(self) -> str:
        return self._runtime.stack.name

    @property
    def name(self) -> str:
        return self._runtime.stack.name

    @property
    def components(self) -> dict[Kind, Any]:
        """By kind, made live."""
        return {one.kind: self._live(one.kind) for one in self._runtime.stack.components}

    def __getattr__(self, name: str) -> Any:
        if name in set(Kind):
            return self._live(Kind(name))
        if name in ELSEWHERE:
            return None
        if name.startswith("_"):
            raise AttributeError(name)
        near = nearest(name, list(Kind))
        raise AttributeError(f"a stack has no {name!r}" + (f"; did you mean {near!r}?" if near else ""))

    def _live(self, kind: Kind) -> Any:
        engine = self._runtime.engine
        known = {
            Kind.ORCHESTRATOR: engine.orchestrator,
            Kind.ARTIFACT_STORE: engine.store.files,
            Kind.EXPERIMENT_TRACKER: engine.tracker,
        }
        if kind in known:
            return known[kind]
        if kind not in self._made:
            is_deployer = kind is Kind.MODEL_DEPLOYER
            self._made[kind] = deployer_of(self._runtime) if is_deployer else self._runtime.component(kind)
        return self._made[kind]

    def __repr__(self) -> str:
        return repr(StackRecord(self._runtime.stack)).replace("<stack", "<live stack", 1)


class StackCalls(Opened):
    """What a client does with stacks."""

    @property
    def active_stack(self) -> LiveStack:
        """The stack that pipelines run on now; in a step, the one that the step runs on."""
        return LiveStack(Runtime.here(self._workspace))

    @property
    def active_stack_model(self) -> StackRecord:
        return StackRecord(Runtime.here(self._workspace).stack)

    def activate_stack(self, stack_name_id_or_prefix: str) -> None:
        """Raises NotFoundError with the nearest name."""
        stacks.activate(self.workspace, self._stack(stack_name_id_or_prefix).name)

    def create_stack(self, name: str, components: Mapping[Any, Any], **_labels: Any) -> StackRecord:
        """`components` maps kinds to names, as texts; what has a name may stand for it.

        Raises NotFoundError, ConfigError without orchestrator or artifact store, ConflictError for the name.
        """
        return StackRecord(stacks.register(self.workspace, name, _by_kind(components)))

    def get_stack(self, name_id_or_prefix: str | None = None) -> StackRecord:
        """The active one by default."""
        if name_id_or_prefix is None:
            return self.active_stack_model
        return StackRecord(self._stack(name_id_or_prefix))

    def list_stacks(self, **filters: Any) -> Page[StackRecord]:
        """By name. Filters: name, id, component (the name of one)."""
        found = [StackRecord(self._stack(one["name"])) for one in stacks.list_all(self.workspace)]
        return listed(found, filters, noun="Stacks", of=lambda one: {"name": one.name, "id": one.id})

    def update_stack(
        self,
        name_id_or_prefix: str | None = None,
        name: str | None = None,
        component_updates: Mapping[Any, Any] | None = None,
        **_labels: Any,
    ) -> StackRecord:
        """Another name, other components; an empty list takes a component out."""
        known = self.get_stack(name_id_or_prefix).name
        if component_updates:
            gone = [_kind(kind) for kind, part in component_updates.items() if not part]
            given = _by_kind({kind: part for kind, part in component_updates.items() if part})
            stacks.update(self.workspace, known, given, remove=gone)
        if name is not None and name != known:
            stacks.rename(self.workspace, known, new=name)
        return StackRecord(self._stack(name or known))

    def delete_stack(self, name_id_or_prefix: str, recursive: bool = False) -> None:
        """With `recursive` also its components that no other stack has. Raises ConflictError for the active one."""
        found = self._stack(name_id_or_prefix)
        stacks.delete(self.workspace, found.name)
        for part in found.components if recursive else ():
            if part.name != "default" and not components.describe(self.workspace, part.kind, part.name)["stacks"]:
                components.delete(self.workspace, part.kind, part.name)

    def create_stack_component(
        self,
        name: str,
        flavor: str,
        component_type: str,
        configuration: Mapping[str, Any] | None = None,
        **_labels: Any,
    ) -> ComponentRecord:
        """Raises NotFoundError for the flavor, ConfigError for the configuration, ConflictError for the name."""
        kind = _kind(component_type)
        made = components.register(self.workspace, kind, name, flavor=flavor, configuration=configuration or {})
        return ComponentRecord(made)

    def get_stack_component(self, component_type: str, name_id_or_prefix: str | None = None) -> ComponentRecord:
        """The active stack's by default. Raises NotFoundError."""
        kind = _kind(component_type)
        if name_id_or_prefix is None:
            of_stack = Runtime.here(self._workspace).stack.get(kind)
            if of_stack is None:
                raise NotFoundError(
                    f"The active stack has no {kind}.", f"Register one: mlstack component register {kind} NAME"
                )
            return ComponentRecord(of_stack)
        with self.catalog.read() as connection:
            return ComponentRecord(components.need(connection, kind, name_id_or_prefix.removeprefix(f"{kind}/")))

    def list_stack_components(self, **filters: Any) -> Page[ComponentRecord]:
        """By name. Filters: type, name, flavor, id."""
        known = components.list_all(self.workspace)
        found = [self.get_stack_component(one["kind"], one["name"]) for one in known]
        return listed(found, filters, noun="Components", of=_component_fields)

    def update_stack_component(
        self,
        name_id_or_prefix: str,
        component_type: str,
        name: str | None = None,
        configuration: Mapping[str, Any] | None = None,
        **_labels: Any,
    ) -> ComponentRecord:
        """Another name, other fields; a field that is None is taken out."""
        known = self.get_stack_component(component_type, name_id_or_prefix)
        kind = known.type
        if configuration:
            changes = {key: value for key, value in configuration.items() if value is not None}
            gone = [key for key, value in configuration.items() if value is None]
            components.update(self.workspace, kind, known.name, changes=changes, remove=gone)
        if name is not None and name != known.name:
            components.rename(self.workspace, kind, known.name, new=name)
        return self.get_stack_component(kind, name or known.name)

    def delete_stack_component(self, name_id_or_prefix: str, component_type: str) -> None:
        """Raises ConflictError while a stack has it."""
        known = self.get_stack_component(component_type, name_id_or_prefix)
        components.delete(self.workspace, known.type, known.name)

    def _stack(self, name: str) -> Stack:
        return _stack(self.workspace, name)


def stack_called(workspace: Workspace, name: str) -> StackRecord | None:
    try:
        return StackRecord(_stack(workspace, name))
    except NotFoundError:
        return None


def _stack(workspace: Workspace, name: str) -> Stack:
    with workspace.catalog.read() as connection:
        return stacks.need(connection, name)


def _kind(given: Any) -> Kind:
    return kind_of(str(getattr(given, "value", given)))


def _by_kind(given: Mapping[Any, Any]) -> dict[Kind, str]:
    """Names by kind; ZenML gives several of a kind as a list, ours have one."""
    return {_kind(kind): _name(part) for kind, part in given.items()}


def _name(part: Any) -> str:
    if isinstance(part, Iterable) and not isinstance(part, str):
        return _name(next(iter(part)))
    name: str = getattr(part, "name", None) or str(part)
    return name.rpartition("/")[2]


def _component_fields(one: ComponentRecord) -> dict[str, Any]:
    return {"type": str(one.type), "name": one.name, "flavor": one.flavor, "id": one.id}
