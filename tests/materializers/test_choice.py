"""Which materializer a value gets."""

from __future__ import annotations

import subprocess
import sys
from collections import OrderedDict
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from mlstack_nb import materializers
from mlstack_nb.errors import MaterializerError
from mlstack_nb.materializers import builtin_registry, by_target, choose, registry, target_of
from mlstack_nb.ports.materializer import BaseMaterializer
from mlstack_nb.ports.registry import load_target


class Colour(IntEnum):
    RED = 1


class Shouting(str):
    __slots__ = ()


@dataclass
class Point:
    x: int


class Temperature:
    def __init__(self, degrees: float) -> None:
        self.degrees = degrees


def test_the_table_is_sorted() -> None:
    assert list(materializers.TABLE) == sorted(materializers.TABLE)


@pytest.mark.parametrize(("type_name", "target"), list(builtin_registry().rows()))
def test_every_row_names_a_materializer(type_name: str, target: str) -> None:
    assert issubclass(load_target(target), BaseMaterializer)


def test_the_table_imports_no_library() -> None:
    code = "import sys, mlstack_nb.materializers as m; m.choose(5); m.choose(None)"
    heavy = (
        "{'cloudpickle', 'pandas', 'numpy', 'pyarrow', 'polars', 'sklearn', 'pydantic', 'matplotlib', 'PIL', 'scipy'}"
    )
    done = subprocess.run([sys.executable, "-c", f"{code}; assert not {heavy} & set(sys.modules)"], check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (1, "BuiltinMaterializer"),
        (True, "BuiltinMaterializer"),
        ({"a": [1]}, "BuiltinMaterializer"),
        ("a", "TextMaterializer"),
        (b"a", "BytesMaterializer"),
        (Path("a"), "PathMaterializer"),
        (pd.DataFrame(), "PandasMaterializer"),
        (np.zeros(2), "ArrayMaterializer"),
        (np.float64(1), "ScalarMaterializer"),
        (np.str_("a"), "PickleMaterializer"),
        (OrderedDict(), "PickleMaterializer"),
        (Shouting("a"), "PickleMaterializer"),
        (Colour.RED, "EnumMaterializer"),
        (Point(1), "DataclassMaterializer"),
        (object(), "PickleMaterializer"),
        (int, "PickleMaterializer"),
        (Point, "PickleMaterializer"),
    ],
)
def test_a_subclass_is_never_taken_for_its_base(value: Any, name: str) -> None:
    assert choose(value).__name__ == name


def test_defining_a_materializer_is_enough_to_use_it() -> None:
    class TemperatureMaterializer(BaseMaterializer):
        ASSOCIATED_TYPES: ClassVar[tuple[type, ...]] = (Temperature,)

    class Hotter(Temperature):
        pass

    assert choose(Temperature(3.0)) is TemperatureMaterializer
    assert choose(Hotter(3.0)) is TemperatureMaterializer
    assert by_target(target_of(TemperatureMaterializer)) is TemperatureMaterializer


def test_defining_a_materializer_again_replaces_the_first() -> None:
    def define() -> type[BaseMaterializer]:
        class Again(BaseMaterializer):
            ASSOCIATED_TYPES: ClassVar[tuple[type, ...]] = (Temperature,)

        return Again

    first, second = define(), define()
    assert choose(Temperature(3.0)) is second
    assert by_target(target_of(first)) is second


def test_a_materializer_of_the_user_goes_before_a_built_in_one() -> None:
    class Plain(list):  # type: ignore[type-arg]
        pass

    class PlainMaterializer(BaseMaterializer):
        ASSOCIATED_TYPES: ClassVar[tuple[type, ...]] = (Plain,)

        @classmethod
        def accepts(cls, data: Any) -> bool:
            return len(data) < 2

    assert choose(Plain()) is PlainMaterializer
    assert choose(Plain([1, 2])).__name__ == "PickleMaterializer"


def test_every_process_registry_is_one() -> None:
    assert registry() is registry()


def test_a_materializer_of_a_notebook_that_is_gone_says_to_run_its_cell() -> None:
    with pytest.raises(MaterializerError) as caught:
        by_target("__main__:NoSuchMaterializer")
    assert "NoSuchMaterializer" in caught.value.what
    assert caught.value.hint == "Run the cell that defines it."


def test_a_materializer_of_a_module_that_is_gone_names_the_module() -> None:
    with pytest.raises(MaterializerError) as caught:
        by_target("no_such_module.inner:Materializer")
    assert "'no_such_module.inner'" in caught.value.hint


def test_a_recorded_class_that_is_no_materializer_is_refused() -> None:
    with pytest.raises(MaterializerError):
        by_target("pathlib:Path")
