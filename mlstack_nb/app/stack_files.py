"""Stacks as YAML files: ZenML's `stack export` form, written and read, and the shorter form of hand-written files.

components:                      components:
  orchestrator:                    orchestrator:
  - flavor: local                    type: local
    name: my_orch                    name: my_orch
    type: orchestrator               configuration: {...}
    configuration: {...}
stack_name: mine
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstack_nb.app import stacks
from mlstack_nb.app.configuration import validated
from mlstack_nb.app.names import check_name, kind_of
from mlstack_nb.app.secrets import SecretSource
from mlstack_nb.catalog import stacks as rows
from mlstack_nb.core.stack import Component, Kind, Stack
from mlstack_nb.errors import ConfigError, ConflictError, MlstackError, NotFoundError, UsageError, nearest
from mlstack_nb.flavors import registry

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mlstack_nb.app.workspace import Workspace

_FILE_KEYS = {"components", "stack_name", "zenml_version"}
_COMPONENT_KEYS = {"configuration", "flavor", "name", "type"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A component as the file tells it, unchecked."""

    kind: Kind
    name: str
    flavor: str
    configuration: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Imported:
    """`registered` and `reused` are the stack's components; `is_new` is False when the very stack was there."""

    stack: Stack
    registered: tuple[Component, ...]
    reused: tuple[Component, ...]
    is_new: bool


def export_stack(workspace: Workspace, name: str | None = None) -> tuple[str, list[str]]:
    """The stack (the active one by default) as YAML, and the secrets left out of it, as `kind name: field`."""
    import yaml

    if name is None:
        stack = workspace.active_stack()
    else:
        with workspace.catalog.read() as connection:
            stack = stacks.need(connection, name)
    left_out = [
        f"{part.kind} {part.name}: {field}"
        for part in stack.components
        for field in sorted(part.configuration.keys() - part.without_secrets().keys())
    ]
    document = {
        "stack_name": stack.name,
        "components": {str(part.kind): [_written(part)] for part in stack.components},
    }
    notes = "".join(f"# left out, being secret: {line}\n" for line in left_out)
    return notes + yaml.safe_dump(document, allow_unicode=True), left_out


def import_stack(workspace: Workspace, file: Path, name: str | None = None) -> Imported:
    """Register what the file describes: all of it, or nothing.

    `name` comes before the file's `stack_name`, and that before the file's own name. A component that is there
    with the same configuration is used as it is. Raises ConfigError, NotFoundError, or ConflictError.
    """
    document = _read(file)
    name = name or document.get("stack_name") or file.stem
    if not isinstance(name, str):
        raise _wrong(file, f"stack_name is {name!r}, which is no text")
    check_name("stack", name)
    entries = _entries(file, document["components"])
    stacks.check_complete(name, [entry.kind for entry in entries])
    _check_flavors(file, entries)
    source = SecretSource(workspace)
    wanted = [_checked(file, entry, source) for entry in entries]
    with workspace.catalog.write() as connection:
        pairs = [(component, _known(connection, component)) for component in wanted]
        stack = Stack(name, tuple(known or component for component, known in pairs))
        known_stack = rows.find_stack(connection, name)
        if known_stack is not None and known_stack != stack:
            raise ConflictError(
                f"There is another stack called {name!r} already.",
                f"Import it under another name: mlstack stack import NAME -f {file}",
            )
        registered = tuple(component for component, known in pairs if known is None)
        for component in registered:
            rows.add_component(connection, component)
        if known_stack is None:
            rows.put_stack(connection, stack)
    reused = tuple(known for _, known in pairs if known is not None)
    return Imported(stack, registered, reused, is_new=known_stack is None)


def _written(part: Component) -> dict[str, Any]:
    shown = part.without_secrets()
    return {"flavor": part.flavor, "name": part.name, "type": str(part.kind), "configuration": shown}


