"""`%%step --map` in a real kernel: the badge, the whole run, what a failing item shows."""

from __future__ import annotations

from typing import Any

import pytest

BADGE = "application/vnd.mlstack.step+json"
SCORE = "%%step score --map model in models -> scores\nprint('scoring', model)\nscores = model * 10"


@pytest.fixture(scope="module", autouse=True)
def loaded(kernel: Any) -> None:
    kernel.run("%load_ext mlstack_nb")
    assert kernel.run("%%step make -> models\nmodels = [1, 2, 3]").status == "ok"


def test_the_badge_counts_the_items_and_the_name_is_the_list(kernel: Any) -> None:
    ran = kernel.run(SCORE)
    assert ran.printed == "scoring 1\nscoring 2\nscoring 3\n"
    assert ran.badge[BADGE]["items"] == {"total": 3, "completed": 3}
    assert "0 of 3 items cached" in ran.badge["text/plain"]
    assert kernel.run("scores").result["text/plain"] == "[10, 20, 30]"


def test_one_more_item_runs_one_more_and_the_badge_says_so(kernel: Any) -> None:
    kernel.run("%%step make -> models\nmodels = [3, 1, 9, 2]")
    ran = kernel.run(SCORE)
    assert ran.printed == "scoring 9\n"
    assert "3 of 4 items cached" in ran.badge["text/plain"]
    assert "3 of 4 items cached" in ran.badge["text/html"]
    assert kernel.run("scores").result["text/plain"] == "[30, 10, 90, 20]"


def test_why_status_and_graph_count_the_items_too(kernel: Any) -> None:
    line = "3 of 4 items cached"
    assert f"{line}; not these: score[2]" in kernel.run("%pipeline why score").result["text/plain"]
    assert line in kernel.run("%pipeline status").result["text/plain"]
    graph = kernel.run("%pipeline").result
    assert line in graph["text/plain"]
    (score,) = (one for one in graph["application/vnd.mlstack.pipeline+json"]["nodes"] if one["name"] == "score")
    assert score["items"] == {"total": 4, "cached": 3, "completed": 1}


def test_a_failing_item_is_named_beside_the_line_of_the_cell(kernel: Any) -> None:
    failed = kernel.run("%%step inverse --map model in models -> inverses\ninverses = 1 / (model - 9)")
    assert failed.status == "error"
    assert "inverses = 1 / (model - 9)" in failed.traceback
    assert "in inverse[2]; 1 of 4 items failed" in failed.badge["text/plain"]
    assert failed.badge[BADGE]["items"] == {"total": 4, "completed": 3, "failed": 1}
    kernel.run("%pipeline forget inverse")


def test_a_declared_type_is_that_of_an_item(kernel: Any) -> None:
    assert kernel.run("%%step typed --map model in models -> typed\ntyped: int = model").status == "ok"
    failed = kernel.run("%%step typed --map model in models -> typed\ntyped: str = model")
    assert "is declared str, but it is a int" in failed.traceback
    kernel.run("%pipeline forget typed")


def test_a_top_level_await_is_awaited_for_each_item(kernel: Any) -> None:
    cell = "import asyncio\nawait asyncio.sleep(0)\nlater = model + 1"
    ran = kernel.run(f"%%step waiting --map model in models -> later\n{cell}")
    assert ran.status == "ok", ran.traceback
    assert kernel.run("later").result["text/plain"] == "[4, 2, 10, 3]"


def test_the_whole_pipeline_runs_its_mapped_steps_and_their_names_are_lists(kernel: Any) -> None:
    ran = kernel.run("%pipeline run --no-cache")
    assert ran.status == "ok", ran.traceback
    assert kernel.run("scores, later").result["text/plain"] == "([30, 10, 90, 20], [4, 2, 10, 3])"


def test_debugging_a_mapped_step_says_where_its_items_are(kernel: Any) -> None:
    failed = kernel.run("%pipeline debug score")
    assert "is mapped" in failed.traceback
    assert "mlstack debug last 'score[0]'" in failed.traceback


def test_a_line_that_names_no_list_says_how_it_is_written(kernel: Any) -> None:
    failed = kernel.run("%%step wrong --map model -> scores\nscores = model")
    assert "--map NAME in LIST" in failed.traceback


def test_after_the_name_of_an_item_only_in_may_come(kernel: Any) -> None:
    assert kernel.complete("%%step wrong --map model ") == ["in"]
