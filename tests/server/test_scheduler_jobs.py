"""jupyter-scheduler in a real server: its jobs run on our stacks, and its other jobs as before."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

WITHOUT = ("jupyter_lsp", "jupyter_server_terminals", "jupyterlab", "notebook", "notebook_shim")
OVER = {"COMPLETED", "FAILED", "STOPPED"}
STEPS = (
    ("rows = 3\nlabel = 'none'", ["parameters"]),
    "from beside import double",
    "%%step load -> numbers\nnumbers = [double(int(n)) for n in open('data.txt')][:rows]\nprint('loading', label)",
    "%%step total -> summary\nsummary = sum(numbers)\nsummary",
)


@dataclass
class Scheduler:
    """The REST routes of jupyter-scheduler, for one project folder of the server."""

    server: Any
    project: Any

    def __call__(self, method: str, address: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        return self.server.request(method, f"scheduler/{address}", data)

    def create(self, path: str, environment: str = "stack: second", kind: str = "jobs", **wanted: Any) -> str:
        body = {"name": "job", "input_uri": path, "runtime_environment_name": environment, **wanted}
        answer = self("POST", kind, body)
        assert answer.status == 200, answer
        return str(next(iter(answer.json.values())))

    def job(self, job: str) -> Any:
        return self("GET", f"jobs/{job}").json

    def ended(self, job: str) -> Any:
        return self.project.wait_for(
            lambda: self.job(job), lambda found: found["status"] in OVER and found["end_time"], seconds=90
        )

    def run_of(self, job: Any) -> Any:
        return self.project.of_run(job["runtime_environment_parameters"]["run"])

    def outputs(self, job: Any) -> dict[str, str]:
        """The job's files by their endings, as the dialog's download brings them."""
        assert self("GET", f"jobs/{job['job_id']}/download_files").status == 204
        folder = self.server.root / "jobs" / f"{Path(job['input_filename']).stem}-{job['job_id']}"
        count = len(job["output_formats"]) + 1
        files = self.project.wait_for(
            lambda: list(folder.glob("*")), lambda found: len([one for one in found if one.stat().st_size]) == count
        )
        return {file.suffix: file.read_text() for file in files if file.name != job["input_filename"]}


@pytest.fixture(scope="module")
def scheduler(running_server: Any, new_project: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scheduler]:
    with running_server(tmp_path_factory.mktemp("scheduler"), without=WITHOUT, cwd="root") as server:
        project = new_project(server, "train")
        (project.folder / "beside.py").write_text("def double(number):\n    return 2 * number\n")
        (project.folder / "data.txt").write_text("1\n2\n3\n4\n5\n6\n")
        project.mlstack("stack", "copy", "default", "second")
        project("GET", "stacks")  # as the panel does when a notebook is opened
        yield Scheduler(server, project)


def texts(notebook: str) -> str:
    cells = json.loads(notebook)["cells"]
    return json.dumps([output for cell in cells for output in cell.get("outputs", [])])


def test_a_job_runs_on_its_stack_where_its_notebook_stands_and_a_second_one_comes_from_the_cache(
    scheduler: Scheduler,
) -> None:
    path = scheduler.project.notebook(*STEPS)
    wanted = {"parameters": {"rows": "5", "label": "7"}, "output_formats": ["ipynb", "html"]}
    job = scheduler.ended(scheduler.create(path, **wanted))
    assert (job["status"], job["status_message"]) == ("COMPLETED", None)
    run = scheduler.run_of(job)
    assert (run["state"], run["stack"], run["pipeline"]) == ("completed", "second", "train")
    assert run["parameters"] == {"rows": 5, "label": "7"}
    listed = json.loads(scheduler.project.mlstack("runs", "list", "--json"))
    assert [one["id"] for one in listed] == [run["id"]]
    found = scheduler.outputs(job)
    assert "loading 7" in texts(found[".ipynb"]) and '"text/plain": "30"' in texts(found[".ipynb"])
    note = json.loads(found[".ipynb"])["cells"][0]["source"]
    assert run["id"] in note and "`rows = 5`" in note and "| total | completed |" in note
    assert "loading 7" in found[".html"] and "<html" in found[".html"]

    again = scheduler.ended(scheduler.create(path, **wanted))
    assert {step["state"] for step in scheduler.run_of(again)["steps"]} == {"cached"}
    assert "loading 7" in texts(scheduler.outputs(again)[".ipynb"])


def test_a_job_that_fails_says_what_and_what_to_do(scheduler: Scheduler) -> None:
    said_before = len(scheduler.server.log.read_text())
    cells = [*STEPS[:3], "%%step total\nprint('adding')\nprint(numbers[10])"]
    path = scheduler.project.notebook(*cells, name="failing.ipynb")
    failing = scheduler.create(path, output_formats=["ipynb"])
    elsewhere = scheduler.create(path, "stack: secnod")
    mistyped = scheduler.create(path, parameters={"rows": "many"})
    job = scheduler.ended(failing)
    assert job["status"] == "FAILED"
    assert "Step 'total' failed: IndexError in cell 4 of failing: list index out of range." in job["status_message"]
    assert f"mlstack resume {scheduler.run_of(job)['id']}" in job["status_message"]
    assert scheduler.run_of(job)["state"] == "failed"
    shown = texts(scheduler.outputs(job)[".ipynb"])
    assert "adding" in shown and '"ename": "IndexError"' in shown
    assert "Did you mean 'second'?" in scheduler.ended(elsewhere)["status_message"]
    assert "takes int, not 'many'" in scheduler.ended(mistyped)["status_message"]
    assert "Traceback" not in scheduler.server.log.read_text()[said_before:]


def test_a_stopped_job_cancels_its_run(scheduler: Scheduler) -> None:
    path = scheduler.project.notebook("%%step wait\nimport time\ntime.sleep(300)", name="waiting.ipynb")
    job = scheduler.create(path)
    run_id = scheduler.job(job)["runtime_environment_parameters"]["run"]
    scheduler.project.wait_for(
        lambda: scheduler.project.of_run(run_id).get("steps"),
        lambda steps: steps and steps[0]["state"] == "running",
    )
    assert scheduler("PATCH", f"jobs/{job}", {"status": "STOPPED"}).status == 204
    found = scheduler.ended(job)
    assert (found["status"], scheduler.run_of(found)["state"]) == ("STOPPED", "cancelled")
    assert f"mlstack resume {run_id}" in found["status_message"]


def test_a_definition_runs_the_notebook_as_it_was_when_it_was_defined(scheduler: Scheduler) -> None:
    path = scheduler.project.notebook("from beside import double", "print(double(21))", name="plain.ipynb")
    definition = scheduler.create(path, kind="job_definitions", output_formats=["ipynb"], schedule="0 0 1 1 *")
    scheduler.project.notebook("print('edited')", name="plain.ipynb")
    job = scheduler.ended(scheduler.create(path, kind=f"job_definitions/{definition}/jobs"))
    assert job["status"] == "COMPLETED", job
    assert scheduler.run_of(job)["pipeline"] == "plain"
    assert '"text": "42\\n"' in texts(scheduler.outputs(job)[".ipynb"])
    other = scheduler.project.notebook("print(len(open('data.txt').read()))", name="other.ipynb")
    change = {"input_uri": other, "schedule": "0 0 1 1 *"}
    assert scheduler("PATCH", f"job_definitions/{definition}", change).status == 204
    job = scheduler.ended(scheduler.create(path, kind=f"job_definitions/{definition}/jobs"))
    assert (job["status"], scheduler.run_of(job)["pipeline"]) == ("COMPLETED", "other")


def test_other_environments_stay_as_they_are(scheduler: Scheduler) -> None:
    path = scheduler.project.notebook("print(6 * 7)", name="ordinary.ipynb")
    environments = scheduler("GET", "runtime_environments").json
    names = [one["name"] for one in environments]
    assert names[0] == Path(sys.executable).name and names[1:] == ["stack: default", "stack: second"]
    assert all(one["name"] == one["label"] for one in environments)
    runs = len(scheduler.project("GET", "runs").json)
    job = scheduler.ended(scheduler.create(path, names[0], output_formats=["ipynb"], package_input_folder=False))
    assert (job["status"], job["runtime_environment_parameters"]) == ("COMPLETED", None)
    assert "42" in texts(scheduler.outputs(job)[".ipynb"])
    assert len(scheduler.project("GET", "runs").json) == runs


@pytest.mark.parametrize("kind", ["jobs", "job_definitions"])
def test_a_copy_of_the_folder_is_refused_on_a_stack(scheduler: Scheduler, kind: str) -> None:
    path = scheduler.project.notebook("1", name="copied.ipynb")
    wanted = {"name": "job", "input_uri": path, "runtime_environment_name": "stack: default"}
    answer = scheduler("POST", kind, {**wanted, "package_input_folder": True})
    assert answer.status == 500 and "Leave 'Run job with input folder' off." in answer.json["message"]


def test_a_configuration_of_ones_own_is_left_alone(running_server: Any, tmp_path: Path) -> None:
    own = {"BaseScheduler_execution_manager_class": "jupyter_scheduler.executors.DefaultExecutionManager"}
    with running_server(tmp_path / "own", without=WITHOUT, **own) as server:
        listed = server.request("GET", "scheduler/runtime_environments").json
        assert [one["name"] for one in listed] == [Path(sys.executable).name]
        assert "BaseScheduler.execution_manager_class is configured" in server.log.read_text()


def test_without_it_nothing_of_it_is_loaded() -> None:
    code = "import sys, mlstack_nb.server.extension; print([name for name in sys.modules if 'scheduler' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "jupyter_scheduler" not in done.stdout and "scheduler_jobs" not in done.stdout
