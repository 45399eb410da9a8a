"""Stacks, components, flavors and health over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

LOCAL = {"orchestrator": "default", "artifact_store": "default"}
STORE = {"kind": "artifact_store", "name": "aside", "flavor": "local"}
HOSTILE = [
    "<script>alert(1)</script>",
    "\N{RIGHT-TO-LEFT OVERRIDE}evil",
    "\N{PILE OF POO}",
    "\N{ARABIC LETTER BEH}",
    "'; DROP TABLE stacks",
]


def test_the_default_stack_is_there_and_active(project: Any) -> None:
    found = project("GET", "stacks").json
    assert (found["active"], found["stacks"]) == ("default", [{"name": "default", "active": True, "components": LOCAL}])
    assert found["active_by"] == f"the workspace {project.folder / '.mlstack'}"


def test_a_stack_is_made_changed_activated_and_deleted(project: Any) -> None:
    assert project("POST", "components", body={**STORE, "configuration": {"path": "aside"}}).status == 200
    made = project("POST", "stacks", body={"name": "mine", "components": LOCAL}).json
    assert (made["name"], made["active"]) == ("mine", False)
    changed = project("PATCH", "stacks", "mine", body={"components": {"artifact-store": "aside"}}).json
    assert changed["components"]["artifact_store"] == {
        "flavor": "local",
        "name": "aside",
        "configuration": {"path": "aside"},
    }
    assert project("GET", "stacks", "mine").json == changed
    assert project("PUT", "active-stack", body={"name": "mine"}).json["active"] == "mine"
    assert "mine" in project.mlstack("stack", "describe")
    assert project("DELETE", "stacks", "mine").error[0] == 409
    project("PUT", "active-stack", body={"name": "default"})
    assert [stack["name"] for stack in project("DELETE", "stacks", "mine").json["stacks"]] == ["default"]


@pytest.mark.parametrize(
    ("method", "words", "body", "status", "hint"),
    [
        ("GET", ["stacks", "defualt"], None, 404, "Did you mean 'default'?"),
        ("PUT", ["active-stack"], {"name": "defualt"}, 404, "Did you mean 'default'?"),
        ("POST", ["stacks"], {"name": "x", "components": {"orchestrator": "default"}}, 422, "--artifact-store default"),
        ("POST", ["stacks"], {"name": "x", "components": {"orchestrater": "default"}}, 404, "'orchestrator'"),
        ("POST", ["stacks"], {"name": "default", "components": LOCAL}, 409, "Choose another name"),
        ("PATCH", ["stacks", "default"], {"components": LOCAL}, 409, "Copy it"),
        ("DELETE", ["stacks", "default"], None, 409, "Copy it"),
        ("POST", ["components"], {**STORE, "flavor": "lokal"}, 404, "Did you mean 'local'?"),
        ("POST", ["components"], {**STORE, "configuration": {"pth": "x"}}, 422, "Did you mean 'path'?"),
        ("PATCH", ["components", "artifact_store", "default"], {"configuration": {"path": "x"}}, 409, "Copy it"),
        ("PATCH", ["components", "artifact_store", "none"], {}, 404, "mlstack component list"),
        ("DELETE", ["components", "artifact_store", "default"], None, 409, "Copy it"),
    ],
)
def test_what_can_not_be_is_told_with_the_next_thing_to_do(
    project: Any, method: str, words: list[str], body: Any, status: int, hint: str
) -> None:
    found = project(method, *words, body=body).error
    assert found[0] == status
    assert hint in found[2]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_strange_name_comes_back_as_it_went_in_or_is_refused(project: Any, name: str) -> None:
    made = project("POST", "stacks", body={"name": name, "components": LOCAL})
    if made.status == 200:
        assert project("GET", "stacks", name).json["name"] == name
        assert project("DELETE", "stacks", name).status == 200
    else:
        assert made.error[0] == 400
        assert project("GET", "stacks").json["stacks"][0]["name"] == "default"


@pytest.mark.parametrize("name", ["", "n" * 500, "a/b", "-x", "a\nb"])
def test_a_name_that_is_none_is_refused(project: Any, name: str) -> None:
    assert project("POST", "stacks", body={"name": name, "components": LOCAL}).error[0] == 400


def test_secrets_come_in_and_never_out(project: Any) -> None:
    tracker = {"kind": "experiment_tracker", "name": "tracker", "flavor": "mlflow"}
    configuration = {"tracking_uri": "http://127.0.0.1:9", "tracking_password": "s3cret", "tracking_username": "me"}
    made = project("POST", "components", body={**tracker, "configuration": configuration})
    assert made.json["configuration"]["tracking_password"] == "********"
    changed = project("PATCH", "components", "experiment-tracker", "tracker", body={"remove": ["tracking_username"]})
    assert set(changed.json["configuration"]) == {"tracking_uri", "tracking_password"}
    assert "s3cret" not in str(project("GET", "components").json)
    assert [one["name"] for one in project("DELETE", "components", "experiment_tracker", "tracker").json] == [
        "default"
    ] * 2


def test_flavors_have_a_schema_for_a_form_with_secrets_as_passwords(project: Any) -> None:
    found = {(one["kind"], one["flavor"]): one for one in project("GET", "flavors").json}
    mlflow = found["experiment_tracker", "mlflow"]
    assert (mlflow["installed"], mlflow["install"]) == (True, 'pip install "mlstack-nb[mlflow]"')
    assert "password" in [part.get("format") for part in mlflow["schema"]["properties"]["tracking_password"]["anyOf"]]
    assert found["artifact_store", "local"]["install"] == ""


def test_health_tells_of_each_component_of_the_active_stack(project: Any) -> None:
    found = project("GET", "health").json
    assert found["stack"] == "default"
    assert [(one["kind"], one["name"], one["ok"]) for one in found["components"]] == [
        ("orchestrator", "default", True),
        ("artifact_store", "default", True),
    ]


def test_an_active_stack_that_is_gone_is_told(project: Any) -> None:
    (project.folder / ".mlstack" / "active_stack").write_text("gone\n")
    assert project("GET", "health").error[0] == 404
    assert project("GET", "stacks").json["active"] == "gone"
