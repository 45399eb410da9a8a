"""pandas frames and series come back equal in every dtype, index and label; in both encodings."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal

from mlstack_nb.errors import MaterializerError
from mlstack_nb.materializers import choose
from mlstack_nb.materializers.files import MAP_FROM
from mlstack_nb.materializers.pandas_frames import COPY_BELOW, ENCODING_VARIABLE, PandasMaterializer

ENCODINGS = ("arrow", "parquet")
WORDS = st.sampled_from(["", "a", "ß", "long " * 20, "\x00", "<b>"])
NUMBERS = ("int8", "int64", "uint8", "uint64", "float16", "float32", "float64", "bool")
MASKED = ("Int8", "UInt64", "Float32", "Float64", "boolean")
ARROW = (pa.int32(), pa.float64(), pa.string(), pa.bool_(), pa.date32(), pa.timestamp("s"), pa.list_(pa.int8()))
STRINGS: list[Any] = [
    "str",
    pd.StringDtype("python"),
    pd.StringDtype("pyarrow"),
    pd.StringDtype("python", na_value=np.nan),
]
ZONES = ["UTC", "Europe/Berlin", dt.timezone(dt.timedelta(hours=-2))]
UNITS = ["s", "ms", "us", "ns"]


@st.composite
def columns(draw: Any, size: int) -> Any:
    """An array of `size` values of any dtype that pandas has, with missing ones where it can."""
    counts = draw(st.lists(st.integers(0, 100), min_size=size, max_size=size))
    missing = np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=bool)
    words = np.array([*draw(st.lists(WORDS, min_size=size, max_size=size)), None], dtype=object)[:-1]
    unit = draw(st.sampled_from(UNITS))
    moments = pd.Series(np.array(counts, dtype=f"M8[{unit}]"), copy=True)
    moments[missing] = pd.NaT
    floats = np.where(missing, np.nan, np.array(counts, dtype=float))
    with_none = words.copy()
    with_none[missing] = None
    kind = draw(st.integers(0, 12))
    if kind == 0:
        values: Any = np.array(counts).astype(draw(st.sampled_from(NUMBERS)))
    elif kind == 1:
        values = floats * draw(st.sampled_from([1.0, -1.0, 0.1, 1e300]))
    elif kind == 2:
        values = pd.array(np.array(counts) % 2, dtype="Int8").astype(draw(st.sampled_from(MASKED)))
        values[missing] = pd.NA
    elif kind == 3:
        values = pd.array(with_none, dtype=draw(st.sampled_from(STRINGS)))
    elif kind == 4:
        values = moments.array
    elif kind == 5:
        values = moments.dt.tz_localize(draw(st.sampled_from(ZONES)), ambiguous="NaT", nonexistent="NaT").array
    elif kind == 6:
        values = (moments - pd.Timestamp(0)).array
    elif kind == 7:
        values = pd.arrays.PeriodArray._from_sequence(moments, dtype=f"period[{draw(st.sampled_from('DMh'))}]")
    elif kind == 8:
        values = pd.arrays.IntervalArray.from_arrays(floats, floats + 1, closed=draw(st.sampled_from(["left", "both"])))
    elif kind == 9:
        categories: Any = draw(st.sampled_from([["a", "b"], [2.5, 1.5], pd.to_datetime(["2020", "2019"]), [True, "x"]]))
        codes = np.where(missing, -1, np.array(counts) % 2)
        values = pd.Categorical.from_codes(codes, categories, ordered=draw(st.booleans()))
    elif kind == 10:
        values = draw(st.sampled_from([words, with_none, np.array([*counts, None], dtype=object)[:-1]]))
    elif kind == 11:
        arrow = draw(st.sampled_from(ARROW))
        values = pd.array(pa.array([None] * size, arrow), dtype=pd.ArrowDtype(arrow))
        if pa.types.is_int32(arrow) or pa.types.is_float64(arrow):
            values = pd.array(
                [None if gone else count for gone, count in zip(missing, counts, strict=True)], values.dtype
            )
    else:
        values = pd.arrays.SparseArray(floats)
    return pd.Series(values, copy=False).array if kind != 10 else pd.Series(values, dtype=object).array


def can_label(array: Any) -> bool:
    """Whether pandas makes an index of such an array."""
    return array.dtype != "float16" and not str(array.dtype).startswith("list")


@st.composite
def labels(draw: Any, size: int) -> pd.Index[Any]:
    """An index of any class, also with repeats."""
    kind = draw(st.integers(0, 6))
    name = draw(st.sampled_from([None, "name", 5, ("a", 1), "<i>"]))
    if kind == 0:
        return pd.RangeIndex(2, 2 + 3 * size, 3, name=name)
    if kind == 1:
        return pd.date_range("2020-01-01", periods=size, freq=draw(st.sampled_from(["D", "2h", "ME"])), name=name)
    if kind == 2:
        levels = [draw(columns(size)) for _ in range(2)]
        keep = [
            level for level in levels if can_label(level) and str(level.dtype) not in ("object", "Sparse[float64, nan]")
        ]
        return pd.MultiIndex.from_arrays([*keep, np.arange(size) % 2], names=[name, *[None] * len(keep)])
    if kind == 3:
        return pd.Index([*["a", "b", 3][: max(0, size)], *range(size - 3)], dtype=object, name=name)
    values = draw(columns(size).filter(can_label))
    return pd.Index(values, dtype=values.dtype, name=name)


@st.composite
def frames(draw: Any) -> pd.DataFrame:
    rows, width = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    arrays = [draw(columns(rows)) for _ in range(width)]
    index = draw(labels(rows))
    series = {number: pd.Series(array, index=index, dtype=array.dtype) for number, array in enumerate(arrays)}
    frame = pd.DataFrame(series, index=index)
    frame.columns = draw(labels(width))
    frame.attrs.update(draw(st.sampled_from([{}, {"source": ("a", 1)}])))
    return frame


def assert_same(back: Any, value: Any) -> None:
    assert type(back) is type(value)
    compare: Callable[..., None] = assert_series_equal if isinstance(value, pd.Series) else assert_frame_equal
    options = {} if isinstance(value, pd.Series) else {"check_column_type": True, "check_index_type": "equiv"}
    compare(back, value, check_exact=True, check_freq=True, **options)
    assert back.attrs == value.attrs
    for one, other in zip(back.axes, value.axes, strict=True):
        assert type(one) is type(other)
        assert list(one.names) == list(other.names)
        assert one.dtype == other.dtype
        assert getattr(one, "freq", None) == getattr(other, "freq", None)


def written(value: Any, save: Any, encoding: str) -> SimpleNamespace:
    os.environ[ENCODING_VARIABLE] = encoding
    try:
        return save(value)  # type: ignore[no-any-return]
    finally:
        del os.environ[ENCODING_VARIABLE]


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(frame=frames())
def test_any_frame_comes_back_equal(frame: pd.DataFrame, encoding: str, save: Any) -> None:
    before = frame.copy()
    assert_same(written(frame, save, encoding).load(), before)
    assert_same(frame, before)


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(values=columns(3), index=labels(3), name=st.sampled_from([None, "x", 5, ("a", 1)]))
def test_any_series_comes_back_equal(values: Any, index: Any, name: Any, encoding: str, save: Any) -> None:
    series = pd.Series(values, index=index, name=name, dtype=values.dtype)
    assert_same(written(series, save, encoding).load(), series)


@given(frame=frames())
def test_the_content_digest_does_not_depend_on_the_encoding(frame: pd.DataFrame, save: Any) -> None:
    arrow, parquet = (written(frame, save, encoding) for encoding in ENCODINGS)
    assert arrow.writer.content_digest(frame) == parquet.writer.content_digest(frame)
    if "frame.arrow" in arrow.files:
        content = blake3(arrow.files["frame.arrow"].read_bytes()).hexdigest()
        assert arrow.writer.content_digest(frame) == content
    for saved in (arrow, parquet):
        digests = {name: blake3(path.read_bytes()).hexdigest() for name, path in saved.files.items()}
        assert saved.writer.file_digests() == digests


@given(frame=frames())
def test_what_was_loaded_has_the_digest_of_what_was_saved(frame: pd.DataFrame, save: Any) -> None:
    first = save(frame)
    back = first.load()
    assert save(back).writer.content_digest(back) == first.writer.content_digest(frame)


def content(frame: Any, save: Any) -> str:
    return save(frame).writer.content_digest(frame)  # type: ignore[no-any-return]


def test_equal_frames_made_in_different_ways_have_one_digest(save: Any) -> None:
    words = ["a", None, "c", "d", None, None, None, None, None, "e"]
    numbers = pd.array([1, None, 3] + [None] * 7, dtype="Int64")
    long = pd.DataFrame({"w": words, "n": numbers, "f": np.arange(10.0), "b": np.arange(10) % 2 == 0})
    short = pd.DataFrame({"w": words[:3], "n": numbers[:3], "f": np.arange(3.0), "b": [True, False, True]})
    parts = pd.concat([short.iloc[:1], short.iloc[1:]])
    masked = short.copy()
    masked["n"] = pd.arrays.IntegerArray(np.array([1, 77, 3]), np.array([False, True, False]))
    found = {content(frame, save) for frame in (long.iloc[:3], short, parts, masked)}
    assert len(found) == 1


def test_different_frames_have_different_digests(save: Any) -> None:
    base = pd.DataFrame({"a": [1, 2], "b": [1.0, np.nan]})
    other = [
        base.astype({"a": "int32"}),
        base.astype({"b": "Float64"}),
        base.rename(columns={"a": "A"}),
        base[["b", "a"]],
        base.set_axis([5, 6]),
        base.rename_axis("i"),
        base.rename_axis(columns="c"),
        base["a"],
        base.iloc[::-1],
        base.assign(a=["1", "2"]),
        base.assign(a=pd.Categorical([1, 2])),
        base.assign(a=pd.Categorical([1, 2], ordered=True)),
        base.assign(a=pd.Categorical([1, 2], categories=[2, 1])),
    ]
    marked = base.copy()
    marked.attrs["a"] = 1
    assert len({content(frame, save) for frame in [base, marked, *other]}) == len(other) + 2


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_plain_frames_are_written_in_the_encoding_asked_for(encoding: str, save: Any) -> None:
    frame = pd.DataFrame(
        {
            "f": [1.0, np.nan],
            "s": ["a", None],
            "c": pd.Categorical(["u", None]),
            "i": pd.array([1, None], dtype="Int64"),
            "t": pd.to_datetime(["2020", None], utc=True),
            "o": np.array(["a", None], dtype=object),
            "p": pd.period_range("2020", periods=2, freq="M"),
        },
        index=pd.MultiIndex.from_product([["x"], ["y", "z"]], names=["a", "b"]),
    )
    assert list(written(frame, save, encoding).files) == [f"frame.{encoding}"]


def test_other_programs_read_the_files_under_the_labels(save: Any) -> None:
    frame = pd.DataFrame({"user_id": [1, 2], "name": ["a", None]})
    parquet = written(frame, save, "parquet").files["frame.parquet"]
    assert_frame_equal(pd.read_parquet(parquet), frame)
    table = pa.ipc.open_file(save(frame).files["frame.arrow"]).read_all()
    assert table.to_pydict() == {"user_id": [1, 2], "name": ["a", None]}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(),
        pd.DataFrame(index=[1, 2]),
        pd.DataFrame(columns=["a"]),
        pd.DataFrame({"a": pd.Categorical([], categories=["x", "y"])}),
        pd.DataFrame([[1, 2.5]], columns=["a", "a"]),
        pd.DataFrame([[1, 2, 3]], columns=["__index_level_0__", "", "\x00"], index=pd.Index([7], name="")),
        pd.DataFrame([[1]], columns=pd.Index(["\ud800"], dtype=object)),
        pd.DataFrame({"a": ["\ud800"]}, dtype=object),
        pd.DataFrame({"a": [{"b": 1}, [1], (1,), None, np.nan, pd.NaT]}),
        pd.DataFrame({"a": [1 + 2j]}),
        pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([("x", 1.5)])).loc[[("x", 1.5)]],
        pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_product([["a"], [1, 2]], names=["x", None])),
        pd.DataFrame([[1, 2]], columns=pd.date_range("2020", periods=2, freq="D", tz="UTC", name="day")),
        pd.DataFrame([[1, 2]], columns=pd.CategoricalIndex(["a", "b"])),
        pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False),
        pd.DataFrame(np.arange(300).reshape(1, 300)),
        pd.DataFrame({"a": np.arange(6.0)[::2]}),
        pd.DataFrame(np.asfortranarray(np.arange(12.0).reshape(3, 4)))[[1, 3]],
        pd.DataFrame({"a": np.arange(2, dtype="float32")}).T,
        pd.DataFrame({"a": pd.array([0.0, 1.0], dtype="Float64") / pd.array([0.0, 1.0], dtype="Float64")}),
        pd.DataFrame({"x": [1, 2]}, index=pd.MultiIndex.from_product([["a", "b"], ["c"]]))[:1],
    ],
    ids=range(21),
)
def test_odd_frames_come_back_equal(frame: pd.DataFrame, encoding: str, save: Any) -> None:
    back = written(frame, save, encoding).load()
    assert_same(back, frame)
    assert back.flags.allows_duplicate_labels == frame.flags.allows_duplicate_labels


def test_unused_levels_and_categories_survive(save: Any) -> None:
    index = pd.MultiIndex.from_product([["a", "b"], [1, 2]])[:1]
    frame = pd.DataFrame({"c": pd.Categorical(["x"], categories=["y", "x"])}, index=index)
    back = save(frame).load()
    assert back.index.levels[0].tolist() == ["a", "b"]
    assert back["c"].cat.categories.tolist() == ["y", "x"]


def test_a_subclass_of_frame_is_not_flattened() -> None:
    class Mine(pd.DataFrame):
        pass

    assert choose(Mine()).__name__ == "PickleMaterializer"


def wide(rows: int) -> pd.DataFrame:
    """A frame of every kind of column that has its own way back, long enough to be mapped."""
    count = np.arange(rows)
    return pd.DataFrame(
        {
            "float": count / 2,
            "int": count,
            "bool": count % 2 == 0,
            "str": pd.Series(["a", "b"] * (rows // 2)),
            "cat": pd.Categorical(["a", "b"] * (rows // 2)),
            "masked": pd.array(count, dtype="Int64"),
            "time": pd.Series(count.astype("M8[us]")),
            "zone": pd.Series(count.astype("M8[us]")).dt.tz_localize("UTC"),
            "period": pd.period_range("2020", periods=rows, freq="h"),
            "interval": pd.interval_range(0, rows),
            "arrow": pd.array(count, dtype="int64[pyarrow]"),
        }
    )


CHANGES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "assign a column": lambda frame: frame.__setitem__("float", 1.0),
    "add a column": lambda frame: frame.insert(0, "new", 1),
    "iloc": lambda frame: [frame.iloc.__setitem__((0, n), frame.iat[1, n]) for n in range(frame.shape[1])],
    "loc": lambda frame: [frame.loc.__setitem__((0, name), frame.at[1, name]) for name in frame],
    "arrays": lambda frame: [frame[name].array.__setitem__(0, frame.at[1, name]) for name in frame],
    "arithmetic": lambda frame: frame.__setitem__("float", frame["float"].__iadd__(1)),
    "update": lambda frame: frame.update(pd.DataFrame({"float": [7.0]})),
    "pop": lambda frame: frame.pop("int"),
    "rename": lambda frame: setattr(frame, "columns", [str(number) for number in range(frame.shape[1])]),
    "index name": lambda frame: setattr(frame.index, "name", "changed"),
    "labels name": lambda frame: setattr(frame.columns, "name", "changed"),
    "attrs": lambda frame: frame.attrs["list"].append(1),
    "forced": lambda frame: force(frame["float"].to_numpy()),
}


def force(array: Any) -> None:
    array.flags.writeable = True
    array[0] = 99


@pytest.mark.parametrize("change", CHANGES)
def test_no_change_of_a_shared_frame_is_seen_in_the_other(change: str) -> None:
    frame = wide(4)
    frame.attrs["list"] = [0]
    untouched = frame.copy()
    shared = PandasMaterializer.share(frame)
    CHANGES[change](shared)
    assert_same(frame, untouched)
    shared = PandasMaterializer.share(frame)
    CHANGES[change](frame)
    assert_same(shared, untouched)


@pytest.mark.parametrize("rows", [4, 20_000])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_loaded_frame_may_be_changed_in_any_way_and_changes_nothing_else(rows: int, encoding: str, save: Any) -> None:
    frame = wide(rows)
    frame.attrs["list"] = [0]
    saved = written(frame, save, encoding)
    (path,) = saved.files.values()
    path.chmod(0o444)
    stored = path.read_bytes()
    assert (len(stored) > MAP_FROM) == (rows > 4)
    for change in CHANGES.values():
        one, other = saved.load(), saved.load()
        change(one)
        assert_same(other, frame)
    assert path.read_bytes() == stored
    assert_same(saved.load(), frame)


def test_only_small_frames_without_objects_are_copied_to_be_shared() -> None:
    assert PandasMaterializer.share(pd.DataFrame({"a": [[1]]})) is NotImplemented
    assert PandasMaterializer.share(pd.Series([[1]])) is NotImplemented
    assert PandasMaterializer.share(pd.DataFrame({"a": np.zeros(COPY_BELOW)})) is NotImplemented
    assert PandasMaterializer.share(pd.Series([1.0], name="a")).equals(pd.Series([1.0], name="a"))


def test_a_frame_outlives_its_file(save: Any) -> None:
    frame = wide(20_000)
    saved = save(frame)
    back = saved.load()
    saved.files["frame.arrow"].unlink()
    assert_same(back, frame)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("damage", [b"", b"nonsense", b"ARROW1\x00\x00", b"PAR1"])
def test_a_damaged_file_is_a_clear_error(damage: bytes, encoding: str, save: Any) -> None:
    saved = written(pd.DataFrame({"a": [1]}), save, encoding)
    (path,) = saved.files.values()
    path.write_bytes(damage)
    with pytest.raises(MaterializerError, match="does not hold"):
        saved.load()


def test_a_file_of_another_program_is_a_clear_error(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "frame.parquet")
    with pytest.raises(MaterializerError, match="does not hold"):
        PandasMaterializer(str(tmp_path)).load(pd.DataFrame)


def test_an_unknown_encoding_is_refused(save: Any) -> None:
    with pytest.raises(MaterializerError) as caught:
        written(pd.DataFrame({"a": [1]}), save, "csv")
    assert caught.value.what == "MLSTACK_FRAME_ENCODING is 'csv', which is no encoding of frames."
    assert caught.value.hint == "Set it to one of: arrow, parquet."


def test_a_full_disk_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "frame.arrow").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        PandasMaterializer(str(tmp_path)).save(wide(1000))


def test_facts_about_frames_and_series() -> None:
    frame = pd.DataFrame({"a": [1.0], 5: ["x"]})
    facts = PandasMaterializer().extract_metadata(frame)
    assert facts == {"shape": [1, 2], "dtypes": {"a": "float64", "5": "str"}, "nbytes": facts["nbytes"]}
    assert facts["nbytes"] > 8
    facts = PandasMaterializer().extract_metadata(frame["a"])
    assert (facts["shape"], facts["dtypes"]) == ([1], {"a": "float64"})


def test_the_preview_shows_the_first_rows() -> None:
    bundle = PandasMaterializer().preview(pd.DataFrame({"a": range(1000)}, index=range(5, 1005)))
    assert bundle["text/plain"] == "DataFrame of 1000 x 1"
    assert "<td>5</td><td>0</td>" in bundle["text/html"]
    assert "<td>5</td></tr></table>" not in bundle["text/html"]
