"""What a client does with artifacts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlstack_nb.app import deletion, tags
from mlstack_nb.app.artifact_names import find_version
from mlstack_nb.app.step_wiring import wiring
from mlstack_nb.app.stored_inputs import ArtifactToCome
from mlstack_nb.catalog import artifacts, listings
from mlstack_nb.client.opened import Opened
from mlstack_nb.client.pages import Page, page_of, wanted
from mlstack_nb.client.run_calls import split
from mlstack_nb.client.versions import ArtifactRecord, ArtifactVersionRecord
from mlstack_nb.core.tag import Tag

Tags = Iterable[str | Tag] | None


class ArtifactCalls(Opened):
    """Artifacts, and the versions of each."""

    def get_artifact_version(self, name_id_or_prefix: str | int, version: str | int | None = None) -> Any:
        """An `ArtifactVersionRecord`: the newest version by default. Raises NotFoundError, a KeyError too.

        While a pipeline is wired nothing is read: what is returned is an input for a step, and is looked for when the
        step runs; its content counts in the step's cache key.
        """
        if wiring.get() is not None:
            return ArtifactToCome(str(name_id_or_prefix), version)
        return ArtifactVersionRecord(self._workspace, find_version(self.workspace, name_id_or_prefix, version))

    def list_artifact_versions(self, **filters: Any) -> Page[ArtifactVersionRecord]:
        """Filters: id, name, artifact, version, version_number, type, data_type, materializer, content_hash, save_type,
        pipeline_run, pipeline, step, tag, created.
        """
        asked = wanted(**split(filters))
        found, total = listings.list_versions(self.catalog, asked)
        return page_of((ArtifactVersionRecord(self._workspace, row) for row in found), total, asked)

    def get_artifact(self, name_id_or_prefix: str) -> ArtifactRecord:
        """Raises NotFoundError, a KeyError too."""
        found = artifacts.get_version(self.catalog, name_id_or_prefix)
        return ArtifactRecord(self._workspace, found.artifact.name)

    def list_artifacts(self, **filters: Any) -> Page[ArtifactRecord]:
        """Filters: id, name, tag, created, updated."""
        asked = wanted(**split(filters))
        found, total = listings.list_artifacts(self.catalog, asked)
        return page_of((ArtifactRecord(self._workspace, name) for name in found), total, asked)

    def update_artifact(
        self, name_id_or_prefix: str, add_tags: Tags = None, remove_tags: Tags = None
    ) -> ArtifactRecord:
        found = self.get_artifact(name_id_or_prefix)
        self._retag("artifact", found.name, add_tags, remove_tags)
        return found

    def update_artifact_version(
        self,
        name_id_or_prefix: str | int,
        version: str | int | None = None,
        add_tags: Tags = None,
        remove_tags: Tags = None,
    ) -> ArtifactVersionRecord:
        found = find_version(self.workspace, name_id_or_prefix, version)
        self._retag("artifact_version", str(found.id), add_tags, remove_tags)
        return ArtifactVersionRecord(self._workspace, found)

    def delete_artifact(
        self, name_id_or_prefix: str, delete_metadata: bool = True, delete_from_artifact_store: bool = False
    ) -> None:
        """Every version; the files of those that are used may go alone: `delete_metadata=False`."""
        for row in artifacts.versions(self.catalog, self.get_artifact(name_id_or_prefix).name):
            deletion.delete_version(
                self.workspace, row, metadata=delete_metadata, from_store=delete_from_artifact_store
            )

    def delete_artifact_version(
        self,
        name_id_or_prefix: str | int,
        version: str | int | None = None,
        delete_metadata: bool = True,
        delete_from_artifact_store: bool = False,
    ) -> None:
        """Its entry in the catalog, its files, or both. Without its files its step is a cache miss, and makes it anew.

        Raises ConflictError for the entry of a version that a run or a model uses.
        """
        found = find_version(self.workspace, name_id_or_prefix, version)
        deletion.delete_version(self.workspace, found, metadata=delete_metadata, from_store=delete_from_artifact_store)

    def prune_artifacts(
        self, only_versions: bool = True, delete_from_artifact_store: bool = False
    ) -> list[ArtifactVersionRecord]:
        """Take away every version that no run made or read and no model has; returns them.

        An artifact is gone with its last version, and with `only_versions=False` so are the tags of it.
        """
        gone = deletion.prune(self.workspace, from_store=delete_from_artifact_store, with_names=not only_versions)
        return [ArtifactVersionRecord(self._workspace, row) for row in gone]

    def _retag(self, kind: str, subject: str, add: Tags, remove: Tags) -> None:
        if add:
            tags.attach(self.workspace, list(add), kind, subject)
        if remove:
            tags.detach(self.workspace, list(remove), kind, subject)
