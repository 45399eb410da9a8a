"""Models, their versions, and what is linked to these. The caller owns the transaction."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, func, insert, or_, select, update

from mlstack_nb.catalog.prepared import once
from mlstack_nb.catalog.subject_tables import logged_metadata, model_links, model_versions, models, taggings
from mlstack_nb.catalog.tables import artifacts, step_runs
from mlstack_nb.core.model import ModelRecord, ModelVersion, Stage
from mlstack_nb.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, RowMapping

MODEL, VERSION = "model", "model_version"
RUN, ARTIFACT_VERSION, DEPLOYMENT = "run", "artifact_version", "deployment"
"""What is linked to a version: runs by id, versions of artifacts by id, deployments by name."""


def list_models(connection: Connection) -> list[ModelRecord]:
    """By name."""
    return [_model(row) for row in connection.execute(select(models).order_by(models.c.name)).mappings()]


def find_model(connection: Connection, name: str) -> ModelRecord | None:
    row = connection.execute(select(models).where(models.c.name == name)).mappings().first()
    return None if row is None else _model(row)


def get_model(connection: Connection, name: str) -> ModelRecord:
    """Raises NotFoundError with the nearest name."""
    found = find_model(connection, name)
    if found is None:
        raise NotFoundError.of("model", name, connection.scalars(select(models.c.name)), "Run: mlstack model list")
    return found


def put_model(connection: Connection, name: str, about: Mapping[str, str]) -> bool:
    """Add it, or add to what is said of it; returns whether it is new."""
    known = find_model(connection, name)
    if known is None:
        connection.execute(insert(models).values(name=name, about=json.dumps(dict(about)), created_at=time.time()))
        return True
    if any(known.about.get(field) != text for field, text in about.items()):
        said = {field: text for field, text in {**known.about, **about}.items() if text}
        connection.execute(update(models).where(models.c.name == name).values(about=json.dumps(said)))
    return False


def rename_model(connection: Connection, name: str, new: str) -> None:
    """Its versions, tags and links follow. Raises ConflictError for a name that is taken."""
    if find_model(connection, new) is not None:
        raise ConflictError(f"There is a model called {new!r} already.", "Choose another name.")
    connection.execute(update(models).where(models.c.name == name).values(name=new))
    for table in (taggings, logged_metadata):
        same = (table.c.subject_kind == MODEL) & (table.c.subject == name)
        connection.execute(update(table).where(same).values(subject=new))


def delete_model(connection: Connection, name: str) -> None:
    """With its versions and all that is known of them; what was linked stays."""
    for version in versions(connection, name):
        delete_version(connection, version)
    _forget(connection, MODEL, name)
    connection.execute(delete(models).where(models.c.name == name))


def versions(connection: Connection, model: str) -> list[ModelVersion]:
    """Newest first."""
    query = select(model_versions).where(model_versions.c.model == model).order_by(model_versions.c.number.desc())
    return [_version(row) for row in connection.execute(query).mappings()]


def find_version(connection: Connection, model: str, wanted: int | str | None = None) -> ModelVersion | None:
    """By number, stage or name; the newest where None is wanted."""
    query = select(model_versions).where(model_versions.c.model == model).order_by(model_versions.c.number.desc())
    condition = _is_version(wanted)
    query = query if condition is None else query.where(condition)
    row = connection.execute(query.limit(1)).mappings().first()
    return None if row is None else _version(row)


def get_version(connection: Connection, model: str, wanted: int | str | None = None) -> ModelVersion:
    """Raises NotFoundError that tells which versions there are."""
    found = find_version(connection, model, wanted)
    if found is not None:
        return found
    get_model(connection, model)
    names = [version.name for version in versions(connection, model)]
    if not names:
        raise NotFoundError(f"Model {model!r} has no version yet.", "Run a pipeline with it: @pipeline(model=...)")
    if wanted in set(Stage):
        raise NotFoundError(
            f"Model {model!r} has no version in stage {str(wanted)!r}.",
            f"Put one there: mlstack model promote {model} {names[0]} {wanted}",
        )
    listing = f"Its versions, newest first: {', '.join(names[:8])}."
    raise NotFoundError(f"Model {model!r} has no version {wanted!r}.", listing)


def version_with_id(connection: Connection, number: int) -> ModelVersion:
    """Raises NotFoundError."""
    row = connection.execute(select(model_versions).where(model_versions.c.id == number)).mappings().first()
    if row is None:
        raise NotFoundError(f"No model has a version with the id {number}.", "Run: mlstack model list")
    return _version(row)


def add_version(connection: Connection, model: str, *, name: str = "", description: str = "") -> ModelVersion:
    """The next number; that is its name, unless it is given one. Raises ConflictError for a name that is taken."""
    if name and find_version(connection, model, name) is not None:
        raise ConflictError(f"Model {model!r} has a version {name!r} already.", "Choose another name, or use it.")
    newest = select(func.coalesce(func.max(model_versions.c.number), 0)).where(model_versions.c.model == model)
    number = int(connection.execute(newest).scalar_one()) + 1
    row = {
        "model": model,
        "number": number,
        "name": name or str(number),
        "stage": None,
        "description": description,
        "created_at": time.time(),
    }
    made = connection.execute(insert(model_versions).values(row).returning(model_versions)).mappings().one()
    return _version(made)


def change_version(connection: Connection, version: ModelVersion, changes: Mapping[str, str]) -> None:
    """`changes` are a name, a description. Raises ConflictError for a name that is taken."""
    name = changes.get("name", version.name)
    if name != version.name and find_version(connection, version.model, name) is not None:
        raise ConflictError(f"Model {version.model!r} has a version {name!r} already.", "Choose another name.")
    connection.execute(update(model_versions).where(model_versions.c.id == version.id).values(**changes))


def set_stage(connection: Connection, version: ModelVersion, stage: Stage, *, force: bool) -> ModelVersion | None:
    """Returns the version that had the stage: `force` moves it to the archive, without it this is a ConflictError."""
    holder = find_version(connection, version.model, stage) if stage.is_exclusive else None
    if holder is not None and holder.id != version.id:
        if not force:
            raise ConflictError(
                f"Stage {stage.value!r} of model {version.model!r} is taken by version {holder.name!r}.",
                f"Move that one to the archive: mlstack model promote {version.model} {version.name} {stage} --force",
            )
        _put_stage(connection, holder, Stage.ARCHIVED)
    else:
        holder = None
    _put_stage(connection, version, stage)
    return holder


def delete_version(connection: Connection, version: ModelVersion) -> None:
    """With its links, tags and metadata; what was linked stays."""
    _forget(connection, VERSION, str(version.id))
    connection.execute(delete(model_versions).where(model_versions.c.id == version.id))


def link(connection: Connection, version: ModelVersion, kind: str, subjects: Iterable[str]) -> None:
    """What is linked already stays so."""
    add = once(model_links, connection.dialect)
    same = {"version_id": version.id, "subject_kind": kind, "linked_at": time.time()}
    rows = [{**same, "subject": subject} for subject in subjects]
    if rows:
        connection.execute(add, rows)


def unlink(connection: Connection, version: ModelVersion, kind: str, subjects: Sequence[str] | None = None) -> None:
    """All of a kind, or only these."""
    same = (model_links.c.version_id == version.id) & (model_links.c.subject_kind == kind)
    chosen = same if subjects is None else same & model_links.c.subject.in_(subjects)
    connection.execute(delete(model_links).where(chosen))


def links(connection: Connection, version: ModelVersion, kind: str) -> list[str]:
    """The subjects, those linked last first."""
    same = (model_links.c.version_id == version.id) & (model_links.c.subject_kind == kind)
    query = select(model_links.c.subject).where(same).order_by(model_links.c.linked_at.desc(), model_links.c.subject)
    return list(connection.scalars(query))


def versions_linked(connection: Connection, kind: str, subject: str, model: str | None = None) -> list[ModelVersion]:
    """The versions that a run, an artifact's version or a deployment is linked to, newest first."""
    linked = select(model_links.c.version_id).where(
        model_links.c.subject_kind == kind, model_links.c.subject == subject
    )
    query = select(model_versions).where(model_versions.c.id.in_(linked)).order_by(model_versions.c.id.desc())
    if model is not None:
        query = query.where(model_versions.c.model == model)
    return [_version(row) for row in connection.execute(query).mappings()]


