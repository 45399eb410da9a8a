"""Files and folders as values."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack_nb.errors import MaterializerError
from mlstack_nb.materializers.paths import PathMaterializer

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\x00"), min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..")
)


def test_a_file_comes_back_with_content_and_name(tmp_path: Path, again: Any) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(b"a,b\r\n1,2")
    back = again(path)
    assert back != path
    assert back.name == "data.csv"
    assert back.read_bytes() == b"a,b\r\n1,2"


def test_a_script_stays_executable_and_data_does_not_become_so(tmp_path: Path, again: Any) -> None:
    for name, mode in (("run.sh", 0o755), ("data.txt", 0o600)):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(mode)
        assert bool(again(tmp_path / name).stat().st_mode & 0o100) == (name == "run.sh")
    back = again(tmp_path)
    assert os.access(back / "run.sh", os.X_OK)
    assert not (back / "data.txt").stat().st_mode & 0o111


@given(files=st.dictionaries(st.tuples(NAMES, NAMES), st.binary(max_size=20), max_size=5))
def test_a_folder_comes_back_with_every_file(files: dict[tuple[str, str], bytes], again: Any) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as root:
        for (parent, name), content in files.items():
            (Path(root) / f"d{parent}").mkdir(exist_ok=True)
            (Path(root) / f"d{parent}" / name).write_bytes(content)
        back = again(Path(root))
        expected = {path.relative_to(root): path.read_bytes() for path in Path(root).rglob("*") if path.is_file()}
    assert {path.relative_to(back): path.read_bytes() for path in back.rglob("*") if path.is_file()} == expected


def test_empty_folders_come_back_also_from_a_store_that_knows_none(tmp_path: Path, save: Any) -> None:
    (tmp_path / "a" / "empty").mkdir(parents=True)
    (tmp_path / "b.txt").write_text("b")
    saved = save(tmp_path)
    (saved.folder / "content" / "a" / "empty").rmdir()
    (saved.folder / "content" / "a").rmdir()
    assert (saved.load() / "a" / "empty").is_dir()


def test_a_wholly_empty_folder_comes_back_also_from_a_store_that_knows_none(tmp_path: Path, save: Any) -> None:
    saved = save(tmp_path)
    (saved.folder / "content").rmdir()
    assert list(saved.load().iterdir()) == []


def test_changing_a_loaded_path_does_not_change_what_is_stored(tmp_path: Path, save: Any) -> None:
    (tmp_path / "data.txt").write_text("a")
    saved = save(tmp_path)
    for path in saved.files.values():
        path.chmod(0o444)
    back = saved.load()
    (back / "data.txt").write_text("changed")
    (back / "more.txt").write_text("more")
    again = saved.load()
    assert [(path.name, path.read_text()) for path in again.iterdir()] == [("data.txt", "a")]


def test_links_inside_a_folder_stay_links(tmp_path: Path, again: Any) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "v1").write_text("one")
    (tmp_path / "latest").symlink_to("models/v1")
    (tmp_path / "models" / "same").symlink_to(tmp_path / "models" / "v1")
    (tmp_path / "folder").symlink_to("models")
    back = again(tmp_path)
    assert os.readlink(back / "latest") == "models/v1"
    assert os.readlink(back / "models" / "same") == "v1"
    assert (back / "folder" / "v1").read_text() == "one"


def test_a_link_that_leads_out_becomes_a_copy(tmp_path: Path, again: Any) -> None:
    (tmp_path / "outside.txt").write_text("outside")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to("../outside.txt")
    back = again(tmp_path / "folder")
    assert not (back / "link").is_symlink()
    assert (back / "link").read_text() == "outside"


def test_a_link_itself_stands_for_what_it_leads_to(tmp_path: Path, again: Any) -> None:
    (tmp_path / "data.txt").write_text("a")
    (tmp_path / "link").symlink_to("data.txt")
    back = again(tmp_path / "link")
    assert (back.name, back.read_text()) == ("data.txt", "a")


def test_dots_in_a_path_are_resolved(tmp_path: Path, again: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "a.txt").write_text("a")
    monkeypatch.chdir(tmp_path / "inner")
    back = again(Path(".."))
    assert back.name == tmp_path.name
    assert (back / "a.txt").read_text() == "a"


def test_what_can_not_be_kept_is_refused_by_name(tmp_path: Path, save: Any) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "dangling").symlink_to("nowhere")
    (tmp_path / "c").mkdir()
    os.mkfifo(tmp_path / "c" / "pipe")
    for name, culprit in (("a", "out"), ("b", "dangling"), ("c", "pipe"), ("absent.txt", "absent.txt")):
        with pytest.raises(MaterializerError, match=culprit) as caught:
            save(tmp_path / name)
        assert caught.value.hint
    with pytest.raises(MaterializerError, match="whole file system"):
        save(Path("/"))


def test_a_folder_that_holds_the_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    with pytest.raises(MaterializerError, match="holds the store itself"):
        PathMaterializer(str(tmp_path / "store")).save(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../evil"},
        {"name": "/evil"},
        {"empty_folders": ["../evil"]},
        {"executables": ["/etc/passwd"]},
        {"links": {"../evil": "a"}},
        {"links": {"inner": "../../evil"}},
    ],
)
def test_a_stored_path_can_not_lead_out_of_its_folder(change: dict[str, Any], tmp_path: Path, save: Any) -> None:
    (tmp_path / "a").write_text("a")
    saved = save(tmp_path)
    document = json.loads(saved.files["path.json"].read_text())
    saved.files["path.json"].write_text(json.dumps({**document, **change}))
    with pytest.raises(MaterializerError, match=r"unsafe path|leads out"):
        saved.load()


def test_equal_content_under_one_name_is_stored_equally(tmp_path: Path, save: Any) -> None:
    contents = []
    for parent in ("one", "other"):
        folder = tmp_path / parent / "data"
        folder.mkdir(parents=True)
        for name in ("a", "b") if parent == "one" else ("b", "a"):
            (folder / name).write_text(name)
        contents.append({name: path.read_bytes() for name, path in save(folder).files.items()})
    assert contents[0] == contents[1]


def test_loaded_copies_are_removed_when_the_process_ends(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("a")
    code = f"""
from pathlib import Path
from mlstack_nb.materializers.paths import PathMaterializer
folder = Path({str(tmp_path)!r}) / "stored"
folder.mkdir()
PathMaterializer(str(folder)).save(Path({str(tmp_path)!r}) / "data.txt")
back = PathMaterializer(str(folder)).load(Path)
assert back.read_text() == "a"
print(back)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not Path(done.stdout.strip()).parent.parent.exists()


def test_facts_and_preview_name_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("abc")
    assert PathMaterializer().extract_metadata(tmp_path / "data.txt") == {"name": "data.txt", "bytes": 3}
    assert PathMaterializer().extract_metadata(tmp_path) == {"name": tmp_path.name, "files": 1}
    assert "'data.txt'" in PathMaterializer().preview(tmp_path)["text/plain"]
