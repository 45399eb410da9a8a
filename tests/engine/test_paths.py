from __future__ import annotations

import os
import time

import pytest

from mlstack_nb.engine import paths
from mlstack_nb.engine.paths import LARGE, path_digest


@pytest.fixture
def read_files(monkeypatch):
    """The files whose content was read, in order."""
    read = []
    real = paths.file_digest
    monkeypatch.setattr(paths, "file_digest", lambda path: read.append(path.name) or real(path))
    return read


def settled(path, content, *, age_s=60.0):
    path.write_bytes(content)
    then = time.time() - age_s
    os.utime(path, (then, then))
    return path


def forget():
    paths._known.clear()


def test_an_unchanged_file_is_read_once(tmp_path, read_files):
    file = settled(tmp_path / "a", b"one")
    assert path_digest(file) == path_digest(file)
    assert read_files == ["a"]


def test_a_large_file_is_not_read_again_by_another_process(tmp_path, read_files):
    file = settled(tmp_path / "a", b"x" * LARGE)
    first = path_digest(file)
    forget()
    assert path_digest(file) == first
    assert read_files == ["a"]


@pytest.mark.parametrize("content", [b"two", b"longer"])
def test_a_changed_file_has_another_digest(tmp_path, content):
    file = settled(tmp_path / "a", b"one")
    first = path_digest(file)
    settled(file, content, age_s=30)
    assert path_digest(file) != first


def test_a_file_changed_a_moment_ago_is_read_each_time(tmp_path, read_files):
    file = tmp_path / "a"
    file.write_bytes(b"one")
    path_digest(file)
    path_digest(file)
    assert read_files == ["a", "a"]


def test_the_same_time_and_content_in_another_place_is_another_note(tmp_path):
    one, other = settled(tmp_path / "a", b"x" * LARGE), settled(tmp_path / "b", b"y" * LARGE)
    assert path_digest(one) != path_digest(other)
    forget()
    assert path_digest(one) != path_digest(other)


def test_a_folder_counts_with_names_and_contents(tmp_path):
    folder = tmp_path / "data"
    (folder / "inner").mkdir(parents=True)
    settled(folder / "inner" / "a", b"one")
    first = path_digest(folder)
    assert path_digest(folder) == first
    (folder / "inner" / "a").rename(folder / "inner" / "b")
    assert path_digest(folder) != first


def test_nothing_there_is_missing(tmp_path):
    assert path_digest(tmp_path / "no") == "missing"


def test_a_damaged_note_is_ignored(tmp_path):
    file = settled(tmp_path / "a", b"x" * LARGE)
    first = path_digest(file)
    paths._note(str(file)).write_text("{")
    forget()
    assert path_digest(file) == first


def test_a_cache_folder_that_can_not_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    file = settled(tmp_path / "a", b"x" * LARGE)
    assert len(path_digest(file)) == 64
