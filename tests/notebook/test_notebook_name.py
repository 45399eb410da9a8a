from __future__ import annotations

import pytest

from mlstack_nb.notebook.notebook_name import notebook_name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/home/ann/work/fraud detection.ipynb", "fraud detection"),
        ("/home/ann/work/RTC:churn.ipynb", "churn"),
        ("/home/ann/work/console-1-2f9c", "notebook"),
        ("/home/ann/work/script.py", "notebook"),
        ("/home/ann/work/--help.ipynb", "notebook"),
        ("", "notebook"),
    ],
)
def test_jupyters_variable_gives_the_name_of_a_notebook_file(
    path: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", path)
    assert notebook_name({}) == name


def test_vs_codes_name_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "/srv/kernel.ipynb")
    assert notebook_name({"__vsc_ipynb_file__": "/home/ann/churn.ipynb"}) == "churn"


def test_without_any_sign_it_is_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert notebook_name({}) == "notebook"
