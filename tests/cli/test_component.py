from __future__ import annotations

from typing import Any

import pytest

REGISTER = ("component", "register", "experiment-tracker", "t", "--flavor", "mlflow")


@pytest.mark.parametrize(
    "options",
    [
        ("--tracking_uri", "http://localhost:5000", "--experiment_name", "a=b"),
        ("--tracking-uri=http://localhost:5000", "--experiment-name=a=b"),
        ("tracking_uri=http://localhost:5000", "experiment_name=a=b"),
    ],
)
def test_fields_are_options_or_pairs(mlstack: Any, options: tuple[str, ...]) -> None:
    assert mlstack(*REGISTER, *options).out == "Registered experiment_tracker 't'.\n"
    found = mlstack("component", "describe", "experiment_tracker", "t", "--json").json
    assert found["configuration"] == {"tracking_uri": "http://localhost:5000", "experiment_name": "a=b"}


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--tracking_uri",), "Option --tracking_uri has no value."),
        (("stray",), "'stray' is neither --KEY VALUE nor KEY=VALUE."),
        (("experiment_name=a", "--experiment-name", "b"), "Field 'experiment_name' is given twice."),
    ],
)
def test_options_that_can_not_be_read_are_usage_errors(mlstack: Any, options: tuple[str, ...], what: str) -> None:
    done = mlstack(*REGISTER, *options)
    assert (done.code, done.err.splitlines()[0]) == (2, f"Error: {what}")
    assert mlstack("component", "list", "experiment_tracker").out == "No experiment_tracker is registered.\n"


def test_an_unknown_field_offers_the_nearest(mlstack: Any) -> None:
    done = mlstack(*REGISTER, "--tracking_urii", "http://localhost:5000")
    assert (done.code, done.out) == (1, "")
    assert done.err.endswith("  -> Did you mean 'tracking_uri'?\n")


def test_an_unknown_flavor_offers_the_nearest(mlstack: Any) -> None:
    done = mlstack("component", "register", "experiment_tracker", "t", "--flavor", "mlfow")
    assert (done.code, done.err.splitlines()[1]) == (1, "  -> Did you mean 'mlflow'?")


def test_secrets_are_masked_in_every_listing(mlstack: Any) -> None:
    mlstack(*REGISTER, "--tracking_token", "s3cret")
    for words in (("list",), ("list", "--json"), ("describe", "experiment_tracker", "t")):
        done = mlstack("component", *words)
        assert "********" in done.out
        assert "s3cret" not in done.out


def test_a_component_is_updated_renamed_copied_and_deleted(mlstack: Any) -> None:
    mlstack(*REGISTER, "experiment_name=a", "tracking_insecure_tls=true")
    for words in (
        ("update", "experiment_tracker", "t", "experiment_name=b", "--remove", "tracking_insecure_tls"),
        ("rename", "experiment_tracker", "t", "u"),
        ("copy", "experiment_tracker", "u", "v"),
        ("delete", "experiment_tracker", "u"),
    ):
        done = mlstack("component", *words)
        assert (done.code, done.err) == (0, "")
    found = mlstack("component", "list", "experiment_tracker", "--json").json
    assert [(row["name"], row["configuration"]) for row in found] == [("v", {"experiment_name": "b"})]


def test_an_update_of_nothing_is_a_usage_error(mlstack: Any) -> None:
    assert mlstack("component", "update", "artifact_store", "default").code == 2


def test_flavors_and_their_fields_are_listed(mlstack: Any) -> None:
    flavors = mlstack("component", "flavors", "--json").json
    assert {"kind": "orchestrator", "flavor": "local", "summary": "this process", "extra": ""} in flavors
    fields = mlstack("component", "flavors", "experiment-tracker", "mlflow", "--json").json
    assert fields[0]["name"] == "tracking_uri"
    assert "tracking_token" in mlstack("component", "flavors", "experiment-tracker", "mlflow").out
