"""`%pipeline` and `%stack` in a real kernel."""

from __future__ import annotations

from typing import Any

import pytest

from mlstack_nb.notebook.graph_view import MIME


@pytest.fixture(scope="module", autouse=True)
def steps(kernel: Any) -> None:
    kernel.run("SCALE = 3")
    kernel.run("%pipeline name scaling")
    kernel.run("%%step load -> raw\nprint('loading')\nraw = [1, 2]")
    kernel.run("%%step scale -> scaled\nscaled = [SCALE * x for x in raw]")


def text(reply: Any) -> str:
    assert reply.status == "ok", reply
    return str(reply.result["text/plain"])


def test_pipeline_alone_shows_the_graph_with_its_states(kernel: Any) -> None:
    reply = kernel.run("%pipeline")
    data = reply.result[MIME]
    assert [(node["name"], node["state"]) for node in data["nodes"]] == [("load", "completed"), ("scale", "completed")]
    assert data["edges"] == [{"source": "load", "target": "scale", "outputs": ["raw"]}]
    assert reply.result["text/html"].startswith('<div style="overflow-x:auto"><img ')
    assert "with SCALE=3" in text(reply)


def test_status_lists_steps_with_state_time_and_outputs(kernel: Any) -> None:
    lines = text(kernel.run("%pipeline status")).splitlines()
    assert lines[0] == "pipeline scaling"
    assert "✓ completed" in lines[2]
    assert "raw list" in lines[2]


def test_run_takes_everything_from_the_cache_with_what_it_showed_and_history_lists_it(kernel: Any) -> None:
    reply = kernel.run("%pipeline run")
    assert reply.status == "ok", reply
    shown = reply.messages[-1]["data"]["text/plain"]
    assert shown.count("↺ cached") == 2
    assert reply.printed == "loading\n"
    history = text(kernel.run("%pipeline history")).splitlines()
    assert history[0] == "runs of pipeline scaling"
    assert "2 cached" in history[2]


def test_run_executes_a_changed_step_and_binds_its_outputs(kernel: Any) -> None:
    kernel.run("SCALE = 5")
    assert kernel.run("%pipeline run").status == "ok"
    assert text(kernel.run("scaled")) == "[5, 10]"


def test_run_shows_the_table_and_then_the_error_of_a_failed_step(kernel: Any) -> None:
    kernel.run("LIMIT = 0")
    kernel.run("%%step check -> checked\nchecked = 1\nif LIMIT: raise ValueError('limit')")
    kernel.run("LIMIT = 1")
    reply = kernel.run("%pipeline run")
    assert reply.error["ename"] == "ValueError"
    table = reply.messages[-2]
    assert table["kind"] == "update_display_data"
    assert "✗ failed" in table["data"]["text/plain"]
    assert "ValueError: limit" in table["data"]["text/plain"]
    assert "line 3" in reply.traceback
    assert "mlstack_nb" not in reply.traceback
    kernel.run("%%step check -> checked\nchecked = 1")


def test_an_awaiting_step_runs_in_a_whole_run(kernel: Any) -> None:
    kernel.run("PAUSE = 0.0")
    kernel.run("%%step wait -> waited\nimport asyncio\nawait asyncio.sleep(PAUSE)\nwaited = 'done'")
    kernel.run("PAUSE = 0.01")
    assert kernel.run("%pipeline run").status == "ok"
    assert text(kernel.run("waited")) == "'done'"


def test_an_interrupt_cancels_a_whole_run_also_while_a_step_awaits(kernel: Any) -> None:
    kernel.run("IDLE = 0.0")
    kernel.run("%%step idle -> idled\nimport asyncio\nprint('idle')\nawait asyncio.sleep(IDLE)\nidled = 1")
    kernel.run("IDLE = 60")
    request = kernel.start("%pipeline run")
    for message in kernel.messages(request):
        if message["kind"] == "stream" and "idle" in message["text"]:
            break
    kernel.interrupt()
    assert kernel.finish(request).error["ename"] == "KeyboardInterrupt"
    assert kernel.run("import sys; print(vars(sys.modules['__main__']) is globals())").printed == "True\n"
    kernel.run("IDLE = 0.01")


def test_an_unknown_word_offers_the_nearest(kernel: Any) -> None:
    assert "Did you mean: %pipeline status" in kernel.run("%pipeline statsu").error["evalue"]
    assert "Did you mean: %stack list" in kernel.run("%stack lits").error["evalue"]


def test_a_word_too_many_is_refused(kernel: Any) -> None:
    assert "'now'" in kernel.run("%pipeline run now").error["evalue"]


def test_stacks_are_registered_set_described_and_listed(kernel: Any) -> None:
    assert "is registered" in text(kernel.run("%stack register second --orchestrator default --artifact-store=default"))
    assert text(kernel.run("%stack set second")) == "Active stack: second"
    listed = text(kernel.run("%stack"))
    assert any(line.startswith("→") and "second" in line for line in listed.splitlines())
    described = text(kernel.run("%stack describe"))
    assert described.startswith("stack second, active by the workspace")
    assert "artifact store" in described
    assert text(kernel.run("%stack set default")) == "Active stack: default"


def test_an_unknown_stack_and_option_offer_the_nearest(kernel: Any) -> None:
    assert "Did you mean 'default'?" in kernel.run("%stack set defualt").error["evalue"]
    assert "--orchestrator" in kernel.run("%stack register x --orchestrater y").error["evalue"]


def test_a_part_of_the_pipeline_runs(kernel: Any) -> None:
    kernel.run("%pipeline forget idle")
    reply = kernel.run("%pipeline run --from scale --until scale --no-cache")
    assert reply.status == "ok", reply
    shown = reply.messages[-1]["data"]["text/plain"]
    assert "2 steps" not in shown
    assert [("load" in shown, "↺ cached" in shown), ("scale" in shown, "✓ completed" in shown)] == [(True, True)] * 2
    assert "wait" not in shown


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--form scale", "Did you mean --from?"),
        ("--from", "needs a name after it"),
        ("--only scael", "Did you mean 'scale'?"),
    ],
)
def test_a_part_that_is_not_there_is_said(kernel: Any, line: str, said: str) -> None:
    assert said in kernel.run(f"%pipeline run {line}").error["evalue"]


def test_the_saved_notebook_is_scheduled(kernel: Any) -> None:
    said = kernel.run("%pipeline schedule '0 6 * * 1-5' --tz Europe/Berlin").error["evalue"]
    assert "The file of this notebook is not known here" in said
    kernel.run(
        "import os, pathlib\npathlib.Path('mine.ipynb').write_text('{}')\nos.environ['JPY_SESSION_NAME'] = 'mine.ipynb'"
    )
    shown = text(kernel.run("%pipeline schedule '0 6 * * 1-5' --tz Europe/Berlin -p SCALE=7 -p LIMIT=1 --name nightly"))
    assert shown.startswith("schedule nightly: ")
    assert "Monday through Friday, Europe/Berlin; next 20" in shown
    assert "run `mlstack scheduler` in a shell" in shown
    printed = kernel.run("import sys\n!{sys.executable} -m mlstack_nb.cli schedule show nightly --json").printed
    assert '"SCALE": "7"' in printed
    assert '"LIMIT": "1"' in printed
    assert "Did you mean --tz?" in kernel.run("%pipeline schedule @daily --zt Europe/Berlin").error["evalue"]
