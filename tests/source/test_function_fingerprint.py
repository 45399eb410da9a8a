"""Fingerprints of live functions."""

from __future__ import annotations

import functools
import importlib
import itertools
import linecache
import os
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlstack_nb.errors import UsageError
from mlstack_nb.source.cell import parse
from mlstack_nb.source.function_fingerprint import of_function
from mlstack_nb.source.scope import NotebookScope

_numbers = itertools.count()

MODULE = """\
from __future__ import annotations
import functools
import numpy as np
from mlstack_nb import step
import mlstack_nb as ml

DEPTH = 3
LIMITS = [float(n) for n in range(3)]

def helper(x):
    return np.sqrt(x) + DEPTH

def train(a: int) -> float:
    '''Train.'''
    return helper(a)

def limited(x): return LIMITS[x]

def traced(f):
    @functools.wraps(f)
    def inner(*args): return f(*args)
    return inner

@traced
def wrapped(x): return helper(x)

def made(power, using=None):
    def inner(x): return x ** power + (using or len)([x])
    return inner

class Holder:
    @staticmethod
    def method(x): return helper(x)
    def bound(self, x): return x

square = lambda x: x ** 2
"""

Load = Callable[..., types.ModuleType]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Writes a module's text, with edits, and imports it under a name of its own."""
    monkeypatch.syspath_prepend(tmp_path)
    names: list[str] = []

    def write_and_import(*edits: tuple[str, str], text: str = MODULE) -> types.ModuleType:
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        names.append(f"functions_{next(_numbers)}")
        (tmp_path / f"{names[-1]}.py").write_text(text)
        importlib.invalidate_caches()
        return importlib.import_module(names[-1])

    yield write_and_import
    for name in names:
        del sys.modules[name]


def test_the_parts_are_those_that_the_function_reaches(load: Load) -> None:
    parts = of_function(load().train).parts
    assert sorted(parts) == ["body", "constant DEPTH", "function helper", "import np", "package numpy", "python"]


def test_the_parts_have_their_source(load: Load) -> None:
    module = load()
    sources = of_function(module.train).sources
    assert sources["body"] == "def train(a: int) -> float:\n    '''Train.'''\n    return helper(a)\n"
    assert sources["constant DEPTH"] == "DEPTH = 3"
    assert sources["function helper"] == "def helper(x):\n    return np.sqrt(x) + DEPTH"
    assert of_function(module.square).sources["body"] == "[lambda x: x ** 2]"


def test_the_module_s_name_does_not_count(load: Load) -> None:
    assert of_function(load().train) == of_function(load().train)


@pytest.mark.parametrize(
    ("edit", "label"),
    [
        (("return helper(a)", "return helper(-a)"), "body"),
        (("DEPTH = 3", "DEPTH = 4"), "constant DEPTH"),
        (("np.sqrt(x)", "np.exp(x)"), "function helper"),
    ],
)
def test_an_edit_of_what_is_reached_changes_its_part(load: Load, edit: tuple[str, str], label: str) -> None:
    before, after = of_function(load().train), of_function(load(edit).train)
    assert {name for name in before.parts if before.parts[name] != after.parts[name]} == {label}
    assert before.digest != after.digest


@pytest.mark.parametrize(
    "edit",
    [
        ("'''Train.'''", "'''Trains.'''"),
        ("DEPTH = 3", "\n# deep\nDEPTH = 0x3"),
        ("x ** 2", "x ** 3"),
        ("def train", "@step\ndef train"),
        ("def train", "@step(enable_cache=False, settings=helper)\ndef train"),
        ("def train", "@ml.step(name='train')\ndef train"),
    ],
)
def test_what_does_not_matter_changes_nothing(load: Load, edit: tuple[str, str], monkeypatch: Any) -> None:
    import mlstack_nb

    def step(function: Any = None, **_: Any) -> Any:
        return function or step

    monkeypatch.setitem(vars(mlstack_nb), "step", step)
    assert of_function(load(edit).train).digest == of_function(load().train).digest


def test_other_decorators_count(load: Load) -> None:
    module = load()
    assert {"body", "function traced", "function helper"} <= set(of_function(module.wrapped).parts)
    plain = load(("@traced\n", ""))
    assert of_function(module.wrapped).parts["body"] != of_function(plain.wrapped).parts["body"]


def test_a_computed_value_counts_by_its_code_and_by_what_it_is_now(load: Load) -> None:
    module = load()
    before = of_function(module.limited)
    assert {"value LIMITS", "value LIMITS now"} <= set(before.parts)
    module.LIMITS = [5.0]
    after = of_function(module.limited)
    assert {name for name in before.parts if before.parts[name] != after.parts[name]} == {"value LIMITS now"}


def test_a_closure_counts_by_plain_value_and_by_function(load: Load) -> None:
    module = load()
    digests = [
        of_function(function).digest
        for function in (
            module.made(2),
            module.made(3),
            module.made(2.0),
            module.made(2, using=module.square),
            module.made(2, using=module.train),
            module.made(2, using=object()),
        )
    ]
    assert len(set(digests)) == len(digests)
    assert of_function(module.made(2)).digest == of_function(load().made(2)).digest


