"""Notebooks to export: one for each thing that a module writes in another way than a notebook does."""

from __future__ import annotations

TRAINING = (
    "%load_ext mlstack_nb\n%matplotlib inline",
    ("depth = 3  # how deep\nrate: float = 0.5", ["parameters"]),
    (
        "import math\nimport os, sys\nimport pandas as pd\nfrom typing import Annotated\n\nLIMIT = 10\n\n"
        "# keeps what is there\ndef clean(table):\n    '''No gaps.'''\n    return table.dropna().head(LIMIT)"
    ),
    "print('exploring', LIMIT)\nunused = 1 / 1",
    "%%step load -> table\n# three rows\ntable = pd.DataFrame({'a': [1.0, None, 3.0]})\ntable",
    "%%step tidy -> tidied\ntidied: Annotated[pd.DataFrame, 'tidy_table'] = clean(table)\ntidied.describe()",
    (
        "%%step train -> score, note --retries 2 --expires 7d\n"
        "score = math.floor(tidied['a'].sum() * rate) * depth\nnote = '''two\n  lines'''\nprint(note)"
    ),
    "%%step report --after train --no-cache\nprint('done', score)",
)
VALUES = (
    (
        "from pathlib import Path\nimport pandas as pd\nsize = 4\nfolder = Path('nb.ipynb')\n"
        "names = [f'x{k}' for k in range(size)]\n"
        "frame = pd.DataFrame({'a': range(size)})"
    ),
    "%%step count -> total\ntotal = len(names) + len(frame) + len(str(folder))",
    "%%step double -> twice\ntwice = total * 2 + size",
)
HELPERS = (
    ("weight = 2", ["parameters"]),
    "bias = 1\n\ndef scaled(x):\n    return x * weight + bias",
    "class Model:\n    def fit(self, x):\n        return scaled(x)",
    "%%step first -> a\na = scaled(3)",
    "%%step second -> b\nb = Model().fit(a)",
)
OWN_NAMES = (
    "def train(x):\n    return x + 1",
    "%%step train -> model\nmodel = train(1)",
    "%%step load-all -> step\nstep = model * 2",
    "%%step last -> pipeline\npipeline = step + 1",
)
CHAIN = (
    "%%step one -> df\ndf = [1]",
    "%%step two -> df\ndf = [*df, 2]",
    "%%step three -> total\ntotal = sum(df)",
)
REBOUND = (
    "level = 1",
    "%%step low -> a\na = level",
    "level = 2",
    "%%step high -> b\nb = level + a",
)
TAGGED = (
    ("import math", ["imports"]),
    ("def area(r):\n    return math.pi * r * r", ["functions"]),
    ("radius = 2.0", ["pipeline-parameters"]),
    ("r2 = radius * 2\nr2", ["step:double"]),
    ("size = area(r2)", ["step:measure", "prev:double"]),
    ("print(size)\nsize", []),
    ("label = f'{size:.1f}'\nprint(label)", ["step:show", "prev:measure"]),
    ("1 +", ["skip"]),
)
FUNCTIONS = (
    "from typing import Annotated\nfrom mlstack_nb import pipeline, step\nfactor = 3",
    "@step\ndef load(size: int = 2) -> Annotated[list[int], 'numbers']:\n    return list(range(size))",
    "@step(name='sum-up')\ndef total(numbers: list[int]) -> Annotated[int, 'total']:\n    return sum(numbers) * factor",
    "@pipeline\ndef adding(size: int = 4):\n    numbers = load(size)\n    total(numbers)",
    "adding()",
)
AWAITING = (
    "import asyncio\n\nasync def fetch(x):\n    await asyncio.sleep(0)\n    return x + 1",
    "%%step get -> found\nfound = await fetch(1)",
    "%%step use -> used\nused = found + 1",
)
INNER = (
    "%%step count -> total\ndef square(x):\n    return x * x\n\nclass Box:\n    size = 2\n\ntotal = square(Box.size)",
    "%%step twice -> more\nmore = [square * total for square in range(3)]\nmore, total",
)
WHOLE = (("n = 3", ["parameters"]), "squares = [k * k for k in range(n)]\nprint(sum(squares))")
LATE = (
    "import pandas as pd",
    "%%step load -> table\ntable = pd.DataFrame({'a': [1.0, 3.0]})",
    "scaled = table * 2",
    "%%step use -> total\ntotal = float(scaled['a'].sum())",
)
MAGICS = (
    "%%time\nimport os\nhome = 3",
    (
        "%%step one -> a\n%matplotlib inline\n!pip install nothing\n"
        "files = !echo {home}\na = files\n!echo a\n%time b = 1\nprint(b)"
    ),
    "%%step two -> c --after one\nfor k in range(2):\n    !echo in a loop\nc = os.sep",
)
HELPER_OF_RESULT = (
    "%%step load -> df\ndf = [1, 2]",
    "def total():\n    return sum(df)",
    "%%step use -> t\nt = total()",
)
SHADOWED = ("def scaled(x):\n    return x + 1", "%%step s -> scaled\nscaled = scaled(2)", "%%step u -> y\ny = scaled")
DECORATED = (
    "import functools\nfactor = 3\n\n@functools.lru_cache\ndef slow(x):\n    return x * factor",
    "try:\n    import nobody_has_this as extra\nexcept ImportError:\n    extra = None",
    "%%step s -> a\na = slow(2)\nif extra:\n    a = 1",
)
EQUAL = {
    "training": TRAINING,
    "values": VALUES,
    "helpers": HELPERS,
    "own names": OWN_NAMES,
    "chain": CHAIN,
    "rebound": REBOUND,
    "tagged": TAGGED,
    "functions": FUNCTIONS,
    "awaiting": AWAITING,
    "inner": INNER,
    "whole": WHOLE,
    "helper of result": HELPER_OF_RESULT,
    "shadowed": SHADOWED,
    "decorated": DECORATED,
}
OTHERS = {"late": LATE, "magics": MAGICS}
