"""Names read from outside and bound, as Python scopes them."""

from __future__ import annotations

import ast
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack_nb.source.code import Code
from mlstack_nb.source.ipython_syntax import python_body
from mlstack_nb.source.names import Names, names_of


def read(text: str) -> Names:
    body = python_body(text)
    assert body is not None
    return names_of(ast.parse(body).body)


def needs(text: str) -> str:
    names = read(text)
    return " ".join(name for name in names.reads if name not in names.optional)


READS = [
    ("y = x + 1", "x"),
    ("b + a", "b a"),
    ("x = 1\nx + y", "y"),
    ("x += 1", "x"),
    ("x.a = 1", "x"),
    ("x[i] = v", "v x i"),
    ("x: T = v", "T v"),
    ("del x", "x"),
    ("x = 1\ndel x\nx", "x"),
    ("print(x)\nx = 1", "x"),
    # branches
    ("if c:\n  x = 1\nx", "c x"),
    ("if c:\n  x = 1\nelse:\n  x = 2\nx", "c"),
    ("if c:\n  raise E\nelse:\n  x = 1\nx", "c E"),
    ("if c:\n  x = 1\nelif d:\n  x = 2\nelse:\n  x = 3\nx", "c d"),
    ("for i in xs:\n  y = i\ni, y", "xs i y"),
    ("for a, (b, *c) in xs:\n  a, b, c", "xs"),
    ("for i in xs:\n  pass\nelse:\n  z = 1\nz", "xs"),
    ("for i in xs:\n  if i: break\nelse:\n  z = 1\nz", "xs z"),
    ("while c:\n  x = 1\nx", "c x"),
    ("while True:\n  x = 1\n  if x: break\nx", ""),
    ("while True:\n  if c: break\n  x = 1\nx", "c x"),
    ("with a as b, c(b) as (d, e):\n  x = d\nx, b, e", "a c"),
    ("match s:\n  case [a, *b]: pass\n  case {'k': c, **d}: pass\n  case P(x=e) | Q(e): pass\n  case f: pass", "s P Q"),
    ("match s:\n  case 1: x = 1\n  case _: x = 2\nx", "s"),
    ("match s:\n  case 1: x = 1\nx", "s x"),
    ("match s:\n  case v if g(v): x = v\n  case M.A: y = 1", "s g M"),
    # try
    ("try:\n  import a\nexcept ImportError:\n  a = None\na", ""),
    ("try:\n  x = f()\nexcept E:\n  pass\nx", "f E x"),
    ("try:\n  x = f()\nexcept E:\n  raise\nx", "f E"),
    ("try:\n  x = f()\nexcept E as e:\n  x = e\nx", "f E"),
    ("try:\n  f()\nexcept E as e:\n  pass\ne", "f E e"),
    ("try:\n  f()\nexcept E:\n  pass\nelse:\n  x = 1\nx", "f E x"),
    ("try:\n  f()\nfinally:\n  x = 1\nx", "f"),
    ("try:\n  f()\nexcept* E as g:\n  h(g)", "f E h"),
    # functions
    ("def f(a, b=d, *c, **k) -> R:\n  return a + b + x", "d R x"),
    ("def f(): return f()", ""),
    ("def f(): return later\nlater = 1", ""),
    ("def f():\n  y = x\n  x = 1", ""),
    ("def f():\n  global g\n  g = h", "h"),
    ("def f():\n  global g\n  return g", "g"),
    ("def f():\n  x = 1\n  def g():\n    nonlocal x\n    x += y\n  return g", "y"),
    ("def f():\n  x = 1\n  def g():\n    def h(): return x, z\n    return h\n  return g", "z"),
    ("def f():\n  import m\n  from n import o as p\n  m, p, o", "o"),
    ("def f():\n  for i in xs: pass\n  return i", "xs"),
    ("def f():\n  try: pass\n  except E as e: e\n  with a as b: b", "E a"),
    ("def f():\n  x: T = 1\n  y: U", ""),
    ("def f():\n  del x", ""),
    ("def f(x):\n  match x:\n    case [y]: y", ""),
    ("async def f():\n  async with a as b: await b.c(d)", "a d"),
    ("@deco(arg)\ndef f(): pass", "deco arg"),
    ("lambda a, b=c: a + b + d", "c d"),
    ("f = lambda: (lambda: x)()", "x"),
    # classes
    ("class A(B, metaclass=M):\n  pass", "B M"),
    ("class A:\n  x = x\n  y = x\n  def m(self): return y", "x y"),
    ("class A:\n  a = 1\n  class B:\n    b = a", "a"),
    ("class A:\n  def m(self): return A, __class__, super()", ""),
    ("class A:\n  n = 2\n  z = [n for _ in w]", "w n"),
    ("class A:\n  x: T = v", "T v"),
    ("@dataclass\nclass A:\n  x: int = field(default=D)", "dataclass field D"),
    # comprehensions
    ("[i for i in xs if i > t]", "xs t"),
    ("[i for i in i]", "i"),
    ("{k: v for k, v in d.items() for w in k}", "d"),
    ("[x for x in xs]\nx", "xs x"),
    ("[(y := f(x), y) for x in xs]\ny", "xs f"),
    ("sum(i * s for i in xs)", "xs s"),
    ("[[a for a in b] for b in c]", "c"),
    ("[(lambda: i + n)() for i in xs]", "xs n"),
    ("def f(): return [i + n for i in range(3)]", "n"),
    # walrus, f-strings, imports
    ("if (n := len(a)) > 10: print(n)", "a"),
    ("f'{a!r:>{w}} {b=}'", "a w b"),
    ("import a.b, c as d\nfrom e import f, g as h\na, d, f, h, c, g", "c g"),
    ("from __future__ import annotations\nx: T = 1\ndef f(a: U) -> V: ...", ""),
    ("x: 'T' = 1", ""),
    ("global x\nx = 1\nx", ""),
    # magics
    ("%time m = fit(df)\nm", "fit df"),
    ("m = %time fit(df)", ""),
    ("%timeit -n 10 -r3 f(x)", "f x"),
    ("%prun -l 5 f(x)", "f x"),
    ("%%time\ny = x", "x"),
    ("%%capture out\ny = x\nout, y", "x"),
    ("%%timeit a = b\nc = a + d", "b d"),
]


