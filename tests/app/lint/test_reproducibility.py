"""MLS2: what gives another result in each run."""

from __future__ import annotations

import pytest
from linted import found, in_module, in_step, rules

SKLEARN = (
    "import numpy as np, random\nfrom sklearn.model_selection import *\n"
    "from sklearn.ensemble import RandomForestClassifier\nfrom sklearn.model_selection import KFold, train_test_split\n"
    "from sklearn.linear_model import LogisticRegression\nfrom sklearn.cluster import KMeans as Clusters\n"
    "import sklearn.utils\nimport torch\nfrom random import random as r\nfrom numpy.random import default_rng\n"
    "from numpy import random as npr\nimport tensorflow as tf\nframe = X = y = options = None\n"
)


@pytest.mark.parametrize(
    "line",
    [
        "x = np.random.rand(3)",
        "np.random.shuffle(options)",
        "x = npr.normal()",
        "x = random.random()",
        "x = r()",
        "x = [random.choice('ab') for _ in range(3)]",
        "x = np.random.default_rng()",
        "x = default_rng(None)",
        "x = np.random.RandomState()",
        "x = np.random.Generator(np.random.PCG64())",
        "x = random.Random()",
        "a, b = train_test_split(X)",
        "a, b = train_test_split(X, random_state=None)",
        "m = RandomForestClassifier().fit(X, y)",
        "m = RandomForestClassifier(n_estimators=10, n_jobs=-1)",
        "m = Clusters(3)",
        "k = KFold(5, shuffle=True)",
        "m = LogisticRegression(solver='saga')",
        "a = sklearn.utils.shuffle(X)",
        "s = frame.sample(frac=0.1)",
        "w = torch.randn(3)",
        "w = torch.nn.Linear(3, 1)",
        "d = torch.utils.data.DataLoader(X, shuffle=True)",
        "w = tf.random.normal([3])",
        "%time x = np.random.rand(3)",
        "draw = np.random.rand; x = draw(3)",
    ],
)
def test_randomness_without_a_seed_is_found(line: str) -> None:
    assert in_step(line, imports=SKLEARN) == ["1 MLS201"]


@pytest.mark.parametrize(
    "line",
    [
        "np.random.seed(0); x = np.random.rand(3)",
        "np.random.seed(0); a, b = train_test_split(X)",
        "random.seed(1); x = random.random()",
        "x = np.random.default_rng(0)",
        "x = np.random.default_rng(seed=options)",
        "x = np.random.RandomState(42).rand(3)",
        "x = random.Random(3).random()",
        "a, b = train_test_split(X, random_state=0)",
        "a, b = train_test_split(X, shuffle=False)",
        "a, b = train_test_split(X, **options)",
        "m = RandomForestClassifier(random_state=options)",
        "m = LogisticRegression()",
        "m = LogisticRegression(solver='saga', random_state=0)",
        "k = KFold(5)",
        "s = frame.sample(frac=0.1, random_state=1)",
        "s = frame.sample(10)",
        "torch.manual_seed(0); w = torch.randn(3)",
        "w = torch.zeros(3)",
        "w = torch.rand(3, generator=options)",
        "w = tf.random.normal([3], seed=1)",
        "random = X; x = random.random()",
        "tf.keras.utils.set_random_seed(0); x = np.random.rand(3); w = tf.random.normal([3])",
        "f = RandomForestClassifier",
    ],
)
def test_seeded_and_other_code_is_fine(line: str) -> None:
    assert in_step(line, imports=SKLEARN) == []


def test_a_seed_of_none_is_no_seed() -> None:
    assert in_step("np.random.seed()", "x = np.random.rand()", imports="import numpy as np") == ["2 MLS201"]


def test_the_own_generator_of_a_module_is_told_once() -> None:
    assert in_step("a = np.random.rand()", "b = np.random.rand()", imports="import numpy as np") == ["1 MLS201"]


def test_a_seed_in_an_ordinary_cell_counts_where_it_travels_with_the_step() -> None:
    cells = ("import numpy as np\nimport torch", "np.random.seed(0)")
    assert rules(*cells, "%%step s -> a\na = np.random.rand()") == []
    # the step reads nothing of numpy, so the cell that seeds stays behind
    split = "from sklearn.model_selection import train_test_split"
    assert rules(split, *cells, "%%step s -> a\na = train_test_split([1, 2])") == ["4:2 MLS201"]


def test_a_function_of_ones_own_that_seeds_counts() -> None:
    helper = "import random\ndef set_seed(n):\n    random.seed(n)"
    assert rules(helper, "%%step s -> a\nset_seed(1)\na = random.random()") == []