def test_a_closure_that_holds_itself_comes_to_an_end(load: Load) -> None:
    text = "def make(n):\n    def f(x): return f(x - n) if x else 0\n    return f\n"
    assert of_function(load(text=text).make(1)).digest == of_function(load(text=text).make(1)).digest


def test_methods_lambdas_and_bound_methods_are_found(load: Load) -> None:
    module = load()
    assert "function helper" in of_function(module.Holder.method).parts
    assert of_function(module.square).digest != of_function(load(("x ** 2", "x ** 3")).square).digest
    assert of_function(module.Holder().bound).digest == of_function(module.Holder.bound).digest


@pytest.mark.parametrize("thing", [len, 3, "f", types.SimpleNamespace()])
def test_what_is_no_python_function_is_refused(thing: Any) -> None:
    with pytest.raises(UsageError, match="not a Python function"):
        of_function(thing)


def test_a_function_without_source_is_refused() -> None:
    space: dict[str, Any] = {"__name__": "nowhere"}
    exec("def f(): return 1", space)
    with pytest.raises(UsageError, match="source of function 'f' can not be found"):
        of_function(space["f"])


class Kernel:
    """Runs cells as a kernel does: one namespace, sources in the line cache."""

    def __init__(self) -> None:
        self.space: dict[str, Any] = {"__name__": "__main__"}
        self.scope = NotebookScope()
        self.count = 0

    def run(self, text: str) -> None:
        self.count += 1
        file = f"<cell {next(_numbers)}>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        exec(compile(text, file, "exec", dont_inherit=True), self.space)
        self.scope.add(parse(text, label=f"In[{self.count}]"))

    def digest(self, name: str, *, with_scope: bool = True) -> str:
        return of_function(self.space[name], self.scope if with_scope else None).digest


CELLS = (
    "import math\nSCALE = 2\n",
    "def helper(x):\n    return math.sqrt(x) * SCALE\n",
    "def f(x):\n    return helper(x)\n",
)


def kernel(*edits: tuple[str, str]) -> Kernel:
    found = Kernel()
    for text in CELLS:
        found.run(functools.reduce(lambda code, edit: code.replace(*edit), edits, text))
    return found


@pytest.mark.parametrize("with_scope", [True, False])
@pytest.mark.parametrize(
    "edit", [("sqrt", "exp"), ("SCALE = 2", "SCALE = 3"), ("return helper(x)", "return helper(x + 1)")]
)
def test_a_function_of_a_cell_counts_with_what_other_cells_define(edit: tuple[str, str], with_scope: bool) -> None:
    assert kernel(edit).digest("f", with_scope=with_scope) != kernel().digest("f", with_scope=with_scope)


@pytest.mark.parametrize("with_scope", [True, False])
def test_comments_and_unread_cells_do_not_count_in_a_kernel(with_scope: bool) -> None:
    other = kernel(("return helper", "# note\n    return helper"))
    other.run("def unused(): ...")
    assert other.digest("f", with_scope=with_scope) == kernel().digest("f", with_scope=with_scope)


def test_a_cell_s_function_and_a_module_s_have_the_same_fingerprint(load: Load) -> None:
    assert kernel().digest("f") == of_function(load(text="".join(CELLS)).f).digest


def test_a_redefined_helper_is_seen_by_the_function_that_calls_it() -> None:
    live = kernel()
    before = live.digest("f")
    live.run("def helper(x): return x")
    assert live.digest("f") != before
    live.run(CELLS[1])
    assert live.digest("f") == before


def test_a_module_imported_by_another_cell_counts_by_what_is_used_of_it(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    module = tmp_path / "used_by_cells.py"
    text = "def used(x): return x\ndef other(x): return x\n"
    module.write_text(text)
    live = Kernel()
    live.run("import used_by_cells as tools")
    live.run("def f(x): return tools.used(x)")
    before = live.digest("f", with_scope=False)
    module.write_text(text.replace("other(x): return x", "other(x): return -x"))
    assert live.digest("f", with_scope=False) == before
    module.write_text(text.replace("used(x): return x", "used(x): return x + 1"))
    assert live.digest("f", with_scope=False) != before


def test_an_import_that_goes_counts() -> None:
    live = Kernel()
    live.run("import math")
    live.run("def f(x): return math.sqrt(x)")
    before = live.digest("f", with_scope=False)
    del live.space["math"]
    assert live.digest("f", with_scope=False) != before


@pytest.mark.parametrize("with_scope", [True, False])
def test_a_function_that_takes_a_builtin_s_name_counts(with_scope: bool) -> None:
    live = Kernel()
    live.run("def f(x): return len(x)")
    digests = [live.digest("f", with_scope=with_scope)]
    for text in ("def len(x): return 1", "def len(x): return 2"):
        live.run(text)
        digests.append(live.digest("f", with_scope=with_scope))
    assert len({*digests}) == 3


def test_an_annotation_of_a_step_function_does_not_count(load: Load) -> None:
    assert of_function(load(("a: int", "a: float")).train).digest == of_function(load().train).digest


def test_an_edit_of_the_file_is_seen_at_the_next_call(load: Load) -> None:
    module = load()
    before = of_function(module.train)
    assert of_function(module.train) is before
    file = Path(str(module.__file__))
    file.write_text(MODULE.replace("np.sqrt", "np.exp "))
    os.utime(file, ns=(10**18, 10**18))
    assert of_function(module.train).digest != before.digest
