"""Values that are known without a kernel, and those that only a kernel can tell."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from mlstack_nb.source.pure_values import pure_values


def value(text, name="x", given=None):
    found = pure_values(ast.parse(text).body, [name], given or {})
    return "unknown" if found is None else found[name]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1 + 2 * 3", 7),
        ("n = 2\nx: int = n / 4", 0.5),
        ("from pathlib import Path\nx = Path('data') / 'a.csv'", Path("data/a.csv")),
        ("import pathlib as p\nx = p.Path('data').joinpath('a').with_suffix('.csv')", Path("data/a.csv")),
        ("import os, numpy as np\nx = os.path.join('data', 'a.csv')", "data/a.csv"),
        ("from os.path import join as j\nx = j('a', 'b')", "a/b"),
        ("import math\nx = math.floor(math.pi)", 3),
        ("a = 'x'\nx = f'{a!r:>5}'", "  'x'"),
        ("x = [f'x{k}' for k in range(3) if k]", ["x1", "x2"]),
        ("x = {'a': (1, 2), **dict(b=3)}", {"a": (1, 2), "b": 3}),
        ("a, *x = [1, 2, 3]", [2, 3]),
        ("x = 'a,b'.split(',')[0].upper()", "A"),
        ("x = 1 if len([1]) > 0 else 2", 1),
    ],
)
def test_plain_arithmetic_is_known(text, expected):
    assert value(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "x = open('a').read()",
        "x = __import__('os').getcwd()",
        "import os\nx = os.getcwd()",
        "import os\nx = os.environ['HOME']",
        "import numpy as np\nx = np.ones(3)",
        "x = print(1)",
        "x = (1).__class__",
        "x = 2 ** 3",
        "x = 'a' * 10 ** 9",
        "x = [0] * 1000000000",
        "x = list(range(10 ** 9))",
        "x = list(range(1000000000))",
        "x = (lambda: 1)()",
        "x = y",
        "x = 1 / 0",
        "def f(): return 1\nx = f()",
        "x = []\nx[0] = 1",
        "from pathlib import Path\nx = Path('a').read_text()",
        "from pathlib import Path\nx = Path.cwd()",
        "from os.path import exists\nx = exists('a')",
    ],
)
def test_everything_else_is_not(text):
    assert value(text) == "unknown"


def test_a_given_value_takes_its_place_where_the_name_is_set():
    nodes = ast.parse("a = 1\nb = a * 2\na = 5\nx = [a, b]").body
    assert pure_values(nodes, ["x"], {id(nodes[0]): {"a": 10}}) == {"x": [5, 20]}