@pytest.mark.parametrize(("text", "expected"), READS)
def test_names_read_from_outside_come_in_order_of_first_read(text: str, expected: str) -> None:
    if text.startswith("m = %time"):  # an assigned magic gives a value; what it runs is read all the same
        expected = "fit df"
    assert needs(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x, (y, *z) = 1, (2, 3)", "x y z"),
        ("a = b = 1", "a b"),
        ("x: int", ""),
        ("import a.b, c as d", "a d"),
        ("from e import *", ""),
        ("[i for i in x]", ""),
        ("x = 1\ndel x", ""),
        ("x = 1\ndel x\nx = 2", "x"),
        ("if c:\n  x = 1\n  del x", ""),
        ("for i in x:\n  j = 1", "i j"),
        ("try:\n  pass\nexcept E as e:\n  f = 1", "f"),
        ("with a as b: c = 1", "b c"),
        ("def f(): y = 1\nclass A: z = 1", "f A"),
        ("def f():\n  global g\n  g = 1", "g f"),
        ("[(last := i) for i in x]", "last"),
        ("match s:\n  case [a]: b = 1", "a b"),
        ("%time x = 1", "x"),
        ("files = !ls", "files"),
        ("%%capture out\nx = 1", "out x"),
        ("%%timeit\nx = 1", "_timed"),
        ("%timeit x = 1", ""),
    ],
)
def test_names_bound_come_in_order_of_first_binding(text: str, expected: str) -> None:
    assert " ".join(read(text).binds) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import a\nfrom b import c\ndef f(): ...\nclass D: ...\nx = 1\ny: int = 2\nz += 1", {"x", "y", "z"}),
        ("for i in x: t = i\nwith a as f: d = f", {"t", "d"}),
        ("x = 1\nimport x", set()),
        ("import x\nx = 1", {"x"}),
    ],
)
def test_assigned_are_the_names_that_an_assignment_bound_last(text: str, expected: set[str]) -> None:
    assert read(text).assigned == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if c:\n  x = 1\nx", {"x"}),
        ("x\nif c:\n  x = 1", set()),
        ("for i in xs:\n  if i: p\n  p = i", {"p"}),
        ("if c:\n  x = 1\ndef f(): return x", {"x"}),
        ("try:\n  x = 1\nexcept E:\n  pass\nx", {"x"}),
        ("class A:\n  for i in xs:\n    t = i\n  del i, t", {"i", "t"}),
    ],
)
def test_a_name_bound_on_some_paths_only_is_maybe_read(text: str, expected: set[str]) -> None:
    assert read(text).maybe_reads == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sum(max(id, x))", {"sum", "max", "id"}),
        ("print(__file__, __name__)", {"print", "__file__", "__name__"}),
        ("!cp {path} $HOME/x", {"get_ipython", "path", "HOME"}),
        ("out = !ls {a.b[c]}", {"get_ipython", "a", "c"}),
        ("df.query('age > @limit and x == @other')", {"limit", "other"}),
        ("x: 'Frame' = y", {"Frame"}),
    ],
)
def test_builtins_and_names_in_texts_need_no_definition(text: str, expected: set[str]) -> None:
    names = read(text)
    assert names.optional == expected
    assert names.optional <= set(names.reads)


