"""JupyterLab in folders of its own, and a Chromium page that looks at it and is measured."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.measure import environment

TOKEN = "bench"
OURS = "/extensions/mlstack-nb/"
READY_S = 120
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")
SAMPLE_US = 100
_FOLDERS = (
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
    "IPYTHONDIR",
)


def missing() -> str:
    """What the measurements can not do without and is not here; empty when all is."""
    from jupyter_core.paths import jupyter_path

    if shutil.which("chromium") is None:
        return "chromium is not on the PATH"
    if not any(Path(path, "mlstack-nb", "package.json").exists() for path in jupyter_path("labextensions")):
        return "the JupyterLab extension is not built: make lab"
    return ""


@contextmanager
def server(home: Path, root: Path) -> Iterator[str]:
    """The address of a server that shows `root`."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.open_browser": False,
        "ServerApp.root_dir": root,
        "ServerApp.allow_root": True,
        "IdentityProvider.token": TOKEN,
        "LabApp.expose_app_in_browser": True,
        "LabApp.news_url": "",
        "LanguageServerManager.autodetect": False,
    }
    command = [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())]
    env = environment() | {name: str(home / name.lower()) for name in _FOLDERS}
    with (home / "server.log").open("wb") as log:
        running = subprocess.Popen(command, cwd=root, env=env, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, running)
        yield url
    finally:
        running.terminate()
        running.wait(READY_S)


def _wait(url: str, running: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_S
    while True:
        try:
            urllib.request.urlopen(f"{url}/api?token={TOKEN}", timeout=5).close()
            return
        except OSError:
            if running.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"JupyterLab did not start at {url}") from None
            time.sleep(0.1)


@contextmanager
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        yield running
        running.close()


@contextmanager
def page(running: Any, url: str) -> Iterator[Any]:
    """A page with empty caches, at an address of the server that is not JupyterLab."""
    context = running.new_context(viewport={"width": 1280, "height": 860})
    made = context.new_page()
    made.set_default_timeout(READY_S * 1000)
    made.goto(f"{url}/api?token={TOKEN}")
    yield made
    context.close()


def open_lab(page: Any, url: str, notebook: str = "") -> None:
    """Until everything is there and has come to rest."""
    page.goto(f"{url}/lab{f'/tree/{notebook}' if notebook else ''}?token={TOKEN}&reset")
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    page.wait_for_function("() => window.jupyterapp?.restored.then(() => true)")
    if notebook:
        page.wait_for_function("() => jupyterapp.shell.currentWidget?.context?.isReady")
        page.evaluate("() => jupyterapp.shell.currentWidget.revealed.then(() => 1)")
    page.evaluate("() => new Promise(done => requestIdleCallback(() => setTimeout(done, 500)))")


def write_notebook(path: Path, texts: Sequence[str]) -> None:
    cell: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells: list[dict[str, Any]] = [{**cell, "id": f"c{at}", "source": text} for at, text in enumerate(texts)]
    named = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": cells, "metadata": named}))


def own_seconds(profile: dict[str, Any]) -> float:
    """Of a CPU profile: the time in which code of ours ran, or code that it called."""
    nodes = {node["id"]: node for node in profile["nodes"]}
    ours = {key for key, node in nodes.items() if OURS in node["callFrame"]["url"]}
    todo = list(ours)
    while todo:
        below = set(nodes[todo.pop()].get("children", ())) - ours
        ours |= below
        todo.extend(below)
    taken = zip(profile["samples"], profile["timeDeltas"], strict=True)
    return sum(float(delta) for node, delta in taken if node in ours) / 1e6
