"""Functions and classes of ordinary cells: what a step reaches counts, however it gets there."""

from __future__ import annotations

from mutation_case import cases

HELPERS = cases(
    """
import functools
import math as maths
from math import pi
---
LIMIT = 10
---
def base(x):
    '''Base.'''
    return x + 1
---
def middle(x):
    return base(x) * 2

def unreached(x):
    return base(x) - 1
---
def power(x, exponent=2, *, shift=LIMIT):
    return x ** exponent + shift
---
half = lambda x: x / 2
---
def even(n): return True if n == 0 else odd(n - 1)
---
def odd(n): return False if n == 0 else even(n - 1)
---
def numbers(n):
    for k in range(n):
        yield base(k)
---
async def later(x):
    return base(x)
---
def shadow(base):
    return base + 1
---
def around(x):
    return maths.floor(x * pi)
---
def many(x): return x
---
def many(x): return [x]
---
%%step direct -> a
a = middle(1)
---
%%step powers -> b
b = power(3)
---
%%step halves -> c
c = [half(4)]
---
%%step parity -> d
d = even(4)
---
%%step stream -> e
e = list(numbers(3))
---
%%step waits -> f
import asyncio
coroutine = later(1)
try:
    coroutine.send(None)
except StopIteration as stop:
    f = stop.value
---
%%step hides -> g
g = shadow(1)
---
%%step rounds -> h
h = around(2)
---
%%step redefined -> i
i = many(1)
---
%%step alone -> j
j = 1
""",
    [
        ("a function", ("return base(x) * 2", "return base(x) * 3"), "direct"),
        ("a function of a function", ("    return x + 1", "    return x + 2"), "direct stream waits"),
        ("a docstring of a function", ("'''Base.'''", "'''The base.'''"), ""),
        ("a comment in a function", ("    return x + 1", "    # one more\n    return x + 1"), ""),
        ("a function that nobody reaches", ("base(x) - 1", "base(x) - 2"), ""),
        ("a function is added to a cell", ("def unreached(x)", "def added(x): return x\n\ndef unreached(x)"), ""),
        ("a function that nobody reaches is removed", ("\ndef unreached(x):\n    return base(x) - 1\n", ""), ""),
        ("a default value", ("exponent=2", "exponent=3"), "powers"),
        ("a constant behind a default value", ("LIMIT = 10", "LIMIT = 11"), "powers"),
        ("a lambda", ("x / 2", "x / 4"), "halves"),
        ("spaces in a lambda", ("lambda x: x / 2", "lambda x: (x/2)"), ""),
        ("a function of two that call each other", ("return False if", "return None if"), "parity"),
        ("a generator", ("yield base(k)", "yield -base(k)"), "stream"),
        (
            "a coroutine",
            ("async def later(x):\n    return base(x)", "async def later(x):\n    return -base(x)"),
            "waits",
        ),
        ("a parameter that has a function's name", ("return base + 1", "return base + 2"), "hides"),
        ("an import is aliased otherwise where nobody reads it", ("import functools", "import functools as ft"), ""),
        (
            "imports in another order",
            {
                "import functools\nimport math as maths\nfrom math import pi": (
                    "from math import pi\nimport math as maths\nimport functools"
                )
            },
            "",
        ),
        ("imports on one line", {"import functools\nimport math as maths": "import functools, math as maths"}, ""),
        ("an import of another thing", ("from math import pi", "from math import tau as pi"), "rounds"),
        ("the later of two of a name", ("return [x]", "return [x, x]"), "redefined"),
        ("the earlier of two of a name", ("def many(x): return x\n", "def many(x): return -x\n"), ""),
        (
            "a name that was a builtin's is taken",
            ("def many(x): return [x]", "def many(x): return [x]\ndef list(x): return sorted(x)"),
            "stream",
        ),
        ("an annotation of a function", ("def middle(x):", "def middle(x: int) -> int:"), "direct"),
        (
            "a function becomes another kind of function",
            ("half = lambda x: x / 2", "def half(x): return x / 2"),
            "halves",
        ),
        ("two cells become one", ("    return x ** exponent + shift\n---\n", "    return x ** exponent + shift\n"), ""),
        ("one cell becomes two", ("\ndef unreached(x)", "\n---\ndef unreached(x)"), ""),
        (
            "definitions in another order",
            {
                "def even(n): return True if n == 0 else odd(n - 1)\n---\n": "",
                "else even(n - 1)\n": "else even(n - 1)\n---\ndef even(n): return True if n == 0 else odd(n - 1)\n",
            },
            "",
        ),
    ],
)

