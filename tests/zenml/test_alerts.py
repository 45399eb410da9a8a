"""ZenML's alerter hooks, with a real server that takes what is sent."""

from __future__ import annotations

import http.server
import queue
import threading
from collections.abc import Iterator

import pytest
from zenml import pipeline, step
from zenml.client import Client
from zenml.hooks import alerter_failure_hook, alerter_success_hook


@pytest.fixture
def received() -> Iterator[queue.Queue[str]]:
    """What was sent to the alerter of the active stack."""
    found: queue.Queue[str] = queue.Queue()

    class Taking(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = Client()
    url = f"http://127.0.0.1:{server.server_port}/hook"
    client.create_stack_component("chat", "webhook", "alerter", {"url": url, "on": []})
    client.create_stack("s", {"orchestrator": "default", "artifact_store": "default", "alerter": "chat"})
    client.activate_stack("s")
    yield found
    server.shutdown()
    server.server_close()


def test_a_failed_step_is_told_by_its_hook(received: queue.Queue[str]) -> None:
    @step(on_failure=alerter_failure_hook)
    def broken() -> None:
        raise ValueError("no rows")

    with pytest.raises(RuntimeError):
        broken()
    said = received.get(timeout=30)
    assert "broken" in said
    assert "no rows" in said


def test_a_step_that_succeeded_is_told_by_its_hook(received: queue.Queue[str]) -> None:
    @step
    def fine() -> int:
        return 1

    @pipeline(on_success=alerter_success_hook)
    def telling() -> None:
        fine()

    telling()
    assert "fine" in received.get(timeout=30)


def test_without_an_alerter_the_hook_is_told_about_and_the_run_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    @step(on_success=alerter_success_hook)
    def fine() -> int:
        return 1

    assert fine() == 1
    assert "has no alerter" in capsys.readouterr().err