def newest_with_all(connection: Connection, model: str, artifact_ids: Sequence[int]) -> ModelVersion | None:
    """The newest version that all these versions of artifacts are linked to."""
    texts = [str(number) for number in artifact_ids]
    having = (
        select(model_links.c.version_id)
        .where(model_links.c.subject_kind == ARTIFACT_VERSION, model_links.c.subject.in_(texts))
        .group_by(model_links.c.version_id)
        .having(func.count() == len(texts))
    )
    query = select(model_versions).where(model_versions.c.model == model, model_versions.c.id.in_(having))
    row = connection.execute(query.order_by(model_versions.c.number.desc()).limit(1)).mappings().first()
    return None if row is None else _version(row)


def outputs_of(connection: Connection, run_id: str, steps: Iterable[str]) -> list[int]:
    """Ids of the artifact versions that steps of a run gave, whether they made them or found them in the cache."""
    made = or_(artifacts.c.step_run_id == step_runs.c.id, artifacts.c.step_run_id == step_runs.c.origin)
    is_good = step_runs.c.state.in_(("completed", "cached"))
    query = (
        select(artifacts.c.id)
        .join(step_runs, made)
        .where(and_(step_runs.c.run_id == run_id, step_runs.c.step.in_(list(steps)), is_good))
        .order_by(artifacts.c.id)
    )
    return list(dict.fromkeys(connection.scalars(query)))


def tracker_run(connection: Connection, step_run_id: str) -> str:
    """The id of the experiment tracker's run that a step run was tracked in, "" for none."""
    found = connection.execute(select(step_runs.c.tracker).where(step_runs.c.id == step_run_id)).scalar()
    return str(json.loads(found)["run_id"]) if found else ""


def _put_stage(connection: Connection, version: ModelVersion, stage: Stage) -> None:
    value = None if stage is Stage.NONE else stage.value
    connection.execute(update(model_versions).where(model_versions.c.id == version.id).values(stage=value))


def _is_version(wanted: int | str | None) -> ColumnElement[bool] | None:
    table = model_versions.c
    if wanted is None or wanted == Stage.LATEST:
        return None
    if isinstance(wanted, int):
        return table.number == wanted
    if wanted in set(Stage):
        return table.stage.is_(None) if wanted == Stage.NONE else table.stage == str(wanted)
    return or_(table.number == int(wanted), table.name == wanted) if wanted.isdecimal() else table.name == wanted


def _forget(connection: Connection, kind: str, subject: str) -> None:
    for table in (taggings, logged_metadata):
        connection.execute(delete(table).where(table.c.subject_kind == kind, table.c.subject == subject))


def _model(row: RowMapping) -> ModelRecord:
    about: dict[str, Any] = json.loads(row["about"])
    return ModelRecord(row["name"], about, row["created_at"])


def _version(row: RowMapping) -> ModelVersion:
    return ModelVersion(**{**row, "stage": Stage(row["stage"] or Stage.NONE)})
