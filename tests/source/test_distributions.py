"""From a module to the distribution that provides it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlstack_nb.source.distributions import installed


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    return tmp_path


def install(site: Path, info: str, **files: str) -> None:
    folder = site / info
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("_txt", ".txt")).write_text(text)


def version(module: str) -> tuple[str, str] | None:
    found = installed().distribution_of(module)
    return found and (found.name, found.version)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("numpy", "numpy"),
        ("sklearn.svm", "scikit-learn"),
        ("yaml", "pyyaml"),
        ("attr", "attrs"),
        ("dateutil", "python-dateutil"),
        ("IPython", "ipython"),
        ("mpl_toolkits.mplot3d", "matplotlib"),
    ],
)
def test_installed_packages_are_found_as_python_itself_finds_them(module: str, name: str) -> None:
    from importlib.metadata import version as known_version

    assert version(module) == (name, known_version(name))


def test_a_name_nobody_provides_has_no_distribution() -> None:
    assert version("nobody_provides_this") is None


def test_names_are_compared_as_installers_do(site: Path) -> None:
    install(site, "My_Lib-2.0.post1.dist-info")
    assert version("my_lib.part") == ("my-lib", "2.0.post1")


def test_another_name_is_found_in_the_list_of_files(site: Path) -> None:
    install(site, "other-1.0.dist-info", RECORD="inner/__init__.py,sha256=x,1\nsingle.py,,\nfast.cpython-311.so,,\n")
    assert {version(name) for name in ("inner", "inner.deep", "single", "fast")} == {("other", "1.0")}
    assert version("inne") is None


def test_an_egg_lists_its_top_level_names(site: Path) -> None:
    install(site, "old_style-0.3-py3.11.egg-info", top_level_txt="oldie\n_oldie\n")
    assert version("oldie.x") == ("old-style", "0.3")


def test_a_shared_namespace_belongs_to_the_longest_part(site: Path) -> None:
    install(site, "google_auth-1.0.dist-info", RECORD="google/auth/__init__.py,,\n")
    install(site, "google_cloud_storage-2.0.dist-info", RECORD="google/cloud/storage/__init__.py,,\n")
    assert version("google.cloud.storage.Client") == ("google-cloud-storage", "2.0")
    assert version("google.auth") == ("google-auth", "1.0")


def test_an_upgrade_is_seen(site: Path) -> None:
    install(site, "lib-1.0.dist-info")
    before = installed()
    assert version("lib") == ("lib", "1.0")
    assert installed() is before
    (site / "lib-1.0.dist-info").rename(site / "lib-1.1.dist-info")
    assert version("lib") == ("lib", "1.1")


def test_entries_that_are_no_folders_are_passed_over(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (site / "code.zip").write_bytes(b"")
    monkeypatch.setattr("sys.path", [str(site / "missing"), str(site / "code.zip"), str(site)])
    install(site, "lib-1.0.dist-info")
    assert version("lib") == ("lib", "1.0")
