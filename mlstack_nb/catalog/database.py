"""Opening the catalog's database: made, migrated and set up so that any number of processes may use it at once."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, inspect, text
from sqlalchemy.exc import OperationalError

from mlstack_nb.catalog.failures import explained, unmade
from mlstack_nb.catalog.head import HEAD
from mlstack_nb.errors import CatalogError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

BUSY_TIMEOUT_S = 30.0
_WRITES = "mlstack_writes"


class Catalog:
    """A database that is at `HEAD`. Safe for threads and processes; what the database raises is a CatalogError.

    `read` and `write` are one transaction each: a reader sees one moment, a writer waits for its turn.
    """

    def __init__(self, engine: Engine, place: str) -> None:
        self.engine = engine
        self._writing = engine.execution_options(**{_WRITES: True})
        self.place = place
        self._path = Path(place)
        self._file: tuple[int, int] | None = None

    @classmethod
    def open(cls, path: Path) -> Catalog:
        """The catalog in the SQLite file `path`, which is made when it is not there, and migrated when it is old.

        Raises CatalogError for a file that is no catalog, is damaged, or was written by a newer version.
        """
        catalog = cls(_sqlite_engine(path), str(path))
        try:
            with explained(catalog.place):
                catalog._bring_to_head(path)
            catalog._file = _identity(path)
        except CatalogError:
            catalog.close()
            raise
        return catalog

    @property
    def is_in_place(self) -> bool:
        """Whether the file that was opened is the one that is there."""
        return self._file is None or self._file == _identity(self._path)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        self._check_in_place()
        with explained(self.place), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """The only writer while the block lasts; committed at its end, rolled back when it raises."""
        self._check_in_place()
        with explained(self.place), self._writing.begin() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()

    def version(self) -> str:
        """The schema's revision, "" for an empty database."""
        with self.read() as connection:
            return self._version(connection)

    def _check_in_place(self) -> None:
        """What is written to a file that was removed would be lost without a word."""
        if not self.is_in_place:
            raise CatalogError(
                f"The catalog {self.place} was removed or replaced while it was in use.",
                "Run it again: a new catalog is made, and what the steps stored stays.",
            )

    def _bring_to_head(self, path: Path) -> None:
        _make_private(path)
        if self.version() == HEAD:
            return
        _use_write_ahead_log(path)
        with self.write() as connection:
            _migrate(connection)

    def _version(self, connection: Connection) -> str:
        try:
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        except OperationalError as error:
            if "no such table" not in str(error.orig):
                raise
            if inspect(connection).get_table_names():
                raise CatalogError(
                    f"{self.place} is a database, but not a catalog of mlstack.", "Move the file elsewhere."
                ) from error
            return ""
        if found and found > HEAD:
            raise CatalogError(
                f"The catalog {self.place} has schema {found}; this mlstack-nb knows schemas up to {HEAD}.",
                "Run: pip install --upgrade mlstack-nb",
            )
        return found or ""


def _sqlite_engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # else the driver begins transactions at moments of its own
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # SQLite refuses a reader that turns writer while others write; who says so first waits for its turn
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _make_private(path: Path) -> None:
    """Components may hold secrets: nobody else reads the file. SQLite gives its side files the same mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        if path.is_dir():
            raise CatalogError(f"The catalog {path} is a folder.", f"Move it aside: mv {path} {path}.old") from None
    except OSError as error:
        raise unmade(str(path), error) from error


def _use_write_ahead_log(path: Path) -> None:
    """The mode stays in the file. SQLite does not always wait for other connections here, so this does."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)) as connection:
            try:
                connection.execute("PRAGMA journal_mode = WAL").fetchone()
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
        time.sleep(0.02)


def _migrate(connection: Connection) -> None:
    """Does nothing when another process was faster."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "mlstack_nb.catalog:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
