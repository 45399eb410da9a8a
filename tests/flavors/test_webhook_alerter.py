"""The webhook alerter against a real HTTP server, and what it is sent of runs, schedules and steps."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlstack_nb import pipeline, step
from mlstack_nb.app import components, secrets, stacks
from mlstack_nb.app.alerting import wait_for_alerts
from mlstack_nb.app.alerts import alerter_failure_hook, alerter_success_hook
from mlstack_nb.app.scheduling.scheduler import Scheduler
from mlstack_nb.app.stack_health import health
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.catalog import schedules as schedule_rows
from mlstack_nb.core.schedule import CatchUp, Firing, Overlap, Schedule
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import ConfigError, StepError
from mlstack_nb.flavors.alerter.webhook import WebhookAlerter, message_of
from mlstack_nb.ports.alerter import Alert, Occasion

HELLO = Alert(Occasion.FAILURE, "It <failed>", "a & b", {"run": "1"})


class Receiver:
    """A server that keeps what is posted to it, and answers with the codes in `answers`, then with 200."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.delay_s = 0.0
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                time.sleep(receiver.delay_s)
                content = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posted.append(json.loads(content))
                code = receiver.answers.pop(0) if receiver.answers else 200
                self.send_response(code)
                if code == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/T0/B0/s3cr3t-path"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def here(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return Workspace(workspace)


def alerter(workspace: Path, url: str, **configuration: Any) -> WebhookAlerter:
    return WebhookAlerter("ops", WebhookAlerter.Config(url=url, **configuration), workspace)


def use(here: Workspace, url: str, **configuration: Any) -> None:
    """Make a stack with that alerter the active one."""
    given = {"url": url, "on": "failure,success,miss", **configuration}
    components.register(here, Kind.ALERTER, "ops", flavor="webhook", configuration=given)
    parts = {Kind.ORCHESTRATOR: "default", Kind.ARTIFACT_STORE: "default", Kind.ALERTER: "ops"}
    stacks.register(here, "watched", parts)
    stacks.activate(here, "watched")


# -- the flavor


def test_json_has_all_parts_by_name(workspace: Path, receiver: Receiver) -> None:
    alerter(workspace, receiver.url).send(HELLO)
    assert receiver.posted == [{"occasion": "failure", "title": "It <failed>", "text": "a & b", "facts": {"run": "1"}}]


def test_slack_gets_text_with_its_marks_and_escapes(workspace: Path, receiver: Receiver) -> None:
    alerter(workspace, receiver.url, form="slack").send(HELLO)
    assert receiver.posted == [{"text": "*It &lt;failed&gt;*\na &amp; b\nrun: 1"}]


def test_discord_gets_content_that_calls_nobody_and_is_not_too_long(workspace: Path, receiver: Receiver) -> None:
    alerter(workspace, receiver.url, form="discord").send(Alert(Occasion.MESSAGE, "x" * 3000))
    (posted,) = receiver.posted
    assert (len(posted["content"]), posted["content"][-1]) == (2000, "…")
    assert posted["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("https://hooks.slack.com/services/x", "slack"),
        ("https://discord.com/api/webhooks/x", "discord"),
        ("https://example.com/x", "json"),
    ],
)
def test_the_host_tells_the_form(workspace: Path, url: str, form: str) -> None:
    assert alerter(workspace, url)._form == form
    assert set(message_of(HELLO, form)) & {"text", "content", "facts"}


def test_a_server_that_is_busy_is_asked_again(workspace: Path, receiver: Receiver) -> None:
    receiver.answers = [503, 429]
    alerter(workspace, receiver.url).send(HELLO)
    assert len(receiver.posted) == 3


@pytest.mark.parametrize(("answer", "reason"), [(404, "404 Not Found"), (302, "302 Found")])
def test_a_refusal_is_told_at_once_and_without_the_address(
    workspace: Path, receiver: Receiver, answer: int, reason: str
) -> None:
    receiver.answers = [answer]
    with pytest.raises(ConfigError, match=rf"'ops' can not reach 127.0.0.1: it answers {reason}") as caught:
        alerter(workspace, receiver.url).send(HELLO)
    assert len(receiver.posted) == 1
    assert "s3cr3t-path" not in str(caught.value)


def test_a_server_that_does_not_answer_is_given_up(workspace: Path, receiver: Receiver) -> None:
    receiver.delay_s = 1.5
    with pytest.raises(ConfigError, match="timed out"):
        alerter(workspace, receiver.url, timeout_s=0.3).send(HELLO)


def test_nobody_there_is_told(workspace: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ConfigError, match="Connection refused"):
        alerter(workspace, f"http://127.0.0.1:{port}", retries=0).send(HELLO)
    with pytest.raises(ConfigError, match=f"can not reach 127.0.0.1:{port}"):
        alerter(workspace, f"http://127.0.0.1:{port}").check()


