"""The switch, and the names that it brings."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlstack_nb.compat import switch_on
from mlstack_nb.compat import zenml as switch
from mlstack_nb.compat.zenml_names import MISSING, MODULES
from mlstack_nb.errors import UsageError

DOCS = Path(__file__).parents[2] / "docs" / "zenml.md"
NAMES = [(module, name) for module, names in MODULES.items() for name in names]


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    import os

    variables = {**os.environ, **environment}
    if not environment:
        variables.pop("MLSTACK_COMPAT", None)
    return subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, env=variables)


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_a_name_of_the_table_is_there(module: str, name: str) -> None:
    assert name in dir(importlib.import_module(module))
    assert getattr(importlib.import_module(module), name) is not None


def test_the_table_is_sorted_and_the_docs_have_every_line_of_it() -> None:
    assert list(MODULES) == sorted(MODULES)
    assert list(MISSING) == sorted(MISSING)
    text = DOCS.read_text()
    rows = dict(re.findall(r"^\| `(zenml[\w.]*)` \| (.*) \|$", text, re.MULTILINE))
    assert {module: ", ".join(f"`{name}`" for name in sorted(names)) for module, names in MODULES.items()} == {
        module: names for module, names in rows.items() if module in MODULES
    }
    assert {path: hint for path, hint in rows.items() if path in MISSING} == MISSING


def test_the_docs_count_the_tests_of_this_folder() -> None:
    told = sorted(map(int, re.findall(r"^\| .* \| (\d+) \|$", DOCS.read_text(), re.MULTILINE)))
    files = Path(__file__).parent.glob("test_*.py")
    assert told == sorted(len(re.findall(r"^def test_", file.read_text(), re.MULTILINE)) for file in files)


@pytest.mark.parametrize("path", sorted(MISSING))
def test_what_is_missing_tells_what_to_do_instead(path: str) -> None:
    module, _, name = path.rpartition(".")
    with pytest.raises(ImportError, match=re.escape(MISSING[path])):
        exec(f"from {module} import {name}")


def test_an_unknown_name_is_an_import_error_with_the_nearest() -> None:
    with pytest.raises(ImportError, match=r"There is no zenml.pipelin here.\n  -> Did you mean zenml.pipeline\?"):
        exec("from zenml import pipelin")


def test_an_unknown_module_is_an_import_error() -> None:
    with pytest.raises(ImportError, match=r"There is no zenml.clients here.\n  -> Did you mean zenml.client\?"):
        exec("import zenml.clients")


def test_hasattr_asks_without_an_error() -> None:
    import zenml as modules

    assert not hasattr(modules, "nothing")
    assert hasattr(modules, "step")


def test_modules_are_reached_as_attributes_once_imported() -> None:
    import zenml.client

    assert zenml.client.Client.__name__ == "Client"


def test_the_switch_imports_nothing_heavy() -> None:
    code = "import sys, mlstack_nb.compat.zenml; print(sorted({'pandas', 'sqlalchemy', 'mlflow'} & set(sys.modules)))"
    assert python(code).stdout == "[]\n"


def test_without_the_switch_the_names_are_not_there() -> None:
    assert "No module named 'zenml'" in python("import mlstack_nb; import zenml").stderr


def test_a_variable_switches_every_process_on() -> None:
    done = python("import mlstack_nb; from zenml import step; print(step.__module__)", MLSTACK_COMPAT="zenml")
    assert done.stdout == "mlstack_nb.compat.zenml_parts\n"


def test_the_switch_is_passed_on_to_processes() -> None:
    assert python("import os, mlstack_nb.compat.zenml; print(os.environ['MLSTACK_COMPAT'])").stdout == "zenml\n"


def test_an_unknown_tool_is_refused() -> None:
    with pytest.raises(UsageError, match="no import paths of 'zenlm' here"):
        switch_on("zenlm")


def test_zenml_itself_is_not_replaced_behind_its_back() -> None:
    code = "import sys, types; sys.modules['zenml'] = types.ModuleType('zenml'); import mlstack_nb.compat.zenml"
    assert "ConflictError: ZenML itself is imported already." in python(code).stderr


def test_a_second_switch_changes_nothing() -> None:
    before = list(sys.meta_path)
    switch.install()
    assert sys.meta_path == before
