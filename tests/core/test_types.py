from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import pytest

from mlstack_nb.core.types import fits


@pytest.mark.parametrize(
    ("value", "declared"),
    [
        (1, int),
        (1, float),
        (np.int64(1), int),
        (np.float32(1), float),
        (True, bool),
        (None, None),
        (None, int | None),
        (3, int | str),
        ([1], list[int]),
        ({"a": 1}, dict[str, Any]),
        (1, Any),
        (1, Annotated[int, "one"]),
        ("a", Literal["a", "b"]),
        (object(), "SomethingUnresolved"),
    ],
)
def test_a_value_of_the_declared_type_fits(value, declared):
    assert fits(value, declared)


@pytest.mark.parametrize(
    ("value", "declared"),
    [
        (1, str),
        (True, int),
        (True, float),
        (1.5, int),
        (None, int),
        (1, None),
        (1.5, int | str),
        ((1,), list[int]),
        ("a", Annotated[int, "one"]),
        ("c", Literal["a", "b"]),
    ],
)
def test_a_value_of_another_type_does_not(value, declared):
    assert not fits(value, declared)