@pytest.mark.parametrize(
    ("configuration", "problem"),
    [
        ({"url": "ftp://x"}, "begin it with https://"),
        ({"url": "https://x", "on": "failure,sucess"}, "'on.1'"),
        ({"url": "https://x", "form": "teams"}, "'form'"),
        ({}, "'url' is required"),
    ],
)
def test_a_wrong_configuration_is_refused(here: Workspace, configuration: dict[str, str], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        components.register(here, Kind.ALERTER, "ops", flavor="webhook", configuration=configuration)


def test_the_address_is_shown_to_nobody(here: Workspace, receiver: Receiver) -> None:
    use(here, receiver.url)
    assert components.describe(here, Kind.ALERTER, "ops")["configuration"]["url"] == "********"
    assert "s3cr3t-path" not in json.dumps(stacks.describe(here, "watched"))


# -- runs


@step
def divide(by: int) -> float:
    return 1 / by


@pipeline
def dividing(by: int = 1) -> None:
    divide(by)


def test_a_run_that_fails_is_told_with_its_step_and_reason(here: Workspace, receiver: Receiver) -> None:
    use(here, receiver.url)
    with pytest.raises(StepError):
        dividing(0)
    wait_for_alerts()
    (posted,) = receiver.posted
    assert (posted["occasion"], posted["title"]) == ("failure", "Pipeline dividing failed at divide")
    assert posted["text"] == "ZeroDivisionError: division by zero"
    assert posted["facts"]["stack"] == "watched"
    assert posted["facts"]["see"] == f"mlstack runs show {posted['facts']['run']}"


def test_a_run_that_succeeds_is_told_also_from_the_cache(here: Workspace, receiver: Receiver) -> None:
    use(here, receiver.url)
    dividing()
    dividing()
    wait_for_alerts()
    assert [posted["title"] for posted in receiver.posted] == ["Pipeline dividing succeeded"] * 2


def test_only_what_is_asked_for_is_told(here: Workspace, receiver: Receiver) -> None:
    use(here, receiver.url, on="failure")
    dividing()
    wait_for_alerts()
    assert receiver.posted == []


def test_an_address_may_refer_to_a_secret(here: Workspace, receiver: Receiver) -> None:
    secrets.create(here, "chat", {"url": receiver.url})
    use(here, "{{chat.url}}")
    dividing()
    wait_for_alerts()
    assert len(receiver.posted) == 1


def test_an_alerter_that_fails_breaks_no_run_and_is_told(
    here: Workspace, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    use(here, receiver.url)
    receiver.answers = [404]
    assert dividing().state.is_good
    wait_for_alerts()
    told = capsys.readouterr().err
    assert "an alert was not sent (Pipeline dividing succeeded): Alerter 'ops' can not reach" in told
    assert "s3cr3t-path" not in told


def test_a_slow_alerter_does_not_hold_up_the_run(here: Workspace, receiver: Receiver) -> None:
    use(here, receiver.url)
    receiver.delay_s = 1.0
    dividing()
    assert receiver.posted == []
    wait_for_alerts()
    assert len(receiver.posted) == 1


@step(on_failure=alerter_failure_hook, on_success=alerter_success_hook)
def watched(by: int) -> float:
    return 1 / by


@pipeline
def watching(by: int = 1) -> None:
    watched(by)


def test_hooks_of_a_step_tell_of_it_whatever_the_alerter_is_for(here: Workspace, receiver: Receiver) -> None:
    use(here, receiver.url, on="miss")
    watching()
    with pytest.raises(StepError):
        watching(0)
    wait_for_alerts()
    found = {(posted["occasion"], posted["title"], posted["text"]) for posted in receiver.posted}
    assert found == {
        ("success", "Step watched succeeded", ""),
        ("failure", "Step watched failed", "ZeroDivisionError: division by zero"),
    }


# -- schedules


class Silent:
    """An audience that listens to nothing."""

    def firing(self, firing: Firing) -> None: ...

    def leads(self) -> None: ...

    def waits(self, leader: Any) -> None: ...

    def trouble(self, what: str) -> None:
        raise AssertionError(what)


def scheduled(here: Workspace, **changes: Any) -> None:
    """Every minute, since an hour ago."""
    begin = time.time() - 3600
    common: dict[str, Any] = {"folder": str(here.root.parent), "parameters": {}, "stack": None, "cron": None}
    common |= {"every_s": 60.0, "zone": "UTC", "grace_s": 1.0, "overlap": Overlap.SKIP, "note": ""}
    common |= {"created_at": begin, "settled_until": begin, "catch_up": CatchUp.NONE}
    schedule = Schedule("nightly", "flow.py", **{**common, **changes})
    with here.catalog.write() as connection:
        schedule_rows.add_schedule(connection, schedule)


def test_a_schedule_that_missed_is_told(here: Workspace, receiver: Receiver) -> None:
    use(here, receiver.url)
    scheduled(here)
    Scheduler(here, Silent(), clock=lambda: time.time() + 30).tick()
    wait_for_alerts()
    (posted,) = receiver.posted
    assert (posted["occasion"], posted["title"]) == ("miss", "Schedule nightly did not run")
    assert posted["text"].startswith("missed; ")


def test_a_scheduled_run_that_could_not_begin_is_told(here: Workspace, receiver: Receiver) -> None:
    use(here, receiver.url)
    scheduled(here, catch_up=CatchUp.LAST)
    Scheduler(here, Silent()).run_once()
    wait_for_alerts()
    told = {posted["title"]: posted["text"] for posted in receiver.posted}
    assert told.keys() == {"Schedule nightly runs late", "Schedule nightly failed"}
    assert "flow.py" in told["Schedule nightly failed"]


# -- stack check


def test_a_check_sends_nothing_unless_it_is_asked_to(here: Workspace, receiver: Receiver) -> None:
    use(here, receiver.url)
    found = {one["kind"]: one for one in health(here)["components"]}
    assert (found["alerter"]["ok"], receiver.posted) == (True, [])
    found = {one["kind"]: one for one in health(here, send=True)["components"]}
    assert found["alerter"]["what"].endswith("sent a message")
    assert [posted["occasion"] for posted in receiver.posted] == ["message"]
