"""scipy matrices, scikit-learn models, polars frames, PIL images and matplotlib figures."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from datetime import date
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
from blake3 import blake3
from matplotlib.figure import Figure
from PIL import Image
from polars.testing import assert_frame_equal, assert_series_equal
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.errors import MaterializerError
from mlstack_nb.materializers import choose

mpl.use("agg")


@pytest.mark.parametrize("ending", ["matrix", "array"])
@pytest.mark.parametrize("layout", ["bsr", "coo", "csc", "csr", "dia", "dok", "lil"])
@pytest.mark.filterwarnings("ignore:A value of type scipy:UserWarning")
def test_sparse_matrices_come_back_in_their_layout(layout: str, ending: str, again: Any) -> None:
    dense = np.diag([1.0, 0.0, 2.5])
    for value in (dense, dense.astype("complex64"), dense.astype("i4"), np.zeros((0, 3))):
        matrix = getattr(sp, f"{layout}_{ending}")(value)
        back = again(matrix)
        assert type(back) is type(matrix)
        assert (back.shape, back.dtype) == (matrix.shape, matrix.dtype)
        assert (back.toarray() == value).all()


def test_the_same_sparse_matrix_gives_the_same_file(save: Any) -> None:
    one, other = (save(sp.csr_matrix(np.eye(3))).files["data.npz"].read_bytes() for _ in range(2))
    assert one == other


def test_facts_about_sparse_matrices() -> None:
    matrix = sp.csr_array(np.eye(3))
    facts = choose(matrix)().extract_metadata(matrix)
    assert facts == {"shape": [3, 3], "dtype": "float64", "format": "csr", "stored_values": 3}


def test_a_fitted_model_predicts_the_same(again: Any, save: Any) -> None:
    table = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})
    labels = [0, 0, 1, 1]
    for model in (
        LogisticRegression(C=0.5).fit(table, labels),
        RandomForestClassifier(5, random_state=0).fit(table, labels),
        make_pipeline(StandardScaler(), LogisticRegression()).fit(table, labels),
    ):
        assert choose(model).ASSOCIATED_ARTIFACT_TYPE is ArtifactType.MODEL
        back = again(model)
        assert type(back) is type(model)
        assert (back.predict_proba(table) == model.predict_proba(table)).all()


def test_facts_about_a_model_name_class_version_parameters_and_what_was_fitted() -> None:
    table = pd.DataFrame({"a": [0.0, 1.0], "b": [1.0, 0.0]})
    model = LogisticRegression(C=0.5).fit(table, [0, 1])
    facts = choose(model)().extract_metadata(model)
    assert facts["class"].endswith("LogisticRegression")
    assert facts["sklearn"] == sklearn.__version__
    assert facts["parameters"]["C"] == 0.5
    assert {"coef_", "classes_"} <= set(facts["fitted"])
    assert facts["features"] == ["a", "b"]
    json.dumps(facts, allow_nan=False)


def test_facts_about_a_model_with_odd_parameters_are_json() -> None:
    model = make_pipeline(StandardScaler(), RandomForestClassifier(max_leaf_nodes=None, class_weight={0: float("inf")}))
    json.dumps(choose(model)().extract_metadata(model), allow_nan=False)
    json.dumps(choose(model[1])().extract_metadata(model[1]), allow_nan=False)


FRAMES = [
    pl.DataFrame({"a": [1, None], "b": ["x", None], "c": [1.5, float("nan")], "d": [date(2020, 1, 1), None]}),
    pl.DataFrame(
        {"c": pl.Series(["u", "v"], dtype=pl.Categorical), "e": pl.Series(["u", "v"], dtype=pl.Enum(["v", "u"]))}
    ),
    pl.DataFrame({"l": [[1, 2], None], "s": [{"a": 1}, {"a": None}], "b": [b"x", None], "t": [True, None]}),
    pl.DataFrame({"a": [], "b": []}, schema={"a": pl.Datetime("us", "Europe/Berlin"), "b": pl.Decimal(10, 2)}),
    pl.DataFrame(),
]


@pytest.mark.parametrize("frame", FRAMES, ids=str)
def test_polars_frames_come_back(frame: pl.DataFrame, save: Any) -> None:
    saved = save(frame)
    back = saved.load()
    assert back.schema == frame.schema
    assert_frame_equal(back, frame, check_exact=True)
    assert saved.writer.file_digests() == {"frame.arrow": blake3(saved.files["frame.arrow"].read_bytes()).hexdigest()}


def test_polars_series_come_back(again: Any) -> None:
    for series in (pl.Series("a", [1, None]), pl.Series("", [], dtype=pl.String)):
        assert_series_equal(again(series), series)


def test_chunks_of_a_polars_frame_do_not_change_its_file(save: Any) -> None:
    whole = pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    parts = pl.concat([whole[:1], whole[1:]], rechunk=False)
    assert parts.n_chunks() == 2
    assert save(parts).files["frame.arrow"].read_bytes() == save(whole).files["frame.arrow"].read_bytes()


@pytest.mark.filterwarnings("ignore:A value of type polars:UserWarning")
def test_polars_frames_that_arrow_can_not_hold_are_pickled() -> None:
    objects = pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)})
    for value in (objects, objects["a"], pl.DataFrame({"a": [1]}).lazy(), pl.DataFrame(height=3)):
        assert choose(value).__name__ == "PickleMaterializer"


def test_changing_a_shared_or_loaded_polars_frame_changes_no_other(save: Any) -> None:
    frame = pl.DataFrame({"a": [1.0, 2.0]})
    saved = save(frame)
    for other in (choose(frame).share(frame), saved.load()):
        other[0, "a"] = 9.0
        other.insert_column(0, pl.Series("b", [1, 2]))
        assert frame.to_dict(as_series=False) == {"a": [1.0, 2.0]}
    assert saved.load().to_dict(as_series=False) == {"a": [1.0, 2.0]}


def test_facts_about_polars_frames() -> None:
    facts = choose(FRAMES[0])().extract_metadata(FRAMES[0])
    assert facts["shape"] == [2, 4]
    assert facts["dtypes"] == {"a": "Int64", "b": "String", "c": "Float64", "d": "Date"}


def test_a_damaged_frame_is_a_clear_error(save: Any) -> None:
    saved = save(FRAMES[0])
    saved.files["frame.arrow"].write_bytes(b"nonsense")
    with pytest.raises(MaterializerError, match="does not hold"):
        saved.load()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "HSV", "I", "F", "I;16", "La"])
def test_images_of_every_mode_come_back_equal(mode: str, again: Any) -> None:
    bands = np.arange(64 * 8, dtype=np.uint8)
    width = len(Image.new(mode, (1, 1)).tobytes())
    image = Image.frombytes(mode, (8, 8), bands.tobytes()[: 64 * width] if mode != "1" else bytes(range(8)))
    image.info["dpi"] = (72.0, 72.0)
    back = again(image)
    assert type(back) is Image.Image
    assert back == image
    shown = {"text/plain"} if mode == "La" else {"text/plain", "image/png"}
    assert choose(image)().preview(image).keys() == shown  # type: ignore[union-attr]


def test_an_image_without_pixels_comes_back(again: Any) -> None:
    image = Image.new("RGB", (0, 5))
    assert again(image) == image
    assert choose(image)().preview(image) == {"text/plain": "RGB image of 0 x 5"}


def test_a_photo_comes_back_as_a_plain_image_with_the_same_pixels(again: Any) -> None:
    file = io.BytesIO()
    Image.fromarray(np.arange(300, dtype=np.uint8).reshape(10, 10, 3)).save(file, "JPEG")
    photo = Image.open(file)
    back = again(photo)
    assert type(back) is Image.Image
    assert back.tobytes() == photo.tobytes()


def test_the_preview_of_a_large_image_is_small() -> None:
    image = Image.effect_noise((1000, 1000), 50)
    data = base64.b64decode(choose(image)().preview(image)["image/png"])  # type: ignore[index]
    assert max(Image.open(io.BytesIO(data)).size) == 256


def figure() -> Figure:
    drawn = Figure(figsize=(4, 3))
    axes = drawn.subplots()
    axes.plot([1, 2, 3], label="<b>")
    axes.set_title("growth")
    return drawn


def test_a_figure_comes_back_with_a_picture_beside_it(save: Any) -> None:
    saved = save(figure())
    back = saved.load()
    assert type(back) is Figure
    assert back.axes[0].lines[0].get_ydata().tolist() == [1, 2, 3]
    assert Image.open(saved.files["figure.png"]).format == "PNG"
    file = io.BytesIO()
    back.savefig(file, format="png")
    assert file.getvalue() == saved.files["figure.png"].read_bytes()


def test_facts_and_preview_of_a_figure() -> None:
    drawn = figure()
    facts = choose(drawn)().extract_metadata(drawn)
    assert facts == {"width_inches": 4.0, "height_inches": 3.0, "axes": 1, "titles": ["growth"]}
    data = base64.b64decode(choose(drawn)().preview(drawn)["image/png"])  # type: ignore[index]
    assert Image.open(io.BytesIO(data)).size == (480, 360)


def test_a_loaded_figure_is_not_opened_by_pyplot(tmp_path: Any) -> None:
    code = f"""
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
from mlstack_nb.materializers import choose
figure, axes = plt.subplots()
axes.plot([1, 2])
writer = choose(figure)({str(tmp_path)!r})
writer.save(figure)
assert plt.get_fignums() == [1]
plt.close("all")
back = choose(figure)({str(tmp_path)!r}).load(type(figure))
assert plt.get_fignums() == [], plt.get_fignums()
assert len(back.axes) == 1
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
