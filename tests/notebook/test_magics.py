"""Loading, unloading, help and completion, in a real kernel and in a shell of this process."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from typing import Any

import pytest

HEAVY = ["alembic", "jsonschema", "mlflow", "nbformat", "numpy", "pandas", "pyarrow", "pydantic", "sqlalchemy"]
CPU_BUDGET_S = 0.12


@pytest.fixture(scope="module", autouse=True)
def steps(kernel: Any) -> None:
    """Two steps to name."""
    assert kernel.run("%%step load -> raw, rest\nraw = [1]\nrest = [2]").status == "ok"
    assert kernel.run("%%step train -> model\nmodel = raw + [0]").status == "ok"


# Completion


@pytest.mark.parametrize("jedi", [True, False])
def test_options_are_completed_with_and_without_jedi(kernel: Any, jedi: bool) -> None:
    kernel.run(f"%config IPCompleter.use_jedi = {jedi}")
    assert kernel.complete("%%step x -> y --t") == ["--tracker", "--timeout"]


def test_options_that_are_given_are_not_offered_again(kernel: Any) -> None:
    assert "--no-cache" not in kernel.complete("%%step x --no-cache --")


def test_step_names_are_completed_after_after(kernel: Any) -> None:
    assert kernel.complete("%%step x --after ") == ["load", "train"]
    assert kernel.complete("%%step x --after tr") == ["train"]


def test_the_second_name_of_a_list_is_completed(kernel: Any) -> None:
    assert kernel.complete("%%step x --after train,lo") == ["load"]
    assert kernel.complete("%%step x --in raw,mo") == ["model"]


def test_the_line_is_completed_also_when_the_cell_has_a_body(kernel: Any) -> None:
    line = "%%step x --no"
    assert kernel.complete(line + "\nx = 1", len(line)) == ["--no-cache"]


def test_the_body_of_a_step_is_completed_as_code(kernel: Any) -> None:
    assert "print" in kernel.complete("%%step x\npri")


def test_sub_commands_are_completed(kernel: Any) -> None:
    assert kernel.complete("%pipeline sta") == ["status"]
    assert kernel.complete("%pipeline s") == ["show", "status", "schedule"]
    assert kernel.complete("%stack re") == ["register"]


def test_stack_names_and_kinds_are_completed(kernel: Any) -> None:
    assert kernel.complete("%stack set de") == ["default"]
    assert kernel.complete("%stack register mine --art") == ["--artifact-store"]


def test_outputs_that_are_not_loaded_yet_are_completed_and_so_are_their_attributes(kernel: Any) -> None:
    cell = "%%step lazy -> lazy_text, lazy_other\nlazy_text = 'a'\nlazy_other = 'b'"
    assert kernel.run(cell).state == "completed"
    assert kernel.run(cell).state == "cached"
    assert kernel.complete("lazy_t") == ["lazy_text"]
    assert any(found.endswith("splitlines") for found in kernel.complete("lazy_other.split"))


# Help


def test_help_on_an_output_that_is_not_loaded_yet_loads_it(kernel: Any) -> None:
    cell = "%%step helped -> helped_out\nhelped_out = {'k': 1}"
    kernel.run(cell)
    assert kernel.run(cell).state == "cached"
    assert "not found" not in kernel.run("helped_out?").printed


@pytest.mark.parametrize(
    ("magic", "word"), [("%%step", "--no-cache"), ("%pipeline", "history"), ("%stack", "register NAME --KIND")]
)
def test_help_shows_the_table_of_options(kernel: Any, magic: str, word: str) -> None:
    assert word in kernel.inspect(magic)


# Loading


def test_unloading_removes_everything_and_keeps_the_bound_names(shell: Any) -> None:
    completers, transformers = list(shell.Completer.custom_matchers), list(shell.input_transformers_post)
    callbacks = {name: list(found) for name, found in shell.events.callbacks.items()}
    magics = {kind: set(found) for kind, found in shell.magics_manager.magics.items()}
    shell.run_line_magic("load_ext", "mlstack_nb")
    shell.run_cell("%%step kept -> kept_out\nkept_out = 1", store_history=True)
    shell.run_line_magic("unload_ext", "mlstack_nb")
    assert shell.Completer.custom_matchers == completers
    assert shell.input_transformers_post == transformers
    assert {name: list(found) for name, found in shell.events.callbacks.items()} == callbacks
    assert {kind: set(found) for kind, found in shell.magics_manager.magics.items()} == magics
    assert shell.user_ns["kept_out"] == 1


def test_loading_twice_changes_nothing(shell: Any) -> None:
    shell.run_line_magic("load_ext", "mlstack_nb")
    found = shell.find_cell_magic("step")
    shell.run_line_magic("load_ext", "mlstack_nb")
    assert shell.find_cell_magic("step").__self__ is found.__self__
    assert len(shell.Completer.custom_matchers) == 1


def test_replacing_another_extensions_magic_is_told(shell: Any) -> None:
    shell.register_magic_function(lambda line, cell: None, "cell", "step")
    with pytest.warns(UserWarning, match="%%step of .* is replaced by that of mlstack_nb"):
        shell.run_line_magic("load_ext", "mlstack_nb")


def test_unloading_leaves_a_magic_that_came_later(shell: Any) -> None:
    shell.run_line_magic("load_ext", "mlstack_nb")
    other = lambda line, cell: None  # noqa: E731
    shell.register_magic_function(other, "cell", "step")
    shell.run_line_magic("unload_ext", "mlstack_nb")
    assert shell.find_cell_magic("step") is other


def test_cells_run_before_loading_count(shell: Any) -> None:
    shell.run_cell("BASE = 40", store_history=True)
    shell.run_cell("raise ValueError; BASE = 50", store_history=True)
    shell.run_cell("%load_ext mlstack_nb", store_history=True)
    shell.run_cell("%%step early -> early_out\nearly_out = BASE + 2", store_history=True)
    assert shell.user_ns["early_out"] == 42


def test_loading_is_light(tmp_path: Any) -> None:
    code = (
        "import json, sys, time\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "before = time.process_time()\n"
        "shell.run_line_magic('load_ext', 'mlstack_nb')\n"
        "print(json.dumps([time.process_time() - before, sorted(sys.modules)]))\n"
    )
    run = [
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=tmp_path) for _ in range(3)
    ]
    found = [json.loads(done.stdout) for done in run]
    assert [name for name in HEAVY if name in found[0][1]] == []
    assert min(seconds for seconds, _ in found) < CPU_BUDGET_S


def test_a_session_in_this_process_runs_an_awaiting_step(shell: Any) -> None:
    shell.run_line_magic("load_ext", "mlstack_nb")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        result = shell.run_cell("%%step w -> waited\nimport asyncio\nawait asyncio.sleep(0)\nwaited = 2", True)
    assert result.success
    assert shell.user_ns["waited"] == 2
