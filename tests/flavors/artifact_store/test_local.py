from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import pytest

from mlstack_nb.errors import ObjectMissingError, StoreError, StoreUnwritableError
from mlstack_nb.flavors.artifact_store.local import LocalArtifactStore


def open_store(folder):
    return LocalArtifactStore("default", LocalArtifactStore.Config(path=str(folder)), folder)


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store")


def staged(store, **files):
    folder = store.staging()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def test_what_is_written_is_read_back(store):
    assert store.write("a/b/c.json", b"one")
    assert store.read("a/b/c.json") == b"one"
    assert store.write("a/b/c.json", b"two")
    assert store.read("a/b/c.json") == b"two"


def test_an_existing_file_stays_when_asked_to(store):
    assert store.write("a", b"first", if_absent=True)
    assert not store.write("a", b"second", if_absent=True)
    assert store.read("a") == b"first"
    assert list(os.scandir(f"{store.root}/staging")) == []


def test_a_folder_is_stored_whole_and_read_only(store):
    assert store.put_folder(staged(store, data="x"), "objects/1")
    folder = store.local_folder("objects/1")
    assert (folder / "data").read_text() == "x"
    assert (folder / "data").stat().st_mode & 0o222 == 0


def test_a_folder_that_exists_stays(store):
    store.put_folder(staged(store, data="x"), "objects/1")
    assert not store.put_folder(staged(store, data="y"), "objects/1")
    assert (store.local_folder("objects/1") / "data").read_text() == "x"
    assert list(os.scandir(f"{store.root}/staging")) == []


def test_paths_are_sorted_and_relative(store):
    for path in ("runs/b/2", "runs/a/1", "cache/x"):
        store.write(path, b"")
    assert list(store.paths("runs")) == ["runs/a/1", "runs/b/2"]
    assert list(store.paths("nothing")) == []


def test_delete_takes_files_folders_and_what_is_not_there(store):
    store.write("a/1", b"")
    store.put_folder(staged(store, data="x"), "objects/1")
    for path in ("a/1", "objects/1", "never"):
        store.delete(path)
        assert not store.exists(path)


@pytest.mark.parametrize("path", ["../out", "/etc/passwd", "a/../../b"])
def test_a_path_out_of_the_store_is_refused(store, path):
    with pytest.raises(StoreError, match="not a path inside a store"):
        store.read(path)


@pytest.mark.parametrize("read", [lambda s: s.read("no"), lambda s: s.local_folder("no")])
def test_what_is_not_there_is_missing(store, read):
    with pytest.raises(ObjectMissingError, match="Nothing is stored at 'no'"):
        read(store)


def write_many(folder):
    store = open_store(folder)
    won = [store.write(f"cache/{k}", str(os.getpid()).encode() * 200, if_absent=True) for k in range(50)]
    return sum(won)


def test_of_many_processes_exactly_one_writes_each_file(tmp_path):
    with ProcessPoolExecutor(4) as pool:
        assert sum(pool.map(write_many, [tmp_path / "store"] * 4)) == 50
    store = open_store(tmp_path / "store")
    contents = [store.read(path).decode() for path in store.paths("cache")]
    assert len(contents) == 50
    assert all(len(text) % 200 == 0 and text == text[: len(text) // 200] * 200 for text in contents)


def test_what_a_killed_process_left_half_written_is_swept(tmp_path):
    code = """
import os, signal, sys
from pathlib import Path
from mlstack_nb.flavors.artifact_store.local import LocalArtifactStore as S
store = S("default", S.Config(path=sys.argv[1]), Path(sys.argv[1]))
(store.staging() / "half").write_text("x")
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "store")], check=False)
    staging = tmp_path / "store" / "staging"
    assert len(list(staging.iterdir())) == 1
    open_store(tmp_path / "store").write("a", b"")
    assert list(staging.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_said_to_be_full_and_nothing_half_written_stays(small_disk):
    store = open_store(small_disk)
    store.write("a", b"kept")
    with pytest.raises(StoreUnwritableError, match=r"The disk of artifact store 'default' .* is full"):
        store.write("b", b"x" * 100_000)
    assert not store.exists("b")
    assert list((small_disk / "staging").iterdir()) == []
    assert store.read("a") == b"kept"


def test_a_folder_that_can_not_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="artifact store 'default'"):
        open_store(tmp_path / "file" / "store").write("a", b"")
