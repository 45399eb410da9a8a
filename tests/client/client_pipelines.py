"""A pipeline of three steps: one of two outputs, one that may fail, one that saves an artifact by hand."""

from __future__ import annotations

from typing import Annotated, Any

import pandas as pd

from mlstack_nb import log_metadata, pipeline, save_artifact, step


@step
def load(rows: int = 3) -> tuple[Annotated[pd.DataFrame, "table"], Annotated[dict[str, Any], "profile"]]:
    log_metadata({"source": "made up"})
    return pd.DataFrame({"a": range(rows)}), {"rows": rows}


@step
def total(table: pd.DataFrame, scale: float = 1.0) -> float:
    if scale < 0:
        raise ValueError("the scale is negative")
    return float(table["a"].sum()) * scale


@step
def keep(number: float) -> None:
    save_artifact(number, "kept by hand")


@pipeline(name="training")
def training(rows: int = 3, scale: float = 1.0):
    table, _ = load(rows)
    keep(total(table, scale=scale))
