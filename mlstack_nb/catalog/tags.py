"""Tags and what has them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, cast, delete, func, insert, select, update

from mlstack_nb.catalog.prepared import once
from mlstack_nb.catalog.subject_tables import taggings, tags
from mlstack_nb.catalog.tables import artifacts, runs, step_runs
from mlstack_nb.core.tag import DEFAULT_COLOR, Tag
from mlstack_nb.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, RowMapping

RUN, VERSION = "run", "artifact_version"
_LISTING = "Run: mlstack tag list"


@dataclass(frozen=True, slots=True)
class TagRow:
    """A tag as the catalog has it; `uses` counts what has it."""

    name: str
    color: str
    is_exclusive: bool
    cascades: bool
    created_at: float
    uses: int = 0


def list_tags(connection: Connection) -> list[TagRow]:
    """By name."""
    uses = select(func.count()).where(taggings.c.tag == tags.c.name).scalar_subquery().label("uses")
    return [_row(row) for row in connection.execute(select(tags, uses).order_by(tags.c.name)).mappings()]


def get_tag(connection: Connection, name: str) -> TagRow:
    """Raises NotFoundError with the nearest name."""
    found = {row.name: row for row in list_tags(connection)}
    if name not in found:
        raise NotFoundError.of("tag", name, found, _LISTING)
    return found[name]


def add_tag(connection: Connection, tag: Tag) -> None:
    """Raises ConflictError when there is one of that name."""
    if connection.execute(select(tags.c.name).where(tags.c.name == tag.name)).first() is not None:
        raise ConflictError(f"There is a tag called {tag.name!r} already.", _LISTING)
    connection.execute(insert(tags).values(_values(tag)))


def change_tag(connection: Connection, name: str, changes: dict[str, Any]) -> None:
    """`changes` are values of its columns; what has the tag keeps it under a new name, too. Raises NotFoundError.

    Raises ConflictError where it is to be exclusive, and several have it already.
    """
    get_tag(connection, name)
    new = changes.get("name", name)
    if new != name and connection.execute(select(tags.c.name).where(tags.c.name == new)).first() is not None:
        raise ConflictError(f"There is a tag called {new!r} already.", _LISTING)
    if changes.get("is_exclusive"):
        _check_single(connection, name)
    connection.execute(update(tags).where(tags.c.name == name).values(changes))


def delete_tag(connection: Connection, name: str) -> None:
    """Whatever has it loses it. Raises NotFoundError."""
    get_tag(connection, name)
    connection.execute(delete(tags).where(tags.c.name == name))


def attach(connection: Connection, kind: str, subject: str, given: Iterable[Tag]) -> None:
    """Put tags on something; those that are new are made. Raises ConflictError for an exclusive one out of place."""
    for tag in given:
        known = _known(connection, tag)
        if known.is_exclusive:
            connection.execute(delete(taggings).where(taggings.c.tag == tag.name, _beside(kind, subject, tag.name)))
        row = {"subject_kind": kind, "subject": subject, "tag": tag.name}
        connection.execute(once(taggings, connection.dialect).values(row))
        if kind == RUN and (known.cascades if tag.cascade is None else tag.cascade):
            for version in made_in(connection, subject):
                attach(connection, VERSION, version, [Tag(name=tag.name)])


def detach(connection: Connection, kind: str, subject: str, names: Iterable[str]) -> None:
    """Take tags off again; one that is not there is fine."""
    same = (taggings.c.subject_kind == kind) & (taggings.c.subject == subject)
    connection.execute(delete(taggings).where(same, taggings.c.tag.in_(list(names))))


def tags_by_subject(connection: Connection, kind: str, subjects: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Subject -> the names of its tags, sorted."""
    query = select(taggings.c.subject, taggings.c.tag).where(
        taggings.c.subject_kind == kind, taggings.c.subject.in_(subjects)
    )
    found: dict[str, tuple[str, ...]] = dict.fromkeys(subjects, ())
    for subject, tag in connection.execute(query.order_by(taggings.c.tag)):
        found[subject] = (*found[subject], tag)
    return found


