"""Use cases of secrets: named sets of values that are encrypted at rest, and shown to nobody who does not ask.

`{{name.key}}` in a component's configuration stands for a value, and becomes it where the component is built. A node of
an engine has no workspace of people's: there a secret is the environment variable that `variable_of` names, as JSON.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.names import check_name
from mlstack_nb.app.sealing import seal, unseal
from mlstack_nb.catalog import secrets as rows
from mlstack_nb.catalog.stacks import list_components
from mlstack_nb.core.run import iso
from mlstack_nb.core.stack import REFERENCE
from mlstack_nb.engine.environment import variable_of
from mlstack_nb.engine.masking import hide
from mlstack_nb.errors import ConfigError, ConflictError, NotFoundError, UsageError, nearest

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mlstack_nb.app.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Secret:
    """Times are UTC epoch seconds. Its values are not in its `repr`."""

    name: str
    values: Mapping[str, str] = field(repr=False)
    created_at: float
    updated_at: float


class SecretSource:
    """Where code and components find secrets: in the environment, which is all that a node has, then the workspace."""

    def __init__(self, workspace: Workspace | None = None) -> None:
        self._workspace = workspace

    def values(self, name: str) -> Mapping[str, str] | None:
        """None where there is none of that name. From now on they are masked in what is recorded."""
        values = _from_environment(name)
        if values is None and self._workspace is not None:
            with self._workspace.catalog.read() as connection:
                found = rows.find_secret(connection, name)
            values = None if found is None else _opened(self._workspace, found).values
        hide(values.values() if values else ())
        return values

    def names(self) -> list[str]:
        """Those of the workspace."""
        if self._workspace is None:
            return []
        with self._workspace.catalog.read() as connection:
            return [one.name for one in rows.list_secrets(connection)]


def create(workspace: Workspace, name: str, values: Mapping[str, Any]) -> Secret:
    """Raises UsageError for a name, key or value that can not be, ConflictError for a name that is taken."""
    _check(name, values)
    sealed = {key: seal(workspace, value) for key, value in values.items()}
    with workspace.catalog.write() as connection:
        _refuse_taken(connection, name)
        return _opened(workspace, rows.add_secret(connection, name, sealed))


def update(
    workspace: Workspace, name: str, values: Mapping[str, Any], *, remove: Iterable[str] = (), new_name: str = ""
) -> Secret:
    """Set some values and take others out; the rest stays. Raises ConflictError where a component refers to it."""
    _check(new_name or name, values)
    sealed = {key: seal(workspace, value) for key, value in values.items()}
    with workspace.catalog.write() as connection:
        known = _need(connection, name)
        for key in remove:
            if key not in known.sealed:
                raise _no_key(name, key, known.sealed)
            _refuse_used(connection, name, key)
        if new_name and new_name != name:
            _refuse_taken(connection, new_name)
            _refuse_used(connection, name)
        kept = {key: value for key, value in known.sealed.items() if key not in set(remove)}
        changed = rows.change_secret(connection, known, name=new_name or name, sealed={**kept, **sealed})
    return _opened(workspace, changed)


def delete(workspace: Workspace, name: str) -> None:
    """Raises ConflictError naming a component that refers to it."""
    with workspace.catalog.write() as connection:
        _need(connection, name)
        _refuse_used(connection, name)
        rows.delete_secret(connection, name)


def get(workspace: Workspace, name: str) -> Secret:
    """Raises NotFoundError with the nearest name, or ConfigError where it can not be opened."""
    with workspace.catalog.read() as connection:
        found = _need(connection, name)
    return _opened(workspace, found)


def list_all(workspace: Workspace) -> list[dict[str, Any]]:
    """Names, keys and times, by name; no values."""
    with workspace.catalog.read() as connection:
        return [
            {
                "name": one.name,
                "keys": sorted(one.sealed),
                "created_at": iso(one.created_at),
                "updated_at": iso(one.updated_at),
            }
            for one in rows.list_secrets(connection)
        ]


def _from_environment(name: str) -> Mapping[str, str] | None:
    """Raises ConfigError for a variable that is no JSON object of texts."""
    text = os.environ.get(variable_of(name))
    if text is None:
        return None
    values: Any = None
    with suppress(ValueError):
        values = json.loads(text)
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise ConfigError(
            f"{variable_of(name)} holds no secret: it is no JSON object of texts.",
            f"""Set it so: {variable_of(name)}='{{"key": "value"}}'""",
        )
    return values


def resolved(value: Any, source: SecretSource, *, place: str) -> Any:
    """The configuration with the values that it refers to; `place` is the component, for errors.

    Raises NotFoundError for a secret or key that is not there, with the nearest one.
    """
    if isinstance(value, str):
        found = REFERENCE.fullmatch(value)
        return _value(found[1], found[2], source, place) if found else value
    if isinstance(value, Mapping):
        return {name: resolved(one, source, place=place) for name, one in value.items()}
    return [resolved(one, source, place=place) for one in value] if isinstance(value, list | tuple) else value


def versions(workspace: Workspace, names: Iterable[str]) -> dict[str, float]:
    """When each of them was changed last, as far as the workspace has it."""
    with workspace.catalog.read() as connection:
        found = [rows.find_secret(connection, name) for name in names]
    return {one.name: one.updated_at for one in found if one is not None}


def _value(name: str, key: str, source: SecretSource, place: str) -> str:
    values = source.values(name)
    if values is None:
        near = nearest(name, source.names())
        make = f"Make it: mlstack secret create {name} {key} (where an engine runs steps, set {variable_of(name)})."
        raise NotFoundError(
            f"{place} refers to the secret {name!r}, which is not here.", f"Did you mean {near!r}?" if near else make
        )
    if key not in values:
        near = nearest(key, values)
        hint = f"Did you mean {{{{{name}.{near}}}}}?" if near else f"Its keys are: {', '.join(values) or 'none'}."
        raise NotFoundError(f"{place} refers to {key!r} of the secret {name!r}, which has no such key.", hint)
    return values[key]


def _check(name: str, values: Mapping[str, Any]) -> None:
    check_name("secret", name)
    if set(name) & set(".{}"):
        raise UsageError(f"{name!r} can not be the name of a secret: it has a dot or a brace.", "Leave them out.")
    for key, value in values.items():
        if not (str(key).isidentifier() and str(key).isascii()):
            raise UsageError(
                f"{key!r} can not be a key of secret {name!r}: a step gets it as an environment variable.",
                "Take letters, digits and underscores, with no digit first.",
            )
        if not isinstance(value, str) or "\0" in value:
            what = "has a zero byte" if isinstance(value, str) else f"is a {type(value).__name__}, not a text"
            raise UsageError(f"The value of {key!r} in secret {name!r} {what}.", "Give a text.")


def _need(connection: Connection, name: str) -> rows.SealedSecret:
    found = rows.find_secret(connection, name)
    if found is None:
        raise NotFoundError.of(
            "secret", name, [one.name for one in rows.list_secrets(connection)], "Run: mlstack secret list"
        )
    return found


def _no_key(name: str, key: str, known: Iterable[str]) -> NotFoundError:
    near = nearest(key, known := list(known))
    hint = f"Did you mean {near!r}?" if near else f"Its keys are: {', '.join(known) or 'none'}."
    return NotFoundError(f"Secret {name!r} has no key {key!r}.", hint)


def _refuse_taken(connection: Connection, name: str) -> None:
    if rows.find_secret(connection, name) is not None:
        raise ConflictError(
            f"There is a secret called {name!r} already.", f"Change it: mlstack secret update {name} KEY"
        )


def _refuse_used(connection: Connection, name: str, key: str = "") -> None:
    for component in list_components(connection):
        if any(one == name and key in ("", its_key) for one, its_key in component.references):
            raise ConflictError(
                f"{component.kind} {component.name!r} refers to the secret {name!r}.",
                f"Change that first: mlstack component update {component.kind} {component.name} FIELD=VALUE",
            )


def _opened(workspace: Workspace, found: rows.SealedSecret) -> Secret:
    values = {key: unseal(workspace, value, name=found.name) for key, value in found.sealed.items()}
    return Secret(found.name, values, found.created_at, found.updated_at)
