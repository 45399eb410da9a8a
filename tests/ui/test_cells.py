"""Cells of a notebook in JupyterLab: what they are in the pipeline can be seen and changed."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import expect

READY_MS = 30_000
CELLS = [
    "base = 3",
    {"text": "numbers = [base, 4]\nprint('loading')"},
    {"text": "print(sum(numbers))", "tags": ["step:check", "mine"]},
]
MAGIC = [
    "%load_ext mlstack_nb",
    "%%step load -> numbers\nnumbers = [1, 2]",
    "%%step train --after load -> model\nmodel = sum(numbers)",
    "%pipeline",
]


def chip(tab: Any, index: int) -> Any:
    return tab.cell(index).locator(".jp-mlstack-Chip")


def tags(lab: Any, notebook: str, index: int) -> list[str]:
    return list(lab.saved(notebook)[index]["metadata"].get("tags", ()))


def test_a_cell_becomes_a_step_by_a_command(lab: Any, tab: Any) -> None:
    lab.write("command.ipynb", CELLS)
    tab.open("command.ipynb", kernel=False)
    expect(chip(tab, 2)).to_contain_text("check")
    expect(chip(tab, 1)).to_have_count(0)
    tab.activate(1)
    tab.command("mlstack:set-cell", kind="step", name="load")
    expect(chip(tab, 1)).to_contain_text("load")
    tab.activate(0)
    tab.command("mlstack:set-cell", kind="parameters")
    expect(chip(tab, 0)).to_contain_text("parameters")
    tab.save()
    assert [tags(lab, "command.ipynb", index) for index in range(3)] == [
        ["parameters"],
        ["step:load"],
        ["step:check", "mine"],
    ]
    assert tab.complaints == []


def test_a_cell_becomes_a_step_by_keys_alone(lab: Any, tab: Any) -> None:
    lab.write("keys.ipynb", CELLS)
    tab.open("keys.ipynb", kernel=False)
    tab.cell(1).locator(".jp-InputPrompt").click()
    tab.page.keyboard.press("Control+Alt+s")
    editor = tab.page.get_by_role("dialog", name="Role of the cell in the pipeline")
    expect(editor).to_be_visible()
    name = editor.get_by_label("Name")
    expect(name).to_be_focused()
    name.press_sequentially("Load It")
    expect(editor.get_by_role("alert")).to_contain_text("Try load_it.")
    tab.shot("cell-editor-wrong-name")
    name.fill("load_it")
    tab.page.keyboard.press("Enter")
    expect(editor).to_have_count(0)
    expect(chip(tab, 1)).to_contain_text("load_it")
    expect(chip(tab, 1)).to_be_focused()
    tab.page.keyboard.press("Enter")
    expect(editor).to_be_visible()
    tab.page.keyboard.press("Escape")
    expect(editor).to_have_count(0)
    assert tab.complaints == []


def test_a_cell_becomes_a_step_by_the_mouse(lab: Any, tab: Any) -> None:
    lab.write("pointed.ipynb", CELLS)
    tab.open("pointed.ipynb", kernel=False)
    tab.cell(1).locator(".jp-InputPrompt").click()
    tab.cell(1).get_by_label("Role of this cell in the pipeline").select_option("Step")
    tab.page.get_by_label("Name").fill("load")
    tab.page.get_by_role("button", name="Apply").click()
    expect(chip(tab, 1)).to_contain_text("load")
    tab.save()
    assert tags(lab, "pointed.ipynb", 1) == ["step:load"]


def test_a_click_on_the_chip_renames_a_step_and_what_waits_for_it(lab: Any, tab: Any) -> None:
    lab.write("mouse.ipynb", [*CELLS, {"text": "print('end')", "tags": ["step:end", "prev:check"]}])
    tab.open("mouse.ipynb", kernel=False)
    chip(tab, 2).click()
    tab.shot("cell-editor")
    tab.page.get_by_label("Name").fill("verify")
    tab.page.get_by_role("button", name="Apply").click()
    expect(chip(tab, 2)).to_contain_text("verify")
    chip(tab, 2).hover()
    expect(chip(tab, 3)).to_have_css("content", "normal")
    expect(tab.cell(3)).to_have_attribute("data-mlstack-near", "consumer")
    tab.save()
    assert [tags(lab, "mouse.ipynb", index) for index in (2, 3)] == [
        ["step:verify", "mine"],
        ["step:end", "prev:verify"],
    ]


def test_the_control_edits_the_line_of_a_magic_cell(lab: Any, tab: Any) -> None:
    lab.write("magic.ipynb", MAGIC)
    tab.open("magic.ipynb", kernel=False)
    tab.activate(1)
    tab.command("mlstack:set-cell", kind="step", name="read")
    expect(chip(tab, 1)).to_contain_text("read")
    tab.cell(1).locator(".jp-InputPrompt").click()
    control = tab.cell(1).get_by_label("Role of this cell in the pipeline")
    expect(control).to_have_value("step")
    tab.save()
    assert ["".join(cell["source"]) for cell in lab.saved("magic.ipynb")][1:3] == [
        "%%step read -> numbers\nnumbers = [1, 2]",
        "%%step train --after read -> model\nmodel = sum(numbers)",
    ]
    control.select_option("skip")
    expect(tab.cell(1)).to_have_attribute("data-mlstack-role", "skip")


def test_tagged_cells_run_as_steps_though_no_magic_is_in_them(lab: Any, tab: Any) -> None:
    lab.write(
        "tagged.ipynb",
        [
            {"text": "base = 3", "tags": ["parameters"]},
            {"text": "numbers = [base, 4]\nleft_out = 1", "tags": ["step:load"]},
            {"text": "print(sum(numbers))", "tags": ["step:check"]},
        ],
    )
    tab.open("tagged.ipynb")
    tab.command("notebook:run-all-cells")
    expect(tab.cell(2)).to_have_attribute("data-mlstack-state", "completed", timeout=READY_MS)
    expect(tab.cell(1)).to_contain_text("step load")
    expect(tab.cell(2)).to_contain_text("7")
    tab.shot("tagged-run")
    tab.command("notebook:run-all-cells")
    expect(chip(tab, 2)).to_contain_text("cached", timeout=READY_MS)
    tab.save()
    run = json.loads(lab.mlstack("run", "tagged.ipynb", "--json"))
    assert [step["state"] for step in run["steps"]] == ["cached", "cached"]
    assert tab.complaints == []


def test_steps_and_pipeline_can_be_seen_in_both_themes(lab: Any, tab: Any) -> None:
    lab.write("seen.ipynb", MAGIC)
    tab.open("seen.ipynb")
    tab.command("notebook:run-all-cells")
    expect(tab.cell(2)).to_have_attribute("data-mlstack-state", "completed", timeout=READY_MS)
    drawn = tab.page.locator(".jp-mlstack-Lineage svg")
    expect(drawn.get_by_role("button", name="step train")).to_be_visible(timeout=READY_MS)
    chip(tab, 1).hover()
    expect(tab.cell(2)).to_have_attribute("data-mlstack-near", "consumer")
    expect(tab.cell(1)).not_to_have_attribute("data-mlstack-near", "consumer")
    tab.shot("steps-light")
    tab.command("apputils:change-theme", theme="JupyterLab Dark")
    tab.page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
    expect(tab.page.locator("#jupyterlab-splash")).to_have_count(0)
    tab.shot("steps-dark")
    assert tab.complaints == []


def test_hostile_names_are_shown_as_text(lab: Any, tab: Any) -> None:
    hostile = "<img/src=x/onerror=alert(1)>"
    name = "\u202eevil_" + "x" * 500
    lab.write(
        "hostile.ipynb", [{"text": "a = 1", "tags": [f"step:{hostile}"]}, {"text": "b = 1", "tags": [f"step:{name}"]}]
    )
    tab.open("hostile.ipynb", kernel=False)
    expect(chip(tab, 0)).to_contain_text(hostile)
    assert tab.cell(0).locator("img").count() == 0
    width = chip(tab, 1).bounding_box()["width"]
    assert width < tab.cell(1).bounding_box()["width"]
    assert tab.complaints == []


def test_a_switch_of_the_stack_in_one_place_is_seen_in_all_others(lab: Any, tab: Any) -> None:
    lab.mlstack("stack", "copy", "default", "team")
    lab.mlstack("stack", "set", "default")
    lab.write("stack.ipynb", ["%load_ext mlstack_nb", "%stack set team"])
    tab.open("stack.ipynb")
    tab.command("mlstack:show-panel")
    status = tab.page.locator(".jp-mlstack-Status-button")
    picker = tab.page.locator("#mlstack-panel").get_by_role("combobox", name="Stack")

    def seen(name: str) -> None:  # each long before the model looks by itself
        expect(status).to_contain_text(name)
        expect(picker).to_have_value(name)

    seen("default")
    lab.mlstack("stack", "set", "team")
    seen("team")
    status.click()
    choice = tab.page.get_by_role("menuitemradio").first
    expect(choice).to_be_visible()
    tab.shot("stack-menu")
    choice.click()
    seen("default")
    assert "default" in lab.mlstack("stack", "get")
    tab.command("notebook:run-all-cells")
    seen("team")
    assert "team" in lab.mlstack("stack", "get")
    picker.select_option("default")
    seen("default")
    assert "default" in lab.mlstack("stack", "get")
    assert tab.complaints == []
