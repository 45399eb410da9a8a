from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from mlstack_nb.catalog import schedule_tables, service_tables, stacks, subject_tables  # noqa: F401
from mlstack_nb.catalog.database import Catalog
from mlstack_nb.catalog.head import HEAD
from mlstack_nb.catalog.runs import get_run
from mlstack_nb.catalog.tables import metadata
from mlstack_nb.errors import CatalogError

OPEN = "import sys; from pathlib import Path; from mlstack_nb.catalog.database import Catalog\n"
NOBODY = 65534


def python(code: str, *arguments: Any, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", OPEN + code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def schema(path: Path) -> dict[str, list[str]]:
    """The words of each table's and index's definition: the order of constraints means nothing."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {name: sorted(re.findall(r"\w+", sql)) for name, sql in rows if name != "alembic_version"}


def test_a_new_catalog_holds_the_default_stack(catalog: Catalog) -> None:
    with catalog.read() as connection:
        found = stacks.list_stacks(connection)
    parts = [(part.kind, part.flavor, part.name) for part in found[0].components]
    assert [stack.name for stack in found] == ["default"]
    assert parts == [("orchestrator", "local", "default"), ("artifact_store", "local", "default")]


def test_the_constant_head_is_the_newest_revision(catalog: Catalog) -> None:
    config = Config()
    config.set_main_option("script_location", "mlstack_nb.catalog:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD == catalog.version()


def test_the_tables_are_what_the_migrations_make(catalog: Catalog, path: Path, tmp_path: Path) -> None:
    with catalog.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    metadata.create_all(create_engine(f"sqlite:///{tmp_path / 'made.db'}"))
    assert schema(path) == schema(tmp_path / "made.db")


def test_an_old_catalog_is_migrated_and_keeps_its_runs(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", "mlstack_nb.catalog:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text("INSERT INTO runs VALUES ('r', 'p', 'default', 'completed', 'm', 1, 2, '{}', 'h', 1, 1)")
        )
        connection.execute(
            text(
                "INSERT INTO step_runs (id, run_id, position, step, state, key, started_at, attempt, saved_s, "
                "fingerprint, parameters) VALUES ('r.0', 'r', 0, 'load', 'completed', 'k', 1, 1, 0, '{}', '{}')"
            )
        )
    catalog = Catalog.open(path)
    (step,) = get_run(catalog, "r").steps
    assert (catalog.version(), step.step, step.reason, step.code) == (HEAD, "load", None, "")


def test_opening_an_up_to_date_catalog_does_not_load_alembic(catalog: Catalog, path: Path) -> None:
    code = "Catalog.open(Path(sys.argv[1])); print(sorted({'alembic', 'pydantic', 'pandas'} & set(sys.modules)))"
    out, err = python(code, path).communicate()
    assert (out, err) == ("[]\n", "")


def test_the_file_is_for_its_owner_only(catalog: Catalog, path: Path) -> None:
    catalog.version()
    modes = {stat.S_IMODE(os.stat(file).st_mode) for file in path.parent.glob("catalog.db*")}
    assert modes == {0o600}


def test_the_catalog_writes_ahead_and_keeps_references_whole(catalog: Catalog) -> None:
    with catalog.read() as connection:
        answers = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "foreign_keys")]
    assert answers == ["wal", 1]


def test_eight_processes_make_and_write_one_catalog_at_once(path: Path) -> None:
    code = """
from mlstack_nb.catalog import schedule_tables, service_tables, stacks, subject_tables  # noqa: F401
from mlstack_nb.core.stack import Component, Kind
sys.stdin.read()
catalog = Catalog.open(Path(sys.argv[1]))
for number in range(20):
    with catalog.write() as connection:
        stacks.add_component(connection, Component(Kind.ARTIFACT_STORE, "local", f"{sys.argv[2]}-{number}"))
"""
    writers = [python(code, path, number, stdin=subprocess.PIPE) for number in range(8)]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.close()
        writer.stdin = None
    errors = [writer.communicate()[1] for writer in writers]
    assert errors == [""] * 8
    with Catalog.open(path).read() as connection:
        assert len(stacks.list_components(connection)) == 2 + 8 * 20


def test_a_write_that_raises_leaves_nothing(catalog: Catalog) -> None:
    def fail() -> None:
        with catalog.write() as connection:
            stacks.rename_stack(connection, "default", "other")
            raise KeyError("half way")

    with pytest.raises(KeyError):
        fail()
    with catalog.read() as connection:
        assert stacks.stack_names(connection) == ["default"]


def test_a_newer_catalog_is_refused_and_left_alone(catalog: Catalog, path: Path) -> None:
    with catalog.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9001'"))
    before = schema(path)
    with pytest.raises(CatalogError, match="has schema 9001") as error:
        Catalog.open(path)
    assert error.value.hint == "Run: pip install --upgrade mlstack-nb"
    assert schema(path) == before


def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    path.write_text("A shopping list. " * 100)
    with pytest.raises(CatalogError, match="is not a database") as error:
        Catalog.open(path)
    assert f"mv {path} {path}.damaged" in error.value.hint
    assert path.read_text() == "A shopping list. " * 100


def test_another_programs_database_is_refused_and_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE birds (name TEXT)")
    with pytest.raises(CatalogError, match="not a catalog of mlstack"):
        Catalog.open(path)
    assert list(schema(path)) == ["birds"]


def test_a_damaged_catalog_says_so(catalog: Catalog, path: Path) -> None:
    catalog.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(CatalogError, match="is damaged"), Catalog.open(path).read() as connection:
        stacks.list_stacks(connection)


def test_an_empty_file_becomes_a_catalog(path: Path) -> None:
    path.touch()
    assert Catalog.open(path).version() == HEAD


def test_a_full_disk_is_one_clear_error_and_loses_nothing(catalog: Catalog) -> None:
    def fill() -> None:
        with catalog.write() as connection:
            connection.exec_driver_sql("CREATE TABLE ballast (weight BLOB)")
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}")
            connection.exec_driver_sql("INSERT INTO ballast VALUES (zeroblob(1000000))")

    with pytest.raises(CatalogError, match=r"The disk of the catalog .* is full") as error:
        fill()
    assert error.value.hint.startswith("Free some space")
    with catalog.read() as connection:
        assert stacks.stack_names(connection) == ["default"]


def test_a_disk_that_stops_taking_bytes_is_one_clear_error(path: Path) -> None:
    code = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
try:
    Catalog.open(Path(sys.argv[1]))
except Exception as error:
    print(type(error).__name__, error.what)
"""
    out, err = python(code, path).communicate()
    assert out.startswith(f"CatalogError The disk of the catalog {path}")
    assert err == ""


def test_a_folder_without_permission_is_one_clear_error() -> None:
    # root may write anywhere, so a process of nobody's tries
    code = """
import json, os
if os.getuid() == 0:
    os.setuid(int(sys.argv[2]))
found = []
for name in ("absent.db", "catalog.db"):
    try:
        with Catalog.open(Path(sys.argv[1], name)).write() as connection:
            connection.exec_driver_sql("DELETE FROM stacks")
    except Exception as error:
        found.append([type(error).__name__, error.what, error.hint])
print(json.dumps(found))
"""
    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to others
    try:
        Catalog.open(folder / "catalog.db").close()
        for place in (folder / "catalog.db", folder):
            place.chmod(0o555)
        out, _ = python(code, folder, NOBODY).communicate()
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)
    absent, locked = json.loads(out)
    assert absent[:2] == ["CatalogError", f"The catalog {folder / 'absent.db'} can not be made: Permission denied."]
    assert locked[:2] == ["CatalogError", f"The catalog {folder / 'catalog.db'} can not be written."]
    assert str(folder) in absent[2]
    assert str(folder) in locked[2]


def test_a_catalog_in_a_folder_that_is_none_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CatalogError, match="can not be made"):
        Catalog.open(tmp_path / "file" / "catalog.db")