def test_shell_text_in_a_function_is_read_as_at_top_level() -> None:
    assert "path" in read("def f():\n    !cp {path} .").optional


def test_a_name_that_is_needed_once_is_not_optional() -> None:
    assert "path" not in read("!cp {path}\nopen(path)").optional


def test_a_builtin_that_the_cell_binds_is_not_read() -> None:
    assert read("id = 3\nid").reads == ()


@pytest.mark.parametrize(
    "text",
    ["await f()", "[await g(x) for x in y]", "async with a: pass", "async for i in a: pass", "[i async for i in a]"],
)
def test_await_at_top_level_is_seen(text: str) -> None:
    assert read(text).awaits


def test_await_inside_a_function_is_not_at_top_level() -> None:
    assert not read("async def f():\n  await g()\n  async with a: [i async for i in b]").awaits


def test_star_imports_are_named_with_their_dots() -> None:
    assert read("from a.b import *\nfrom ..c import *\nfrom . import *").star_imports == ("a.b", "..c", ".")


@pytest.mark.parametrize(
    "text",
    ["globals()['x']", "def f(): exec('x')", "eval('x')", "vars()", "locals()", "g = globals", "import __main__"],
)
def test_looking_names_up_at_run_time_is_dynamic(text: str) -> None:
    assert read(text).dynamic


@pytest.mark.parametrize("text", ["df.eval('a + b')", "vars(x)", "def f(): locals()", "eval = max\neval(1)"])
def test_what_only_looks_like_it_is_not_dynamic(text: str) -> None:
    assert not read(text).dynamic


def test_annotations_at_top_level_are_kept() -> None:
    annotations = read("x: int = 1\ndef f():\n  y: str = ''").annotations
    assert {name: ast.unparse(node) for name, node in annotations.items()} == {"x": "int"}


def test_an_expression_nested_too_deep_for_python_frames_is_read() -> None:
    nodes = ast.parse("z = " + " + ".join(f"x{i}" for i in range(700))).body
    assert len(Code(nodes).names.reads) == 700


LINES = ["a = b", "b = a", "del c", "c = 1", "print(a, b)", "import a", "raise E", "d = [a for a in c]", "d += 1"]
SIMPLE = st.sampled_from(LINES)


@st.composite
def programs(draw: st.DrawFn, depth: int = 2) -> list[str]:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["line", "line", "if", "for", "try"])) if depth else "line"
        if kind == "line":
            lines.append(draw(SIMPLE))
            continue
        inner = ["    " + line for line in draw(programs(depth - 1))]
        other = ["    " + line for line in draw(programs(depth - 1))]
        head, middle = {
            "if": ("if flag():", "else:"),
            "for": ("for i in rounds():", "else:"),
            "try": ("try:", "except Exception:"),
        }[kind]
        lines += [head, *inner, middle, *other]
    return lines


@given(programs(), st.lists(st.booleans(), min_size=40, max_size=40))
def test_a_name_that_python_looks_up_outside_is_never_left_out(lines: list[str], flags: list[bool]) -> None:
    """Run the program; every name that the interpreter misses must have been predicted."""
    text = "\n".join(lines)
    missed: set[str] = set()

    class Outside(dict[str, object]):
        def __missing__(self, name: str) -> object:
            missed.add(name)
            if name == "E":
                return ValueError
            return [1]

    choices = iter(flags)

    def flag() -> bool:
        return next(choices, False)

    space = Outside(flag=flag, rounds=lambda: [0] * flag(), print=lambda *_: None, Exception=Exception, __builtins__={})
    with contextlib.suppress(ValueError, TypeError, NameError):  # `del` of a missing name, `+=` of unlike things
        exec(compile(text.replace("import a", "a = 2"), "cell", "exec"), {}, space)
    names = names_of(ast.parse(text).body)
    assert missed <= set(names.reads) | {"__builtins__"}


def test_names_of_nothing_are_empty() -> None:
    assert names_of([]) == Names()
