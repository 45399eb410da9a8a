"""Files that are never written over others."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlstack_nb.app.new_files import write_new
from mlstack_nb.errors import StoreUnwritableError


def test_a_taken_name_gets_a_number(tmp_path: Path) -> None:
    made = [write_new(b"%d" % number, tmp_path / "a.py").name for number in range(3)]
    assert made == ["a.py", "a_2.py", "a_3.py"]
    assert [(tmp_path / name).read_bytes() for name in made] == [b"0", b"1", b"2"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreUnwritableError, match="can not be written"):
        write_new(b"", tmp_path / "none" / "a.py")


def test_a_name_too_long_for_a_file_is_cut(tmp_path: Path) -> None:
    made = [write_new(b"", tmp_path / f"{'é' * 200}{end}.ipynb") for end in "ab"]
    assert made[0] != made[1]
    assert all(path.is_file() and path.suffix == ".ipynb" for path in made)
