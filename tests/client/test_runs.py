from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from client_pipelines import training

from mlstack_nb import Client, log_metadata, pipeline, step
from mlstack_nb.client import ExecutionStatus
from mlstack_nb.errors import ConflictError, NotFoundError, StepError, UsageError


def test_a_pipeline_tells_its_last_run_and_all_of_them(ran: Client) -> None:
    found = ran.get_pipeline("training")
    assert (found.name, found.num_runs, len(found.runs)) == ("training", 3, 3)
    assert found.last_run.id == found.runs[0].id == found.last_successful_run.id
    assert found.last_run.parameters == {"rows": 4, "scale": 1.0}
    assert [one.name for one in ran.list_pipelines()] == ["training"]


def test_the_last_successful_run_may_be_older_than_the_last(ran: Client) -> None:
    with pytest.raises(StepError):
        training(scale=-1.0)
    found = ran.get_pipeline("training")
    assert (found.last_run.status, found.last_successful_run.status) == ("failed", "completed")
    assert found.last_run.steps["total"].exception_info.endswith("ValueError: the scale is negative\n")
    assert found.last_run.steps["keep"].status == "skipped"


def test_an_output_is_loaded_as_one_and_as_a_list_of_one(ran: Client) -> None:
    outputs = ran.get_pipeline("training").last_run.steps["load"].outputs
    assert outputs["profile"].load() == outputs["profile"][0].load() == {"rows": 4}
    assert [one.load() for one in outputs["profile"]] == [{"rows": 4}]
    assert list(outputs["table"].load()["a"]) == [0, 1, 2, 3]
    assert len(outputs["table"]) == 1
    with pytest.raises(IndexError):
        outputs["table"][1]


def test_the_only_output_has_a_short_way(ran: Client) -> None:
    steps = ran.get_pipeline("training").last_run.steps
    assert steps["total"].output.load() == 6.0
    with pytest.raises(UsageError, match="has 2 outputs"):
        steps["load"].output  # noqa: B018


def test_a_cached_step_has_the_outputs_and_inputs_of_the_run_that_made_them(ran: Client) -> None:
    first, again = ran.get_pipeline("training").runs[2], ran.get_pipeline("training").runs[1]
    assert [step.status for step in again.steps.values()] == ["cached"] * 3
    for name, made in first.steps["load"].outputs.items():
        assert again.steps["load"].outputs[name] == made
    assert again.steps["total"].inputs["table"] == first.steps["load"].outputs["table"]
    assert again.steps["load"].run_metadata == {"source": "made up"}


def test_what_a_step_saved_by_hand_is_among_its_outputs(ran: Client) -> None:
    steps = ran.get_pipeline("training").last_run.steps
    assert steps["keep"].outputs["kept by hand"].load() == 6.0
    assert steps["keep"].outputs["kept by hand"].save_type == "manual"
    assert steps["total"].output.save_type == "step_output"


def test_a_run_counts_its_artifacts_and_those_it_made_itself(ran: Client) -> None:
    latest, again, _ = ran.get_pipeline("training").runs
    assert (len(latest.artifact_versions), len(latest.produced_artifact_versions)) == (5, 5)
    assert (len(again.artifact_versions), len(again.produced_artifact_versions)) == (5, 0)


def test_a_run_all_of_whose_steps_were_cached_is_completed(ran: Client) -> None:
    again = ran.get_pipeline("training").runs[1]
    assert again.status is ExecutionStatus.COMPLETED
    assert again.status.is_finished and again.status.is_successful and not again.status.is_failed


def test_a_run_tells_its_times_and_how_it_was_configured(ran: Client) -> None:
    run = ran.get_pipeline_run("last")
    assert datetime.now(UTC) - timedelta(minutes=5) < run.start_time < run.end_time
    assert run.duration == run.end_time - run.start_time
    assert (run.config.name, run.config["parameters"], run.config.enable_cache) == ("training", run.parameters, True)
    assert run.steps["total"].config.parameters == {"scale": 1.0}
    assert run.steps["total"].config.enable_cache is True
    assert (run.stack.name, run.pipeline.name) == ("default", "training")


