"""What people's code tells of a version of a model.

What a step tells of its own run's version is noted with the step, too: so it comes from a node, which knows no version,
and is told again of a version that has the step from the cache.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.logged import plain
from mlstack_nb.app.models import linking
from mlstack_nb.app.models.versions import log_of_version
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.catalog import models as rows
from mlstack_nb.core.model import ModelSpec
from mlstack_nb.core.notes import notes

if TYPE_CHECKING:
    from mlstack_nb.core.model import ModelVersion


def log_of_model(
    metadata: Mapping[str, Any],
    *,
    version_id: str | int | None = None,
    name: str | None = None,
    version: str | int | None = None,
) -> None:
    """Of the version with an id, of one that is named, else of that of the step whose code runs here.

    Raises NotFoundError, or UsageError where it is not clear whose it is, and for what can not be kept.
    """
    runtime = Runtime.here()
    here = notes()
    if here is not None and version_id is None and _is_own(runtime, name, version):
        here.own.update({f"{linking.OF_MODEL}{key}": value for key, value in plain(metadata).items()})
        if linking.is_on_node(runtime, here):
            return
    log_of_version(runtime.workspace, meant(runtime, version_id=version_id, name=name, version=version), metadata)


def meant(
    runtime: Runtime, *, version_id: str | int | None = None, name: str | None = None, version: str | int | None = None
) -> ModelVersion:
    """The version that people mean. A model's name alone is, in a step of that model, the version of its run; else the
    newest one. Raises NotFoundError, or UsageError.
    """
    if version_id is None and name is None:
        return linking.version_here(runtime)
    with runtime.catalog.read() as connection:
        if version_id is not None:
            return rows.version_with_id(connection, int(version_id))
    assert name is not None
    return of_spec(runtime, ModelSpec(name, version=version))


def of_spec(runtime: Runtime, spec: ModelSpec) -> ModelVersion:
    """As `meant`."""
    if _is_own(runtime, spec.name, spec.version):
        return linking.version_here(runtime)
    with runtime.catalog.read() as connection:
        return rows.get_version(connection, spec.name, spec.version)


def _is_own(runtime: Runtime, name: str | None, version: str | int | None) -> bool:
    """Whether the version of the run is meant that the step whose code runs here belongs to."""
    own = linking.model_here(runtime)
    return own is not None and name in (None, own.name) and version in (None, own.version)
