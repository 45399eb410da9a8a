"""The numbers of an artifact's versions, counted in the database while it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select, text

from mlstack_nb.catalog.tables import artifacts

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, ScalarSelect


def next_number(named: ColumnElement[str]) -> ScalarSelect[int]:
    """One more than the greatest number of the artifact's versions."""
    greatest = func.coalesce(func.max(artifacts.c.version), text("0"))
    counted = (artifacts.c.name == named) & (artifacts.c.version > text("0"))
    return select(greatest + text("1")).where(counted).scalar_subquery()


def number_of_named(named: ColumnElement[str]) -> ScalarSelect[int]:
    """For a version that has a name: below those that count, so that it takes no number away."""
    least = func.coalesce(func.min(artifacts.c.version), text("0"))
    uncounted = (artifacts.c.name == named) & (artifacts.c.version < text("0"))
    return select(least - text("1")).where(uncounted).scalar_subquery()
