"""`mlstack lint`: what it prints, its exit codes, its options."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest

from mlstack_nb.source.lint.rules import RULES

DEMO = Path(__file__).parents[2] / "notebooks" / "fraud_detection.ipynb"
CELLS = ("import numpy as np\nimport boto3", "%%step s -> a\na: int = np.random.default_rng().integers(3)")


def save(path: str, *cells: str) -> None:
    made = [nbformat.v4.new_code_cell(text) for text in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=made), path)


def linted(mlstack: Any, *words: str) -> Any:
    done = mlstack("lint", *words, "--json")
    assert done.err == ""
    return json.loads(done.out)


def found(mlstack: Any, *words: str) -> list[str]:
    return [one["rule"] for file in linted(mlstack, *words)["files"] for one in file["findings"]]


def test_the_demo_has_nothing_wrong(mlstack: Any) -> None:
    shutil.copy(DEMO, "demo.ipynb")
    done = mlstack("lint", "demo.ipynb")
    assert (done.code, done.out, done.err) == (0, "Nothing found.\n", "")


def test_a_finding_is_shown_with_place_rule_and_fix(mlstack: Any) -> None:
    save("nb.ipynb", *CELLS)
    done = mlstack("lint", "nb.ipynb")
    assert (done.code, done.err) == (1, "")
    assert done.out.splitlines() == [
        "nb.ipynb: cell 2, line 2: MLS201 `numpy.random.default_rng()` has no seed.",
        "  -> Give it one: default_rng(0).",
        "1 finding; --fix mends 1 of them.",
    ]


def test_json_has_the_same_facts(mlstack: Any) -> None:
    save("nb.ipynb", *CELLS)
    told = linted(mlstack, "nb.ipynb")
    assert told["count"] == 1
    assert told["files"] == [
        {
            "path": "nb.ipynb",
            "findings": [
                {
                    "rule": "MLS201",
                    "name": "unseeded-randomness",
                    "cell": "cell 2",
                    "line": 2,
                    "column": 10,
                    "steps": ["s"],
                    "message": "`numpy.random.default_rng()` has no seed.",
                    "hint": "Give it one: default_rng(0).",
                    "is_fixable": True,
                }
            ],
            "fixed": [],
        }
    ]


def test_a_fix_says_what_it_mended_and_then_there_is_nothing(mlstack: Any) -> None:
    save("nb.ipynb", *CELLS)
    done = mlstack("lint", "nb.ipynb", "--fix")
    assert done.code == 0
    assert done.out.splitlines() == [
        "nb.ipynb: cell 2, line 2: mended MLS201 `numpy.random.default_rng()` has no seed.",
        "Nothing found, 1 mended.",
    ]
    assert mlstack("lint", "nb.ipynb").code == 0


def test_several_files_and_python_files(mlstack: Any) -> None:
    save("nb.ipynb", *CELLS)
    Path("steps.py").write_text(
        "import boto3\nfrom mlstack_nb import step\n@step\ndef f() -> int:\n    boto3.client('s3')\n"
    )
    done = mlstack("lint", "nb.ipynb", "steps.py")
    assert done.code == 1
    assert "steps.py: line 5: MLS101 `boto3.client` is the SDK of AWS." in done.out
    assert "2 findings" in done.out


def test_rules_are_chosen_by_id_prefix_and_name(mlstack: Any) -> None:
    body = "%%step s -> a\na = np.random.default_rng()\nb = boto3.client('s3')\nc = open('/home/ada/x').read()"
    save("nb.ipynb", CELLS[0], body)
    assert sorted(found(mlstack, "nb.ipynb")) == ["MLS101", "MLS103", "MLS201", "MLS301", "MLS404"]
    assert sorted(found(mlstack, "nb.ipynb", "--select", "MLS1,unseeded-randomness")) == ["MLS101", "MLS103", "MLS201"]
    assert sorted(found(mlstack, "nb.ipynb", "--ignore", "MLS1", "--ignore", "MLS404,mls2")) == ["MLS301"]
    assert found(mlstack, "nb.ipynb", "--select", "MLS1", "--ignore", "MLS101") == ["MLS103"]
    assert mlstack("lint", "nb.ipynb", "--select", "MLS405").code == 0


def test_a_fix_keeps_to_the_chosen_rules(mlstack: Any) -> None:
    save("nb.ipynb", CELLS[0], "%%step s -> a\na = np.random.default_rng(), 1")
    before = Path("nb.ipynb").read_bytes()
    assert mlstack("lint", "nb.ipynb", "--fix", "--ignore", "MLS201", "--ignore", "MLS404").code == 0
    assert Path("nb.ipynb").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        ((), 2, "mlstack lint train.ipynb"),
        (("nb.ipynb", "--select", "MLS999"), 2, "-> "),
        (("nb.ipynb", "--ignore", "unseeded-random"), 2, "unseeded-randomness"),
        (("nb.txt",), 2, ".ipynb or a .py"),
        ((".",), 2, "*.ipynb"),
        (("nbb.ipynb",), 1, "'nb.ipynb'"),
        (("bad.ipynb",), 2, "bad.ipynb"),
        (("nb.ipynb", "--fixx"), 2, "--fix"),
    ],
)
def test_wrong_command_lines_say_what_is_right(mlstack: Any, words: tuple[str, ...], code: int, hint: str) -> None:
    save("nb.ipynb", *CELLS)
    Path("nb.txt").write_text("")
    Path("bad.ipynb").write_text("{")
    done = mlstack("lint", *words)
    assert (done.code, done.out) == (code, "")
    assert hint in done.err


def test_a_notebook_that_can_not_be_compiled_is_a_finding_not_an_error(mlstack: Any) -> None:
    save("nb.ipynb", "%%step s -> a\na: int = missing", "%%step t -> b\nb = (")
    done = mlstack("lint", "nb.ipynb")
    assert (done.code, done.err) == (1, "")
    assert "cell 2, line 2: MLS401" in done.out


def test_the_rules_are_printed(mlstack: Any) -> None:
    told = mlstack("lint", "--rules", "--json").json
    assert [rule["id"] for rule in told] == sorted(RULES)
    assert {frozenset(rule) for rule in told} == {
        frozenset({"id", "name", "family", "finds", "why", "fix", "is_fixable"})
    }
    text = mlstack("lint", "--rules", "--select", "MLS2").out
    assert "MLS201 unseeded-randomness (reproducibility, --fix)" in text
    assert "MLS101" not in text


def test_a_file_that_can_not_be_written_stays(mlstack: Any) -> None:
    name = f"{'n' * 245}.ipynb"  # so long that no other file can be put beside it under a longer one
    save(name, *CELLS)
    before = Path(name).read_bytes()
    done = mlstack("lint", name, "--fix")
    assert done.code == 1
    assert f"{name} can not be written" in done.err
    assert Path(name).read_bytes() == before
