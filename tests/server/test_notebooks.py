"""Notebook files over HTTP: graph, lint, export."""

from __future__ import annotations

import ast
from typing import Any

import pytest

CELLS = (
    ("depth = 3  # of the trees", ["parameters"]),
    "%%step load -> table\ntable = [1, 2, 3]",
    "%%step train -> score\nscore = sum(table) * depth",
)


def graph(project: Any, path: str) -> Any:
    return project("GET", "notebooks", path, "pipeline").json


def test_a_notebook_is_a_graph_of_pending_steps_with_its_parameters(project: Any) -> None:
    path = project.notebook(*CELLS)
    found = graph(project, path)
    assert (found["pipeline"], found["path"], found["error"], found["is_whole"]) == ("train", path, None, False)
    assert [(node["name"], node["state"], node["stale"], node["cell_index"]) for node in found["nodes"]] == [
        ("load", "pending", False, 1),
        ("train", "pending", False, 2),
    ]
    assert found["edges"] == [{"source": "load", "target": "train", "outputs": ["table"]}]
    assert found["parameters"] == [
        {
            "name": "depth",
            "value": 3,
            "type": "int",
            "annotation": "",
            "comment": "of the trees",
            "label": "cell 1",
        }
    ]


def test_a_notebook_that_does_not_compile_tells_why_and_has_no_nodes(project: Any) -> None:
    found = graph(project, project.notebook("%%step one -> x\nx = nowhere"))
    assert found["nodes"] == []
    assert "'nowhere'" in found["error"]["what"] and found["error"]["hint"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 3, "nbformat": 4}'])
def test_a_file_that_is_no_notebook_is_told_and_breaks_nothing(project: Any, content: str) -> None:
    (project.folder / "broken.ipynb").write_text(content)
    assert graph(project, project.address("broken.ipynb"))["error"]["what"]


def test_a_file_that_is_not_there_offers_the_nearest(project: Any) -> None:
    project.notebook(*CELLS)
    status, _, hint = project("GET", "notebooks", project.address("trian.ipynb"), "pipeline").error
    assert status == 404 and "train.ipynb" in hint


def test_a_renamed_notebook_is_read_under_its_new_name(project: Any) -> None:
    path = project.notebook(*CELLS)
    graph(project, path)
    (project.folder / "train.ipynb").rename(project.folder / "other name.ipynb")
    assert project("GET", "notebooks", path, "pipeline").status == 404
    assert len(graph(project, project.address("other name.ipynb"))["nodes"]) == 2


def test_two_notebooks_with_modules_of_one_name_are_kept_apart(project: Any) -> None:
    for folder, body in (("a", "return 1"), ("b", "return 2, missing")):
        (project.folder / folder).mkdir()
        (project.folder / folder / "own_code.py").write_text(f"def made():\n    {body}\n")
        project.notebook("import own_code", "%%step one -> x\nx = own_code.made()", name=f"{folder}/n.ipynb")
    for folder in ("a", "b", "a"):
        found = graph(project, project.address(f"{folder}/n.ipynb"))
        assert [node["name"] for node in found["nodes"]] == ["one"]


def test_a_read_only_notebook_in_a_read_only_folder_is_drawn(project: Any) -> None:
    path = project.notebook(*CELLS)
    (project.folder / "train.ipynb").chmod(0o444)
    project.folder.chmod(0o555)
    try:
        assert len(graph(project, path)["nodes"]) == 2
    finally:
        project.folder.chmod(0o755)


@pytest.mark.parametrize(
    "name", ["<script>alert(1)<", "\N{RIGHT-TO-LEFT OVERRIDE}evil", "\N{PILE OF POO} & ?#%", "n" * 240]
)
def test_a_notebook_of_a_strange_name_comes_back_as_it_is(project: Any, name: str) -> None:
    path = project.notebook(*CELLS, name=f"{name}.ipynb")
    found = graph(project, path)
    assert found["path"] == path and len(found["nodes"]) == 2


def test_hostile_text_in_cells_stays_text(project: Any) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    path = project.notebook((f"name = {hostile!r}", ["parameters"]), "%%step one -> x\nx = name")
    assert graph(project, path)["parameters"][0]["value"] == hostile


def test_lint_finds_what_the_command_line_finds(project: Any) -> None:
    path = project.notebook("%%step one -> x\nx = open('/home/me/data.csv').read()")
    found = project("GET", "notebooks", path, "lint").json
    assert {(one["cell"], one["cell_index"], one["line"]) for one in found} == {("cell 1", 0, 2)}
    assert all(one["message"] and one["fix"] for one in found)


def test_lint_takes_notebooks_and_python_files_only(project: Any) -> None:
    (project.folder / "data.csv").write_text("1")
    assert project("GET", "notebooks", project.address("data.csv"), "lint").error[0] == 400


def test_an_exported_module_is_never_written_over(project: Any) -> None:
    path = project.notebook(*CELLS)
    made = [project("POST", "notebooks", path, "export", body={"to": "module"}).json["path"] for _ in range(2)]
    assert made == [project.address("train_pipeline.py"), project.address("train_pipeline_2.py")]
    ast.parse((project.folder / "train_pipeline.py").read_text())


def test_a_workflow_is_written_once(project: Any) -> None:
    (project.folder / ".git").mkdir()
    path = project.notebook(*CELLS)
    made = project("POST", "notebooks", path, "export", body={"to": "github"}).json["path"]
    assert made == project.address(".github/workflows/train.yml")
    assert project("POST", "notebooks", path, "export", body={"to": "github"}).error[0] == 409


def test_a_workflow_that_belongs_outside_the_servers_folder_is_not_written(server: Any, project: Any) -> None:
    repository = server.root.parent / ".git"
    repository.mkdir()
    try:
        status, what, hint = project(
            "POST", "notebooks", project.notebook(*CELLS), "export", body={"to": "github"}
        ).error
    finally:
        repository.rmdir()
    assert status == 400 and "outside the folder" in what and "mlstack export" in hint
    assert not (server.root.parent / ".github").exists()


def test_a_notebook_whose_name_leaves_no_room_for_the_new_file_is_exported_to_a_shorter_one(project: Any) -> None:
    path = project.notebook(*CELLS, name=f"{'n' * 248}.ipynb")
    made = project("POST", "notebooks", path, "export", body={"to": "module"}).json["path"]
    assert (project.server.root / made).read_text().startswith('"""')


@pytest.mark.parametrize("body", [{"to": "pdf"}, {}])
def test_an_unknown_form_is_refused(project: Any, body: Any) -> None:
    status, what, _ = project("POST", "notebooks", project.notebook(*CELLS), "export", body=body).error
    assert status == 400 and "field 'to'" in what
