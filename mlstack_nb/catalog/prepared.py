"""Insert statements compiled once: what SQLAlchemy does for each execution costs as much as the database's work."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mlstack_nb.catalog.rows import Row

if TYPE_CHECKING:
    from sqlalchemy import Connection, Dialect, Insert, Table


class Prepared:
    """An insert of rows; each row has a value for every bound name of the statement, in any order."""

    def __init__(self, statement: Insert, dialect: Dialect, names: list[str]) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=names)
        self._sql = str(compiled)
        self._order = compiled.positiontup

    def execute(self, connection: Connection, rows: list[Row]) -> None:
        if not rows:
            return
        order = self._order
        values: Any = rows if order is None else [tuple([row[name] for name in order]) for row in rows]
        connection.exec_driver_sql(self._sql, values)


def once(table: Table, dialect: Dialect) -> Insert:
    """An insert that leaves a row as it is which is there already."""
    made: Insert = import_module(f"sqlalchemy.dialects.{dialect.name}").insert(table).on_conflict_do_nothing()
    return made


def upsert(table: Table, dialect: Dialect, names: list[str]) -> Prepared:
    """Insert rows, or where their primary key exists replace everything else."""
    made: Any = import_module(f"sqlalchemy.dialects.{dialect.name}").insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {name: made.excluded[name] for name in names if name not in keys}
    return Prepared(made.on_conflict_do_update(index_elements=keys, set_=changed), dialect, names)
