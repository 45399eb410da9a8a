from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from client_pipelines import training

from mlstack_nb import Client, add_tags, save_artifact
from mlstack_nb.errors import StepError, UsageError


@pytest.fixture
def named(client: Client) -> Client:
    for name in ("alpha", "alphabet", "beta", "50%"):
        save_artifact(name, name)
    return client


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("alpha", ["alpha"]),
        ("equals:alpha", ["alpha"]),
        ("notequals:alpha", ["50%", "beta", "alphabet"]),
        ("contains:et", ["beta", "alphabet"]),
        ("notcontains:a", ["50%"]),
        ("startswith:alpha", ["alphabet", "alpha"]),
        ("endswith:a", ["beta", "alpha"]),
        ("contains:%", ["50%"]),
        ("oneof:[alpha, beta]", ["beta", "alpha"]),
        ('oneof:["alpha", "beta"]', ["beta", "alpha"]),
        ("in:alpha,beta", ["beta", "alpha"]),
        (["alpha", "beta"], ["beta", "alpha"]),
        ("gt:alphabet", ["beta"]),
        (None, ["50%", "beta", "alphabet", "alpha"]),
    ],
)
def test_a_filter_chooses(named: Client, wanted: object, found: list[str]) -> None:
    assert [one.name for one in named.list_artifact_versions(name=wanted)] == found


def test_filters_are_combined_by_and_or_by_or(named: Client) -> None:
    wanted = {"name": "startswith:alpha", "id": "4"}
    assert [one.name for one in named.list_artifact_versions(**wanted)] == []
    found = named.list_artifact_versions(**wanted, logical_operator="or")
    assert [one.name for one in found] == ["50%", "alphabet", "alpha"]
    with pytest.raises(UsageError, match="'xor'"):
        named.list_artifact_versions(logical_operator="xor")


def test_pages_are_cut_counted_and_walked(named: Client) -> None:
    page = named.list_artifact_versions(size=3, page=2, sort_by="asc:name")
    assert [one.name for one in page] == [page[0].name] == ["beta"]
    assert (page.total, page.index, page.total_pages, len(page)) == (4, 2, 2, 1)
    everything = named.list_artifact_versions(size=0)
    assert (len(everything), everything.total_pages) == (4, 1)
    assert named.list_artifact_versions(page=9).items == []
    with pytest.raises(UsageError, match="no page 0"):
        named.list_artifact_versions(page=0)


def test_a_listing_is_sorted_by_what_is_asked(named: Client) -> None:
    assert [one.name for one in named.list_artifacts(sort_by="desc:name")] == ["beta", "alphabet", "alpha", "50%"]
    assert [one.name for one in named.list_artifacts(sort_by="asc:created")] == ["alpha", "alphabet", "beta", "50%"]
    assert [one.name for one in named.list_artifacts(sort_by="name", size=1)] == ["50%"]
    with pytest.raises(UsageError, match="'up:name'"):
        named.list_artifacts(sort_by="up:name")


@pytest.mark.parametrize(
    ("call", "known"),
    [
        ("list_pipeline_runs", "status"),
        ("list_run_steps", "status"),
        ("list_pipelines", "name"),
        ("list_artifacts", "name"),
        ("list_artifact_versions", "name"),
    ],
)
def test_an_unknown_filter_or_order_names_the_nearest(ran: Client, call: str, known: str) -> None:
    for asked in ({f"{known}s": "x"}, {"sort_by": f"{known}s"}):
        with pytest.raises(UsageError) as error:
            getattr(ran, call)(**asked)
        assert error.value.hint == f"Did you mean {known!r}?"


@pytest.mark.parametrize("call", ["list_stacks", "list_stack_components", "list_tags", "list_models", "list_secrets"])
def test_small_listings_refuse_unknown_filters_too(ran: Client, call: str) -> None:
    add_tags("seen", run=ran.get_pipeline_run("last").id)
    ran.create_secret("token", {"key": "x"})
    ran.create_model("fraud")
    assert getattr(ran, call)(name="contains:e", size=1, page=1, sort_by="desc:name").total >= 0
    with pytest.raises(UsageError, match="can not be chosen by 'nam'"):
        getattr(ran, call)(nam="x")


def test_runs_are_chosen_by_state_pipeline_and_time(ran: Client) -> None:
    with pytest.raises(StepError):
        training(scale=-1.0)
    assert ran.list_pipeline_runs(status="failed", pipeline="training").total == 1
    assert ran.list_pipeline_runs(status="completed").total == 3
    assert ran.list_pipeline_runs(pipeline="contains:train", stack="default").total == 4
    assert ran.list_pipeline_runs(pipeline="other").total == 0
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert ran.list_pipeline_runs(start_time=f"lte:{soon:%Y-%m-%d %H:%M:%S}").total == 4
    assert ran.list_pipeline_runs(start_time=f"gt:{soon.isoformat()}").total == 0
    hour_ago = (soon - timedelta(hours=1)).isoformat()
    assert ran.list_pipeline_runs(created=f"in:{hour_ago},{soon.isoformat()}").total == 4
    with pytest.raises(UsageError, match="is no filter"):
        ran.list_pipeline_runs(start_time="gte:yesterday")


def test_what_has_a_tag_is_found_by_it(ran: Client) -> None:
    run = ran.get_pipeline_run("last")
    add_tags("best", run=run.id)
    add_tags(["best", "small"], artifact_name="profile", artifact_version=1)
    add_tags("source", artifact="table")
    add_tags("nightly", pipeline="training")
    assert [one.id for one in ran.list_pipeline_runs(tag="best")] == [run.id]
    assert [(one.name, one.version) for one in ran.list_artifact_versions(tag="startswith:sm")] == [("profile", "1")]
    assert [one.name for one in ran.list_artifacts(tag="source")] == ["table"]
    assert [one.name for one in ran.list_pipelines(tag="nightly")] == ["training"]
    assert ran.list_pipelines(tag="daily").total == 0