def test_a_run_has_the_metadata_of_its_steps_by_their_names(ran: Client) -> None:
    run = ran.get_pipeline_run("last")
    log_metadata({"approved": True}, run_id_name_or_prefix=run.id)
    assert run.run_metadata == {"load::source": "made up", "approved": True}


def test_a_run_is_found_by_the_beginning_of_its_id(ran: Client) -> None:
    run = ran.get_pipeline("training").last_run
    assert ran.get_pipeline_run(run.id[:-2]).id == run.id
    with pytest.raises(UsageError, match="Several runs"):
        ran.get_pipeline_run(run.id[:5])
    with pytest.raises(KeyError):
        ran.get_pipeline_run("never")


def test_a_wrong_name_is_a_key_error_that_offers_the_nearest(ran: Client) -> None:
    with pytest.raises(KeyError) as error:
        ran.get_pipeline("trainin")
    assert isinstance(error.value, NotFoundError)
    assert error.value.hint == "Did you mean 'training'?"
    with pytest.raises(NotFoundError, match="lod") as error:
        ran.get_pipeline_run("last").steps["lod"]
    assert error.value.hint == "Did you mean 'load'?"
    with pytest.raises(NotFoundError):
        ran.get_pipeline_run("last").steps["load"].outputs["frame"]


def test_step_runs_are_listed_and_found_by_id(ran: Client) -> None:
    found = ran.list_run_steps(name="load", status="cached")
    assert [(one.name, one.status) for one in found] == [("load", "cached")]
    assert ran.get_run_step(found[0].id).run.id == found[0].pipeline_run_id
    with pytest.raises(NotFoundError):
        ran.get_run_step("none")


def test_deleting_a_run_leaves_what_later_runs_repeat_of_it(ran: Client) -> None:
    first, again = ran.get_pipeline("training").runs[2], ran.get_pipeline("training").runs[1]
    ran.delete_pipeline_run(first.id)
    kept = ran.get_pipeline_run(again.id)
    assert kept.steps["load"].outputs["profile"].load() == {"rows": 3}
    assert kept.steps["total"].inputs["table"] == kept.steps["load"].outputs["table"]
    assert kept.steps["total"].parameters == {"scale": 1.0}
    assert ran.get_pipeline("training").num_runs == 2


def test_a_process_that_remembers_a_deleted_run_goes_on(ran: Client) -> None:
    ran.delete_pipeline("training")
    training()
    run = ran.get_pipeline("training").last_run
    assert [step.status for step in run.steps.values()] == ["cached"] * 3
    assert run.steps["load"].outputs["profile"].load() == {"rows": 3}


def test_the_runs_of_a_deleted_pipeline_are_gone_and_what_they_made_is_not(ran: Client) -> None:
    ran.delete_pipeline("training")
    with pytest.raises(NotFoundError):
        ran.get_pipeline("training")
    assert ran.get_artifact_version("profile").load() == {"rows": 4}
    assert ran.get_artifact_version("profile").run is None


def test_a_run_that_goes_on_can_not_be_deleted(client: Client) -> None:
    refused = []

    @step
    def itself() -> None:
        with pytest.raises(ConflictError) as error:
            Client().delete_pipeline_run("last")
        refused.append(error.value.what)

    @pipeline
    def alone():
        itself()

    alone()
    assert len(refused) == 1 and "still going on" in refused[0]


def test_in_a_step_the_steps_before_it_are_recorded(client: Client) -> None:
    seen = []

    @step
    def first() -> int:
        return 7

    @step(enable_cache=False)
    def second(number: int) -> None:
        run = Client().get_pipeline_run("last")
        seen.append((run.status, run.steps["first"].outputs["output"].load(), run.steps["second"].status))

    @pipeline
    def two():
        second(first())

    two()
    assert seen == [("running", 7, "running")]


KILLED = """
import os
from mlstack_nb import pipeline, step

@step
def die() -> int:
    os._exit(9)

@pipeline
def doomed():
    die()

doomed()
"""


def test_a_run_whose_process_was_killed_reads_as_failed(client: Client) -> None:
    Path("doomed.py").write_text(KILLED)
    assert subprocess.run([sys.executable, "doomed.py"], check=False).returncode == 9
    run = client.get_pipeline("doomed").last_run
    assert (run.status, run.steps["die"].status) == ("failed", "failed")
    assert run.end_time is not None
