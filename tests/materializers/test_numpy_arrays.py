"""numpy arrays and scalars."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlstack_nb.errors import MaterializerError
from mlstack_nb.materializers import choose
from mlstack_nb.materializers.files import MAP_FROM
from mlstack_nb.materializers.numpy_arrays import COPY_BELOW, ArrayMaterializer

SIMPLE = (
    hnp.boolean_dtypes()
    | hnp.integer_dtypes(endianness="?")
    | hnp.floating_dtypes(endianness="?")
    | hnp.complex_number_dtypes(endianness="?")
    | hnp.datetime64_dtypes(endianness="?")
    | hnp.timedelta64_dtypes(endianness="?")
    | hnp.byte_string_dtypes(endianness="?")
    | hnp.unicode_string_dtypes(endianness="?")
)
RECORDS = st.lists(SIMPLE, min_size=1, max_size=3).map(
    lambda dtypes: np.dtype([(f"field {number}", dtype) for number, dtype in enumerate(dtypes)])
)
ARRAYS = hnp.arrays(
    SIMPLE | RECORDS,
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
ORDERS = st.sampled_from(
    [
        lambda a: a,
        lambda a: a.T,
        np.asfortranarray,
        lambda a: a[..., ::2] if a.ndim else a,
        lambda a: a[::-1] if a.ndim else a,
    ]
)


def same(one: Any, other: Any) -> bool:
    return (
        type(one) is type(other)
        and one.dtype == other.dtype
        and one.shape == other.shape
        and one.tobytes() == other.tobytes()
    )


@given(array=ARRAYS, order=ORDERS)
def test_any_plain_array_comes_back_bit_by_bit(array: Any, order: Any, save: Any) -> None:
    value = order(array)
    assert ArrayMaterializer.accepts(value)
    saved = save(value)
    assert same(saved.load(), value)
    assert saved.writer.file_digests() == {"data.npy": blake3(saved.files["data.npy"].read_bytes()).hexdigest()}


@given(array=ARRAYS)
def test_numpy_itself_reads_the_file(array: Any, save: Any) -> None:
    assert same(np.load(save(array).files["data.npy"]), array)


@pytest.mark.parametrize("step", [1, 3])
def test_large_arrays_come_back_in_their_order(step: int, save: Any) -> None:
    base = np.arange(4_000_000.0).reshape(1000, 4000)[::step]
    for array in (base, np.asfortranarray(base), base.T, base[:, ::step]):
        back = save(array).load()
        assert type(back) is np.ndarray
        np.testing.assert_array_equal(back, array)
        contiguous = array.flags.f_contiguous and not array.flags.c_contiguous
        assert back.flags.f_contiguous == contiguous


@pytest.mark.parametrize("size", [10, MAP_FROM])
def test_changing_a_loaded_array_changes_nothing_else(size: int, save: Any) -> None:
    saved = save(np.zeros(size))
    one, other = saved.load(), saved.load()
    one[0] = 1
    one.sort()
    assert one[-1] == 1
    assert other.max() == 0
    assert saved.load().max() == 0
    assert saved.files["data.npy"].read_bytes()[-8 * size :] == bytes(8 * size)


def test_only_small_arrays_are_copied_to_be_shared() -> None:
    small, large = np.zeros(8), np.zeros(COPY_BELOW)
    shared = ArrayMaterializer.share(small)
    shared[0] = 1
    assert small[0] == 0
    assert ArrayMaterializer.share(large) is NotImplemented


def test_a_memory_map_comes_back_as_a_plain_array(tmp_path: Path, again: Any) -> None:
    mapped = np.memmap(tmp_path / "map", dtype="f8", mode="w+", shape=(3,))
    mapped[:] = [1, 2, 3]
    back = again(mapped)
    assert type(back) is np.ndarray
    assert back.tolist() == [1, 2, 3]


@pytest.mark.filterwarnings("ignore:A value of type numpy:UserWarning")
@pytest.mark.parametrize(
    "array",
    [
        np.array([{"a": 1}, None, "x"], dtype=object),
        np.ma.masked_array([1, 2], mask=[True, False]),
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]).view(np.recarray),
        np.zeros(3, dtype="V0"),
        np.zeros(2, dtype=[("日本", "f8")]),
        np.array(["a", "long" * 10], dtype=np.dtype("T")),
        np.zeros(2, dtype=np.dtype("f8", metadata={"unit": "m"})),
    ],
    ids=["objects", "masked", "records", "no bytes", "unicode names", "strings", "metadata"],
)
def test_what_npy_can_not_hold_is_pickled(array: Any, again: Any) -> None:
    assert choose(array).__name__ == "PickleMaterializer"
    back = again(array)
    assert type(back) is type(array)
    assert back.dtype == array.dtype
    assert back.dtype.metadata == array.dtype.metadata
    assert repr(back) == repr(array)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.filterwarnings("ignore:A value of type numpy:UserWarning")
def test_a_matrix_stays_a_matrix(again: Any) -> None:
    back = again(np.matrix([[1, 2]]))
    assert type(back) is np.matrix
    assert back.tolist() == [[1, 2]]


@given(array=hnp.arrays(SIMPLE, 1))
def test_scalars_come_back_as_the_same_scalar_type(array: Any, again: Any) -> None:
    scalar = array[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        back = again(scalar)
    assert type(back) is type(scalar)
    assert back.dtype == scalar.dtype
    assert repr(back) == repr(scalar)


def test_scalars_of_different_types_have_different_texts() -> None:
    scalars = [np.int8(1), np.int16(1), np.uint8(1), np.float32(1), np.float64(1), np.True_, np.datetime64(1, "s")]
    assert len({choose(scalar).dumps(scalar) for scalar in scalars}) == len(scalars)


def test_a_damaged_file_is_a_clear_error(save: Any) -> None:
    for content in (b"", b"\x93NUMPY\x01\x00", b"nonsense"):
        saved = save(np.arange(10))
        saved.files["data.npy"].write_bytes(content)
        with pytest.raises(MaterializerError, match=r"data\.npy does not hold"):
            saved.load()


def test_a_file_with_a_pickle_in_it_is_refused(save: Any) -> None:
    saved = save(np.arange(10))
    np.save(saved.files["data.npy"], np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(MaterializerError):
        saved.load()


def test_facts_and_preview() -> None:
    array = np.arange(1_000_000.0).reshape(1000, 1000)
    for view in (array, array.T, array[::2, ::2]):
        assert "[" in ArrayMaterializer().preview(view)["text/plain"]
    facts = ArrayMaterializer().extract_metadata(array)
    assert facts == {"shape": [1000, 1000], "dtype": "float64", "nbytes": 8_000_000}
    assert ArrayMaterializer().preview(np.array(5))["text/plain"] == "int64 array of shape (): [5]"
