"""The table of routes: every one asks for the token, and refuses in one form whatever does not fit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mlstack_nb.server.handler import as_json
from mlstack_nb.server.routes import ROUTES

ROUTE = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.address}")


def filled(address: str) -> str:
    return "mlstack-nb/" + re.sub(r"\{\w+\}", "anything", address)


@ROUTE
@pytest.mark.parametrize("token", ["", "another"], ids=["none", "wrong"])
def test_every_route_refuses_without_the_token(server: Any, route: Any, token: str) -> None:
    before = list((server.root / ".mlstack").iterdir())
    status, what, hint = server.request(route.method, filled(route.address), b"{}", token=token).error
    assert (status, what) == (403, "Forbidden")
    assert "token" in hint
    assert list((server.root / ".mlstack").iterdir()) == before


def test_what_is_no_route_is_refused_without_the_token_too(server: Any) -> None:
    assert server.request("GET", "mlstack-nb/nonsense", token="").error[0] == 403


@pytest.mark.parametrize("route", [route for route in ROUTES if route.wanted], ids=lambda route: route.address)
def test_a_field_that_nobody_knows_is_named(server: Any, route: Any) -> None:
    address = filled(route.address)
    if route.method == "GET":
        answer = server.request("GET", f"{address}?nonsense=1")
    else:
        answer = server.request(route.method, address, b'{"nonsense": 1}')
    status, what, hint = answer.error
    assert status == 400 and "there is no field 'nonsense'" in what
    assert "The fields are: " in hint


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"\xff\xfe", b'"text"', b'{"name": "\\ud800"}', b'{"name": 3}'])
def test_a_body_that_does_not_fit_is_refused(server: Any, body: bytes) -> None:
    assert server.request("PUT", "mlstack-nb/active-stack", body).error[0] == 400


def test_every_wrong_field_is_named(server: Any) -> None:
    status, what, _ = server.request("POST", "mlstack-nb/runs", b'{"target": 3, "whole": "perhaps"}').error
    assert status == 400
    assert "field 'target'" in what and "field 'whole'" in what


def test_an_address_that_is_no_route_offers_the_nearest(server: Any) -> None:
    status, what, hint = server.request("GET", "mlstack-nb/stack").error
    assert (status, what, hint) == (404, "There is no route 'stack'.", "Did you mean 'stacks'?")


def test_another_method_is_told_which_ones_there_are(server: Any) -> None:
    assert server.request("DELETE", "mlstack-nb/runs").error[:2] == (405, "'runs' answers to GET, POST only.")


def test_an_address_that_is_no_text_is_refused(server: Any) -> None:
    assert server.request("GET", "mlstack-nb/stacks/%ff").error[0] == 400


@pytest.mark.parametrize(
    "path",
    [
        *(
            "../outside.ipynb",
            "a/../../outside.ipynb",
            "/../outside.ipynb",
            "..%2foutside.ipynb",
            "%2e%2e/outside.ipynb",
        ),
        *("..", "a/b/../../../x.ipynb", "%00.ipynb", "n" * 300 + ".ipynb", "a" * 5000),
    ],
)
@pytest.mark.parametrize("route", ["pipeline", "lint"])
def test_a_path_never_leads_out_of_the_servers_folder(server: Any, path: str, route: str) -> None:
    (server.root.parent / "outside.ipynb").write_text('{"cells": [], "nbformat": 4, "nbformat_minor": 5}')
    status, what, _ = server.request("GET", f"mlstack-nb/notebooks/{path}/{route}").error
    assert status == 404
    assert "outside the folder" in what or "can not be the path" in what


@pytest.mark.parametrize("target", ["../x.ipynb", "/../../x.py:main", "a/../../x.ipynb"])
def test_a_target_never_leads_out_of_the_servers_folder(project: Any, target: str) -> None:
    for route, more in (("runs", {}), ("schedules", {"every": "1h"})):
        status, what, _ = project("POST", route, body={"target": target, **more}).error
        assert (status, "outside the folder" in what) == (404, True)


def test_the_workspace_of_a_path_outside_is_not_looked_for(server: Any) -> None:
    assert server.request("GET", "mlstack-nb/stacks?notebook=../x.ipynb").error[0] == 404


def test_the_workspace_is_that_of_the_notebooks_folder_else_the_servers(server: Any, project: Any) -> None:
    assert project("GET", "stacks").json["workspace"] == str(project.folder / ".mlstack")
    assert server.request("GET", "mlstack-nb/stacks").json["workspace"] == str(server.root / ".mlstack")


def test_a_workspace_that_is_broken_is_told_without_a_traceback(project: Any) -> None:
    (project.folder / ".mlstack" / "catalog.db").write_bytes(b"no database" * 1000)
    status, what, hint = project("GET", "stacks").error
    assert status == 500 and "catalog.db" in what and hint


def test_numbers_that_json_does_not_have_are_told_by_name() -> None:
    assert as_json({"a": [float("nan")], "b": (float("-inf"), 1.5)}) == '{"a": ["nan"], "b": ["-inf", 1.5]}'


def test_the_guide_has_every_route() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "jupyterlab.md").read_text()
    told = {(method, address) for address, methods in _rows(guide) for method in methods}
    assert told == {(route.method, route.address) for route in ROUTES}


def _rows(guide: str) -> list[tuple[str, list[str]]]:
    rows = re.findall(r"^\| `([^`]+)` \| ((?:GET|POST|PUT|PATCH|DELETE)[^|]*) \|", guide, re.MULTILINE)
    return [(address, methods.replace(" ", "").split(",")) for address, methods in rows]
