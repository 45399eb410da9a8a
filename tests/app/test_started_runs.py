"""Values from JSON as they are typed for `mlstack run`; runs that a server begins are tested in tests/server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlstack_nb.app.request import Request
from mlstack_nb.app.started_runs import StartedRuns, as_texts, check_request
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.errors import NotFoundError

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20)
JSON = st.recursive(PLAIN, lambda inner: st.lists(inner | TEXT) | st.dictionaries(TEXT, inner | TEXT), max_leaves=10)


@given(JSON)
def test_a_value_comes_back_from_its_text(value: Any) -> None:
    (text,) = as_texts({"name": value}).values()
    assert yaml.safe_load(text) == value
    assert "\n" not in text or isinstance(value, list | dict)


@pytest.mark.parametrize("text", ["", "5", "null", "a: b", "-x", "ü"])
def test_a_text_stays_as_it_is(text: str) -> None:
    assert as_texts({"name": text}) == {"name": text}


def test_a_run_that_nobody_began_is_not_known(workspace: Path) -> None:
    started = StartedRuns()
    assert started.unrecorded(Workspace(workspace), "20260101-000000-000000") is None
    assert not started.stop(Workspace(workspace), "20260101-000000-000000")
    assert started.ended() == []


def test_a_module_is_not_imported_to_check_its_run(workspace: Path) -> None:
    (workspace.parent / "flow.py").write_text("raise SystemExit('imported')\n")
    target = str(workspace.parent / "flow.py")
    assert check_request(Workspace(workspace), Request(f"{target}:main")) == "main"
    assert check_request(Workspace(workspace), Request(target)) == "flow"


def test_a_module_that_is_not_there_is_told(workspace: Path) -> None:
    with pytest.raises(NotFoundError, match="no file"):
        check_request(Workspace(workspace), Request(str(workspace.parent / "none.py:main")))
