"""`mlstack secret`, and runs that use secrets from the command line."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Mlstack

PASSWORD = "correct horse battery"

Typed = Callable[[str], None]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Typed:
    """What comes by standard input, which is no terminal."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


@pytest.fixture
def db(mlstack: Mlstack, typed: Typed) -> None:
    typed(f"{PASSWORD}\n")
    assert mlstack("secret", "create", "db", "user=ann", "password").code == 0


def everything_written(workspace: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(workspace.rglob("*")) if path.is_file())


def test_values_come_from_standard_input_line_by_line(mlstack: Mlstack, typed: Typed) -> None:
    typed("one\ntwo\n")
    done = mlstack("secret", "create", "s", "a", "b")
    assert (done.code, done.out) == (0, "Keeping secret 's': a, b.\n")
    assert mlstack("secret", "get", "s", "--show", "--json").json["values"] == {"a": "one", "b": "two"}


def test_too_few_lines_are_told(mlstack: Mlstack, typed: Typed) -> None:
    typed("one\n")
    done = mlstack("secret", "create", "s", "a", "b")
    assert (done.code, "no value for 'b'" in done.err) == (2, True)


@pytest.mark.parametrize(
    "text", ['{"user": "ann", "pin": "0123"}', "user: ann\npin: 0123\n", "# note\nexport user=ann\npin='0123'\n"]
)
def test_values_come_from_a_file(mlstack: Mlstack, tmp_path: Path, text: str) -> None:
    (tmp_path / "values").write_text(text)
    assert mlstack("secret", "create", "s", "--from-file", "values").code == 0
    assert mlstack("secret", "get", "s", "--show", "--json").json["values"] == {"user": "ann", "pin": "0123"}


def test_a_file_comes_by_standard_input(mlstack: Mlstack, typed: Typed) -> None:
    typed("key: |\n  first\n  second\n")
    assert mlstack("secret", "create", "s", "-f", "-").code == 0
    assert mlstack("secret", "get", "s", "key", "--show").out == "first\nsecond\n\n"


@pytest.mark.parametrize("content", [b"- a\n- b\n", b"just words", b"{a: {b: c}}", b"\xff\xfe\x00", b""])
def test_a_file_without_values_is_refused(mlstack: Mlstack, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "values").write_bytes(content)
    done = mlstack("secret", "create", "s", "-f", "values")
    assert (done.code, done.err.startswith("Error: The file 'values'")) == (2, True)


def test_get_shows_keys_and_masks_values(mlstack: Mlstack, db: None) -> None:
    assert mlstack("secret", "get", "db").out == "user      ********\npassword  ********\n"
    assert mlstack("secret", "get", "db", "--json").json == {
        "name": "db",
        "values": {"user": "********", "password": "********"},
    }
    assert mlstack("secret", "get", "db", "password", "--show").out == f"{PASSWORD}\n"


def test_list_shows_keys(mlstack: Mlstack, db: None) -> None:
    (found,) = mlstack("secret", "list", "--json").json
    assert (found["name"], found["keys"]) == ("db", ["password", "user"])
    assert "password, user" in mlstack("secret", "list").out


def test_update_changes_adds_and_removes(mlstack: Mlstack, db: None) -> None:
    assert mlstack("secret", "update", "db", "--port=5432", "--remove", "user").code == 0
    assert mlstack("secret", "get", "db", "--show", "--json").json["values"] == {"password": PASSWORD, "port": "5432"}
    assert mlstack("secret", "update", "db").code == 2


def test_rename(mlstack: Mlstack, db: None) -> None:
    assert mlstack("secret", "rename", "db", "database").out == "Renamed secret 'db' to 'database'.\n"
    assert mlstack("secret", "get", "database", "password", "--show").out == f"{PASSWORD}\n"
    assert mlstack("secret", "get", "db").code == 1


def test_delete(mlstack: Mlstack, db: None) -> None:
    assert mlstack("secret", "delete", "db").out == "Deleted secret 'db'.\n"
    done = mlstack("secret", "get", "db")
    assert (done.code, "No secret is called 'db'" in done.err) == (1, True)


def test_a_component_refers_to_a_secret(mlstack: Mlstack, db: None) -> None:
    words = ["component", "register", "experiment_tracker", "t", "--flavor", "mlflow"]
    done = mlstack(*words, "--tracking_uri", "http://localhost:1", "--tracking_password", "{{db.password}}")
    assert done.code == 0, done.err
    shown = mlstack("component", "describe", "experiment_tracker", "t", "--json").json
    assert shown["configuration"]["tracking_password"] == "{{db.password}}"


def test_logs_of_a_run_from_the_command_line_have_the_value_masked(
    workspace: Path, db: None, tmp_path: Path, mlstack: Mlstack
) -> None:
    (tmp_path / "flow.py").write_text(
        "import os\n"
        "from mlstack_nb import pipeline, step\n"
        "@step(secrets=['db'])\n"
        "def connect() -> int:\n"
        "    print('password:', os.environ['password'])\n"
        "    return len(os.environ['password'])\n"
        "@pipeline\n"
        "def flow():\n"
        "    connect()\n"
    )
    for isolation in ("thread", "process"):
        done = mlstack("run", "flow.py", "--isolation", isolation, "--no-cache")
        assert done.code == 0, done.err
        assert mlstack("runs", "logs", "last", "connect").out.strip() == "password: ********"
    assert PASSWORD.encode() not in everything_written(workspace)


def test_a_step_of_a_notebook_has_the_values_and_its_notebook_does_not(
    workspace: Path, db: None, tmp_path: Path, mlstack: Mlstack
) -> None:
    cell = "%%step connect -> n --secret db\nimport os\nprint(os.environ['password'])\nn = len(os.environ['password'])"
    code = {"cell_type": "code", "id": "c", "metadata": {}, "outputs": [], "execution_count": None, "source": cell}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [code]}
    (tmp_path / "nb.ipynb").write_text(json.dumps(document))
    done = mlstack("run", "nb.ipynb")
    assert done.code == 0, done.err
    assert mlstack("runs", "logs", "last", "connect").out.strip() == "********"
    assert PASSWORD.encode() not in everything_written(workspace)
