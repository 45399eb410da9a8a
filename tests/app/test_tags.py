from __future__ import annotations

from typing import Annotated, Any

import pytest

from mlstack_nb import Client, Tag, add_tags, pipeline, remove_tags, save_artifact, step
from mlstack_nb.errors import ConflictError, NotFoundError, StepError, UsageError

pytestmark = pytest.mark.usefixtures("workspace")


@step
def make(number: int) -> Annotated[int, "made"]:
    return number


def making(number: int = 1, **options: Any) -> Any:
    @pipeline(name="making", **options)
    def wired():
        make(number)

    return Client().get_pipeline_run(wired().id)


def test_a_pipeline_tags_its_runs():
    assert making(tags=["nightly", Tag(name="small", color="red")]).tags == ["nightly", "small"]
    assert Client().get_tag("small").color == "red"
    assert making().tags == []


def test_things_are_tagged_and_untagged():
    run = making()
    for named in ({"run": run.id}, {"pipeline": "making"}, {"artifact": "made"}, {"artifact_name": "made"}):
        add_tags(["a", "b"], **named)
    version = Client().get_artifact_version("made")
    tagged = [run, run.pipeline, version.artifact, version]
    assert [one.tags for one in tagged] == [["a", "b"]] * 4
    remove_tags("a", run=run.id)
    remove_tags(["a", "unheard of"], pipeline="making")
    remove_tags("b", artifact="made")
    remove_tags(["a", "b"], artifact_version_id=version.id)
    assert [one.tags for one in tagged] == [["b"], ["b"], ["a"], []]


def test_a_tag_twice_is_a_tag_once():
    run = making()
    add_tags(["a", "a"], run=run.id)
    add_tags("a", run=run.id)
    assert run.tags == ["a"]


def test_what_is_tagged_must_be_there_and_be_one_thing():
    making()
    for wrong in ({"pipeline": "makin"}, {"run": "never"}, {"artifact": "maed"}, {"artifact_version_id": 99}):
        with pytest.raises(NotFoundError):
            add_tags("a", **wrong)
    with pytest.raises(UsageError, match="one thing at a time"):
        add_tags("a", pipeline="making", artifact="made")
    with pytest.raises(UsageError, match="no step runs here"):
        add_tags("a")


@pytest.mark.parametrize("given", ["", " a", 7, [None]])
def test_what_is_no_tag_is_refused(given: Any):
    making()
    with pytest.raises(UsageError):
        add_tags(given, pipeline="making")


def test_a_wrong_color_names_the_nearest():
    with pytest.raises(UsageError) as error:
        Tag(name="a", color="gren")
    assert error.value.hint == "Did you mean 'green'?"


# exclusive ones


def test_an_exclusive_tag_moves_from_run_to_run_of_one_pipeline():
    first, second = making(1), making(2)

    @pipeline(name="other")
    def other():
        make(3)

    elsewhere = Client().get_pipeline_run(other().id)
    for run in (first, elsewhere, second):
        add_tags(Tag(name="current", exclusive=True), run=run.id)
    assert [run.tags for run in (first, second, elsewhere)] == [[], ["current"], ["current"]]


def test_an_exclusive_tag_moves_from_version_to_version_of_one_artifact():
    one, two, other = save_artifact(1, "number"), save_artifact(2, "number"), save_artifact(1, "other")
    for version in (one, other, two):
        add_tags([Tag(name="current", exclusive=True)], artifact_version_id=version.id)
    assert [version.tags for version in (one, two, other)] == [[], ["current"], ["current"]]


def test_an_exclusive_tag_of_a_pipeline_marks_its_newest_run():
    first = making(1, tags=[Tag(name="newest", exclusive=True)])
    second = making(2, tags=["newest"])
    assert (first.tags, second.tags) == ([], ["newest"])


def test_a_tag_is_exclusive_or_not_everywhere():
    run = making()
    add_tags("plain", run=run.id)
    with pytest.raises(ConflictError, match="'plain' is not exclusive in the catalog"):
        add_tags(Tag(name="plain", exclusive=True), run=run.id)
    with pytest.raises(ConflictError, match="'plain' is not exclusive in the catalog"):
        making(2, tags=[Tag(name="plain", exclusive=True)])
    assert Client().get_pipeline("making").num_runs == 1
    assert making(2).status == "completed"


def test_an_exclusive_tag_is_for_runs_and_versions_only():
    making()
    with pytest.raises(ConflictError, match="no pipeline"):
        add_tags(Tag(name="current", exclusive=True), pipeline="making")


def test_a_tag_that_several_have_can_not_become_exclusive():
    runs = [making(1), making(2)]
    for run in runs:
        add_tags("best", run=run.id)
    with pytest.raises(ConflictError, match="can not become exclusive"):
        Client().update_tag("best", exclusive=True)
    remove_tags("best", run=runs[0].id)
    assert Client().update_tag("best", exclusive=True).is_exclusive


# those that cascade


def test_a_tag_cascades_to_what_a_run_makes():
    run = making(1, tags=[Tag(name="release", cascade=True), "plain"])
    assert run.steps["make"].output.tags == ["release"]
    again = making(1, tags=[Tag(name="other", cascade=True)])
    assert again.steps["make"].status == "cached"
    assert again.steps["make"].output.tags == ["release"]


def test_a_tag_cascades_from_a_run_that_has_ended():
    run = making()
    add_tags(Tag(name="release", cascade=True), run=run.id)
    assert run.steps["make"].output.tags == ["release"]


# in steps


def test_a_step_tags_its_run_and_its_outputs():
    @step
    def tagging() -> tuple[Annotated[int, "one"], Annotated[int, "two"]]:
        add_tags(["from step", Tag(name="all", cascade=True)])
        add_tags("first", artifact_name="one", infer_artifact=True)
        add_tags(["second", "wrong"], artifact_name="two")
        remove_tags("wrong", artifact_name="two")
        return 1, 2

    @pipeline(name="making")
    def wired():
        tagging()

    run = Client().get_pipeline_run(wired().id)
    assert run.tags == ["all", "from step"]
    outputs = run.steps["tagging"].outputs
    assert (outputs["one"].tags, outputs["two"].tags) == (["all", "first"], ["all", "second"])


def test_a_cached_step_keeps_the_tags_of_its_outputs():
    @step
    def tagging() -> int:
        add_tags("kept", infer_artifact=True)
        return 1

    @pipeline(name="making")
    def wired():
        tagging()

    wired()
    assert Client().get_pipeline_run(wired().id).steps["tagging"].output.tags == ["kept"]


def test_a_step_of_several_outputs_says_which_it_means():
    @step
    def tagging() -> tuple[Annotated[int, "one"], Annotated[int, "two"]]:
        add_tags("a", infer_artifact=True)
        return 1, 2

    @pipeline(name="making")
    def wired():
        tagging()

    with pytest.raises(StepError, match="has 2 outputs"):
        wired()


# tags themselves


def test_tags_are_registered_changed_and_deleted():
    client = Client()
    client.create_tag("a", color="blue")
    with pytest.raises(ConflictError, match="already"):
        client.create_tag("a")
    run = making(tags=["a"])
    client.update_tag("a", name="b", color="red")
    assert (run.tags, client.get_tag("b").color, client.get_tag("b").uses) == (["b"], "red", 1)
    client.create_tag("c")
    with pytest.raises(ConflictError, match="called 'c' already"):
        client.update_tag("b", name="c")
    client.delete_tag("b")
    assert run.tags == []
    with pytest.raises(NotFoundError):
        client.get_tag("b")
    with pytest.raises(NotFoundError):
        client.delete_tag("b")
