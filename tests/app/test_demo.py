from __future__ import annotations

from pathlib import Path

import pandas as pd

from mlstack_nb.app.demo import write_features


def test_the_demos_table_has_a_row_per_user_and_its_label(tmp_path: Path) -> None:
    path = write_features(tmp_path / "data" / "features.parquet")
    table = pd.read_parquet(path)
    assert list(table.columns) == ["user_id", *(f"feature_{number}" for number in range(1, 31)), "label"]
    assert table["user_id"].tolist() == list(range(1, 570))
    assert table["label"].value_counts().to_dict() == {0: 357, 1: 212}
    assert not table.isna().any(axis=None)


def test_writing_the_demos_table_again_gives_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "features.parquet"
    first = write_features(path).read_bytes()
    assert write_features(path).read_bytes() == first
    assert [found.name for found in tmp_path.iterdir()] == ["features.parquet"]
