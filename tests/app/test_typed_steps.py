"""What a type checker says of a user's module of steps, as it is installed: by the package's own types."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = """
from __future__ import annotations

from typing import Annotated

import pandas as pd
from mlstack_nb import (
    ArtifactConfig, ArtifactType, CachePolicy, DataFile, StepRetryConfig, get_pipeline_context, get_step_context,
    pipeline, step,
)


@step
def load(path: Annotated[str, DataFile()] = "x.csv") -> pd.DataFrame:
    return pd.DataFrame()


@step(enable_cache=False, retries=2, environment={"MODE": "fast"})
def note(text: str) -> None:
    print(text)


def told(error: BaseException | None) -> None:
    print(get_step_context().step_name, error)


@step(
    retry=StepRetryConfig(max_retries=2, delay=1.5, backoff=2),
    on_failure=told,
    on_success="hooks.succeeded",
    settings={"resources": {"cpu_count": 2}},
    extra={"owner": "anna"},
    substitutions={"kind": "big"},
    tags=["x"],
    enable_step_logs=False,
    model="fraud",
)
def train(table: pd.DataFrame) -> Annotated[float, ArtifactConfig(name="m_{kind}", artifact_type=ArtifactType.MODEL)]:
    context = get_step_context()
    context.add_output_metadata({"rows": len(table)})
    return float(len(context.inputs))


Half = Annotated[pd.DataFrame, "half"]


@step
def split(table: pd.DataFrame, share: float = 0.2) -> tuple[Half, Annotated[pd.DataFrame, "rest"]]:
    return table, table


@step
def count(table: pd.DataFrame) -> int:
    return len(table)


@pipeline
def training(share: float = 0.2) -> None:
    table = load()
    note("hello", after=table)
    half, rest = split(table, share=share, after=[note, load], id="cut")
    rows: int = count(half)
    count.with_options(enable_cache=False, name="recount")(rest, after=count)
    other: int = count(rest, id="others")
    note.with_options(cache_policy=CachePolicy(expires_after_s=60.0))("bye", after=(rows, other, note))


@pipeline(name="small", enable_cache=False)
def other() -> None:
    count(load())


@pipeline(execution_mode="fail_fast", on_end=told, retry={"max_retries": 1}, tags=["nightly"], model="fraud")
def nested() -> None:
    name: str = get_pipeline_context().name
    other()
    score: float = train.configure(extra={"more": 1})(load(), id=name)


configured = nested.with_options(run_name="run_{date}", config_path="run.yaml", steps={"train": {"retries": 2}})
configured.configure(enable_cache=False, merge=False)
configured()
run = training(share=0.3)
state: str = run.state.value
training.with_options(enable_cache=False)(0.1)
direct: int = count(pd.DataFrame())
"""
BAD = {
    'count("wrong")': "call-overload",
    "count(pd.DataFrame(), 2)": "call-overload",
    "split(pd.DataFrame(), shre=1)": "call-overload",
    "word: str = count(pd.DataFrame())": "assignment",
    "word = load()\nhalf: str = split(word, after=note)[0]": "assignment",
    "count.with_options(retires=3)": "call-arg",
    "training(sahre=1)": "call-arg",
    "training.with_options(retries=1)": "call-arg",
    "count.configure(retries='2')": "arg-type",
    "training.configure(run_nam='x')": "call-arg",
    "made = step(on_failure=7)": "call-overload",
    "made = pipeline(execution_mod='fail_fast')": "call-overload",
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


def complaints(folder: Path, cache: Path, *modules: str) -> list[tuple[int, str]]:
    """Line and code of each error."""
    names = [f"user_{number}.py" for number, _ in enumerate(modules)]
    for name, text in zip(names, modules, strict=True):
        (folder / name).write_text(text)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cache), *names]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    found = re.findall(r"^user_(\d+)\.py:\d+: error: .*\[([\w-]+)\]$", done.stdout, re.MULTILINE)
    assert len(found) == done.stdout.count("error: "), done.stdout
    return sorted((int(number), code) for number, code in found)


def test_steps_pipelines_and_their_options_pass_in_strict_mode(tmp_path: Path, cache: Path) -> None:
    assert complaints(tmp_path, cache, GOOD) == []


def test_what_would_fail_when_it_is_wired_is_found_before(tmp_path: Path, cache: Path) -> None:
    modules = [f"{GOOD}\n{wrong}\n" for wrong in BAD]
    assert complaints(tmp_path, cache, *modules) == list(enumerate(BAD.values()))
