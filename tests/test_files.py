"""What the files of the project look like: short, well named, without addresses to download from."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import mlstack_nb

PACKAGE = Path(mlstack_nb.__file__).parent
ROOT = PACKAGE.parent
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40  # without the docstring
VAGUE = {"common", "helper", "helpers", "manager", "misc", "util", "utils"}
SOURCES = sorted([*PACKAGE.rglob("*.py"), *(ROOT / "bench").rglob("*.py")])


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, less the docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        lines -= (first.end_lineno or 0) - first.lineno + 1
    return lines


def long_functions(code: str) -> list[str]:
    functions = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [f"{found.name}: {body_lines(found)}" for found in functions if body_lines(found) >= MAX_FUNCTION_LINES]


def test_no_file_is_longer_than_300_lines() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in SOURCES}
    assert {path: lines for path, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_functions_stay_under_40_lines() -> None:
    written = [path for path in SOURCES if path.parent.name != "versions"]  # a migration lists columns
    found = {str(path.relative_to(ROOT)): long_functions(path.read_text()) for path in written}
    assert {path: functions for path, functions in found.items() if functions} == {}


def test_a_docstring_does_not_count_as_length_and_code_does() -> None:
    code = 'def f():\n    """{}"""\n{}'
    assert long_functions(code.format("a\n" * 60, "    a = 1\n" * 38)) == []
    assert long_functions(code.format("a", "    a = 1\n" * 39)) == ["f: 40"]


def test_names_of_files_say_what_is_in_them() -> None:
    assert [path for path in SOURCES if set(path.stem.split("_")) & VAGUE] == []


def test_constraints_pin_versions_and_name_no_address() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[a-z0-9-]+==[\w.!+]+( ; [^/@]+)?", line)] == []
    assert not [line for line in lines if "://" in line or "--" in line]
    names = [line.partition("==")[0] for line in pins]
    assert names == sorted(set(names))


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    names = {re.split(r"[\[<>=~! ]", line)[0] for line in asked} - {project["name"]}
    pinned = {line.partition("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines()}
    assert names - pinned == set()
