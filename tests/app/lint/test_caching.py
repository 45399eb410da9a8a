"""MLS3: what the cache does not see, and what is done again each time."""

from __future__ import annotations

import pytest
from linted import found, in_module, in_step, rules

IMPORTS = (
    "import io, json, os, glob, pickle\nfrom pathlib import Path\nimport numpy as np\nimport pandas as pd\n"
    "import polars as pl\nimport joblib\nfrom PIL import Image\nfrom os.path import join"
)


@pytest.mark.parametrize(
    "line",
    [
        "x = pd.read_csv('data/a.csv')",
        "x = pd.read_csv(filepath_or_buffer='data/a.csv', sep=';')",
        "x = pl.scan_parquet('a.parquet')",
        "x = np.load('a.npy')",
        "x = open('a.txt').read()",
        "x = json.load(open('a.json'))",
        "x = open('a.txt', 'rb').read()",
        "x = Path('a.txt').read_text()",
        "x = (Path('data') / 'a.txt').open().read()",
        "x = pd.read_csv(Path('data') / 'a.csv')",
        "x = pd.read_csv(os.path.join('data', 'a.csv'))",
        "x = pd.read_csv(join('data', 'a.csv'))",
        "name = 'a.csv'; x = pd.read_csv(name)",
        "name = 'a'; x = pd.read_csv(f'{name}.csv')",
        "p = Path('a.csv'); x = p.read_text()",
        "x = joblib.load('model.joblib')",
        "x = Image.open('a.png')",
        "x = glob.glob('data/*.csv')",
    ],
)
def test_files_read_by_plain_text_are_found(line: str) -> None:
    assert in_step(line, imports=IMPORTS) == ["1 MLS301"]


@pytest.mark.parametrize(
    "line",
    [
        "x = pd.read_csv(io.StringIO('a,b'))",
        "f = open('log.txt', 'w')",
        "f = open('log.txt', mode='a')",
        "Path('a').write_text('x')",
        "f = Path('a').open('w')",
        "pd.DataFrame().to_csv('a.csv'); x = pd.read_csv('a.csv')",
        "open('a.txt', 'w').write('x'); x = open('a.txt').read()",
        "x = os.open('a', 0)",
        "np.save('numbers', [1]); x = np.load('numbers.npy')",
        "download('https://x.org', 'a.csv'); x = pd.read_csv('a.csv')",
        "os.makedirs('made'); x = open('made/a.txt').read()",
        "def read(path): return pd.read_csv(path)",
        "x = [pd.read_csv(one) for one in []]",
        "x = open(0).read()",
        "x = pd.read_csv(given)",
    ],
)
def test_writing_and_unknown_paths_are_fine(line: str) -> None:
    assert in_step(line, imports=f"{IMPORTS}\ngiven = Path('a.csv')\ndownload = print") == []


@pytest.mark.parametrize(
    "cell",
    [
        "source = Path('a.csv')",
        "folder = Path('data')\nsource = folder / 'a.csv'",
        "source: Annotated[str, DataFile()] = 'a.csv'",
    ],
)
def test_declared_files_are_fine(cell: str) -> None:
    imports = f"{IMPORTS}\nfrom typing import Annotated\nfrom mlstack_nb import DataFile"
    assert rules(imports, cell, "%%step s -> a\na = pd.read_csv(source)") == []
    assert rules(imports, cell, "def load():\n    return pd.read_csv(source)", "%%step s -> a\na = load()") == []


def test_files_below_a_declared_folder_are_fine() -> None:
    assert rules(IMPORTS, "folder = Path('data')", "%%step s -> a\na = pd.read_csv(folder / 'a.csv')") == []


def test_a_path_that_is_a_plain_text_of_an_ordinary_cell_is_found() -> None:
    one = found(IMPORTS, "source = 'a.csv'", "%%step s -> a\na = pd.read_csv(source)")[0]
    assert (one.rule, one.where) == ("MLS301", "cell 3, line 2")
    assert one.hint.endswith("source: Annotated[str, DataFile()] = 'a.csv'")
    assert rules(IMPORTS, "folder = 'data'", "%%step s -> a\na = pd.read_csv(f'{folder}/a.csv')") == ["3:2 MLS301"]


def test_a_helper_that_the_step_calls_counts() -> None:
    assert rules(IMPORTS, "def load():\n    return pd.read_csv('a.csv')", "%%step s -> a\na = load()") == ["2:2 MLS301"]


