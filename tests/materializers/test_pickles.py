"""The last resort."""

from __future__ import annotations

import os
import pickle
import platform
import socket
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlstack_nb.errors import MaterializerError
from mlstack_nb.materializers.pickles import PickleMaterializer, PickleWarning, dump_pickle, load_pickle


class Holder:
    def __init__(self, content: Any) -> None:
        self.content = content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Holder) and self.content == other.content

    def __hash__(self) -> int:
        return 0


def test_an_object_of_any_class_comes_back_with_a_warning_that_names_its_type(save: Any) -> None:
    with pytest.warns(PickleWarning, match=r"Holder was stored as a pickle.*BaseMaterializer"):
        saved = save(Holder([1]))
    assert saved.load() == Holder([1])


def test_functions_that_can_be_imported_are_no_reason_to_warn(again: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert again(np.mean) is np.mean
        assert again(Path) is Path


def test_a_function_of_the_notebook_comes_back_with_its_code(again: Any) -> None:
    offset = 5
    with pytest.warns(PickleWarning):
        back = again(lambda number: number + offset)
    assert back(1) == 6


def test_a_class_of_another_notebook_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "data.pickle"
    code = f"""
from pathlib import Path
from mlstack_nb.materializers.pickles import dump_pickle
class OfTheNotebook:
    def double(self): return self.number * 2
value = OfTheNotebook()
value.number = 4
dump_pickle(value, Path({str(path)!r}))
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert load_pickle(path).double() == 8


@pytest.mark.parametrize(
    ("value", "name", "place", "hint"),
    [
        (threading.Lock(), "_thread.lock", "", "Return what it was made from"),
        ((number for number in [1]), "generator", "", "Return list(...)"),
        (Holder({"a": [threading.Lock()]}), "_thread.lock", " at .content['a'][0]", "Return what it was made from"),
        (Holder((threading.Lock(),)), "_thread.lock", " at .content[0]", "Return what it was made from"),
    ],
)
def test_what_can_not_be_pickled_is_named_with_its_place(
    value: Any, name: str, place: str, hint: str, save: Any
) -> None:
    with pytest.raises(MaterializerError) as caught:
        save(value)
    assert f"A value of type {name}{place} can not be stored" in caught.value.what
    assert caught.value.hint.startswith(hint)


def test_an_open_file_is_refused_instead_of_copied(save: Any, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a")
    for mode in ("r", "rb", "w"):
        with open(path, mode) as file, pytest.raises(MaterializerError) as caught:
            save(Holder(file))
        assert "at .content can not be stored" in caught.value.what
        assert caught.value.hint == "Return the Path of the file, or its content."


def test_an_open_connection_is_refused(save: Any) -> None:
    with socket.socket() as connection, pytest.raises(MaterializerError, match=r"socket\.socket"):
        save(connection)


def test_a_pickle_whose_class_is_gone_says_so(save: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import collections

    class Gone:
        __module__ = "collections"
        __qualname__ = "Gone"

    monkeypatch.setattr(collections, "Gone", Gone, raising=False)
    saved = save(Gone())
    monkeypatch.delattr(collections, "Gone")
    with pytest.raises(MaterializerError) as caught:
        saved.load()
    assert "AttributeError" in caught.value.what
    assert platform.python_version() in caught.value.what


def test_a_missing_pickle_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(MaterializerError, match=r"no file data\.pickle"):
        PickleMaterializer(str(tmp_path)).load(object)


def test_a_pickle_reads_without_this_package(tmp_path: Path) -> None:
    dump_pickle({"a": np.arange(3)}, tmp_path / "data.pickle")
    assert pickle.loads((tmp_path / "data.pickle").read_bytes())["a"].tolist() == [0, 1, 2]


def test_a_full_disk_is_not_taken_for_a_fault_of_the_value() -> None:
    with pytest.raises(OSError, match="No space left"):
        dump_pickle(os.urandom(100), Path("/dev/full"))


def test_versions_are_recorded() -> None:
    facts = PickleMaterializer().extract_metadata(np.ma.masked_array([1]))
    assert facts == {"python": platform.python_version(), "numpy": np.__version__}
