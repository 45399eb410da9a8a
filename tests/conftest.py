"""Every test starts clean: no credentials, proxies or settings of the machine, and a home folder of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from pathlib import Path

FOREIGN_PREFIXES = (
    "MLSTACK_",
    "MLFLOW_",
    "AWS_",
    "AZURE_",
    "CLOUDSDK_",
    "GCLOUD_",
    "GOOGLE_",
    "IPYTHON",
    "JUPYTER_",
    "XDG_",
)
FOREIGN = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "PYTHONDONTWRITEBYTECODE"}

# Derandomized, so that a failure is the change's own and shows again; no deadline, for the machine is shared.
settings.register_profile("suite", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def font_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Matplotlib's folder, shared by all tests: with one home folder per test it would list the fonts anew in each."""
    return tmp_path_factory.mktemp("matplotlib")


@pytest.fixture(autouse=True)
def clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, font_cache: Path
) -> None:
    for name in list(os.environ):
        if name.startswith(FOREIGN_PREFIXES) or name.upper() in FOREIGN:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("MPLCONFIGDIR", str(font_cache))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new, empty workspace: the `.mlstack` folder. Its parent, the project's folder, is the working directory."""
    folder = tmp_path / ".mlstack"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    return folder
