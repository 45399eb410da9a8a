"""Materializers as ZenML has them: notes on 0.98, tables 1.6 and 7 (10, 18 to 20)."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from PIL import Image
from pydantic import BaseModel
from sklearn.linear_model import LinearRegression
from zenml import load_artifact, pipeline, save_artifact, step
from zenml.enums import ArtifactType, VisualizationType
from zenml.exceptions import MaterializerInterfaceError, StepInterfaceError
from zenml.io import fileio
from zenml.materializers.base_materializer import BaseMaterializer
from zenml.types import CSVString, HTMLString, JSONString, MarkdownString

from mlstack_nb import Client


class Point(BaseModel):
    x: int
    inner: dict[str, list[float]] = {}


@dataclass
class Place:
    name: str
    points: list[int] = field(default_factory=list)


class Temperature:
    """No type that anybody knows."""

    def __init__(self, degrees: float) -> None:
        self.degrees = degrees

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Temperature) and other.degrees == self.degrees

    __hash__ = object.__hash__


def through_a_step(value: Any) -> Any:
    """What a second step gets, and the artifact that is between them; read back from the store."""

    @step(enable_cache=False)
    def give() -> Any:
        return value

    give()
    return Client().list_artifact_versions(size=1)[0]


PLAIN = [
    True,
    0,
    -(2**70),
    1.5,
    float("inf"),
    "",
    "zwölf\r\n\0",
    None,
    b"",
    b"\x00\xff",
    [],
    [1, "a", None, [2.5]],
    {},
    {"a": {"b": [1]}},
    {1: "int key", (2, 3): "tuple key"},
    (),
    (1, ("a", b"b")),
    set(),
    {1, 2, 3},
    frozenset({"a"}),
    uuid.UUID(int=5),
    Point(x=1, inner={"a": [1.0]}),
    Place("here", [1, 2]),
    HTMLString("<b>1</b>"),
    MarkdownString("**1**"),
    CSVString("a,b\n1,2"),
    JSONString('{"a": 1}'),
]


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: f"{type(value).__name__}-{str(value)[:12]!a}")
def test_a_value_comes_back_equal_and_of_its_type(value: Any) -> None:
    loaded = through_a_step(value).load()
    assert type(loaded) is type(value)
    assert loaded == value


@pytest.mark.parametrize("value", [Temperature(21.5), np.array([1, "a"], dtype=object)], ids=["class", "objects"])
def test_what_nobody_knows_is_pickled_and_that_is_told(value: Any) -> None:
    with pytest.warns(UserWarning, match="was stored as a pickle"):
        found = through_a_step(value)
    assert np.array_equal(found.load(), value)


def test_a_set_comes_back_as_a_set_and_a_tuple_as_a_tuple_inside_containers() -> None:
    loaded = through_a_step({"a": [{1, 2}, (3, frozenset({4}))]}).load()
    assert loaded == {"a": [{1, 2}, (3, frozenset({4}))]}
    assert type(loaded["a"][1]) is tuple


FRAMES = {
    "frame": pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.to_datetime(["2026-01-01", None])}),
    "indexed": pd.DataFrame({"a": [1.0, 2.0]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", "n"])),
    "series": pd.Series([1, 2], name="s", index=["x", "y"]),
    "empty": pd.DataFrame(),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames_come_back_equal(name: str) -> None:
    loaded = through_a_step(FRAMES[name]).load()
    compare = pd.testing.assert_series_equal if name == "series" else pd.testing.assert_frame_equal
    compare(loaded, FRAMES[name])


ARRAYS = [
    np.arange(6).reshape(2, 3),
    np.array([]),
    np.array(["a", "b"]),
    np.float32(1.5),
]


@pytest.mark.parametrize("value", ARRAYS, ids=lambda value: f"{np.asarray(value).dtype}-{np.shape(value)}")
def test_arrays_come_back_equal(value: Any) -> None:
    loaded = through_a_step(value).load()
    assert np.asarray(loaded).dtype == np.asarray(value).dtype
    assert np.array_equal(loaded, value)


def test_polars_frames_come_back_equal() -> None:
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"]})
    assert through_a_step(frame).load().equals(frame)


def test_sparse_matrices_come_back_equal() -> None:
    matrix = sp.csr_matrix(np.eye(3))
    loaded = through_a_step(matrix).load()
    assert loaded.format == "csr"
    assert (loaded != matrix).nnz == 0


def test_images_come_back_equal() -> None:
    image = Image.new("RGB", (2, 2), (1, 2, 3))
    assert through_a_step(image).load().getpixel((1, 1)) == (1, 2, 3)


def test_a_fitted_model_predicts_the_same_and_is_a_model() -> None:
    found = through_a_step(LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0]))
    assert found.load().predict([[3.0]]).tolist() == pytest.approx([6.0])
    assert found.type == ArtifactType.MODEL


def test_a_folder_comes_back_whole(tmp_path: Path) -> None:
    (tmp_path / "data" / "inner").mkdir(parents=True)
    (tmp_path / "data" / "inner" / "a.txt").write_text("a")
    loaded = through_a_step(tmp_path / "data").load()
    assert (loaded / "inner" / "a.txt").read_text() == "a"


def test_a_list_of_frames_comes_back_as_one() -> None:
    loaded = through_a_step([FRAMES["frame"], {"in": FRAMES["series"]}]).load()
    pd.testing.assert_frame_equal(loaded[0], FRAMES["frame"])
    pd.testing.assert_series_equal(loaded[1]["in"], FRAMES["series"])


def test_small_values_need_no_file() -> None:
    assert through_a_step(3).uri.startswith("mlstack://")


def test_equal_frames_have_equal_hashes_whoever_made_them() -> None:
    first, second = save_artifact(FRAMES["frame"], "a"), save_artifact(FRAMES["frame"].copy(), "a")
    assert first.content_hash == second.content_hash


# Own ones


class Reading:
    def __init__(self, celsius: float) -> None:
        self.celsius = celsius


class ReadingMaterializer(BaseMaterializer):
    ASSOCIATED_TYPES = (Reading,)
    ASSOCIATED_ARTIFACT_TYPE = ArtifactType.STATISTICS

    def load(self, data_type: type[Reading]) -> Reading:
        with self.artifact_store.open(os.path.join(self.uri, "reading.txt"), "r") as file:
            return data_type(float(file.read()))

    def save(self, data: Reading) -> None:
        with self.artifact_store.open(os.path.join(self.uri, "reading.txt"), "w") as file:
            file.write(str(data.celsius))

    def save_visualizations(self, data: Reading) -> dict[str, VisualizationType]:
        place = os.path.join(self.uri, "reading.html")
        with fileio.open(place, "w") as file:
            file.write(f"<b>{data.celsius} °C</b>")
        return {place: VisualizationType.HTML}

    def extract_metadata(self, data: Reading) -> dict[str, Any]:
        return {"celsius": data.celsius}

    def compute_content_hash(self, data: Reading) -> str | None:
        return str(round(data.celsius))


def test_subclassing_is_enough_to_write_a_type() -> None:
    found = through_a_step(Reading(21.0))
    assert found.load().celsius == 21.0
    assert (found.type, found.run_metadata["celsius"]) == (ArtifactType.STATISTICS, 21.0)
    assert [file.name for file in Path(found.uri).iterdir()] == ["reading.txt"]


def test_a_subclass_of_the_type_is_written_by_the_nearest_bases_materializer() -> None:
    loaded = through_a_step(Colder(3.0)).load()
    assert (type(loaded), loaded.celsius) == (Colder, 3.0)


class Colder(Reading):
    pass


def test_its_visualization_is_what_a_notebook_shows(capsys: pytest.CaptureFixture[str]) -> None:
    found = through_a_step(Reading(21.0))
    assert dict(found._row.artifact.preview) == {"text/html": "<b>21.0 °C</b>"}


class RoundedMaterializer(BaseMaterializer):
    SKIP_REGISTRATION = True

    def load(self, data_type: type[Fraction]) -> Fraction:
        return data_type((Path(self.uri) / "fraction").read_text())

    def save(self, data: Fraction) -> None:
        (Path(self.uri) / "fraction").write_text(str(data))

    def compute_content_hash(self, data: Fraction) -> str | None:
        return str(round(data))


def test_its_content_hash_says_what_is_equal() -> None:
    numbers = [Fraction("21.1"), Fraction("20.9"), Fraction(25)]
    made = [save_artifact(number, "r", materializer=RoundedMaterializer) for number in numbers]
    near, same, other = (one.content_hash for one in made)
    assert near == same != other
    assert made[0].load() == Fraction("21.1")


def test_an_object_of_the_projects_own_class_counts_by_its_state_whatever_the_hash_says() -> None:
    near, same = (save_artifact(Reading(degrees), "r").content_hash for degrees in (21.1, 20.9))
    assert near != same


def test_values_go_from_step_to_step_by_it() -> None:
    @step
    def measure() -> Reading:
        return Reading(20.0)

    @step
    def double(reading: Reading) -> float:
        return reading.celsius * 2

    @pipeline
    def measuring() -> None:
        double(measure())

    assert measuring().steps["double"].output.load() == 40.0


class PlainReadingMaterializer(BaseMaterializer):
    SKIP_REGISTRATION = True
    ASSOCIATED_TYPES = (Reading,)

    def load(self, data_type: type[Reading]) -> Reading:
        with self.get_temporary_directory() as scratch:
            copy = os.path.join(scratch, "copy")
            self.artifact_store.copyfile(os.path.join(self.uri, "plain"), copy)
            return data_type(float(Path(copy).read_text()))

    def save(self, data: Reading) -> None:
        (Path(self.uri) / "plain").write_text(str(data.celsius))


@pytest.mark.parametrize(
    "given", [PlainReadingMaterializer, [PlainReadingMaterializer], {"output": PlainReadingMaterializer}]
)
def test_a_step_may_choose_another_for_its_outputs(given: Any) -> None:
    step(name="give", output_materializers=given)(lambda: Reading(1.0))()
    found = Client().list_artifact_versions(size=1)[0]
    assert [file.name for file in Path(found.uri).iterdir()] == ["plain"]
    assert found.load().celsius == 1.0


def test_another_may_be_chosen_for_what_is_saved_by_hand() -> None:
    made = save_artifact(Reading(1.0), "r", materializer=PlainReadingMaterializer)
    assert [file.name for file in Path(made.uri).iterdir()] == ["plain"]
    assert load_artifact("r").celsius == 1.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"outptu": ReadingMaterializer}, "no output 'outptu'"),
        (int, "subclass of BaseMaterializer"),
        ("no.such.Materializer", "can not be imported"),
    ],
    ids=["name", "class", "path"],
)
def test_a_materializer_that_can_not_be_is_refused_where_it_is_written(given: Any, message: str) -> None:
    with pytest.raises(StepInterfaceError, match=message):
        step(output_materializers=given)(lambda: 1)


@pytest.mark.parametrize(
    "attributes",
    [{"ASSOCIATED_TYPES": [int]}, {"ASSOCIATED_TYPES": (1,)}, {"ASSOCIATED_ARTIFACT_TYPE": "model"}],
    ids=["list", "no class", "text"],
)
def test_a_class_that_is_declared_wrongly_is_refused(attributes: dict[str, Any]) -> None:
    with pytest.raises(MaterializerInterfaceError):
        type("Wrong", (BaseMaterializer,), attributes)


def test_a_subclass_without_types_is_a_base_for_others() -> None:
    assert issubclass(type("Base", (BaseMaterializer,), {}), BaseMaterializer)


def test_files_are_handled_by_zenmls_names(tmp_path: Path) -> None:
    fileio.makedirs(tmp_path / "a" / "b")
    with fileio.open(tmp_path / "a" / "b" / "c.txt", "w") as file:
        file.write("123")
    fileio.copy(tmp_path / "a" / "b" / "c.txt", tmp_path / "d.txt")
    assert (fileio.exists(tmp_path / "d.txt"), fileio.isdir(tmp_path / "a"), fileio.size(tmp_path / "d.txt")) == (
        True,
        True,
        3,
    )
    assert fileio.listdir(tmp_path / "a") == ["b"]
    assert [len(files) for _, _, files in fileio.walk(tmp_path / "a")] == [0, 1]
    with pytest.raises(FileExistsError):
        fileio.rename(tmp_path / "a" / "b" / "c.txt", tmp_path / "d.txt")
    fileio.rmtree(tmp_path / "a")
    fileio.remove(tmp_path / "d.txt")
    assert fileio.glob(str(tmp_path / "[ad]*")) == []


def test_a_materializer_of_a_process_that_ended_reads_in_another(tmp_path: Path) -> None:
    import subprocess
    import sys

    (tmp_path / "measuring.py").write_text(SCRIPT)
    for word in ("write", "read"):
        done = subprocess.run([sys.executable, "measuring.py", word], check=True, capture_output=True, text=True)
    assert done.stdout == "4.0\n"


SCRIPT = """
import sys
import mlstack_nb.compat.zenml
from zenml import step
from zenml.client import Client
from zenml.materializers.base_materializer import BaseMaterializer

class Depth:
    def __init__(self, metres): self.metres = metres

class DepthMaterializer(BaseMaterializer):
    ASSOCIATED_TYPES = (Depth,)
    def save(self, data): open(self.uri + "/d", "w").write(str(data.metres))
    def load(self, data_type): return data_type(float(open(self.uri + "/d").read()))

@step
def measure() -> Depth:
    return Depth(4.0)

if sys.argv[1] == "write":
    measure()
else:
    print(Client().get_pipeline("measure").last_run.steps["measure"].output.load().metres)
"""
