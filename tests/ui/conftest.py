"""JupyterLab with our extension, in folders of its own, and a browser that looks at it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

TOKEN = "tests"
READY_S = 60
expect.set_options(timeout=20_000)  # several browsers may share two cores
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")
SCREENSHOTS = os.environ.get("MLSTACK_SCREENSHOTS")  # asked for here, for no test sees it
# to root no file is read-only, unless it gives up that right
WITHOUT_OVERRIDE = ("setpriv", "--bounding-set", "-dac_override", "--inh-caps", "-dac_override")
AS_OTHERS = WITHOUT_OVERRIDE if os.geteuid() == 0 else ()
NEWS = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": False}


@dataclass
class Lab:
    """A running server. `root` is where its notebooks are, with a workspace of mlstack."""

    root: Path
    port: int
    env: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def write(self, name: str, cells: Sequence[str | dict[str, Any]]) -> None:
        """A notebook of code cells; a dict is a cell's text with its tags: {"text": ..., "tags": [...]}."""
        made = [{"text": cell} if isinstance(cell, str) else cell for cell in cells]
        content = {
            "cells": [
                {
                    "cell_type": cell.get("kind", "code"),
                    "id": f"cell-{index}",
                    "metadata": {"tags": cell["tags"]} if cell.get("tags") else {},
                    "source": cell["text"],
                    **({} if "kind" in cell else {"outputs": [], "execution_count": None}),
                }
                for index, cell in enumerate(made)
            ],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        (self.root / name).write_text(json.dumps(content))

    def saved(self, name: str) -> list[dict[str, Any]]:
        return list(json.loads((self.root / name).read_text())["cells"])

    def mlstack(self, *args: str) -> str:
        """The command line, as somebody types it in a terminal beside the browser."""
        command = [sys.executable, "-m", "mlstack_nb.cli", *args]
        return subprocess.run(command, cwd=self.root, env=self.env, check=True, capture_output=True, text=True).stdout


def environment(home: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    folders = {
        name: str(home / name.lower())
        for name in (
            "JUPYTER_CONFIG_DIR",
            "JUPYTER_DATA_DIR",
            "JUPYTER_RUNTIME_DIR",
            "JUPYTERLAB_SETTINGS_DIR",
            "JUPYTERLAB_WORKSPACES_DIR",
            "IPYTHONDIR",
        )
    }
    return {**kept, **folders, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": ""}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def start(home: Path, root: Path, *, has_scheduler: bool = False) -> tuple[subprocess.Popen[bytes], Lab]:
    """`has_scheduler`: with jupyter-scheduler, which is installed for the tests of its dialog, and else left out."""
    env = environment(home)
    if not has_scheduler:
        switched = home / "jupyter_config_dir" / "labconfig"
        switched.mkdir(parents=True)
        (switched / "page_config.json").write_text(json.dumps({"disabledExtensions": {"@jupyterlab/scheduler": True}}))
    settings = home / "jupyterlab_settings_dir" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(NEWS))
    (root / ".mlstack").mkdir()
    lab = Lab(root, free_port(), env)
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": lab.port,
        "ServerApp.port_retries": 0,
        "ServerApp.open_browser": False,
        "IdentityProvider.token": TOKEN,
        "ServerApp.root_dir": root,
        "ServerApp.allow_root": True,
        "LabApp.expose_app_in_browser": True,
        "LanguageServerManager.autodetect": False,
        "ServerApp.jpserver_extensions": {"jupyter_scheduler": has_scheduler},
    }
    command = [
        *AS_OTHERS,
        sys.executable,
        "-m",
        "jupyterlab",
        *(f"--{name}={value}" for name, value in options.items()),
    ]
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=root, env=env, stdout=log, stderr=log, start_new_session=True)
    until = time.monotonic() + READY_S
    while True:
        try:
            urllib.request.urlopen(f"{lab.url}/api?token={TOKEN}", timeout=5).close()
            return server, lab
        except OSError:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError((home / "server.log").read_text()) from None
            time.sleep(0.1)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("home")
    server, running = start(home, tmp_path_factory.mktemp("root"))
    yield running
    server.terminate()
    server.wait(READY_S)


@pytest.fixture(scope="module")
def scheduling_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One with jupyter-scheduler in it."""
    home = tmp_path_factory.mktemp("home")
    server, running = start(home, tmp_path_factory.mktemp("root"), has_scheduler=True)
    yield running
    server.terminate()
    server.wait(READY_S)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        yield running
        running.close()


class Tab:
    """One page of JupyterLab with a notebook open; `complaints` are what its console said of errors."""

    def __init__(self, page: Page, lab: Lab) -> None:
        self.page, self.lab = page, lab
        self.complaints: list[str] = []
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, notebook: str, *, kernel: bool = True) -> None:
        self.page.goto(f"{self.lab.url}/lab/tree/{notebook}?token={TOKEN}&reset")
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")
        self.page.wait_for_function("() => window.jupyterapp?.restored.then(() => true)")
        self.page.wait_for_function("() => jupyterapp.shell.currentWidget?.context?.isReady")
        self.page.evaluate("() => jupyterapp.shell.currentWidget.revealed.then(() => 1)")
        if kernel:
            status = "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status"
            self.page.wait_for_function(f"() => {status} === 'idle'", timeout=READY_S * 1000)

    def command(self, command: str, /, **args: Any) -> None:
        self.page.evaluate("([id, args]) => jupyterapp.commands.execute(id, args).then(() => 1)", [command, args])

    def cell(self, index: int) -> Any:
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell").nth(index)

    def activate(self, index: int) -> None:
        self.page.evaluate(f"() => {{ jupyterapp.shell.currentWidget.content.activeCellIndex = {index} }}")

    def save(self) -> None:
        self.command("docmanager:save")

    def shot(self, name: str) -> None:
        """A picture, kept where MLSTACK_SCREENSHOTS says."""
        if SCREENSHOTS:
            self.page.screenshot(path=str(Path(SCREENSHOTS, f"{name}.png")))


@pytest.fixture
def tab(lab: Lab, browser: Any) -> Iterator[Tab]:
    context = browser.new_context(viewport={"width": 1280, "height": 860}, reduced_motion="reduce")
    yield Tab(context.new_page(), lab)
    context.close()
