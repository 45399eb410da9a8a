"""The service with real processes: a small scoring server as its replicas, and clients that hammer it."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlstack_nb.core.deployment import DeploymentState
from mlstack_nb.flavors.serving.folder import Order, Report, ServiceFolder
from mlstack_nb.ports.owner import Owner

COMMAND = (sys.executable, "-m", "uvicorn", "scoring_app:app", "--uds", "{socket}", "--log-level", "warning")


class Served:
    """A service that this test started, and what a person could do with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = ServiceFolder(folder)
        self.folder.make()
        self.generation = 0

    def order(self, name: str, *, replicas: int = 1) -> int:
        self.generation += 1
        environment = {"SCORING_NAME": name, "PYTHONPATH": str(Path(__file__).parent)}
        order = Order(self.generation, name, COMMAND, environment, str(self.folder.path), replicas, timeout_s=60)
        self.folder.put_order(order)
        return self.generation

    def start(self) -> None:
        command = [sys.executable, "-m", "mlstack_nb.flavors.serving", str(self.folder.path)]
        with self.folder.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def until(self, is_so: Callable[[Report], bool]) -> Report:
        for _ in range(1200):
            report = self.folder.report()
            if report is not None and is_so(report):
                return report
            time.sleep(0.05)
        raise AssertionError(f"{report}: {self.folder.log.read_text()}")

    def served(self, name: str, *, replicas: int = 1) -> Report:
        generation = self.order(name, replicas=replicas)
        return self.until(lambda report: report.generation == generation)

    def connection(self) -> http.client.HTTPConnection:
        report = self.folder.report()
        assert report is not None
        return http.client.HTTPConnection("127.0.0.1", report.port, timeout=30)

    def ask(self, body: bytes = b"", path: str = "/invocations") -> str:
        connection = self.connection()
        connection.request("POST", path, body)
        return connection.getresponse().read().decode()


class Hammer:
    """Clients that ask without a pause, each on one connection that stays open."""

    def __init__(self, served: Served, clients: int = 4) -> None:
        self.answers: list[str] = []
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._served = served
        self._threads = [threading.Thread(target=self._go_on) for _ in range(clients)]

    def __enter__(self) -> Hammer:
        for thread in self._threads:
            thread.start()
        self.until(lambda: len(self.answers) > 20)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def until(self, is_so: Callable[[], bool]) -> None:
        for _ in range(1200):
            if is_so():
                return
            time.sleep(0.05)
        raise AssertionError(f"{len(self.answers)} answers, {self.failures}")

    def _go_on(self) -> None:
        connection = self._served.connection()
        while not self._stop.is_set():
            try:
                connection.request("POST", "/invocations", b"0.005")
                answer = connection.getresponse()
                text = answer.read().decode()
                (self.answers if answer.status == 200 else self.failures).append(text)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection = self._served.connection()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    found = Served(tmp_path / "service")
    found.order("first", replicas=2)
    found.start()
    yield found
    if found.process.poll() is None:
        found.process.terminate()
        found.process.wait(60)
    report = found.folder.report()
    for process in report.processes[1:] if report is not None else ():
        if not process.is_gone:
            os.kill(process.pid, signal.SIGKILL)


def is_running(report: Report) -> bool:
    return report.state is DeploymentState.RUNNING


def test_a_new_model_takes_over_with_no_failed_request(served: Served) -> None:
    before = served.until(is_running)
    with Hammer(served) as hammer:
        after = served.served("second", replicas=2)
        hammer.until(lambda: hammer.answers[-1].startswith("second"))
    assert hammer.failures == []
    assert {answer.split()[0] for answer in hammer.answers} == {"first", "second"}
    assert after.port == before.port
    served.until(lambda _: all(process.is_gone for process in before.processes[1:]))


def test_a_replica_that_is_killed_is_replaced_with_no_failed_request(served: Served) -> None:
    victim = served.until(is_running).processes[1]
    with Hammer(served) as hammer:
        os.kill(victim.pid, signal.SIGKILL)
        after = served.until(lambda report: report.restarts == 1 and len(report.processes) == 3)
    assert hammer.failures == []
    assert victim not in after.processes


def test_a_request_waits_while_the_last_replica_is_replaced(served: Served) -> None:
    report = served.until(is_running)
    for victim in report.processes[1:]:
        os.kill(victim.pid, signal.SIGKILL)
    assert served.ask().startswith("first")


def test_a_model_that_does_not_come_up_leaves_the_one_before_in_place(served: Served) -> None:
    before = served.until(is_running)
    generation = served.order("broken")
    after = served.until(lambda report: report.failed == generation)
    assert after.reason == "it ended with code 1: RuntimeError: no weights here"
    assert (after.state, after.processes) == (DeploymentState.RUNNING, before.processes)
    assert served.ask().startswith("first")


def test_a_first_model_that_does_not_come_up_ends_the_service(tmp_path: Path) -> None:
    served = Served(tmp_path / "service")
    served.order("broken")
    served.start()
    assert served.process.wait(60) == 1
    report = served.folder.report()
    assert report is not None and report.state is DeploymentState.FAILED and "no weights here" in report.reason


def test_what_was_asked_before_the_end_is_answered(served: Served) -> None:
    report = served.until(is_running)
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(served.ask(b"1.5")))
    asking.start()
    time.sleep(0.5)
    served.process.terminate()
    asking.join()
    assert served.process.wait(60) == 0
    assert answers[0].startswith("first")
    assert served.folder.report().state is DeploymentState.STOPPED
    assert all(process.is_gone for process in report.processes)


def test_it_can_be_told_to_end_before_it_is_up(served: Served) -> None:
    served.until(lambda report: report.state is DeploymentState.STARTING)
    served.process.terminate()
    assert served.process.wait(60) == 0
    assert served.folder.report().state is DeploymentState.STOPPED


def test_paths_queries_headers_and_codes_pass_through(served: Served) -> None:
    served.until(is_running)
    connection = served.connection()
    connection.request("GET", "/nowhere?a=1&b=%20")
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("x-query"), answer.getheader("content-type")) == (
        404,
        "a=1&b=%20",
        "text/plain",
    )


def test_requests_go_to_the_replica_with_the_least_to_do(served: Served) -> None:
    served.until(is_running)
    answers: list[str] = []
    both = [threading.Thread(target=lambda: answers.append(served.ask(b"1"))) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(set(answers)) == 2


def test_a_port_that_is_taken_gives_way_to_another(served: Served, tmp_path: Path) -> None:
    taken = served.until(is_running).port
    other = Served(tmp_path / "other")
    environment = {"SCORING_NAME": "other", "PYTHONPATH": str(Path(__file__).parent)}
    other.folder.put_order(Order(1, "other", COMMAND, environment, str(tmp_path), 1, port=taken))
    other.start()
    report = other.until(is_running)
    assert report.port != taken
    assert other.ask().startswith("other")
    other.process.terminate()
    other.process.wait(60)


def test_a_process_that_has_ended_is_not_taken_for_a_later_one_of_its_id(served: Served) -> None:
    report = served.until(is_running)
    assert report.is_alive
    earlier = Owner(report.processes[0].host, report.processes[0].pid, report.processes[0].ticks - 1)
    assert not Report(report.state, report.port, (earlier,)).is_alive