def tagged(kind: str, subject: ColumnElement[Any], is_tag: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether what `subject` names has a tag for which `is_tag` holds."""
    same = taggings.c.subject == cast(subject, String)
    return select(taggings.c.tag).where(taggings.c.subject_kind == kind, same, is_tag).exists()


def made_in(connection: Connection, run_id: str) -> list[str]:
    """The artifact versions that steps of a run made, as subjects."""
    made = select(artifacts.c.id).join(step_runs, step_runs.c.id == artifacts.c.step_run_id)
    return [str(number) for number in connection.scalars(made.where(step_runs.c.run_id == run_id))]


def check_known(connection: Connection, given: Iterable[Tag]) -> None:
    """Raises ConflictError for a tag that the catalog has as exclusive where it is not to be, or the other way."""
    for tag in given:
        row = connection.execute(select(tags).where(tags.c.name == tag.name)).mappings().first()
        if row is not None:
            _check_same(tag, _row(row))


def _known(connection: Connection, tag: Tag) -> TagRow:
    row = connection.execute(select(tags).where(tags.c.name == tag.name)).mappings().first()
    if row is None:
        connection.execute(insert(tags).values(_values(tag)))
        return _known(connection, tag)
    known = _row(row)
    _check_same(tag, known)
    return known


def _check_same(tag: Tag, known: TagRow) -> None:
    if tag.exclusive is not None and tag.exclusive != known.is_exclusive:
        now, then = ("is exclusive", "is not") if known.is_exclusive else ("is not exclusive", "is")
        raise ConflictError(
            f"Tag {tag.name!r} {now} in the catalog; here it {then}.",
            f"Change it first: mlstack tag update {tag.name} --{'no-' * (not tag.exclusive)}exclusive",
        )


def _beside(kind: str, subject: str, tag: str) -> ColumnElement[bool]:
    """Those that an exclusive tag is taken from when `subject` gets it."""
    if kind == RUN:
        pipeline = select(runs.c.pipeline).where(runs.c.id == subject).scalar_subquery()
        alike = select(runs.c.id).where(runs.c.pipeline == pipeline)
    elif kind == VERSION:
        name = select(artifacts.c.name).where(artifacts.c.id == int(subject)).scalar_subquery()
        alike = select(cast(artifacts.c.id, String)).where(artifacts.c.name == name)
    else:
        raise ConflictError(
            f"Tag {tag!r} is exclusive: only runs and artifact versions can have it, and no {kind.replace('_', ' ')}.",
            "Choose another tag, or put it on a run or an artifact version.",
        )
    return (taggings.c.subject_kind == kind) & taggings.c.subject.in_(alike)


def _check_single(connection: Connection, name: str) -> None:
    """Raises ConflictError unless each pipeline and each artifact has the tag once at most."""
    own = select(taggings.c.subject_kind, taggings.c.subject).where(taggings.c.tag == name)
    for kind, subject in list(connection.execute(own)):
        beside = select(func.count()).select_from(taggings).where(taggings.c.tag == name, _beside(kind, subject, name))
        if connection.execute(beside).scalar_one() > 1:
            raise ConflictError(
                f"Tag {name!r} can not become exclusive: several {kind.replace('_', ' ')}s beside each other have it.",
                "Take it off all but one.",
            )


def _values(tag: Tag) -> dict[str, Any]:
    return {
        "name": tag.name,
        "color": tag.color or DEFAULT_COLOR,
        "is_exclusive": bool(tag.exclusive),
        "cascades": bool(tag.cascade),
        "created_at": time.time(),
    }


def _row(row: RowMapping) -> TagRow:
    names = ("name", "color", "is_exclusive", "cascades", "created_at")
    return TagRow(**{name: row[name] for name in names}, uses=row.get("uses", 0))
