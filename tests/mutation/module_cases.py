"""Modules of the project and of others: what a step reaches in the former counts, of the latter the version."""

from __future__ import annotations

from mutation_case import cases

MODULES = cases(
    """
%%file helpers.py
import json
import math
import rates
LIMIT = 10
SCALE = 2
TABLE = {}
def clean(x):
    '''Clean.'''
    return min(x, LIMIT)
def scaled(x): return clean(x) * SCALE
def rated(x): return x * rates.RATE * rates.base_rate()
def unrelated(x): return -x
def register(f):
    TABLE[f.__name__] = f
    return f
@register
def plugin(x): return x + 1
class Model:
    factor = 3
    def fit(self, x): return scaled(x) * self.factor
    def lazy(self, x):
        from package.deep import core
        return core.run(x)
class Child(Model):
    factor = 4
---
%%file rates.py
RATE = 5
_base = 1
def base_rate(): return _base
def set_base(value):
    global _base
    _base = value
def show(): print(_base)
---
%%file package/__init__.py
from .deep.core import run as runner
from .names import *
---
%%file package/names.py
__all__ = ["starry"]
def starry(): return hidden()
def hidden(): return 1
---
%%file package/deep/__init__.py
(empty)
---
%%file package/deep/core.py
from ..names import starry
from . import sibling
def run(x): return sibling.add(x) + starry()
def other(x): return x
---
%%file package/deep/sibling.py
def add(x): return x + 1
def sub(x): return x - 1
---
%%file shapes.py
def area(x): return x * x
def edge(x): return x
---
%%file stars.py
def one(): return 1
def two(): return 2
---
%%file plugins/first.py
def run(): return "first"
---
%%file plugins/second.py
def run(): return "second"
---
import helpers
import package.deep.core as core
from helpers import Child, scaled as scale
from stars import *
---
import rates
---
def shape(x):
    import shapes
    return shapes.area(x)
---
%%step attribute -> a
a = helpers.clean(3)
---
%%step from_import -> b
b = scale(3)
---
%%step deep -> c
c = core.run(1)
---
%%step classes -> d
d = Child().fit(2)
---
%%step through -> e
import package
e = package.runner(1) + package.starry()
---
%%step lazily -> f
f = shape(3)
---
%%step star -> g
g = one()
---
%%step constants -> h
h = helpers.LIMIT
---
%%step dynamic -> i
name = "area"
import shapes
i = getattr(shapes, name)(2)
---
%%step chosen -> j
j = getattr(helpers, "scaled")(3)
---
%%step registered -> k
k = helpers.TABLE["plugin"](1)
---
%%step by_name -> l
import importlib
l = importlib.import_module("plugins.first").run()
---
%%step across -> m
m = helpers.rated(2)
---
%%step nothing -> n
n = 1
""",
    [
        ("a function of a module", ("min(x, LIMIT)", "max(x, LIMIT)"), "attribute from_import classes chosen"),
        ("a docstring of a module's function", ("'''Clean.'''", "'''Cleans.'''"), ""),
        ("a comment in a module", ("LIMIT = 10", "# at most\nLIMIT = 10"), ""),
        ("blank lines in a module", ("def clean", "\n\n\ndef clean"), ""),
        ("a function of a module that nobody reaches", ("return -x", "return x"), ""),
        ("a function more in a module", ("def unrelated", "def more(x): return x\ndef unrelated"), ""),
        ("an unreached import of a module goes", ("import json\n", ""), ""),
        ("a constant of a module", ("LIMIT = 10", "LIMIT = 2"), "attribute from_import classes constants chosen"),
        ("a constant behind a function of a module", ("SCALE = 2", "SCALE = 3"), "from_import classes chosen"),
        ("a constant of a module's module", ("RATE = 5", "RATE = 6"), "across"),
        ("a function of a module's module", ("return _base\n", "return _base + 1\n"), "across"),
        ("a base class in a module", ("* self.factor", "+ self.factor"), "classes"),
        ("an attribute of a class of a module", ("factor = 4", "factor = 5"), "classes"),
        (
            "a method that is not called is a part of its class",
            ("core.run(x)\nclass", "core.other(x)\nclass"),
            "classes",
        ),
        (
            "a module reached by a relative import",
            ("return x + 1\ndef sub", "return x + 2\ndef sub"),
            "deep through classes",
        ),
        ("what nobody reaches of such a module", ("return x - 1", "return x - 2"), ""),
        ("what a star import passes on", ("def hidden(): return 1", "def hidden(): return 2"), "deep through classes"),
        ("what a package passes on under another name", ("import run as runner", "import other as runner"), "through"),
        ("a module imported inside a function", ("return x * x", "return x * x * x"), "lazily dynamic"),
        ("what getattr may reach: the whole module", ("def edge(x): return x", "def edge(x): return -x"), "dynamic"),
        ("a name of a star import", ("def one(): return 1", "def one(): return 3"), "star"),
        ("another name of a star import", ("def two(): return 2", "def two(): return 3"), ""),
        (
            "a function that a module's decorator registers",
            ("def plugin(x): return x + 1", "def plugin(x): return x + 2"),
            "registered",
        ),
        ("a module imported by a literal name", ('"first"\n', '"the first"\n'), "by_name"),
        ("another one of its folder", ('return "second"', 'return "2nd"'), ""),
        ("a module is added", ("---\n%%file stars.py", "---\n%%file more.py\nx = 1\n---\n%%file stars.py"), ""),
        ("an unreached module is removed", ('---\n%%file plugins/second.py\ndef run(): return "second"\n', ""), ""),
        (
            "a function moves to another module and is imported from there",
            {"def one(): return 1\n": "from shapes import one\n", "def edge(x)": "def one(): return 1\ndef edge(x)"},
            "star dynamic",
        ),
        ("a module becomes a package", {"%%file shapes.py": "%%file shapes/__init__.py"}, ""),
        (
            "an import of a module's name by another way",
            (
                "%%step attribute -> a\na = helpers.clean(3)",
                "%%step attribute -> a\nfrom helpers import clean\na = clean(3)",
            ),
            "attribute",
        ),
        (
            "a name of a module set from outside",
            ("---\nimport rates\n", "---\nimport rates\nrates.RATE = 6\n"),
            "attribute from_import deep classes star constants chosen registered across through lazily dynamic by_name",
        ),
        (
            "a module's state set by its function",
            ("---\nimport rates\n", "---\nimport rates\nrates.set_base(4)\n"),
            "attribute from_import deep classes star constants chosen registered across through lazily dynamic by_name",
        ),
        (
            "a module's function that changes nothing is called",
            ("---\nimport rates\n", "---\nimport rates\nrates.show()\n"),
            "",
        ),
        (
            "an alias of an import",
            {
                "import package.deep.core as core": "import package.deep.core as kernel",
                "c = core.run(1)": "c = kernel.run(1)",
            },
            "deep",
        ),
        (
            "an import of a package instead of a module",
            {
                "import package.deep.core as core": "import package.deep.core",
                "c = core.run(1)": "c = package.deep.core.run(1)",
            },
            "deep",
        ),
    ],
)

