"""Text and bytes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack_nb.errors import MaterializerError
from mlstack_nb.materializers.texts import BytesMaterializer, TextMaterializer


@given(text=st.text(st.characters(codec=None)))
def test_any_text_comes_back(text: str, again: Any, save: Any) -> None:
    assert again(text) == text
    assert save(text).load() == text


@given(data=st.binary())
def test_any_bytes_come_back(data: bytes, again: Any, save: Any) -> None:
    for value in (data, bytearray(data)):
        for back in (again(value), save(value).load()):
            assert back == value
            assert type(back) is type(value)


def test_long_text_is_one_plain_file(save: Any) -> None:
    text = "line\r\n" * 2000
    assert TextMaterializer.dumps(text) is None
    assert save(text).files["data.txt"].read_bytes() == text.encode()


def test_long_bytes_are_one_plain_file(save: Any) -> None:
    assert BytesMaterializer.dumps(bytes(5000)) is None
    assert save(bytes(5000)).files["data.bytes"].read_bytes() == bytes(5000)


def test_text_of_wide_characters_is_short_by_its_length() -> None:
    assert TextMaterializer.dumps("é" * 4000) is not None


def test_a_file_that_is_no_text_is_a_clear_error(save: Any) -> None:
    saved = save("a")
    saved.files["data.txt"].write_bytes(b"\xff")
    with pytest.raises(MaterializerError, match=r"data\.txt does not hold"):
        saved.load()


def test_sharing_bytes_isolates_what_can_change() -> None:
    data = bytearray(b"abc")
    shared = BytesMaterializer.share(data)
    shared[0] = 0
    assert data == b"abc"
    assert BytesMaterializer.share(b"abc") == b"abc"
    assert BytesMaterializer.share(bytearray(10_000)) is NotImplemented
