"""Scripts: the same promise for `@step` functions. `bench/cache_truth.py` puts these cases to joblib.Memory, too.

`script.py` defines the steps and `main`, the pipeline that calls them.
"""

from __future__ import annotations

from mutation_case import cases

BODY = cases(
    '''
%%file script.py
from mlstack_nb import pipeline, step

@step
def load() -> list:
    """Load the rows."""
    # three of them
    rows = [3, 1, 2]
    return rows

@step
def tidy(rows: list) -> list:
    return sorted(rows)

@step
def total(rows: list, scale: int = 2) -> float:
    label = f"{len(rows)} rows"
    return sum(rows) * scale + len(label) * 0.0

def unreached():
    return 1

@pipeline
def main():
    total(tidy(load()))
''',
    [
        ("body: a comment", ("# three of them", "# all three"), ""),
        ("body: a docstring", ("Load the rows.", "Load some rows."), ""),
        ("body: a blank line", ("    rows = [3", "\n\n    rows = [3"), ""),
        ("body: a line broken", ("[3, 1, 2]", "[\n        3,\n        1,\n        2,\n    ]"), ""),
        ("body: quotes", ('f"{len(rows)} rows"', "f'{len(rows)} rows'"), ""),
        ("body: moved down the file", ("@step\ndef load", "def more():\n    return 2\n\n@step\ndef load"), ""),
        ("body: a literal", ("[3, 1, 2]", "[3, 1, 4]"), "load tidy total"),
        ("body: an equal result", ("[3, 1, 2]", "[1, 2, 3][::-1] and [3, 1, 2]"), "load"),
        ("body: an operator", ("* scale +", "- scale +"), "total"),
        ("body: a default value", ("scale: int = 2", "scale: int = 3"), "total"),
        ("body: a default value of another type", ("scale: int = 2", "scale: float = 2.0"), "total"),
        ("body: an argument in the pipeline", ("total(tidy(load()))", "total(tidy(load()), scale=5)"), "total"),
        ("body: a function that nobody reaches", ("    return 1", "    return 9"), ""),
        ("body: options of a step", ("@step\ndef total", "@step(retries=2)\ndef total"), ""),
    ],
)

