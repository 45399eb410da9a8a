"""What a client does with secrets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mlstack_nb.app import secrets
from mlstack_nb.client.opened import Opened
from mlstack_nb.client.pages import Page, listed


class SecretRecord:
    """A secret; its values are read when they are asked for, and never shown by its `repr`."""

    def __init__(self, client: Opened, name: str) -> None:
        self._client = client
        self.name = name

    @property
    def id(self) -> str:
        return self.name

    @property
    def secret_values(self) -> dict[str, str]:
        """By key, in plain text."""
        return dict(secrets.get(self._client.workspace, self.name).values)

    @property
    def created(self) -> datetime:
        return datetime.fromtimestamp(secrets.get(self._client.workspace, self.name).created_at, UTC)

    def __repr__(self) -> str:
        return f"<secret {self.name}>"


class SecretCalls(Opened):
    """Secrets: named sets of values, encrypted at rest; `{{name.key}}` in a configuration stands for one."""

    def create_secret(self, name: str, values: Mapping[str, str], private: bool = False) -> SecretRecord:
        """Raises ConflictError for a name that is taken. All are the workspace's own: `private` changes nothing."""
        return SecretRecord(self, secrets.create(self.workspace, name, values).name)

    def get_secret(self, name_id_or_prefix: str, private: bool | None = None) -> SecretRecord:
        """Raises NotFoundError, a KeyError too."""
        return SecretRecord(self, secrets.get(self.workspace, name_id_or_prefix).name)

    def list_secrets(self, **filters: Any) -> Page[SecretRecord]:
        """By name. Filters: name, id."""
        found = [SecretRecord(self, one["name"]) for one in secrets.list_all(self.workspace)]
        return listed(found, filters, noun="Secrets", of=lambda one: {"name": one.name, "id": one.id})

    def update_secret(
        self,
        name_id_or_prefix: str,
        private: bool | None = None,
        new_name: str | None = None,
        add_or_update_values: Mapping[str, str] | None = None,
        remove_values: list[str] | None = None,
    ) -> SecretRecord:
        """What is not given stays. Raises ConflictError where a component refers to what would be gone."""
        changed = secrets.update(
            self.workspace,
            name_id_or_prefix,
            add_or_update_values or {},
            remove=remove_values or (),
            new_name=new_name or "",
        )
        return SecretRecord(self, changed.name)

    def delete_secret(self, name_id_or_prefix: str, private: bool | None = None) -> None:
        """Raises ConflictError while a component refers to it."""
        secrets.delete(self.workspace, name_id_or_prefix)
