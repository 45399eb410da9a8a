"""Runs over HTTP: real ones, in processes of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

CELLS = (
    ("depth = 3", ["parameters"]),
    "%%step load -> table\nprint('loading', '<b>')\ntable = [1, 2, 3]",
    "%%step train -> score\nscore = sum(table) * depth",
)


@pytest.fixture(scope="module")
def trained(server: Any, in_project: Any) -> Any:
    """A project in which the notebook ran twice, the second time with another parameter; and the two runs."""
    project = in_project("trained")
    path = project.notebook(*CELLS)
    return project, path, project.run(path), project.run(path, parameters={"depth": 4})


def states(run: Any) -> dict[str, str]:
    return {step["step"]: step["state"] for step in run["steps"]}


def test_a_run_goes_from_pending_to_completed(trained: Any) -> None:
    project, _, first, second = trained
    assert (first["state"], states(first)) == ("completed", {"load": "completed", "train": "completed"})
    assert (second["state"], states(second)) == ("completed", {"load": "cached", "train": "completed"})
    assert second["parameters"] == {"depth": 4}
    listed = project("GET", "runs", pipeline="train", state="completed", limit="1").json
    assert [run["id"] for run in listed] == [second["id"]]


def test_the_graph_has_the_states_of_the_last_run(trained: Any) -> None:
    project, path, _, second = trained
    nodes = {node["name"]: node for node in project("GET", "notebooks", path, "pipeline").json["nodes"]}
    assert [(node["state"], node["stale"]) for node in nodes.values()] == [("cached", False), ("completed", True)]
    assert nodes["load"]["saved_s"] > 0
    assert nodes["train"]["run_id"] == second["id"]
    (output,) = nodes["train"]["outputs"]
    assert (output["name"], output["artifact"], output["type"]) == ("score", "train::train::score", "builtins.int")


def test_a_steps_log_is_text(trained: Any) -> None:
    project, _, first, _ = trained
    assert project("GET", "runs", first["id"], "steps", "load", "log").json == {
        "text": "loading <b>\n",
        "is_cut": False,
    }


def test_a_steps_executed_notebook_is_a_notebook(trained: Any) -> None:
    project, _, first, _ = trained
    found = project("GET", "runs", first["id"], "steps", "train", "notebook").json
    assert found["nbformat"] == 4
    assert any("score = sum(table)" in cell["source"] for cell in found["cells"])


def test_two_runs_beside_each_other(trained: Any) -> None:
    project, _, first, second = trained
    found = project("GET", "runs", first["id"], "diff", second["id"]).json
    assert {(one["kind"], one["name"]) for one in found["general"]} == {("parameter", "depth")}


def test_an_artifact_tells_its_versions_and_where_it_came_from_and_went(trained: Any) -> None:
    project, _, first, second = trained
    assert {one["name"] for one in project("GET", "artifacts", pipeline="train").json} == {
        "train::load::table",
        "train::train::score",
    }
    assert project("GET", "artifacts", pipeline="other").json == []
    score = project("GET", "artifacts", "train::train::score").json
    assert [one["version"] for one in score["versions"]] == [2, 1]
    assert (score["made_by"]["run"], score["made_by"]["step"]) == (second["id"], "train")
    table = project("GET", "artifacts", "train::load::table", version="1").json
    assert {(one["run"], one["step"]) for one in table["read_by"]} == {(first["id"], "train"), (second["id"], "train")}


@pytest.mark.parametrize("words", [("runs", "nonsense"), ("artifacts", "train::train::scroe")])
def test_what_is_not_there_is_404(trained: Any, words: Any) -> None:
    assert trained[0]("GET", *words).error[0] == 404


def test_a_step_that_is_not_there_offers_the_nearest(trained: Any) -> None:
    project, _, first, _ = trained
    for what in ("log", "notebook"):
        status, _, hint = project("GET", "runs", first["id"], "steps", "trian", what).error
        assert status == 404 and "'train'" in hint


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "x"}, {"limit": "100000"}, {"state": "finished"}])
def test_a_query_that_does_not_fit_is_refused(trained: Any, query: Any) -> None:
    assert trained[0]("GET", "runs", **query).error[0] in (400, 404)


@pytest.mark.parametrize(
    ("wanted", "status", "told"),
    [
        ({"parameters": {"detph": 4}}, 404, "Did you mean 'depth'?"),
        ({"parameters": {"depth": "deep"}}, 400, "Its default is 3."),
        ({"parameters": {"depth": [1]}}, 400, "Its default is 3."),
        ({"stack": "defualt"}, 404, "Did you mean 'default'?"),
        ({"only": "trian"}, 404, "Did you mean 'train'?"),
        ({"target": "trained/none.ipynb"}, 404, ""),
        ({"target": "trained/data.csv"}, 400, "Give the path of an .ipynb or a .py file."),
    ],
)
def test_what_can_not_run_is_told_before_anything_runs(trained: Any, wanted: Any, status: int, told: str) -> None:
    project, path, *_ = trained
    before = len(project("GET", "runs").json)
    found = project("POST", "runs", body={"target": path, **wanted}).error
    assert found[0] == status and told in found[2]
    assert len(project("GET", "runs").json) == before


def test_a_run_that_fails_is_looked_into_mended_and_resumed(project: Any) -> None:
    bad = "%%step train -> score\nscore = sum(table) / 0"
    path = project.notebook(*CELLS[:2], bad)
    run = project.run(path)
    assert (run["state"], states(run)) == ("failed", {"load": "completed", "train": "failed"})
    assert run["steps"][1]["failure"]["type"] == "ZeroDivisionError"
    for name in ("debug-train.ipynb", "debug-train_2.ipynb"):
        made = project("POST", "runs", run["id"], "steps", "train", "debug", body={}).json
        assert made["path"] == project.address(name)
    assert "ZeroDivisionError" in (project.folder / "debug-train.ipynb").read_text()
    project.notebook(*CELLS)
    resumed = project("POST", "runs", run["id"], "resume").json["id"]
    assert resumed != run["id"]
    after = project.ended(resumed)
    assert (after["state"], states(after)) == ("completed", {"load": "cached", "train": "completed"})


def test_a_run_that_the_command_line_started_is_resumed_from_the_notebooks_folder(project: Any) -> None:
    path = project.notebook(*CELLS)
    project.mlstack("run", "train.ipynb")
    first = project.of_run("last")
    second = project.ended(project("POST", "runs", first["id"], "resume", notebook=path).json["id"])
    assert states(second) == {"load": "cached", "train": "cached"}
    (project.folder / "train.ipynb").unlink()
    status, what, hint = project("POST", "runs", first["id"], "resume").error
    assert status == 400 and "'train.ipynb'" in what and f"mlstack resume {first['id']}" in hint


def test_a_run_that_goes_on_is_cancelled_and_can_not_be_resumed_before(project: Any) -> None:
    path = project.notebook("%%step wait -> x\nimport time\nprint('waiting', flush=True)\ntime.sleep(600)\nx = 1")
    run_id = project("POST", "runs", body={"target": path}).json["id"]
    project.wait_for(lambda: project.of_run(run_id)["state"], lambda state: state == "running")
    assert project("POST", "runs", run_id, "resume").error[0] == 409
    assert project("POST", "runs", run_id, "cancel").json["state"] == "cancelled"
    assert project("POST", "runs", run_id, "cancel").error[0] == 409


def test_a_run_that_ends_before_it_begins_tells_why(project: Any) -> None:
    (project.folder / "flow.py").write_text("raise RuntimeError('<script> on import')\n")
    run = project.run(project.address("flow.py:main"))
    assert (run["state"], run["steps"], run["pipeline"]) == ("failed", [], "main")
    assert "<script> on import" in run["failure"]["what"]
    assert project("POST", "runs", run["id"], "cancel").error[0] == 404


def test_a_pipeline_of_functions_runs(project: Any) -> None:
    text = "from mlstack_nb import pipeline, step\n\n@step\ndef one() -> int:\n    return 1\n\n"
    (project.folder / "flow.py").write_text(f"{text}@pipeline\ndef main():\n    one()\n")
    run = project.run(project.address("flow.py:main"))
    assert (run["pipeline"], run["state"]) == ("main", "completed")


def test_a_part_of_a_notebook_runs(project: Any) -> None:
    run = project.run(project.notebook(*CELLS), until="load", use_cache=False, fail_fast=True)
    assert states(run) == {"load": "completed"}


def test_a_very_long_log_is_cut(project: Any) -> None:
    path = project.notebook("%%step loud -> x\nfor _ in range(30):\n    print('y' * 100_000)\nx = 1")
    run = project.run(path)
    found = project("GET", "runs", run["id"], "steps", "loud", "log").json
    assert found["is_cut"] and len(found["text"]) == 1_000_000
    assert json.dumps(found).isascii()


def test_schedules_are_made_rest_and_go(project: Any) -> None:
    path = project.notebook(*CELLS)
    wanted = {"target": path, "cron": "0 6 * * 1-5", "tz": "Europe/Berlin", "parameters": {"depth": 5}}
    made = project("POST", "schedules", body={**wanted, "overlap": "queue", "catch_up": "none", "grace": "5m"}).json
    assert (made["name"], made["folder"], made["parameters"]) == ("train", str(project.folder), {"depth": "5"})
    assert (made["overlap"], made["catch_up"], made["grace_s"], made["zone"]) == ("queue", "none", 300, "Europe/Berlin")
    assert project("POST", "schedules", body=wanted).error[0] == 409
    assert project("POST", "schedules", "train", "pause").json["next"] == []
    assert project("POST", "schedules", "train", "pause").error[0] == 409
    assert len(project("POST", "schedules", "train", "resume").json["next"]) == 5
    listed = project("GET", "schedules").json
    assert (listed["scheduler"], [one["name"] for one in listed["schedules"]]) == (None, ["train"])
    fired = project("POST", "schedules", "train", "trigger").json
    run = project.wait_for(lambda: project("GET", "runs", fired["run_id"]), lambda answer: answer.status == 200).json
    assert project.ended(run["id"])["parameters"] == {"depth": 5}
    assert set(project("DELETE", "schedules", "train").json) == {"going_on"}
    assert project("DELETE", "schedules", "train").error[0] == 404


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ({"cron": "0 25 * * *"}, 400),
        ({"cron": "0 6 * * *", "every": "1h"}, 400),
        ({"every": "1h", "tz": "Mars/Base"}, 400),
        ({"every": "1h", "overlap": "often"}, 400),
        ({"every": "1h", "stack": "none"}, 404),
        ({"every": "1h", "target": "trained/none.ipynb"}, 404),
        ({}, 400),
    ],
)
def test_a_schedule_that_can_not_be_is_refused(trained: Any, wanted: Any, status: int) -> None:
    project, path, *_ = trained
    assert project("POST", "schedules", body={"target": path, **wanted}).error[0] == status
    assert project("GET", "schedules").json["schedules"] == []


def test_times_are_told_in_words_before_there_is_a_schedule(project: Any) -> None:
    found = project("GET", "schedules", "preview", cron="0 6 * * 1-5", tz="Europe/Berlin").json
    assert (found["words"], len(found["next"])) == ("At 06:00 on Monday through Friday", 5)
    assert all(moment[11:16] == "06:00" for moment in found["next"])
    assert project("GET", "schedules", "preview", every="90m").json["words"] == "Every 1h30m"


@pytest.mark.parametrize("query", [{}, {"cron": "0 6 * *"}, {"cron": "0 0 30 2 *"}, {"cron": "@daily", "tz": "x"}])
def test_a_time_that_is_none_is_refused(project: Any, query: Any) -> None:
    assert project("GET", "schedules", "preview", **query).error[0] == 400
