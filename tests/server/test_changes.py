"""What others change shows in the event stream within a second."""

from __future__ import annotations

import json
import operator
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import websocket

from mlstack_nb.server.changes import SCHEMA_ID

CELLS = ("%%step one -> x\nimport time\ntime.sleep(0.5)\nx = 1", "%%step two -> y\ny = x + 1")


class Heard:
    """Events of one workspace, each with the moment it came."""

    def __init__(self, project: Any) -> None:
        self.events: list[tuple[float, dict[str, Any]]] = []
        self._workspace = str(project.folder / ".mlstack")
        url = f"ws://127.0.0.1:{project.server.port}/user/a%40b/api/events/subscribe"
        self._socket = websocket.create_connection(url, header=["Authorization: token a-token"], timeout=60)
        self._socket.settimeout(0.2)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def of(self, what: str) -> list[dict[str, Any]]:
        return [event for _, event in self.events if event["what"] == what]

    def close(self) -> None:
        self._is_over.set()
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while not self._is_over.is_set():
            try:
                event = json.loads(self._socket.recv())
            except websocket.WebSocketTimeoutException:
                continue
            if event["schema_id"] == SCHEMA_ID and event["workspace"] == self._workspace:
                self.events.append((time.time(), event))


def switch(project: Any, name: str) -> None:
    project("PUT", "active-stack", body={"name": name})


def active(heard: Heard) -> str | None:
    """What was told last."""
    return next((event["active"] for event in reversed(heard.of("active_stack"))), None)


@pytest.fixture
def heard(project: Any) -> Iterator[Heard]:
    """The project's workspace is one that is looked at already, the default stack is active, and nothing was told."""
    parts = {"orchestrator": "default", "artifact_store": "default"}
    project("POST", "stacks", body={"name": "other", "components": parts})
    listening = Heard(project)
    while active(listening) is None:  # what was before the first look is no news
        switch(project, "default" if project("GET", "stacks").json["active"] == "other" else "other")
        time.sleep(0.5)
    switch(project, "default")
    if active(listening) != "default":
        project.wait_for(lambda: active(listening), lambda name: name == "default")
    listening.events.clear()
    yield listening
    listening.close()


def test_a_stack_that_another_process_sets_is_told_within_a_second(project: Any, heard: Heard) -> None:
    late = []
    for name in ("other", "default", "other"):
        project.mlstack("stack", "set", name)
        changed = (project.folder / ".mlstack" / "active_stack").stat().st_mtime
        project.wait_for(lambda: active(heard), partial(operator.eq, name))
        late.append(heard.events[-1][0] - changed)
    assert min(late) < 1
    assert project("GET", "stacks").json["active"] == "other"


def test_each_switch_over_http_is_told_once(project: Any, heard: Heard) -> None:
    for name in ("other", "other", "default"):
        switch(project, name)
        project.wait_for(lambda: active(heard), partial(operator.eq, name))
    assert [event["active"] for event in heard.of("active_stack")] == ["other", "default"]


def test_a_run_of_the_command_line_is_told_when_it_begins_and_ends(project: Any, heard: Heard) -> None:
    project.notebook(*CELLS)
    project.mlstack("run", "train.ipynb")
    project.wait_for(lambda: heard.of("runs"), lambda found: found and found[-1]["state"] == "completed")
    told = [event["state"] for event in heard.of("runs")]
    assert told[0] == "running" and told.count("completed") == 1
    assert {event["run"] for event in heard.of("runs")} == {project("GET", "runs").json[0]["id"]}


def test_a_run_whose_process_is_killed_is_told_as_failed(project: Any, heard: Heard) -> None:
    path = project.notebook(
        "%%step wait -> x\nimport time, os, signal\nos.kill(os.getppid(), 0)\ntime.sleep(600)\nx = 1"
    )
    run_id = project("POST", "runs", body={"target": path}).json["id"]
    project.wait_for(lambda: heard.of("runs"), bool)
    project.kill_run(run_id)
    project.wait_for(lambda: heard.of("runs")[-1], lambda event: event["state"] == "failed", seconds=20)


def test_a_run_that_ends_before_it_begins_is_told_as_failed(project: Any, heard: Heard) -> None:
    (project.folder / "flow.py").write_text("raise RuntimeError\n")
    run_id = project("POST", "runs", body={"target": project.address("flow.py:main")}).json["id"]
    project.wait_for(lambda: heard.of("runs"), bool)
    assert [(event["run"], event["state"]) for event in heard.of("runs")] == [(run_id, "failed")]
