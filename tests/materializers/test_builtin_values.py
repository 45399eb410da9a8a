"""Builtin values come back with the very same types, whatever they hold."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from datetime import UTC, date, datetime, timedelta, timezone
from datetime import time as clock
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack_nb.core.digest import digest
from mlstack_nb.errors import MaterializerError
from mlstack_nb.materializers import choose
from mlstack_nb.materializers.builtin_values import BuiltinMaterializer
from mlstack_nb.materializers.pickles import PickleWarning
from mlstack_nb.materializers.typed_json import from_text, to_text

TEXT = st.text(st.characters(codec=None), max_size=5) | st.sampled_from(["$set", "$", "\ud83d\ude00", "\x00"])
# one NaN is as good as another: its payload is not kept
FLOATS = st.floats().map(lambda number: math.nan if math.isnan(number) else number)
COMPLEX = st.builds(complex, FLOATS, FLOATS)
HASHABLE = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXT | st.binary(max_size=5) | COMPLEX,
    lambda inner: st.tuples(inner) | st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=5,
)
PLAIN = st.recursive(
    HASHABLE,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(TEXT, inner, max_size=4)
        | st.dictionaries(HASHABLE, inner, max_size=4)
        | st.sets(HASHABLE, max_size=4)
    ),
    max_leaves=20,
)
ZONES = st.sampled_from([None, UTC, timezone(timedelta(hours=-3, minutes=30)), ZoneInfo("Europe/Berlin")])
LEAVES = (
    st.datetimes(timezones=ZONES, allow_imaginary=False)
    | st.dates()
    | st.times(timezones=st.sampled_from([None, UTC]))
    | st.timedeltas()
    | st.decimals()
    | st.uuids()
)


@given(PLAIN)
def test_a_value_comes_back_from_its_text_with_all_its_types(value: Any) -> None:
    assert digest(from_text(to_text(value))) == digest(value)


@given(value=PLAIN)
def test_a_value_comes_back_from_files_with_all_its_types(value: Any, save: Any) -> None:
    if type(value) not in (str, bytes):
        assert digest(save(value).load()) == digest(value)


@given(PLAIN, PLAIN)
def test_texts_are_equal_exactly_when_values_are(one: Any, other: Any) -> None:
    assert (to_text(one) == to_text(other)) == (digest(one) == digest(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        (1, "1"),
        (0.0, -0.0),
        (None, "null"),
        (["ab", "c"], ["a", "bc"]),
        ([1], (1,)),
        ({1}, frozenset({1})),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"$tuple": [1]}, (1,)),
        (b"a", bytearray(b"a")),
        (datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=ZoneInfo("UTC"))),
        (datetime(2020, 1, 1), date(2020, 1, 1)),  # noqa: DTZ001
    ],
)
def test_values_of_different_types_have_different_texts(one: Any, other: Any) -> None:
    assert to_text(one) != to_text(other)


@pytest.mark.parametrize("size", [10, 1000])
def test_equal_sets_have_one_text_whatever_way_they_were_filled(size: int) -> None:
    upward, downward = {f"name {number}" for number in range(size)}, set()
    for number in reversed(range(size)):
        downward.add(f"name {number}")
    assert to_text(upward) == to_text(downward)


@given(value=LEAVES)
def test_dates_decimals_and_uuids_come_back(value: Any, again: Any) -> None:
    (back,) = again([value])
    assert type(back) is type(value)
    assert repr(back) == repr(value)


def test_a_moment_in_the_hour_that_comes_twice_keeps_its_side() -> None:
    second = datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin"))
    assert from_text(to_text(second)).fold == 1


def test_a_time_zone_with_a_name_of_its_own_is_not_flattened(again: Any) -> None:
    moment = datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=1), "mine"))
    assert again([moment])[0].tzname() == "mine"


@pytest.mark.parametrize("digits", [300, 4000, 5000, 20000])
def test_huge_integers_come_back(digits: int, again: Any) -> None:
    for value in (10**digits + 1, -(10**digits) - 1):
        assert again(value) == value
        assert again([value]) == [value]


def test_shared_members_stay_shared() -> None:
    inner = [1]
    one, other = from_text(to_text([inner, inner]))
    assert one is other


def test_equal_members_that_are_not_shared_stay_apart() -> None:
    one, other = from_text(to_text([[1], [1]]))
    assert one == other
    assert one is not other


def test_a_container_that_holds_itself_comes_back() -> None:
    loop: list[Any] = [{"a": ({1},)}]
    loop[0]["me"] = loop
    back = from_text(to_text(loop))
    assert back[0]["me"] is back
    assert back[0]["a"] == ({1},)


def test_a_value_nested_too_deeply_is_a_clear_error(save: Any) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert BuiltinMaterializer.dumps(deep) is None
    with pytest.raises(MaterializerError, match="nested too deeply"):
        save(deep)
    while deep:  # freeing it at once would recurse as deeply
        deep = deep.pop()


def test_long_values_have_no_text() -> None:
    assert BuiltinMaterializer.dumps(list(range(100_000))) is None
    assert BuiltinMaterializer.dumps(["x" * 5000]) is None
    assert BuiltinMaterializer.dumps(10**5000) is None


def test_plain_containers_are_readable_json(save: Any) -> None:
    files = save({"a": [1, 2.5, None], "b": "é"}).files
    assert files["data.json"].read_text("utf-8") == '{"a":[1,2.5,null],"b":"é"}'


def test_members_that_are_no_builtin_values_are_written_by_their_own_materializers(save: Any) -> None:
    value = {"frame": pd.DataFrame({"x": [1.0, 2.0]}), "more": [np.arange(3), (np.float32(1.5), "text")]}
    saved = save(value)
    assert sorted(saved.files) == ["0/frame.arrow", "1/data.npy", "data.json"]
    back = saved.load()
    pd.testing.assert_frame_equal(back["frame"], value["frame"], check_exact=True)
    assert back["more"][0].tolist() == [0, 1, 2]
    assert type(back["more"][1][0]) is np.float32
    assert back["more"][1] == (1.5, "text")


def test_a_member_met_twice_is_written_once_and_stays_shared(save: Any) -> None:
    frame = pd.DataFrame({"x": [1.0]})
    saved = save([frame, {"again": frame}])
    assert sorted(saved.files) == ["0/frame.arrow", "data.json"]
    back = saved.load()
    assert back[0] is back[1]["again"]


def test_members_with_a_text_need_no_files() -> None:
    metrics = {"accuracy": np.float64(0.9), "count": np.int64(3)}
    text = choose(metrics).dumps(metrics)
    back = choose(metrics).loads(text or "")
    assert back == metrics
    assert [type(value) for value in back.values()] == [np.float64, np.int64]


class Node:
    def __init__(self) -> None:
        self.next: Any = None


def test_members_that_must_be_pickled_share_one_pickle(save: Any) -> None:
    one, other = Node(), Node()
    one.next, other.next = other, one
    with pytest.warns(PickleWarning, match="Node"):
        saved = save({"one": one, "other": other})
    assert sorted(saved.files) == ["data.json", "members.pickle"]
    back = saved.load()
    assert back["one"].next is back["other"]
    assert back["other"].next is back["one"]


def test_standard_collections_are_pickled_without_a_warning(again: Any) -> None:
    back = again([OrderedDict(a=1)])
    assert type(back[0]) is OrderedDict
    assert back == [OrderedDict(a=1)]


def test_numbers_in_sets_and_keys_may_be_of_other_libraries(again: Any) -> None:
    value = {np.int64(1): {np.float64(2.0), "a"}, (np.bool_(True),): 1}
    back = again(value)
    assert back == value
    assert {type(key) for key in back} == {np.int64, tuple}


@pytest.mark.parametrize(
    ("value", "name", "place"),
    [
        ({"model": [1, threading.Lock()]}, "_thread.lock", "['model'][1]"),
        ([(number for number in [1])], "generator", "[0]"),
        ({"a": {"b": (time, open)}, "c": threading.Lock()}, "_thread.lock", "['c']"),
    ],
)
def test_a_member_that_nothing_can_write_is_named_with_its_place(value: Any, name: str, place: str, save: Any) -> None:
    with pytest.raises(MaterializerError) as caught:
        save(value)
    assert f"type {name} at {place} can not" in caught.value.what
    assert caught.value.hint


def test_a_member_whose_materializer_fails_is_named_with_its_place(save: Any, tmp_path: Any) -> None:
    with pytest.raises(MaterializerError) as caught:
        save({"files": [tmp_path / "absent.csv"]})
    assert caught.value.what.startswith("Member ['files'][0]: ")


def test_a_damaged_file_is_a_clear_error(save: Any) -> None:
    saved = save([1, 2])
    saved.files["data.json"].write_text('{"$nonsense": 1}')
    with pytest.raises(MaterializerError, match="nonsense"):
        saved.load()


def test_a_missing_file_is_a_clear_error(save: Any) -> None:
    saved = save([1, 2])
    saved.files["data.json"].unlink()
    with pytest.raises(MaterializerError, match=r"no file data\.json"):
        saved.load()


def test_each_load_is_a_value_of_its_own(again: Any, save: Any) -> None:
    value = {"a": [1]}
    text = BuiltinMaterializer.dumps(value) or ""
    BuiltinMaterializer.loads(text)["a"].append(2)
    assert BuiltinMaterializer.loads(text) == {"a": [1]}
    assert BuiltinMaterializer.share(value) is NotImplemented


def test_digests_reported_while_writing_are_those_of_the_files(save: Any) -> None:
    from blake3 import blake3

    saved = save({"frame": pd.DataFrame({"x": [1.0]}), "node": int, "array": np.arange(3)})
    found = {path: blake3(file.read_bytes()).hexdigest() for path, file in saved.files.items()}
    assert saved.writer.file_digests() == found


def test_the_preview_of_hostile_values_is_short_and_never_fails() -> None:
    class Hostile:
        def __repr__(self) -> str:
            raise RuntimeError

    for value in ([Hostile()], ["x" * 10_000] * 1000, [10**5000], list(range(10_000))):
        assert len(BuiltinMaterializer().preview(value)["text/plain"]) < 3000


def test_metadata_of_a_container_is_its_length() -> None:
    assert BuiltinMaterializer().extract_metadata([1, 2]) == {"length": 2}
    assert BuiltinMaterializer().extract_metadata(math.pi) == {}


def test_leaf_values_share_themselves() -> None:
    identity = UUID(int=5)
    assert BuiltinMaterializer.share(identity) is identity
    assert BuiltinMaterializer.share(Decimal(1)) == Decimal(1)
    assert BuiltinMaterializer.share(clock(1)) == clock(1)
