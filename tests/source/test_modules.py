"""Finding modules without importing them, and reading the project's own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mlstack_nb.errors import StepSyntaxError
from mlstack_nb.source.module_scope import file_digest, module_scope
from mlstack_nb.source.modules import Origin, locate


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("os", Origin.STDLIB),
        ("sys", Origin.STDLIB),
        ("json.decoder", Origin.STDLIB),
        ("importlib.util", Origin.STDLIB),
        ("xml.etree.ElementTree", Origin.STDLIB),
        ("numpy", Origin.PACKAGE),
        ("sklearn.svm", Origin.PACKAGE),
        ("blake3", Origin.PACKAGE),
        ("mlstack_nb.core.step", Origin.OWN),
        ("zenml", Origin.OWN),
        ("nobody_wrote_this", Origin.MISSING),
        ("json.nobody_wrote_this", Origin.STDLIB),
    ],
)
def test_a_module_is_told_by_where_it_is(name: str, origin: Origin) -> None:
    assert locate(name).origin is origin


def test_a_project_s_module_is_found_and_not_imported(project: Path) -> None:
    (project / "located").mkdir()
    (project / "located" / "__init__.py").write_text("raise SystemExit")
    (project / "located" / "inner.py").write_text("raise SystemExit")
    package, module = locate("located"), locate("located.inner")
    assert (module.origin, module.path, module.package) == (
        Origin.PROJECT,
        str(project / "located" / "inner.py"),
        "located",
    )
    assert (package.path, package.package) == (str(project / "located" / "__init__.py"), "located")
    assert not [name for name in sys.modules if name.startswith("located")]


def test_a_folder_without_init_is_a_package_without_a_file(project: Path) -> None:
    (project / "spaced").mkdir()
    (project / "spaced" / "inner.py").write_text("x = 1")
    assert (locate("spaced").path, locate("spaced.inner").origin) == (None, Origin.PROJECT)


def test_a_module_that_moves_is_found_again(project: Path) -> None:
    (project / "moving.py").write_text("x = 1")
    assert locate("moving").path == str(project / "moving.py")
    (project / "moving").mkdir()
    (project / "moving.py").rename(project / "moving" / "__init__.py")
    os.utime(project, ns=(1, 1))  # the folder's listing is remembered by its time
    assert locate("moving").path == str(project / "moving" / "__init__.py")


def test_the_working_directory_counts_where_it_is_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "here.py").write_text("")
    monkeypatch.setattr("sys.path", ["", *sys.path])
    for name in ("one", "two"):
        monkeypatch.chdir(tmp_path / name)
        assert locate("here").path == str(tmp_path / name / "here.py")


def test_a_module_is_read_once_as_long_as_its_file_is_the_same(project: Path) -> None:
    file = project / "read_once.py"
    file.write_text("x = 1")
    module = locate("read_once")
    first = module_scope(module)
    assert first is module_scope(module)
    file.write_text("x = 12")
    second = module_scope(module)
    assert second is not None
    assert second.lookup("x").value == 12  # type: ignore[union-attr]


def test_a_change_of_equal_size_is_seen_by_its_time(project: Path) -> None:
    file = project / "same_size.py"
    file.write_text("x = 1")
    module = locate("same_size")
    before = file_digest(module)
    file.write_text("x = 2")
    os.utime(file, ns=(10**18, 10**18))
    assert file_digest(module) != before


@pytest.mark.parametrize(
    "data", ["# -*- coding: latin-1 -*-\nx = '\xe9'".encode("latin-1"), b"\xef\xbb\xbfx = '\xc3\xa9'"]
)
def test_a_file_is_read_in_its_own_encoding(project: Path, data: bytes) -> None:
    name = f"encoded_{len(data)}"
    (project / f"{name}.py").write_bytes(data)
    scope = module_scope(locate(name))
    assert scope is not None
    assert scope.lookup("x").value == "\xe9"  # type: ignore[union-attr]


def test_a_module_that_is_no_python_is_an_error_that_names_the_file(project: Path) -> None:
    (project / "broken_module.py").write_text("x = 1\ndef f(:\n")
    with pytest.raises(StepSyntaxError, match=r"broken_module\.py, line 2"):
        module_scope(locate("broken_module"))


def test_a_blank_line_in_a_text_counts_in_a_file_as_python_keeps_it(project: Path) -> None:
    digests = set()
    for name, blanks in (("blank_one", ""), ("blank_two", "   ")):
        (project / f"{name}.py").write_text(f"x = '''\n{blanks}\n'''")
        scope = module_scope(locate(name))
        assert scope is not None
        digests.add(scope.cell.code.digest)
    assert len(digests) == 2


def test_a_compiled_module_has_no_scope_but_a_digest(project: Path) -> None:
    import _bz2

    (project / f"compiled{Path(_bz2.__file__).name.removeprefix('_bz2')}").write_bytes(b"\x7fELF")
    module = locate("compiled")
    assert module_scope(module) is None
    assert file_digest(module) != file_digest(locate("sys"))