def test_files_that_the_step_names_are_fine() -> None:
    assert rules(IMPORTS, "%%step s -> a --files data/a.csv\na = pd.read_csv('data/a.csv')") == []
    assert rules(IMPORTS, "%%step s -> a --files data\na = pd.read_csv('./data/a.csv')") == []
    assert rules(IMPORTS, "%%step s -> a --no-cache\na = pd.read_csv('data/a.csv')") == []


def test_a_file_of_a_step_function_counts_by_its_parameters_type() -> None:
    text = (
        "import pandas as pd\nfrom typing import Annotated\nfrom mlstack_nb import DataFile, step\n"
        "@step\ndef load(path{} = 'a.csv'):\n    return pd.read_csv(path)\n"
    )
    assert in_module(text.format(": str")) == ["6 MLS301"]
    assert in_module(text.format(": Annotated[str, DataFile()]")) == []


def test_a_step_function_in_cells_is_given_a_text() -> None:
    cells = (
        "import pandas as pd\nfrom mlstack_nb import pipeline, step",
        "@step\ndef load(path: str) -> pd.DataFrame:\n    return pd.read_csv(path)",
        "@pipeline\ndef p():\n    load('a.csv')",
        "p()",
    )
    assert rules(*cells) == ["2:3 MLS301"]


def test_a_notebook_without_steps_counts_as_one() -> None:
    assert rules(IMPORTS, "table = pd.read_csv('a.csv')") == ["2:1 MLS301"]
    declared = "from typing import Annotated\nfrom mlstack_nb import DataFile"
    parameters = ("source: Annotated[str, DataFile()] = 'a.csv'", "parameters")
    assert rules(IMPORTS, declared, parameters, "table = pd.read_csv(source)") == []


MODELS = (
    f"{IMPORTS}\nfrom sklearn.preprocessing import StandardScaler\nimport matplotlib.pyplot as plt\n"
    "COLUMNS = ['a', 'b']"
)


@pytest.mark.parametrize(
    ("cell", "what"),
    [
        ("value = pd.read_csv('a.csv')", "reads data"),
        ("value = StandardScaler().fit([[1]])", "fits"),
        ("value = []\nfor name in os.listdir('a'):\n    value.append(name)", "loops over data"),
        ("figure, value = plt.subplots()", "draws"),
        ("with open('a') as f:\n    value = pd.read_csv(f)", "reads data"),
        ("from sklearn.datasets import fetch_openml\nvalue = fetch_openml('iris')", "fetches data"),
    ],
)
def test_heavy_work_before_a_step_is_found(cell: str, what: str) -> None:
    heavy = [one for one in found(MODELS, cell, "%%step s -> a\na = value") if one.rule == "MLS302"]
    assert [one.place.index for one in heavy] == [1]
    assert what in heavy[0].message


@pytest.mark.parametrize(
    "cell",
    [
        "value = 3 * 4",
        "value = [name.upper() for name in COLUMNS]",
        "value = {}\nfor name in COLUMNS:\n    value[name] = 1",
        "value = {}\nfor name in range(10):\n    value[name] = 1",
        "def value():\n    return pd.read_csv(given)",
        "value = Path('a.csv')",
        "plt.rcParams['figure.dpi'] = 100\nvalue = 1 + 1",
    ],
)
def test_light_work_is_fine(cell: str) -> None:
    assert rules(MODELS, "given = Path('a')", cell, "%%step s -> a\na = value") == []


def test_heavy_cells_that_no_step_needs_are_fine() -> None:
    cells = (
        MODELS,
        "table = pd.read_csv('a.csv')\ntable.plot()\nfor row in table:\n    print(row)",
        "%%step s -> a\na = 1",
    )
    assert rules(*cells) == []


def test_a_heavy_cell_names_the_steps_that_need_it() -> None:
    cells = (MODELS, "table = pd.read_csv('a.csv')", "%%step s -> a\na = table", "%%step t -> b\nb = table, a")
    assert [(one.rule, one.steps) for one in found(*cells)] == [("MLS302", ("s", "t"))]


def test_a_name_bound_in_one_function_says_nothing_of_another() -> None:
    assert in_step("def f(name): return open(name)", "name = 'a'", "f(name)", imports=IMPORTS) == []


def test_files_that_are_looked_for_need_a_folder() -> None:
    one = found(IMPORTS, "%%step s -> a\na = glob.glob('data/rides/*.csv')")[0]
    assert one.message == "The files 'data/rides/*.csv' are looked for, but the cache does not count them."
    assert "folder = Path('data/rides')" in one.hint