def test_randomness_of_an_ordinary_cell_that_gives_a_step_its_values_counts() -> None:
    assert rules("import numpy as np", "noise = np.random.rand(3)", "%%step s -> a\na = noise.sum()") == ["2:1 MLS201"]


CLOCK = "import time, datetime as dt\nfrom datetime import datetime, date\nimport pandas as pd\nimport numpy as np"


@pytest.mark.parametrize(
    "line",
    [
        "x = datetime.now()",
        "x = dt.datetime.utcnow()",
        "x = date.today()",
        "x = time.time()",
        "x = pd.Timestamp.now()",
        "x = pd.Timestamp('now')",
        "x = np.datetime64('today')",
        "x = time.strftime('%Y')",
        "x = datetime.now().strftime('%Y')",
        "x = datetime.now() - dt.timedelta(days=7)",
        "x = int(time.time()) - 5",
        "def f(): return date.today()",
    ],
)
def test_the_clock_is_found(line: str) -> None:
    assert in_step(line, imports=CLOCK) == ["1 MLS202"]


@pytest.mark.parametrize(
    "line",
    [
        "t = time.time(); print(time.time() - t)",
        "t = datetime.now(); x = 1; print('took', datetime.now() - t)",
        "t = time.time(); e = time.time(); print(e - t)",
        "def timed(): began = time.time(); print('x')",
        "x = time.perf_counter()",
        "x = time.strftime('%Y', (1,))",
        "x = datetime(2020, 1, 1)",
        "x = pd.Timestamp('2020-01-01')",
        "time.sleep(1)",
        "x = frame.time.time()",
    ],
)
def test_measuring_and_given_times_are_fine(line: str) -> None:
    assert in_step(line, imports=f"{CLOCK}\nframe = None") == []


def test_the_clock_in_an_ordinary_cell_counts_by_its_value() -> None:
    assert rules("import time\nnow = time.time()", "%%step s -> a\na = now") == []


@pytest.mark.parametrize("option", ["--no-cache", "--expires 12h", "--salt v1"])
def test_a_step_whose_author_said_that_results_do_not_keep_may_look_around(option: str) -> None:
    body = "import time, requests\na = time.time()\nb = requests.get('https://x.org')"
    assert rules(f"%%step s -> a {option}\n{body}") == []
    assert rules(f"%%step s -> a\n{body}") == ["1:3 MLS202", "1:4 MLS203"]


NETWORK = (
    "import requests, httpx, urllib.request\nfrom urllib.request import urlopen\nimport pandas as pd\nurl = base = 1"
)


@pytest.mark.parametrize(
    "line",
    [
        "x = requests.get('https://x.org')",
        "x = requests.Session()",
        "x = httpx.post('https://x.org')",
        "x = urllib.request.urlopen('https://x.org')",
        "x = urlopen('https://x.org')",
        "x = pd.read_csv('https://x.org/a.csv')",
        "x = pd.read_json(f'http://x.org/{base}')",
        "x = pd.read_csv('https://x.org/' + str(base))",
        "x = pd.read_sql('select 1', base)",
        "!wget https://x.org/a.csv",
        "!curl -O https://x.org/a.csv",
    ],
)
def test_reads_from_the_network_are_found(line: str) -> None:
    assert in_step(line, imports=NETWORK) == ["1 MLS203"]


@pytest.mark.parametrize(
    "line", ["x = 'https://x.org'", "x = requests.Request", "x = base.get('https://x.org')", "!ls"]
)
def test_addresses_alone_and_other_methods_are_fine(line: str) -> None:
    assert in_step(line, imports=NETWORK) == []


def test_an_address_in_a_parameter_is_read_from_the_network_all_the_same() -> None:
    cells = ("import pandas as pd", "source = 'https://x.org/a.csv'", "%%step s -> a\na = pd.read_csv(source)")
    assert rules(*cells) == ["3:2 MLS203"]


def test_step_functions_that_are_not_cached_may_look_around() -> None:
    text = "import time\nfrom mlstack_nb import step\n@step{}\ndef load():\n    return time.time()\n"
    assert in_module(text.format("")) == ["5 MLS202"]
    assert in_module(text.format("(enable_cache=False)")) == []


def test_messages_name_what_was_written_and_the_way_out() -> None:
    one = found("import numpy as np", "%%step s -> a\na = np.random.default_rng().random()")[0]
    assert (one.message, one.hint) == (
        "`numpy.random.default_rng()` has no seed.",
        "Give it one: default_rng(0).",
    )
    assert (one.where, one.column, one.steps) == ("cell 2, line 2", 5, ("s",))
