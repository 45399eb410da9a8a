"""The newest runs, read without SQLAlchemy: importing it takes longer than all the rest of `mlstack runs list`.

It only ever reads, and gives up where anything is out of the ordinary: then the catalog is asked as always.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from mlstack_nb.catalog.head import HEAD
from mlstack_nb.catalog.rows import run_of
from mlstack_nb.core.run import REMOTE, Run, State
from mlstack_nb.ports.owner import Owner

Counts = Mapping[str, Mapping[State, int]]
_GOING_ON = "SELECT mode, owner_host, owner_pid, owner_ticks FROM runs WHERE state IN ('pending', 'running')"


def newest_runs(
    path: Path, *, pipeline: str | None, stack: str | None, state: State | None, limit: int | None
) -> tuple[list[Run], Counts] | None:
    """Newest first and without their steps, with how many steps of each are in each state.

    None where there is no catalog of this schema, and where a run goes on that may have been lost, or is looked after
    by an engine outside.
    """
    try:
        with closing(sqlite3.connect(f"file:{path.as_posix()}?mode=ro", uri=True, timeout=1)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN")
            if connection.execute("SELECT version_num FROM alembic_version").fetchone()[0] != HEAD:
                return None
            if any(_needs_care(row) for row in connection.execute(_GOING_ON)):
                return None
            wanted = {"pipeline": pipeline, "stack": stack, "state": None if state is None else state.value}
            return _read(connection, {name: value for name, value in wanted.items() if value is not None}, limit)
    except (sqlite3.Error, TypeError):
        return None


def _needs_care(row: sqlite3.Row) -> bool:
    return row["mode"] == REMOTE or Owner(row["owner_host"], row["owner_pid"], row["owner_ticks"]).is_gone


def _read(connection: sqlite3.Connection, wanted: Mapping[str, str], limit: int | None) -> tuple[list[Run], Counts]:
    where = f" WHERE {' AND '.join(f'{name} = ?' for name in wanted)}" if wanted else ""
    query = f"SELECT * FROM runs{where} ORDER BY started_at DESC, id DESC LIMIT ?"  # noqa: S608  (names of ours)
    rows = connection.execute(query, (*wanted.values(), -1 if limit is None else limit)).fetchall()
    runs = [run_of(dict(row), ()) for row in rows]
    counts: dict[str, dict[State, int]] = {run.id: {} for run in runs}
    for run in runs:
        of_run = "SELECT state, count(*) AS number FROM step_runs WHERE run_id = ? GROUP BY state"
        counts[run.id] = {State(row["state"]): row["number"] for row in connection.execute(of_run, (run.id,))}
    return runs, counts
