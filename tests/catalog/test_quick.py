from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from mlstack_nb.catalog.database import Catalog
from mlstack_nb.catalog.quick import newest_runs
from mlstack_nb.catalog.runs import count_steps, list_runs
from mlstack_nb.core.run import REMOTE, State


def quick(path: Path, **wanted: Any) -> Any:
    return newest_runs(path, **{"pipeline": None, "stack": None, "state": None, "limit": None, **wanted})


@pytest.fixture
def three(tell: Any) -> None:
    for number, state in enumerate((State.COMPLETED, State.FAILED, State.CACHED)):
        story = tell(f"run-{number}")
        story.begin(stack="other" if number else "default")
        story.execute("load")
        story.reuse("train")
        story.finish(state)


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"limit": 2},
        {"pipeline": "p"},
        {"pipeline": "q"},
        {"stack": "other", "state": State.FAILED},
        {"state": State.CACHED, "limit": 1},
    ],
)
def test_it_tells_what_the_catalog_tells(three: None, catalog: Catalog, path: Path, wanted: dict[str, Any]) -> None:
    runs = list_runs(catalog, **wanted)
    assert quick(path, **wanted) == (runs, count_steps(catalog, [run.id for run in runs]))


def test_it_sees_a_run_that_goes_on(tell: Any, path: Path) -> None:
    story = tell("run-1")
    story.begin()
    story.start("load")
    (run,), counts = quick(path)
    assert (run.state, counts) == (State.RUNNING, {"run-1": {State.RUNNING: 1}})


def test_it_gives_up_without_a_catalog(tmp_path: Path) -> None:
    assert quick(tmp_path / "none.db") is None
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "other.db").write_bytes(b"no database at all, but a text that is long enough to be taken for one")
    assert quick(tmp_path / "other.db") is None


@pytest.mark.parametrize("version", ["0003", "9999"])
def test_it_gives_up_for_another_schema(three: None, catalog: Catalog, path: Path, version: str) -> None:
    with catalog.write() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{version}'"))
    assert quick(path) is None


def test_it_gives_up_where_a_run_was_lost(tell: Any, catalog: Catalog, path: Path) -> None:
    tell("run-1").begin()
    tell("run-1").start("load")
    with catalog.write() as connection:
        connection.execute(text("UPDATE runs SET owner_pid = 999999999"))
    assert quick(path) is None


def test_it_gives_up_where_an_engine_outside_has_a_run(tell: Any, path: Path) -> None:
    story = tell("run-1")
    story.begin(mode=REMOTE)
    story.start("load")
    assert quick(path) is None
