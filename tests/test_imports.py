"""What loading the package and the extension brings in, and the public names."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import mlstack_nb

HEAVY = {"jsonschema", "mlflow", "nbformat", "pandas", "papermill", "pyarrow", "pydantic", "sqlalchemy"}

IMPORT = "import mlstack_nb"
LOAD = "shell.run_line_magic('load_ext', 'mlstack_nb')"
SHELL = "from IPython.core.interactiveshell import InteractiveShell; shell = InteractiveShell.instance()"
REPORT = """
import json, sys, time
{prepare}
before = time.process_time()
{code}
print(json.dumps([time.process_time() - before, sorted(sys.modules)]))
"""


def loaded(code: str, *, prepare: str = "") -> tuple[float, set[str]]:
    """CPU seconds that `code` takes in a new process, after `prepare`, and the modules loaded then."""
    command = [sys.executable, "-c", REPORT.format(code=code, prepare=prepare)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seconds, modules = json.loads(done.stdout)
    return seconds, set(modules)


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded(IMPORT)[1] & (HEAVY | {"asyncio", "IPython", "ipywidgets", "numpy"}) == set()


def test_loading_the_extension_loads_nothing_heavy() -> None:
    assert loaded(LOAD, prepare=SHELL)[1] & HEAVY == set()


def test_the_table_of_flavors_loads_no_sdk() -> None:
    assert loaded("from mlstack_nb.flavors import registry; registry()")[1] & HEAVY == set()


@pytest.mark.parametrize("target", ["experiment_tracker.mlflow"])
def test_a_flavor_loads_its_sdk_on_use_only(target: str) -> None:
    assert loaded(f"import mlstack_nb.flavors.{target}")[1] & {"boto3", "google.cloud", "mlflow"} == set()


# Budgets are 40 ms and 120 ms; twice that here, because the machine that tests may be slow or busy.


def test_importing_the_package_is_cheap() -> None:
    assert min(loaded(IMPORT)[0] for _ in range(5)) < 0.080


def test_loading_the_extension_is_cheap() -> None:
    assert min(loaded(LOAD, prepare=SHELL)[0] for _ in range(5)) < 0.240


@pytest.mark.parametrize("name", mlstack_nb.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(mlstack_nb, name).__name__.rpartition(".")[2] == name
    assert name in dir(mlstack_nb)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'stepp'"):
        mlstack_nb.stepp  # noqa: B018


def test_type_checkers_see_the_public_names_where_they_are() -> None:
    (block,) = [node for node in ast.parse(Path(mlstack_nb.__file__).read_text()).body if isinstance(node, ast.If)]
    seen = {
        alias.name: node.module if node.module != "mlstack_nb" else f"mlstack_nb.{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("mlstack_nb.")
        for alias in node.names
    }
    assert seen == mlstack_nb._HOMES
    assert sorted(seen) == mlstack_nb.__all__