PACKAGES = cases(
    """
%%file site-packages/solver/__init__.py
def solve(x): return x + 1
---
%%file site-packages/solver-1.0.dist-info/METADATA
Name: solver
---
%%file site-packages/solver-1.0.dist-info/RECORD
solver/__init__.py,,
---
%%file site-packages/other/__init__.py
def go(x): return x
---
%%file site-packages/other-2.0.dist-info/RECORD
other/__init__.py,,
---
%%file site-packages/linked-0.1.dist-info/RECORD
linked.pth,,
---
%%file linked.py
def go(x): return x * 2
def stay(x): return x
---
%%file tools.py
import solver
def tool(x): return solver.solve(x)
---
import solver, other, linked
import tools
---
%%step solves -> a
a = solver.solve(1)
---
%%step through -> b
b = tools.tool(1)
---
%%step others -> c
c = other.go(1)
---
%%step editable -> d
d = linked.go(1)
---
%%step optional -> e
try:
    import not_there_yet
    e = 1
except ImportError:
    e = 0
""",
    [
        (
            "another version of a package",
            {
                "solver-1.0.dist-info/METADATA": "solver-1.1.dist-info/METADATA",
                "solver-1.0.dist-info/RECORD": "solver-1.1.dist-info/RECORD",
            },
            "solves through",
        ),
        ("the code of a package at the same version", ("return x + 1", "return 1 + x"), ""),
        ("an editable install counts by its source", ("return x * 2", "return x + x"), "editable"),
        ("the rest of an editable install", ("def stay(x): return x", "def stay(x): return -x"), ""),
        ("the version of an editable install", ("linked-0.1", "linked-0.2"), ""),
        (
            "a package that was missing is installed",
            ("---\n%%file linked.py", "---\n%%file site-packages/not_there_yet.py\nx = 1\n---\n%%file linked.py"),
            "optional",
        ),
    ],
)

ALL = [*MODULES, *PACKAGES]
