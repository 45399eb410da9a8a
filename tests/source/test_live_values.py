"""Values that hold code of the project count by what the code means and by everything else they hold."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mlstack_nb.source.function_fingerprint import of_value

KINDS = """
import collections, datetime, enum, functools
import numpy

class Array(numpy.ndarray): pass
class Moment(datetime.datetime): pass
class Queue(collections.deque): pass
class Default(collections.defaultdict): pass
class Mapping(dict): pass
class Items(list): pass
class Members(set): pass
class Count(int): pass
class Fault(Exception): pass
class Slotted:
    __slots__ = ("a",)
class Colour(enum.Enum):
    RED = 1
    BLUE = 2
class Plain:
    def __init__(self, **state): self.__dict__.update(state)
    def run(self): return 1
class Locked(Plain):
    def __reduce_ex__(self, protocol): raise TypeError("not to be pickled")
class Remade(Plain):
    def __reduce__(self): return remade, (self.a,)
def remade(a): return Remade(a=a)
def one(): return 1
def two(): return 2
def given(kind, **state):
    kind.__dict__.update(state)
    return kind
def slotted(a):
    made = Slotted()
    made.a = a
    return made
"""

Load = Callable[[str], ModuleType]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    monkeypatch.syspath_prepend(str(tmp_path))
    loaded = []

    def load(text: str) -> ModuleType:
        name = f"kinds_{len(loaded)}_{tmp_path.name}"
        (tmp_path / f"{name}.py").write_text(text)
        spec = importlib.util.spec_from_file_location(name, tmp_path / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        loaded.append(name)
        return module

    yield load
    for name in loaded:
        del sys.modules[name]


def digest_of(expression: str, module: ModuleType) -> str | None:
    return of_value(eval(expression, vars(module)), content=repr)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("numpy.arange(3).view(Array)", "numpy.arange(1, 4).view(Array)"),
        ("Moment(2020, 1, 1)", "Moment(2020, 1, 2)"),
        ("Queue([1])", "Queue([2])"),
        ("Queue([1], 5)", "Queue([1], 6)"),
        ("Default(one, a=1)", "Default(two, a=1)"),
        ("Default(one, a=1)", "Default(one, a=2)"),
        ("Mapping(a=1)", "Mapping(a=2)"),
        ("given(Mapping(a=1), b=1)", "given(Mapping(a=1), b=2)"),
        ("given(Items([1]), b=1)", "given(Items([1]), b=2)"),
        ("given(Members([1]), b=1)", "given(Members([1]), b=2)"),
        ("Members([1])", "Members([2])"),
        ("Count(1)", "Count(2)"),
        ("Fault('a')", "Fault('b')"),
        ("slotted(1)", "slotted(2)"),
        ("Colour.RED", "Colour.BLUE"),
        ("Plain(a=1)", "Plain(a=2)"),
        ("Plain(a=1)", "Plain(a=True)"),
        ("Plain(a=one)", "Plain(a=two)"),
        ("Plain(a=[Plain(b=1)])", "Plain(a=[Plain(b=2)])"),
        ("Locked(a=1)", "Locked(a=2)"),
        ("Remade(a=1)", "Remade(a=2)"),
        ("functools.partial(one, 1)", "functools.partial(one, 2)"),
        ("Plain(a=1).run", "Plain(a=2).run"),
    ],
)
def test_all_of_a_value_counts(one: str, other: str, load: Load) -> None:
    module = load(KINDS)
    assert digest_of(one, module) == digest_of(one, module) != None  # noqa: E711
    assert digest_of(one, module) != digest_of(other, module)


@pytest.mark.parametrize(
    ("value", "edit"),
    [
        ("Plain(a=1)", ("return 1\nclass Locked", "return 3\nclass Locked")),
        ("Remade(a=1)", ("def remade(a): return Remade(a=a)", "def remade(a): return Remade(a=a, b=1)")),
        ("[one]", ("def one(): return 1", "def one(): return 3")),
        ("Default(one)", ("def one(): return 1", "def one(): return 3")),
        ("Queue([1])", ("class Queue(collections.deque): pass", "class Queue(collections.deque): a = 1")),
    ],
)
def test_code_that_makes_a_value_what_it_is_counts(value: str, edit: tuple[str, str], load: Load) -> None:
    assert digest_of(value, load(KINDS)) != digest_of(value, load(KINDS.replace(*edit)))


def test_the_order_of_a_set_does_not_count(load: Load) -> None:
    module = load(KINDS)
    assert digest_of("{one, two}", module) == digest_of("{two, one}", module)
    assert digest_of("Members(['a', 'b', 'c'])", module) == digest_of("Members(['c', 'b', 'a'])", module)


def test_two_lambdas_on_one_line_are_two(load: Load) -> None:
    module = load("pair = (lambda x: x + 1, lambda x: x + 2)\nsame = (lambda x: x + 1, lambda x: x+1)")
    one, other = (of_value(each, content=repr) for each in module.pair)
    assert one != other
    one, other = (of_value(each, content=repr) for each in module.same)
    assert one == other


def test_lambdas_are_told_apart_however_their_lines_are_broken(load: Load) -> None:
    texts = [
        "def f(x): return x\npair = {'a': lambda x: f(f(x)).real, 'b': lambda x: (lambda y: y)(x)}",
        "def f(x): return x\npair = {\n  'a': lambda x: f(\n   f(x)\n ).real, 'b': lambda x: (lambda y: y\n)(x)}",
    ]
    flat, broken = ([of_value(one, content=repr) for one in load(text).pair.values()] for text in texts)
    assert flat == broken
    assert len({*flat}) == 2


DISPATCH = """
import functools
@functools.singledispatch
def shown(x): return "thing"
@shown.register(int)
def _(x): return "int"
def tagged(x): return x
tagged.tag = {"a": 1}
def calls(x): return shown(x)
"""


@pytest.mark.parametrize(
    ("value", "edit"),
    [
        ("[shown]", ('"int"', '"number"')),
        ("[calls]", ('"int"', '"number"')),
        ("[tagged]", ('"a": 1', '"a": 2')),
    ],
)
def test_what_was_put_on_a_function_counts(value: str, edit: tuple[str, str], load: Load) -> None:
    before, same, after = load(DISPATCH), load(DISPATCH), load(DISPATCH.replace(*edit))
    before.shown(True)  # which a single dispatch remembers
    assert digest_of(value, before) == digest_of(value, same) != digest_of(value, after)


SHARING = "TABLE = {{}}\ndef kept(f):\n    TABLE[f.__name__] = f\n    return f\n{}\n{}\ndef top(): return a(1) + b(1)"
FIRST = "@kept\ndef a(x): return len(TABLE) + x"
SECOND = "BOTH = {'t': TABLE}\n@kept\ndef b(x): return len(BOTH) + x"


def test_the_order_of_definitions_that_share_a_value_does_not_count(load: Load) -> None:
    one, other = load(SHARING.format(FIRST, SECOND)), load(SHARING.format(SECOND, FIRST))
    one.TABLE.clear(), other.TABLE.clear()
    assert digest_of("top", one) == digest_of("top", other)


def test_what_is_installed_counts_by_name_and_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages = tmp_path / "site-packages"
    (packages / "fitting-1.0.dist-info").mkdir(parents=True)
    (packages / "fitting.py").write_text("def fit(x): return x\nclass Model: pass\n")
    monkeypatch.syspath_prepend(str(packages))
    fitting: Any = importlib.import_module("fitting")
    before = [of_value(value, content=repr) for value in (fitting.fit, fitting.Model)]
    assert len({*before}) == 2
    (packages / "fitting-1.0.dist-info").rename(packages / "fitting-1.1.dist-info")
    after = [of_value(value, content=repr) for value in (fitting.fit, fitting.Model)]
    assert not {*before} & {*after}


def test_plain_data_and_data_of_installed_classes_hold_no_code() -> None:
    assert [of_value(value, content=repr) for value in (1, [1, "a"], Path("a"))] == [None] * 3