REACH = cases(
    """
%%file script.py
import functools
import math
from dataclasses import dataclass
from mlstack_nb import pipeline, step
import helpers
from helpers import scaled

LIMIT = 10
RATES = {"a": [1, 2]}
COUNT = len("abc")
TABLE = {}

def base(x):
    return x + 1

def middle(x, power=2):
    return base(x) ** power + LIMIT

def times(f):
    @functools.wraps(f)
    def inner(*args):
        return f(*args) * 2
    return inner

def adder(n):
    def add(x):
        return x + n
    return add

plus = adder(3)
half = lambda x: x / 2
partial = functools.partial(base, 7)

def register(f):
    TABLE[f.__name__] = f
    return f

@register
def plugin():
    return "plugin"

class Base:
    factor = 3
    def scale(self, x):
        return base(x) * self.factor

class Model(Base):
    @property
    def size(self):
        return 1

@dataclass
class Options:
    depth: int = 5
    @classmethod
    def configure(cls, depth):
        cls.depth = depth

@times
def decorated(x):
    return x - 1

@step
def helped() -> float:
    return middle(1)

@step
def closed() -> float:
    return plus(1)

@step
def halved() -> float:
    return half(4)

@step
def partly() -> float:
    return partial()

@step
def registered() -> str:
    return TABLE["plugin"]()

@step
def method() -> float:
    return Model().scale(2) + Model().size

@step
def options() -> int:
    return Options().depth

@step
def wrapped() -> float:
    return decorated(5)

@step
def constants() -> str:
    return repr(RATES) + str(COUNT)

@step
def module() -> float:
    return helpers.clean(3)

@step
def imported() -> float:
    return scaled(3)

@step
def lazily() -> float:
    from package.core import run
    return run(1)

@step
def dynamic() -> float:
    return getattr(helpers, "cle" + "an")(4)

@step
def globally() -> float:
    return globals()["ba" + "se"](1)

@pipeline
def main():
    for one in (helped, closed, halved, partly, registered, method, options, wrapped, constants, module, imported,
                lazily, dynamic, globally):
        one()
---
%%file helpers.py
LIMIT = 10
SCALE = 2
def clean(x): return min(x, LIMIT)
def scaled(x): return clean(x) * SCALE
def unrelated(x): return -x
---
%%file package/__init__.py
(empty)
---
%%file package/core.py
from .inner import add
def run(x): return add(x) + 1
---
%%file package/inner.py
def add(x): return x + 1
""",
    [
        ("reach: a function", ("** power + LIMIT", "** power - LIMIT"), "helped globally"),
        (
            "reach: a function of a function",
            ("    return x + 1\n\ndef middle", "    return x + 2\n\ndef middle"),
            "helped partly method globally",
        ),
        (
            "reach: a comment in a function",
            ("    return x + 1\n\ndef middle", "    # more\n    return x + 1\n\ndef middle"),
            "",
        ),
        ("reach: a default value", ("power=2", "power=3"), "helped globally"),
        ("reach: a constant", ("LIMIT = 10\nRATES", "LIMIT = 11\nRATES"), "helped globally"),
        ("reach: deep in a constant", ("[1, 2]}", "[1, 3]}"), "constants globally"),
        ("reach: one becomes True", ("[1, 2]}", "[True, 2]}"), "constants globally"),
        ("reach: a computed constant", ('len("abc")', 'len("abcd")'), "constants globally"),
        ("reach: a decorator", ("return f(*args) * 2", "return f(*args) * 3"), "wrapped globally"),
        ("reach: a decorated function", ("    return x - 1", "    return x - 2"), "wrapped globally"),
        ("reach: a closure's function", ("        return x + n", "        return x - n"), "closed globally"),
        ("reach: a closure's variable", ("adder(3)", "adder(4)"), "closed globally"),
        ("reach: a lambda", ("x / 2", "x / 4"), "halved globally"),
        ("reach: a partial's argument", ("partial(base, 7)", "partial(base, 8)"), "partly globally"),
        ("reach: a registered function", ('return "plugin"', 'return "plug-in"'), "registered globally"),
        ("reach: a method of a base class", ("* self.factor", "- self.factor"), "method globally"),
        ("reach: a class attribute", ("factor = 3", "factor = 4"), "method globally"),
        ("reach: a property", ("        return 1\n", "        return 2\n"), "method globally"),
        ("reach: a field of a dataclass", ("depth: int = 5", "depth: int = 6"), "options globally"),
        (
            "reach: a class attribute set from outside",
            ("@times\ndef", "Model.factor = 9\n\n@times\ndef"),
            "method globally",
        ),
        (
            "reach: a class method that configures",
            ("@times\ndef", "Options.configure(9)\n\n@times\ndef"),
            "options globally",
        ),
        ("reach: a function of a module", ("min(x, LIMIT)", "max(x, LIMIT)"), "module imported dynamic globally"),
        (
            "reach: a constant of a module",
            ("LIMIT = 10\nSCALE", "LIMIT = 2\nSCALE"),
            "module imported dynamic globally",
        ),
        ("reach: a constant behind a module's function", ("SCALE = 2", "SCALE = 3"), "imported dynamic globally"),
        ("reach: a module's function that is not used", ("return -x", "return x * 5"), "dynamic globally"),
        ("reach: a comment in a module", ("SCALE = 2", "SCALE = 2  # twice"), ""),
        ("reach: a lazily imported function", ("add(x) + 1", "add(x) + 2"), "lazily globally"),
        (
            "reach: a relative import",
            ("%%file package/inner.py\ndef add(x): return x + 1", "%%file package/inner.py\ndef add(x): return x + 2"),
            "lazily globally",
        ),
        ("reach: a step that only globals() could reach", ("return half(4)", "return half(5)"), "halved globally"),
    ],
)

INPUTS = cases(
    """
%%file script.py
from pathlib import Path
from dataclasses import dataclass
from mlstack_nb import pipeline, step
import shapes
import solver

@step
def count(file: Path) -> int:
    return len(file.read_text())

@step
def typed(value: object) -> str:
    return repr(value)

@step
def solved() -> int:
    return solver.solve(1)

@step
def made() -> shapes.Square:
    return shapes.Square(2)

@step
def area(shape: shapes.Square) -> int:
    return shape.area()

@pipeline
def main():
    count(Path("data.txt"))
    typed(1)
    solved()
    area(made())
---
%%file data.txt
abc
---
%%file shapes.py
from dataclasses import dataclass
@dataclass
class Square:
    side: int
    def area(self): return self.side ** 2
def other(): return 1
---
%%file site-packages/solver.py
def solve(x): return x + 1
---
%%file site-packages/solver-1.0.dist-info/RECORD
solver.py,,
""",
    [
        ("inputs: the content of a file", ("abc\n", "abcd\n"), "count"),
        ("inputs: an int becomes True", ("typed(1)", "typed(True)"), "typed"),
        ("inputs: an int becomes a float", ("typed(1)", "typed(1.0)"), "typed"),
        ("inputs: an int becomes its text", ("typed(1)", 'typed("1")'), "typed"),
        ("inputs: another version of a package", ("solver-1.0.dist-info", "solver-1.1.dist-info"), "solved"),
        ("inputs: a method of an artifact's class", ("self.side ** 2", "self.side * 4"), "made area"),
    ],
)

ALL = [*BODY, *REACH, *INPUTS]
