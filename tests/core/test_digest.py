from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack_nb.core.digest import UndigestibleError, digest, encode

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=4)
        | st.frozensets(st.integers() | st.text(), max_size=4)
    ),
    max_leaves=12,
)


def typed(value):
    """A form of a value that Python compares as strictly as the digest must."""
    kind = type(value)
    if kind is float:
        return (kind, "nan") if math.isnan(value) else (kind, value, math.copysign(1, value))
    if kind is complex:
        return (kind, typed(value.real), typed(value.imag))
    if kind in (list, tuple):
        return (kind, *(typed(item) for item in value))
    if kind is dict:
        return (kind, *((typed(key), typed(item)) for key, item in value.items()))
    if kind is frozenset:
        return (kind, frozenset(typed(item) for item in value))
    return (kind, value)


@given(plain, plain)
def test_digests_are_equal_exactly_when_values_can_not_be_told_apart(one, other):
    assert (digest(one) == digest(other)) == (typed(one) == typed(other))


@given(plain)
def test_a_digest_is_the_same_for_an_equal_value_built_again(value):
    import copy

    assert digest(copy.deepcopy(value)) == digest(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        (1, "1"),
        (True, "True"),
        (0.0, -0.0),
        (b"a", "a"),
        (None, "None"),
        (("ab", "c"), ("a", "bc")),
        ([1, 2], (1, 2)),
        ([[1], 2], [[1, 2]]),
        ({1}, frozenset({1})),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ],
)
def test_values_that_code_can_tell_apart_differ(one, other):
    assert digest(one) != digest(other)


def test_arguments_do_not_run_into_each_other():
    assert digest("ab", "c") != digest("a", "bc")
    assert digest(["a"], ["b"]) != digest(["a", "b"])


def test_a_set_has_no_order():
    assert digest({"a", "b", "c"}) == digest({"c", "b", "a"})


def test_a_huge_integer_is_digested():
    assert digest(10**10_000) != digest(10**10_000 + 1)


@pytest.mark.parametrize("value", [object(), [object()], {"a": print}, type("Text", (str,), {})("a")])
def test_what_is_not_plain_data_is_refused(value):
    with pytest.raises(UndigestibleError, match="is not plain data"):
        encode(value)