def _read(file: Path) -> dict[str, Any]:
    import yaml

    try:
        document = yaml.safe_load(file.read_bytes())
    except FileNotFoundError as error:
        raise NotFoundError(
            f"There is no file {str(file)!r}.", "Name the file: mlstack stack import -f FILE"
        ) from error
    except OSError as error:
        raise UsageError(f"The file {str(file)!r} can not be read: {error.strerror}.", "Name another file.") from error
    except yaml.YAMLError as error:
        raise _wrong(file, f"it is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict) or not isinstance(document.get("components"), dict):
        raise _wrong(file, "it has no 'components' with one entry for each kind")
    _refuse_unknown(file, "the file", document, _FILE_KEYS)
    return document


def _entries(file: Path, components: Mapping[Any, Any]) -> list[Entry]:
    entries: dict[Kind, Entry] = {}
    for key, value in components.items():
        try:
            kind = kind_of(str(key))
        except NotFoundError as error:
            raise _wrong(file, f"{key!r} is no kind of component", error.hint) from error
        several = value if isinstance(value, list) else [value]
        if len(several) != 1 or kind in entries:
            raise _wrong(file, f"it does not have just one {kind}", "Leave one component of each kind in the file.")
        entries[kind] = _entry(file, kind, several[0])
    return [entries[kind] for kind in Kind if kind in entries]


def _entry(file: Path, kind: Kind, value: Any) -> Entry:
    """In the short form `type` is the flavor; beside a `flavor` it is the kind."""
    if not isinstance(value, dict):
        raise _wrong(file, f"{kind} is not a mapping with type, name and configuration")
    _refuse_unknown(file, str(kind), value, _COMPONENT_KEYS)
    if "flavor" in value and value.get("type", str(kind)) != kind:
        raise _wrong(file, f"below {kind} is a component of type {value['type']!r}")
    name = _text(file, kind, "name", value.get("name"))
    flavor = _text(file, kind, "flavor", value.get("flavor", value.get("type")))
    configuration = value.get("configuration") or {}
    if not isinstance(configuration, dict):
        raise _wrong(file, f"the configuration of {kind} {name!r} is not a mapping")
    check_name(str(kind), name)
    return Entry(kind, name, flavor, {str(key): item for key, item in configuration.items()})


def _text(file: Path, kind: Kind, key: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise _wrong(file, f"{kind} has no {key}" if value is None else f"the {key} of {kind} is {value!r}, no text")
    return value


def _check_flavors(file: Path, entries: list[Entry]) -> None:
    """Every flavor that is not here, in one error."""
    known = {entry.kind: registry().flavors(entry.kind) for entry in entries}
    missing = [entry for entry in entries if entry.flavor not in known[entry.kind]]
    if missing:
        what = "; ".join(f"{entry.kind} {entry.name!r} has flavor {entry.flavor!r}" for entry in missing)
        listing = "; ".join(
            f"{kind}: {', '.join(known[kind]) or 'none yet'}" for kind in dict.fromkeys(entry.kind for entry in missing)
        )
        raise _wrong(
            file,
            f"it needs flavors that are not here: {what}. Nothing was registered",
            f"Change the file to known flavors ({listing}), or install the package that brings them.",
        )


def _checked(file: Path, entry: Entry, source: SecretSource) -> Component:
    try:
        return validated(entry.kind, entry.name, flavor=entry.flavor, configuration=entry.configuration, source=source)
    except MlstackError as error:
        raise type(error)(f"Stack file {file}: {error.what} Nothing was registered.", error.hint) from error


def _known(connection: Connection, wanted: Component) -> Component | None:
    """The component of that name when it is the same; secrets that the file leaves out are not compared."""
    known = rows.find_component(connection, wanted.kind, wanted.name)
    if known is None:
        return None
    left_out = known.secret_fields - wanted.configuration.keys()
    compared = {field: value for field, value in known.configuration.items() if field not in left_out}
    if known.flavor != wanted.flavor or compared != wanted.configuration:
        raise ConflictError(
            f"There is another {wanted.kind} called {wanted.name!r} already. Nothing was registered.",
            f"Rename one of them: mlstack component rename {wanted.kind} {wanted.name} NEW",
        )
    return known


def _refuse_unknown(file: Path, place: str, mapping: Mapping[Any, Any], known: set[str]) -> None:
    unknown = [str(key) for key in mapping if key not in known]
    if unknown:
        near = nearest(unknown[0], known)
        hint = f"Did you mean {near!r}?" if near else f"Known keys: {', '.join(sorted(known))}."
        raise _wrong(file, f"{place} has the unknown key {unknown[0]!r}", hint)


def _wrong(file: Path, what: str, hint: str = "") -> ConfigError:
    return ConfigError(
        f"Stack file {file}: {what}.", hint or "Compare it with the output of: mlstack stack export default"
    )
