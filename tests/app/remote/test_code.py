"""What of a project travels to the nodes of a run."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from mlstack_nb.app.remote import code
from mlstack_nb.app.remote.code import project_root, put_code, unpack_code
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.digest import digest_bytes
from mlstack_nb.engine.store import Store
from mlstack_nb.errors import ObjectMissingError, UsageError
from mlstack_nb.flavors.artifact_store.local import LocalArtifactStore


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(LocalArtifactStore("here", LocalArtifactStore.Config(str(tmp_path / "store")), tmp_path))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "train.ipynb": "{}",
        "lib/helpers.py": "x = 1",
        "data/grün ß.csv": "a",
        ".env": "PASSWORD=1",
        ".git/config": "",
        ".mlstack/catalog.db": "",
        "lib/__pycache__/helpers.pyc": "",
        "lib/old.pyc": "",
        "venv/pyvenv.cfg": "",
        "venv/lib/x.py": "",
        "node_modules/x.js": "",
    }
    for name, text in files.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "project"


def travelled(store: Store, project: Path, folder: Path, **others: bytes) -> dict[str, bytes]:
    unpack_code(store, put_code(store, project, others=others), folder)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_files_travel_but_not_what_is_hidden_or_made_by_tools(store: Store, project: Path, tmp_path: Path) -> None:
    found = travelled(store, project, tmp_path / "there")
    assert found == {"train.ipynb": b"{}", "lib/helpers.py": b"x = 1", "data/grün ß.csv": b"a"}


def test_what_the_ignore_file_names_stays(store: Store, project: Path, tmp_path: Path) -> None:
    (project / ".mlstackignore").write_text("# large\ndata/\n*.py\n!lib/helpers.py\n")
    (project / "lib" / "more.py").write_text("")
    assert set(travelled(store, project, tmp_path / "there")) == {"train.ipynb", "lib/helpers.py"}


def test_other_contents_take_the_place_of_files(store: Store, project: Path, tmp_path: Path) -> None:
    found = travelled(store, project, tmp_path / "there", **{"train.ipynb": b"new", "made.py": b"y"})
    assert (found["train.ipynb"], found["made.py"]) == (b"new", b"y")
    assert (project / "train.ipynb").read_text() == "{}"


def test_equal_files_are_one_archive_whenever_and_by_whom_they_were_written(store: Store, project: Path) -> None:
    first = put_code(store, project, others={})
    os.utime(project / "train.ipynb", (1, 1))
    (project / "train.ipynb").chmod(0o600)
    assert put_code(store, project, others={}) == first
    (project / "train.ipynb").write_text("{ }")
    assert put_code(store, project, others={}) != first
    assert len(list(store.files.paths("code"))) == 2


def test_programs_stay_programs_and_links_to_files_become_files(store: Store, project: Path, tmp_path: Path) -> None:
    (project / "run.sh").write_text("#!/bin/sh\n")
    (project / "run.sh").chmod(0o700)
    (project / "link.py").symlink_to(project / "lib" / "helpers.py")
    (project / "nowhere").symlink_to(project / "absent")
    assert travelled(store, project, tmp_path / "there")["link.py"] == b"x = 1"
    assert os.access(tmp_path / "there" / "run.sh", os.X_OK)
    assert not (tmp_path / "there" / "link.py").is_symlink()


def test_what_is_too_large_is_named_with_how_to_leave_it(
    store: Store, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code, "MOST_BYTES", 1000)
    (project / "data" / "great.bin").write_bytes(bytes(2000))
    with pytest.raises(UsageError, match=r"The largest: data/great\.bin") as raised:
        put_code(store, project, others={})
    assert "echo 'data/great.bin' >>" in raised.value.hint
    assert list(store.files.paths("code")) == []


def test_an_archive_that_reaches_outside_is_refused(store: Store, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../outside.py"), io.BytesIO(b""))
    address = digest_bytes(packed.getvalue())
    store.files.write(f"code/{address}.tar.zst", code._compressed(packed.getvalue()))
    with pytest.raises(tarfile.FilterError):
        unpack_code(store, address, tmp_path / "there")
    assert not (tmp_path / "outside.py").exists()
    with pytest.raises(ObjectMissingError):
        unpack_code(store, "0" * 64, tmp_path / "there")


def test_the_folder_that_holds_the_workspace_travels_but_never_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "project" / "notebooks"
    folder.mkdir(parents=True)
    assert project_root(Workspace(tmp_path / "project" / ".mlstack"), folder) == tmp_path / "project"
    assert project_root(Workspace(tmp_path / "other" / ".mlstack"), folder) == folder
    assert project_root(Workspace(tmp_path / "project" / "elsewhere"), folder) == folder
    monkeypatch.setenv("HOME", str(tmp_path / "project"))
    assert project_root(Workspace(tmp_path / "project" / ".mlstack"), folder) == folder
