"""A module imports its own package and lower floors only; siblings on a floor do not import each other."""

from __future__ import annotations

import ast
import graphlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mlstack_nb

PACKAGE = Path(mlstack_nb.__file__).parent
NAME = PACKAGE.name

# Lowest first. Packages on one line stand side by side. This is the only place that says so to a machine.
FLOORS = (
    ("errors",),
    ("core",),
    ("source",),
    ("ports",),
    ("materializers", "catalog", "flavors", "engine", "kernels", "testing"),
    ("app",),
    ("step_notebook", "run_node", "track"),
    ("client",),
    ("notebook", "server", "cli", "compat"),
)
RANK = {package: rank for rank, floor in enumerate(FLOORS) for package in floor}

PURE = ("core", "source")  # standard library and these:
PURE_MAY_IMPORT = {"blake3"}
CORE_MAY_NOT_IMPORT = {"http", "io", "os", "shutil", "socket", "sqlite3", "subprocess", "tempfile", "urllib"}
ONLY_IN = {
    "IPython": {"notebook"},
    "click": {"cli"},
    "ipykernel": {"kernels"},
    "ipywidgets": {"notebook"},
    "jupyter_server": {"server"},
    "nbclient": {"kernels"},
}


class Tree:
    """The modules below a package folder, by dotted name."""

    def __init__(self, folder: Path) -> None:
        files = {path.relative_to(folder).with_suffix("").parts: path for path in sorted(folder.rglob("*.py"))}
        self.files = {".".join((NAME, *parts)).removesuffix(".__init__"): path for parts, path in files.items()}

    def imports(self, module: str) -> Iterator[str]:
        """Every module that `module` imports, also inside functions and for type checkers only."""
        for node in ast.walk(ast.parse(self.files[module].read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module}:{node.lineno} imports relatively"
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    yield inner if inner in self.files or node.module == NAME else str(node.module)


def package_of(module: str) -> str:
    return [*module.split("."), ""][1]


def broken_floors(tree: Tree) -> list[str]:
    """`module -> imported` for each import that goes up or sideways. The package's own face may import all."""
    found = []
    for module in tree.files:
        own = package_of(module)
        for imported in tree.imports(module):
            if imported.split(".")[0] != NAME or not own or imported == f"{NAME}.__version__":
                continue
            other = package_of(imported)
            if other != own and (other not in RANK or RANK[other] >= RANK[own]):
                found.append(f"{module} -> {imported}")
    return found


def foreign_imports(tree: Tree) -> list[str]:
    """`module -> imported` for each import from outside that the module's floor may not have."""
    found = []
    for module in tree.files:
        own = package_of(module)
        for imported in tree.imports(module):
            top = imported.split(".")[0]
            is_impure = own in PURE and top not in sys.stdlib_module_names | PURE_MAY_IMPORT | {NAME}
            is_input = own == "core" and top in CORE_MAY_NOT_IMPORT
            is_misplaced = bool(own) and own not in ONLY_IN.get(top, {own})
            if is_impure or is_input or is_misplaced:
                found.append(f"{module} -> {imported}")
    return found


def cycle(tree: Tree) -> list[str]:
    """The modules of one import cycle, or nothing."""
    graph = {
        module: {other for other in tree.imports(module) if other in tree.files} - {module} for module in tree.files
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_every_package_stands_on_a_floor() -> None:
    packages = {package_of(module) for module in Tree(PACKAGE).files} - {""}
    assert packages <= set(RANK)


def test_imports_go_down_only() -> None:
    assert broken_floors(Tree(PACKAGE)) == []


def test_there_is_no_import_cycle() -> None:
    assert cycle(Tree(PACKAGE)) == []


def test_outside_packages_are_imported_where_they_belong() -> None:
    assert foreign_imports(Tree(PACKAGE)) == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("core/a.py", "import mlstack_nb.app.b"),
        ("core/a.py", "from mlstack_nb.app import b"),
        ("core/a.py", "from mlstack_nb import step"),
        ("engine/a.py", "def f():\n    from mlstack_nb.flavors import registry"),
        ("engine/a.py", "if TYPE_CHECKING:\n    from mlstack_nb.catalog.tables import runs"),
        ("ports/a.py", "from mlstack_nb.elsewhere import b"),
    ],
)
def test_an_import_that_goes_up_or_sideways_is_found(tmp_path: Path, path: str, code: str) -> None:
    assert len(broken_floors(planted(tmp_path, {path: code}))) == 1


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("core/a.py", "import numpy"),
        ("source/a.py", "def f():\n    from IPython import get_ipython"),
        ("core/a.py", "from os import path"),
        ("engine/a.py", "import ipywidgets"),
    ],
)
def test_an_outside_import_in_the_wrong_place_is_found(tmp_path: Path, path: str, code: str) -> None:
    assert len(foreign_imports(planted(tmp_path, {path: code}))) == 1


def test_a_cycle_is_found(tmp_path: Path) -> None:
    tree = planted(
        tmp_path,
        {
            "core/a.py": "from mlstack_nb.core import b",
            "core/b.py": "def f():\n    import mlstack_nb.core.a",
            "core/c.py": "",
        },
    )
    assert set(cycle(tree)) == {"mlstack_nb.core.a", "mlstack_nb.core.b"}


def planted(folder: Path, files: dict[str, str]) -> Tree:
    for path, code in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(code)
    return Tree(folder)
