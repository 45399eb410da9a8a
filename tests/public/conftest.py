"""Each notebook is executed once for all tests of a module, and once in one kernel for all of them."""

from __future__ import annotations

import fcntl
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.public.execution import Execution, Plain
from tests.public.public_notebook import NAMES, PublicNotebook

pytest.register_assert_rewrite("tests.public.cut_in_steps")


@pytest.fixture(scope="module", params=NAMES)
def public(request: pytest.FixtureRequest) -> PublicNotebook:
    return PublicNotebook(request.param)


@pytest.fixture(scope="module")
def executed(request: pytest.FixtureRequest, public: PublicNotebook, tmp_path_factory: Any) -> Execution:
    """The notebook in the guise that the module of tests names."""
    return Execution(public, request.module.GUISE, tmp_path_factory.mktemp(public.name) / "project")


@pytest.fixture(scope="session")
def as_jupyter(tmp_path_factory: Any, worker_id: str) -> Callable[[PublicNotebook], Plain]:
    """A notebook executed by nbclient, once for all processes that test at the same time."""
    base: Path = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "as_jupyter"
    shared.mkdir(exist_ok=True)

    def plain(notebook: PublicNotebook) -> Plain:
        with (shared / f"{notebook.name}.pickle").open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            if known := file.read():
                found: Plain = pickle.loads(known)
                return found
            made = Plain.of(notebook, tmp_path_factory.mktemp("plain"))
            file.write(pickle.dumps(made))
            return made

    return plain
