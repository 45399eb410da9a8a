"""`mlstack export`: what it writes, and what it refuses."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

DEMO = Path(__file__).parents[2] / "notebooks" / "fraud_detection.ipynb"
STEPS = ["load", "features", "train", "evaluate", "deploy"]


@pytest.fixture
def demo(workspace: Path) -> str:
    shutil.copy(DEMO, "train.ipynb")
    return "train.ipynb"


def small(path: str) -> None:
    cells = [nbformat.v4.new_code_cell(text) for text in ("name = 'x'", "%%step a -> b\nb = name")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def workflow(mlstack: Any, *words: str) -> Any:
    return yaml.safe_load(mlstack("export", *words, "--ci", "github", "-o", "-").out)


def test_a_module_is_written_and_imports(mlstack: Any, demo: str) -> None:
    small("nb.ipynb")
    done = mlstack("export", "nb.ipynb", "-o", "made/small_pipeline.py")
    assert (done.code, done.out) == (0, "Wrote made/small_pipeline.py.\n")
    run = mlstack("run", "made/small_pipeline.py", "--json").json
    assert [(step["step"], step["state"]) for step in run["steps"]] == [("a", "completed")]


def test_a_file_that_is_there_stays_without_force(mlstack: Any, demo: str) -> None:
    Path("pipeline.py").write_text("mine")
    done = mlstack("export", demo)
    assert (done.code, Path("pipeline.py").read_text()) == (1, "mine")
    assert "--force" in done.err
    assert mlstack("export", demo, "--force").code == 0
    assert "@pipeline" in Path("pipeline.py").read_text()


def test_a_dash_prints_the_module(mlstack: Any, demo: str) -> None:
    done = mlstack("export", demo, "-o", "-")
    assert done.out.startswith('"""Pipeline fraud-detection')
    assert not Path("-").exists()


def test_json_tells_what_was_written(mlstack: Any, demo: str) -> None:
    told = mlstack("export", demo, "-o", "p.py", "--json").json
    assert told == {"path": "p.py", "pipeline": "fraud_detection", "steps": STEPS, "notices": []}


def test_json_and_a_dash_do_not_go_together(mlstack: Any, demo: str) -> None:
    done = mlstack("export", demo, "-o", "-", "--json")
    assert (done.code, done.out) == (2, "")


def test_a_notebook_that_is_not_there_is_an_error(mlstack: Any, demo: str) -> None:
    done = mlstack("export", "trian.ipynb")
    assert done.code == 1
    assert "train.ipynb" in done.err


def test_options_of_workflows_need_one(mlstack: Any, demo: str) -> None:
    done = mlstack("export", demo, "-p", "max_depth=4")
    assert done.code == 2
    assert "--ci github" in done.err


def test_a_workflow_goes_where_github_looks_for_it(mlstack: Any, demo: str) -> None:
    told = mlstack("export", demo, "--ci", "github", "--json").json
    assert told["path"] == str(Path.cwd() / ".github/workflows/fraud_detection.yml")
    assert yaml.safe_load(Path(told["path"]).read_text())["name"] == "fraud-detection"


def test_a_workflow_checks_runs_and_keeps(mlstack: Any, demo: str) -> None:
    found = workflow(mlstack, demo, "-p", "max_depth=4", "--stack", "company")
    assert "push" in found[True]  # YAML reads `on` so
    assert found["permissions"] == {"contents": "read"}
    job = found["jobs"]["run"]
    steps = {step.get("name", step.get("uses")): step for step in job["steps"]}
    assert list(steps) == [
        "actions/checkout@v4",
        "actions/setup-python@v5",
        "Install",
        "Lint",
        "Restore the store",
        "Run",
        "Keep the store",
        "Collect the executed notebooks",
        "Upload them",
    ]
    assert steps["Run"]["run"] == "mlstack run train.ipynb --stack company -p max_depth=4"
    assert "--dry-run" in steps["Lint"]["run"]
    assert "mlstack lint train.ipynb" in steps["Lint"]["run"].splitlines()
    assert steps["Restore the store"]["with"]["path"] == steps["Keep the store"]["with"]["path"] == ".mlstack"
    assert job["env"]["MLSTACK_WORKSPACE"].endswith("/.mlstack")
    assert " ".join(STEPS) in steps["Collect the executed notebooks"]["run"]
    assert steps["Upload them"]["with"]["path"] == "executed"


def test_actions_are_pinned_and_no_secret_is_in_it(mlstack: Any, demo: str) -> None:
    text = mlstack("export", demo, "--ci", "github", "-o", "-").out
    uses = re.findall(r"uses: (\S+)", text)
    assert uses and all(re.fullmatch(r"actions/[\w/-]+@v\d+", one) for one in uses)
    assert "secrets." not in text


def test_packages_are_those_that_the_steps_reach(mlstack: Any, demo: str) -> None:
    found = workflow(mlstack, demo)
    install = next(step["run"] for step in found["jobs"]["run"]["steps"] if step.get("name") == "Install")
    assert re.search(r"mlstack-nb==\S+ mlflow==\S+ numpy==\S+ pandas==\S+ scikit-learn==\S+$", install)
    Path("requirements.txt").write_text("pandas\n")
    (Path.cwd() / ".git").mkdir()
    found = workflow(mlstack, demo)
    assert any(step.get("run", "").endswith("-r requirements.txt") for step in found["jobs"]["run"]["steps"])


def test_an_unknown_parameter_is_refused(mlstack: Any, demo: str) -> None:
    done = mlstack("export", demo, "--ci", "github", "-p", "max_dept=4", "-o", "-")
    assert (done.code, done.out) == (1, "")
    assert "max_depth" in done.err


def test_values_that_github_would_read_are_refused(mlstack: Any, workspace: Path) -> None:
    small("nb.ipynb")
    done = mlstack("export", "nb.ipynb", "--ci", "github", "-p", "name=${{ secrets.TOKEN }}", "-o", "-")
    assert (done.code, done.out) == (2, "")
    quoted = workflow(mlstack, "nb.ipynb", "-p", "name=a b; rm 'x'")
    assert any(
        step.get("run", "").endswith("""-p 'name=a b; rm '"'"'x'"'"''""") for step in quoted["jobs"]["run"]["steps"]
    )
