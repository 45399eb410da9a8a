"""Signatures of step functions."""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any, Optional

import pytest

from mlstack_nb.errors import UsageError
from mlstack_nb.source.functions import FunctionShape, signature_of


def shape(definition: str, **space: Any) -> FunctionShape:
    namespace: dict[str, Any] = {
        "Annotated": Annotated,
        "Tuple": typing.Tuple,  # noqa: UP006  ZenML scripts spell it so
        "Optional": Optional,
        **space,
    }
    exec(compile(definition, "cell", "exec", dont_inherit=True), namespace)
    function = next(value for value in namespace.values() if isinstance(value, types.FunctionType))
    return signature_of(function)


@pytest.mark.parametrize(
    ("annotation", "expected", "is_several"),
    [
        ("", [("output", None)], False),
        ("-> None", [("output", None)], False),
        ("-> int", [("output", int)], False),
        ("-> Annotated[int, 'age']", [("age", int)], False),
        ("-> 'Annotated[int, \"age\"]'", [("age", int)], False),
        ("-> Annotated['Unknown', 'age']", [("age", None)], False),
        ("-> Annotated[int, 3, 'age']", [("age", int)], False),
        ("-> Tuple[int, str]", [("output_0", int), ("output_1", str)], True),
        ("-> Tuple[Annotated[int, 'a'], Annotated[str, 'b']]", [("a", int), ("b", str)], True),
        ("-> tuple[Annotated[int, 'a'], str]", [("a", int), ("output_1", str)], True),
        ("-> tuple[int]", [("output_0", int)], True),
        ("-> tuple[int, ...]", [("output", tuple[int, ...])], False),
        ("-> tuple", [("output", tuple)], False),
        ("-> Annotated[tuple[int, str], 'pair']", [("pair", tuple[int, str])], False),
        ("-> Optional[int]", [("output", Optional[int])], False),
    ],
)
def test_the_return_annotation_gives_the_outputs(annotation: str, expected: list[Any], is_several: bool) -> None:
    found = shape(f"def f() {annotation}: ...")
    assert [(output.name, output.type) for output in found.outputs] == expected
    assert found.is_several is is_several


def test_an_object_with_a_name_names_an_output() -> None:
    found = shape("def f() -> Annotated[int, Config()]: ...", Config=type("Config", (), {"name": "age"}))
    assert [output.name for output in found.outputs] == ["age"]


def test_parameters_have_defaults_and_types() -> None:
    found = shape("def f(a, b: int, *, c: 'str' = 'x', d=None): ...")
    assert [(one.name, one.type, one.is_required) for one in found.parameters] == [
        ("a", None, True),
        ("b", int, True),
        ("c", str, False),
        ("d", None, False),
    ]
    assert [one.default for one in found.parameters if not one.is_required] == ["x", None]


def test_annotations_as_strings_are_resolved() -> None:
    found = shape("from __future__ import annotations\ndef f(a: int) -> Tuple[Annotated[int, 'x'], str]: ...")
    assert found.parameters[0].type is int
    assert [(one.name, one.type) for one in found.outputs] == [("x", int), ("output_1", str)]


@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"])
def test_a_type_that_can_not_be_resolved_stays_open_and_the_name_is_kept(future: str) -> None:
    found = shape(future + "def f(a: 'pd.Frame', b: 'int') -> 'Annotated[Frame, \"df\"]': ...")
    assert [one.type for one in found.parameters] == [None, int]
    assert [(one.name, one.type) for one in found.outputs] == [("df", Any)]


@pytest.mark.parametrize("signature", ["*args", "**kwargs", "a, /"])
def test_inputs_without_a_name_are_refused(signature: str) -> None:
    with pytest.raises(UsageError, match="the inputs of a step have names"):
        shape(f"def f({signature}): ...")


def test_two_outputs_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="two outputs 'a'"):
        shape("def f() -> tuple[Annotated[int, 'a'], Annotated[int, 'a']]: ...")
