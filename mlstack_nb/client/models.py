"""What a client does with models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from mlstack_nb.app.models import versions
from mlstack_nb.catalog import models as rows
from mlstack_nb.client.model_records import ModelRecord, ModelVersionRecord
from mlstack_nb.client.opened import Opened
from mlstack_nb.client.pages import Page, listed
from mlstack_nb.core.model import ABOUT, Stage
from mlstack_nb.core.tag import Tag

if TYPE_CHECKING:
    from mlstack_nb.core.model import ModelVersion

Tags = Iterable[str | Tag] | None
Tagged = TypeVar("Tagged", ModelRecord, ModelVersionRecord)


class ModelCalls(Opened):
    """Models, and the versions of each. A version is named by its number, its name or its stage."""

    def create_model(self, name: str, tags: Tags = None, **about: str | None) -> ModelRecord:
        """`about` is what is said of it: description, license, ... Raises ConflictError for a name that is taken."""
        found = versions.create_model(self.workspace, name, about=_said(about), given=tags)
        return ModelRecord(self._workspace, found)

    def get_model(self, model_name_or_id: str) -> ModelRecord:
        """Raises NotFoundError, a KeyError too."""
        with self.catalog.read() as connection:
            return ModelRecord(self._workspace, rows.get_model(connection, model_name_or_id))

    def list_models(self, **filters: Any) -> Page[ModelRecord]:
        """By name. Filters: name, id, tag, and what is said of models."""
        with self.catalog.read() as connection:
            found = [ModelRecord(self._workspace, row) for row in rows.list_models(connection)]
        return listed(_tagged(found, filters), filters, noun="Models", of=_model_fields)

    def update_model(
        self,
        model_name_or_id: str,
        name: str | None = None,
        add_tags: Tags = None,
        remove_tags: Tags = None,
        **about: str | None,
    ) -> ModelRecord:
        """What is not given stays."""
        found = versions.update_model(
            self.workspace,
            model_name_or_id,
            new=name,
            about=_said(about),
            add_tags=add_tags,
            remove_tags=remove_tags,
        )
        return ModelRecord(self._workspace, found)

    def delete_model(self, model_name_or_id: str) -> None:
        """With its versions; runs and artifacts stay."""
        versions.delete_model(self.workspace, model_name_or_id)

    def create_model_version(
        self, model_name_or_id: str, name: str | None = None, description: str | None = None, tags: Tags = None
    ) -> ModelVersionRecord:
        found = versions.create_version(
            self.workspace, model_name_or_id, name=name, description=description or "", given=tags
        )
        return self._version(found)

    def get_model_version(
        self, model_name_or_id: str, model_version_name_or_number_or_id: str | int | Stage | None = None
    ) -> ModelVersionRecord:
        """The newest by default. Raises NotFoundError, a KeyError too."""
        with self.catalog.read() as connection:
            wanted = model_version_name_or_number_or_id
            return self._version(rows.get_version(connection, model_name_or_id, wanted))

    def list_model_versions(self, model_name_or_id: str | None = None, **filters: Any) -> Page[ModelVersionRecord]:
        """Newest first. Filters: model, name, number, stage, id, tag."""
        with self.catalog.read() as connection:
            names = [model_name_or_id] if model_name_or_id else [row.name for row in rows.list_models(connection)]
            found = [self._version(row) for name in names for row in rows.versions(connection, name)]
        found.sort(key=lambda one: -int(one.id))
        asked = {"sort_by": "", **filters}
        return listed(_tagged(found, asked), asked, noun="Model versions", of=_version_fields)

    def update_model_version(
        self,
        model_name_or_id: str,
        version_name_or_id: str | int | None = None,
        stage: str | Stage | None = None,
        force: bool = False,
        name: str | None = None,
        description: str | None = None,
        add_tags: Tags = None,
        remove_tags: Tags = None,
    ) -> ModelVersionRecord:
        """What is not given stays; `force` archives the version that has the stage."""
        found = versions.update_version(
            self.workspace,
            model_name_or_id,
            version_name_or_id,
            stage=None if stage is None else str(stage),
            force=force,
            name=name,
            description=description,
            add_tags=add_tags,
            remove_tags=remove_tags,
        )
        return self._version(found)

    def delete_model_version(self, model_name_or_id: str, version_name_or_id: str | int) -> None:
        versions.delete_version(self.workspace, model_name_or_id, version_name_or_id)

    def _version(self, row: ModelVersion) -> ModelVersionRecord:
        return ModelVersionRecord(self._workspace, row)


def _said(about: Mapping[str, str | None]) -> dict[str, str | None]:
    """ZenML's other words for models, such as `save_models_to_registry`, say nothing of them here."""
    return {name: text for name, text in about.items() if name in ABOUT or isinstance(text, str)}


def _tagged(found: list[Tagged], filters: dict[str, Any]) -> list[Tagged]:
    """Those that have the tag that is asked for; the question is answered with that."""
    tag = filters.pop("tag", None)
    return found if tag is None else [one for one in found if tag in one.tags]


def _model_fields(one: ModelRecord) -> dict[str, Any]:
    return {"name": one.name, "id": one.id, **{field: getattr(one, field) for field in ABOUT}}


def _version_fields(one: ModelVersionRecord) -> dict[str, Any]:
    return {"model": one.model_name, "name": one.name, "number": one.number, "stage": one.stage, "id": one.id}
