"""What counts as the same code."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack_nb.source.normal_form import Form, normal_form


def form(text: str) -> str:
    return normal_form(*ast.parse(text).body)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x=1", "x  =  1  # one\n\n"),
        ("x = 'a'", 'x = """a"""'),
        ("x = 'ab'", "x = ('a'\n     'b')"),
        ("x = 10_000", "x = 0x2710"),
        ("f(a, b)", "f(\n    a,\n    b,\n)"),
        ("def f():\n  return 1", "def f():\n  '''Doc.'''\n  return 1"),
        ("def f():\n  x()\n  'note'\n  y()", "def f():\n  x()\n  y()"),
        ("class A:\n  'doc'\n  x = 1", "class A:\n  x = 1"),
        ("def f(): pass", "def f():\n  'doc'"),
        ("if a:\n  b\nelse:\n  pass", "if a:\n  b"),
        ("a = b\nc = d", "a = b; c = d"),
        ("(yield_) = 1", "yield_ = 1"),
        ("x = u'a'", "x = 'a'"),
    ],
)
def test_the_same_code_has_one_form(one: str, other: str) -> None:
    assert form(one) == form(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = True"),
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = '1'"),
        ("x = 'a'", "x = b'a'"),
        ("x = None", "x = ..."),
        ("x = 0.0", "x = -0.0"),
        ("x = 1j", "x = 1"),
        ("x = a + b", "x = a - b"),
        ("x = a < b", "x = a <= b"),
        ("x = (a, b)", "x = [a, b]"),
        ("x = a, b", "x = (a), (b, )[0]"),
        ("{**a}", "{None: a}"),
        ("f(*a)", "f(a)"),
        ("f(**a)", "f(a=a)"),
        ("f(a, b)", "f(a)(b)"),
        ("x = ['ab', 'c']", "x = ['a', 'bc']"),
        ("x = ['as', 'b']", "x = ['a', 'sb']"),
        ("import a", "import a as b"),
        ("from a import b", "from .a import b"),
        ("from a import b", "import a.b"),
        ("def f(a, b=1): x", "def f(a=1, b=1): x"),
        ("def f(a, /): x", "def f(a): x"),
        ("def f(*, a): x", "def f(a): x"),
        ("def f(): x", "async def f(): x"),
        ("def f(): return", "def f(): yield"),
        ("f'{a}'", "f'{a!r}'"),
        ("f'{a}'", "f'{a:>3}'"),
        ("f'{a}'", "'{a}'"),
        ("if a:\n  b\nc", "if a:\n  b\n  c"),
        ("while a:\n  b\nelse:\n  c", "while a:\n  b\n  c"),
        ("x = a if b else c", "x = c if b else a"),
        ("x: int = 1", "x = 1"),
        ("@a\ndef f(): x", "def f(): x"),
        ("a[1:2]", "a[1, 2]"),
        ("global x", "nonlocal x"),
        ("x = lambda a: a", "x = lambda b: b"),
        ("assert a, b", "assert a"),
        ("x.y", "x.z"),
    ],
)
def test_different_code_has_different_forms(one: str, other: str) -> None:
    assert form(one) != form(other)


def test_a_string_that_a_cell_displays_counts() -> None:
    def shown(text: str) -> str:
        return Form(ast.parse(text).body, shows_last=True).digest

    assert shown("x = 1\n'a'") != shown("x = 1\n'b'")
    assert shown("'a'\nx = 1") == shown("'b'\nx = 1")


def test_imports_are_found_in_functions_too() -> None:
    nodes = Form(ast.parse("import a\ndef f():\n  from b import c\n  class D:\n    import e").body).imports
    assert [ast.unparse(node) for node in nodes] == ["import a", "from b import c", "import e"]


NAMES = st.sampled_from(["a", "b", "value"])
CONSTANTS = st.one_of(st.integers(), st.text(max_size=4), st.booleans(), st.none(), st.binary(max_size=3)).map(repr)
EXPRESSIONS = st.recursive(
    NAMES | CONSTANTS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/<"), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.lists(inner, max_size=3).map(lambda p: f"f({', '.join(p)})"),
        st.lists(inner, max_size=3).map(lambda p: f"[{', '.join(p)}]"),
        inner.map(lambda p: f"(lambda a: {p})"),
    ),
    max_leaves=8,
)


@given(EXPRESSIONS, EXPRESSIONS)
def test_two_expressions_share_a_form_exactly_when_their_trees_are_equal(one: str, other: str) -> None:
    assert (form(one) == form(other)) == (ast.dump(ast.parse(one)) == ast.dump(ast.parse(other)))


def test_a_tree_with_empty_fields_of_a_newer_python_has_the_same_form() -> None:
    node = ast.parse("def f(): return 1").body[0]
    newer = type("FunctionDef", (ast.FunctionDef,), {"_fields": (*ast.FunctionDef._fields, "novelties")})
    copy = newer(**{name: getattr(node, name) for name in node._fields}, novelties=[])
    assert normal_form(copy) == normal_form(node)
