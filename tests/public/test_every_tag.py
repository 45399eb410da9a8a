"""One notebook with every tag of Kale's grammar: compiled, run, run again, exported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from mlstack_nb.app.notebooks.compile import compile_notebook
from mlstack_nb.core.step import FromParameter, FromStep, Resources
from tests.cli.conftest import mlstack

__all__ = ["mlstack"]  # the fixture

ON_THE_FIRST_STEP = "limit:cpu:2 limit:memory:4Gi label:team:risk annotation:docs:http://h:80/p secret:s3:key:S3_KEY"
CELLS = (
    ("imports", "import pandas as pd\n%matplotlib inline"),
    ("", "import numpy as np"),
    ("functions hide-input", "def clean(df):\n    return df.dropna()"),
    ("pipeline-parameters", "rows = 10\nrate = -0.1\nnames = ['a', 'b']\nlimit: int | None = None"),
    ("parameters", "seed = 7"),
    ("skip", "df.describe( "),
    (
        f"{ON_THE_FIRST_STEP} step:load image:ml:1 cache:disabled report:enabled foreign",
        "df = pd.DataFrame({name: np.arange(rows) * seed for name in names})",
    ),
    ("", "!echo loading\ndf = clean(df)"),
    ("block:train prev:load limit:nvidia.com/gpu:1", "%%time\nmodel = fit(df, rate, limit)"),
    ("block:", "score = model['mean'] + rate"),
    ("functions", "def fit(df, rate, limit):\n    return {'mean': float(df.to_numpy()[:limit].mean()), 'rate': rate}"),
    ("step:tell prev:train label:stage:last cache:enabled report:disabled", "text = f'score {score:.2f}'\ntext"),
    ("pipeline-metrics", "print(score)\nprint(rows)"),
)


@pytest.fixture
def tagged(workspace: Path) -> str:
    made = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {"name": "python3", "display_name": "", "language": "python"},
            "kubeflow_notebook": {
                "pipeline_name": "every-tag",
                "experiment_name": "tags",
                "base_image": "base:1",
                "enable_caching": True,
                "steps_defaults": ["limit:cpu:1", "label:cost:a"],
                "volumes": [],
            },
        }
    )
    made.cells = [nbformat.v4.new_code_cell(text, metadata={"tags": tags.split()}) for tags, text in CELLS]
    nbformat.write(made, "every_tag.ipynb")
    return "every_tag.ipynb"


def states(run: Any) -> dict[str, str]:
    return {step["step"]: step["state"] for step in run["steps"]}


def outputs(run: Any) -> dict[str, Any]:
    found = {name: data for step in run["steps"] for name, data in step.get("outputs", {}).items()}
    return {name: json.loads(data["inline"]) for name, data in found.items() if data.get("inline")}


def test_every_tag_counts(tagged: str) -> None:
    found = compile_notebook(tagged)
    load, train, tell = (one.step.settings for one in found.steps)
    assert found.name == "every-tag"
    assert found.pipeline.parameters == {"rows": 10, "rate": -0.1, "names": ["a", "b"], "limit": None, "seed": 7}
    assert found.metrics == {"score": FromStep("train", "score"), "rows": FromParameter("rows")}
    assert load.resources == Resources(
        limits={"cpu": "2", "memory": "4Gi"},
        labels={"cost": "a", "team": "risk"},
        annotations={"docs": "http://h:80/p"},
        secrets={"S3_KEY": ("s3", "key")},
        image="ml:1",
    )
    assert (train.resources.limits, tell.resources.labels) == (
        {"cpu": "1", "nvidia.com/gpu": "1"},
        {"cost": "a", "stage": "last"},
    )
    assert [one.cache for one in (load, train, tell)] == [False, True, True]
    assert [one.report for one in (load, train, tell)] == [True, None, False]


def test_it_runs_and_only_what_asks_for_it_runs_again(mlstack: Any, tagged: str) -> None:
    first = mlstack("run", tagged)
    assert first.code == 0
    assert "load  | loading" in first.err
    run = mlstack("runs", "show", "--json").json
    assert (run["pipeline"], states(run)) == ("every-tag", dict.fromkeys(["load", "train", "tell"], "completed"))
    assert outputs(run) == {"score": 31.4, "text": "score 31.40"}
    assert states(mlstack("run", tagged, "--json").json) == {"load": "completed", "train": "cached", "tell": "cached"}


def test_its_parameters_may_be_given(mlstack: Any, tagged: str) -> None:
    assert mlstack("run", tagged, "-p", "limit=2", "-p", "names=[c]", "-p", "rate=0.5").code == 0
    assert outputs(mlstack("runs", "show", "--json").json)["score"] == 4.0


def test_its_module_gives_the_same(mlstack: Any, tagged: str) -> None:
    mlstack("run", tagged)
    told = mlstack("export", tagged, "-o", "every_tag_module.py")
    assert told.code == 0
    assert "image, limits, labels and secrets of its tags are left out" in told.err
    run = mlstack("run", "every_tag_module.py", "-p", "rows=10")
    assert run.code == 0
    again = mlstack("runs", "show", "--json").json
    assert states(again) == {"load": "completed", "train": "completed", "tell": "cached"}  # `%%time` is left out
    assert outputs(again) == {"score": 31.4, "text": "score 31.40"}
