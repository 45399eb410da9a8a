"""Texts and files as parameters of the types that a pipeline declares."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from mlstack_nb import DataFile
from mlstack_nb.app.parameters import read_file, read_pairs, typed
from mlstack_nb.errors import MlstackError, NotFoundError, UsageError
from mlstack_nb.source.functions import Parameter

DECLARED = [
    Parameter("depth", 5),
    Parameter("rate", 0.1, float),
    Parameter("name", "a", str),
    Parameter("rows", type=Annotated[str, DataFile()]),
    Parameter("folder", Path("data"), Path),
    Parameter("shuffle", False),
    Parameter("layers", [1], list[int]),
    Parameter("kind", "tree", Literal["tree", "line"]),
    Parameter("seed", None, int | None),
    Parameter("open", None),
]


def one(name: str, text: str) -> Any:
    return typed({name: text}, DECLARED, of="p", texts=[name])[name]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("depth", "6", 6),
        ("rate", "1e-3", 0.001),
        ("rate", "2", 2.0),
        ("name", "5", "5"),
        ("name", "true", "true"),
        ("name", "a=b", "a=b"),
        ("rows", "2.csv", "2.csv"),
        ("folder", "/data/5", Path("/data/5")),
        ("shuffle", "true", True),
        ("layers", "[2, 3]", [2, 3]),
        ("kind", "line", "line"),
        ("seed", "7", 7),
        ("seed", "null", None),
        ("open", "[1, a]", [1, "a"]),
        ("open", "plain text", "plain text"),
        ("open", "{: [", "{: ["),
    ],
)
def test_a_text_becomes_a_value_of_the_declared_type(name: str, text: str, value: Any) -> None:
    found = one(name, text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "text"), [("depth", "6.5"), ("depth", "x"), ("shuffle", "perhaps"), ("layers", "[a]"), ("kind", "cloud")]
)
def test_a_text_of_another_type_names_parameter_type_and_default(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=rf"Parameter '{name}' of p takes .*\n.*Its default is"):
        one(name, text)


def test_a_value_of_a_file_is_checked_too() -> None:
    with pytest.raises(UsageError, match="Parameter 'name' of p takes str, not 5"):
        typed({"name": 5}, DECLARED, of="p")


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(NotFoundError, match=r"'dept'.*\n.*'depth'"):
        one("dept", "6")


@pytest.mark.parametrize("pair", ["depth", "=5", ""])
def test_a_pair_without_a_name_or_value_is_refused(pair: str) -> None:
    with pytest.raises(UsageError, match="Write it so: -p"):
        read_pairs([pair])


def test_a_file_of_parameters_is_read(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("depth: 6\nlayers: [1, 2]\n")
    assert read_file(file) == {"depth": 6, "layers": [1, 2]}
    file.write_text("")
    assert read_file(file) == {}


@pytest.mark.parametrize("content", [b"- 1\n- 2\n", b"a: [1", b"\xff\xfe\xfa", b"1: a\n"])
def test_a_file_that_holds_no_parameters_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "p.yaml"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=r"p\.yaml .*\n.*`name: value`"):
        read_file(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MlstackError, match="No such file"):
        read_file(tmp_path / "p.yaml")
