"""Cells that are deleted, copied, renamed: what JupyterLab tells with each request, in a real kernel."""

from __future__ import annotations

from typing import Any

from mlstack_nb.notebook.graph_view import MIME


def steps(kernel: Any) -> list[str]:
    return [node["name"] for node in kernel.run("%pipeline").result[MIME]["nodes"]]


def test_a_copy_of_a_step_cell_is_refused_until_the_original_is_deleted(kernel: Any) -> None:
    cell = "%%step copied -> copied_out\ncopied_out = 1"
    assert kernel.run(cell, cell_id="c1").status == "ok"
    assert kernel.run(cell, cell_id="c2").error["ename"] == "ConflictError"
    assert kernel.run(cell, cell_id="c2", deleted=["c1"]).state == "cached"


def test_a_deletion_counts_also_when_it_is_told_to_an_ordinary_cell(kernel: Any) -> None:
    cell = "%%step told -> told_out\ntold_out = 1"
    kernel.run(cell, cell_id="t1")
    kernel.run("1 + 1", deleted=["t1"])
    assert "told" not in steps(kernel)
    assert kernel.run(cell, cell_id="t2").status == "ok"


def test_a_step_renamed_in_its_cell_leaves_no_old_step(kernel: Any) -> None:
    kernel.run("%%step before -> renamed_out\nrenamed_out = 1", cell_id="r1")
    kernel.run("%%step after -> renamed_out\nrenamed_out = 1", cell_id="r1")
    assert "before" not in steps(kernel)
    assert "after" in steps(kernel)


def test_a_step_cell_that_becomes_an_ordinary_one_is_no_step(kernel: Any) -> None:
    kernel.run("%%step once -> plain_out\nplain_out = 1", cell_id="o1")
    kernel.run("plain_out = 1", cell_id="o1")
    assert "once" not in steps(kernel)


def test_two_steps_of_one_execution_both_stay(kernel: Any) -> None:
    kernel.run(
        "for name in ('left', 'right'):\n    get_ipython().run_cell_magic('step', name, f'{name}_out = 1')",
        cell_id="b1",
    )
    assert {"left", "right"} <= set(steps(kernel))