CLASSES = cases(
    """
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
---
RATE = 2
---
def scale(x): return x * RATE
---
class Base:
    '''A base.'''
    factor = 3
    def fit(self, x): return scale(x) * self.factor
    def other(self): return 0
---
class Model(Base):
    size = 1
    @property
    def doubled(self): return self.size * 2
    @staticmethod
    def zero(): return 0
    @classmethod
    def made(cls): return cls()
---
class Meta(type):
    def __new__(meta, name, bases, space): return super().__new__(meta, name, bases, {**space, "tag": "t"})
class Tagged(metaclass=Meta): pass
---
@dataclass
class Options:
    depth: int = 5
    names: list = field(default_factory=lambda: ["a"])
---
class Colour(Enum):
    RED = "red"
    BLUE = "blue"
---
class Unreached:
    def fit(self): return 1
---
%%step fits -> a
a = Model().fit(2)
---
%%step reads -> b
b = Model.made().doubled
---
%%step tags -> c
c = Tagged.tag
---
%%step options -> d
d = [Options().depth, Options().names]
---
%%step colours -> e
e = Colour.RED.value
---
%%step apart -> f
f = Base.factor
""",
    [
        ("a method", ("scale(x) * self.factor", "scale(x) + self.factor"), "apart fits reads"),
        ("a docstring of a class", ("'''A base.'''", "'''The base.'''"), ""),
        ("an attribute of a base class", ("factor = 3", "factor = 4"), "apart fits reads"),
        ("a constant behind a method", ("RATE = 2", "RATE = 3"), "apart fits reads"),
        ("a property", ("self.size * 2", "self.size * 3"), "fits reads"),
        ("a class method", ("return cls()", "return cls() or 1"), "fits reads"),
        ("a metaclass", ('"tag": "t"', '"tag": "u"'), "tags"),
        ("a field of a dataclass", ("depth: int = 5", "depth: int = 6"), "options"),
        ("a default factory", ('lambda: ["a"]', 'lambda: ["b"]'), "options"),
        ("a member of an enum", ('RED = "red"', 'RED = "dark red"'), "colours"),
        ("a class that nobody reaches", ("def fit(self): return 1", "def fit(self): return 2"), ""),
        ("a class attribute set from outside", ("%%step fits", "Model.size = 5\n---\n%%step fits"), "fits reads"),
        (
            "a method replaced from outside",
            ("%%step fits", "Base.fit = lambda self, x: x\n---\n%%step fits"),
            "apart fits reads",
        ),
        (
            "a class changed by setattr",
            ("%%step fits", "setattr(Base, 'factor', 7)\n---\n%%step fits"),
            "apart fits reads",
        ),
        ("another base class", ("class Model(Base):", "class Model(Base, dict):"), "fits reads"),
    ],
)

DECORATORS = cases(
    """
import functools
---
TABLE = {}
---
FACTOR = 2
---
def times(f):
    @functools.wraps(f)
    def inner(*args): return f(*args) * FACTOR
    return inner
---
def tagged(tag):
    def wrap(f):
        f.tag = tag
        return f
    return wrap
---
def register(name):
    def keep(f):
        TABLE[name] = f
        return f
    return keep
---
@times
def one(x): return x + 1
---
@tagged("t")
def two(x): return x + 2
---
@register("three")
def three(x): return x + 3
---
@functools.lru_cache(maxsize=8)
def cached(x): return x + 4
---
@functools.singledispatch
def shown(x): return "thing"
@shown.register(int)
def _(x): return "int"
---
def plain(x): return x + 5
partial = functools.partial(plain, 1)
---
def adder(n):
    def add(x): return x + n
    return add
plus = adder(3)
---
%%step first -> a
a = one(1)
---
%%step second -> b
b = [two(1), two.tag]
---
%%step third -> c
c = TABLE["three"](1)
---
%%step fourth -> d
d = cached(1)
---
%%step fifth -> e
e = shown(1)
---
%%step sixth -> f
f = partial()
---
%%step seventh -> g
g = plus(1)
""",
    [
        ("a decorator", ("f(*args) * FACTOR", "f(*args) - FACTOR"), "first"),
        ("a constant in a decorator", ("FACTOR = 2", "FACTOR = 3"), "first"),
        ("a decorated function", ("x + 1", "x + 10"), "first"),
        ("a decorator is taken away", ("@times\n", ""), "first"),
        ("an argument of a decorator", ('@tagged("t")', '@tagged("u")'), "second"),
        ("a decorator that makes decorators", ("f.tag = tag", "f.tag = tag * 2"), "second"),
        ("a function that a decorator registers", ("x + 3", "x + 30"), "third"),
        ("the decorator that registers", ("TABLE[name] = f", "TABLE[name] = lambda x: -f(x)"), "third"),
        ("a cached function", ("x + 4", "x + 40"), "fourth"),
        ("an implementation of a single dispatch", ('return "int"', 'return "number"'), "fifth"),
        ("a function behind a partial", ("x + 5", "x + 50"), "sixth"),
        ("an argument of a partial", ("partial(plain, 1)", "partial(plain, 2)"), "sixth"),
        ("a function that makes functions", ("return x + n", "return x - n"), "seventh"),
        ("a variable of a closure", ("adder(3)", "adder(4)"), "seventh"),
        (
            "a comment in a function behind a partial",
            ("def plain(x): return x + 5", "# note\ndef plain(x): return x + 5"),
            "",
        ),
        ("a comment in a function that makes functions", ("    return add", "    # made\n    return add"), ""),
    ],
)

ALL = [*HELPERS, *CLASSES, *DECORATORS]
