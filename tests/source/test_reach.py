"""What a step reaches through ordinary code."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mlstack_nb.source.cell import parse
from mlstack_nb.source.reach import Reach, reach
from mlstack_nb.source.scope import NotebookScope


def scope_of(*texts: str) -> NotebookScope:
    scope = NotebookScope()
    for number, text in enumerate(texts, 1):
        scope.add(parse(text, label=f"In[{number}]"))
    return scope


def found(text: str, *ordinary: str, outputs: tuple[str, ...] = (), parameters: tuple[str, ...] = ()) -> Reach:
    return reach(parse(text, label="step"), scope_of(*ordinary), outputs=outputs, parameters=parameters)


def names(result: Reach) -> list[str]:
    return [definition.name for definition in result.definitions]


def test_outputs_come_before_parameters_and_parameters_before_ordinary_cells() -> None:
    ordinary = "a = 1\nb = 1\nc = 1"
    result = found("a, b, c", ordinary, outputs=("a",), parameters=("a", "b"))
    assert (result.inputs, result.parameters, result.constants) == (("a",), ("b",), {"c": 1})


def test_inputs_come_in_the_order_the_code_reads_them() -> None:
    assert found("f(b, a)\nc", "def f(*x): return d", outputs=("a", "b", "c", "d")).inputs == ("b", "a", "c", "d")


@pytest.mark.parametrize(
    ("ordinary", "expected"),
    [
        ("def f(): return g()\ndef g(): return h()\ndef h(): ...", ["f", "g", "h"]),
        ("def f(x=g()): ...\ndef g(): ...", ["f", "g"]),
        ("def g(x): ...\n@g\ndef f(): ...", ["g", "f"]),
        ("class f(B):\n  def m(self): return g()\nclass B: ...\ndef g(): ...", ["f", "B", "g"]),
        ("f = lambda: g()\ndef g(): ...", ["f", "g"]),
        ("import a, b\ndef f(): return a.x", ["a", "f"]),
        ("def f():\n  def inner(): return g()\n  return inner\ndef g(): ...", ["f", "g"]),
        ("def f(): return [g(x) for x in y]\ndef g(): ...\ny = 1", ["f", "g"]),
        ("def f(): return f() + g()\ndef g(): return f()", ["f", "g"]),
        ("def unused(): ...\ndef f(): ...", ["f"]),
        ("def f(x: T): ...\nclass T: ...", ["f", "T"]),
        ("try:\n  import a as f\nexcept ImportError:\n  f = g\ndef g(): ...", ["f", "g"]),
    ],
)
def test_definitions_are_followed_and_come_in_source_order(ordinary: str, expected: list[str]) -> None:
    assert names(found("f()", ordinary)) == expected


def test_what_a_helper_reads_of_a_step_is_an_input() -> None:
    assert found("f()", "def f(): return g()\ndef g(): return df", outputs=("df",)).inputs == ("df",)


def test_what_a_value_is_made_of_is_followed() -> None:
    result = found("n", "n = f(df, K)\nK = 3\ndef f(*x): ...", outputs=("df",))
    assert (result.values, result.inputs, result.constants, names(result)) == (("n",), ("df",), {"K": 3}, ["f"])


def test_what_a_value_is_made_of_is_left_out_on_request() -> None:
    scope = scope_of("n = f(df, K)\nK = 3\ndef f(*x): ...")
    result = reach(parse("n", label="step"), scope, outputs=("df",), through_values=False)
    assert (result.values, result.inputs, result.constants, names(result)) == (("n",), (), {}, [])


def test_what_nobody_defines_is_undefined() -> None:
    assert found("a + f(print)", "def f(x): return b").undefined == ("a", "b")


def test_a_builtin_s_name_that_a_step_gives_is_an_input() -> None:
    result = found("id + max(x)", outputs=("id",), parameters=("max", "x"))
    assert (result.inputs, result.parameters, result.undefined) == (("id",), ("max", "x"), ())


def test_a_name_bound_on_some_paths_is_an_input_where_a_step_gives_it_and_not_missed_otherwise() -> None:
    text = "if c:\n  x = 1\nprint(x)"
    assert found(text, "c = 1", outputs=("x",)).inputs == ("x",)
    assert found(text, "c = 1").undefined == ()
    assert found(f"{text}\ndel x", "c = 1").undefined == ()


def test_a_name_that_the_cell_binds_for_its_helper_is_not_missed() -> None:
    assert found("K = 1\nf()", "def f(): return K").undefined == ()


def test_names_in_shell_text_are_found_and_never_missed() -> None:
    result = found("!cp {source} {other} $HOME", "source = 'a'")
    assert (result.constants, result.undefined) == ({"source": "a"}, ())


@pytest.mark.parametrize("text", ["globals()['f']()", "eval('f()')", "g()"])
def test_looking_names_up_at_run_time_takes_every_definition(text: str) -> None:
    result = found(text, "def f(): ...\nimport a\nK = 1\nv = f()", "def g(): return globals()")
    assert result.dynamic
    assert (names(result), result.constants, result.values) == (["f", "a", "g"], {"K": 1}, ("v",))


def test_companions_are_followed() -> None:
    ordinary = "T = {}\ndef put(f): T[f] = f\n@put\ndef a(): return b()\ndef b(): ..."
    assert names(found("T['a']()", ordinary)) == ["put", "a", "b"]


def test_the_prelude_holds_each_statement_once_as_they_stand() -> None:
    result = found("v, f, w", "import a, b", "v, w = a.x()", "def f(): return b", "v.append(1)\nother = 1")
    assert [statement.text for statement in result.prelude] == [
        "import a",
        "import b",
        "v, w = a.x()",
        "def f(): return b",
        "v.append(1)",
    ]


def test_a_change_of_the_scope_is_seen() -> None:
    scope = scope_of("def f(): return a", "a = 1")
    step = parse("f()", label="step")
    assert reach(step, scope).constants == {"a": 1}
    scope.add(parse("a = 2", label="In[3]"))
    assert reach(step, scope).constants == {"a": 2}
    scope.replace(parse("def f(): return b", label="In[1]"))
    assert reach(step, scope).undefined == ("b",)


def test_the_answer_is_remembered_for_the_same_question_only() -> None:
    scope, step = scope_of("a = 1"), parse("a", label="step")
    assert reach(step, scope) is reach(step, scope)
    assert reach(step, scope, outputs=["a"]).inputs == ("a",)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_project_module_s_star_import_gives_the_names_that_it_exports(project: Path) -> None:
    (project / "starred_one.py").write_text("def f(): ...\ndef g(): ...\n_h = 1\n")
    result = found("f(); _h; print", "from starred_one import *")
    assert (names(result), result.undefined) == (["f"], ("_h",))


def test_all_decides_what_a_star_import_gives(project: Path) -> None:
    (project / "starred_two.py").write_text("__all__ = ['_h']\ndef f(): ...\n_h = 1\n")
    result = found("f(); _h", "from starred_two import *")
    assert (names(result), result.undefined) == (["_h"], ("f",))


def test_a_later_star_import_may_hide_what_a_module_surely_gives(project: Path) -> None:
    (project / "starred_four.py").write_text("def sqrt(): ...\n")
    both = found("sqrt()", "from starred_four import *\nfrom math import *")
    assert [statement.text for statement in both.prelude] == ["from starred_four import *", "from math import *"]
    last = found("sqrt()", "from math import *\nfrom starred_four import *")
    assert [statement.text for statement in last.prelude] == ["from starred_four import *"]


@pytest.mark.parametrize("text", ["__all__ = ['f'] + others()\n", "from math import *\n"])
def test_a_module_whose_exports_are_made_at_run_time_may_give_any_name(project: Path, text: str) -> None:
    name = "starred_five" if "all" in text else "starred_six"
    (project / f"{name}.py").write_text(text)
    assert found("f(); g()", f"from {name} import *").undefined == ()


def test_a_star_import_of_a_star_import_gives_the_names_of_both_and_no_others(project: Path) -> None:
    (project / "starred_seven.py").write_text("from starred_eight import *\ndef f(): ...\n")
    (project / "starred_eight.py").write_text("from starred_seven import *\ndef g(): ...\n_h = 1\n")
    result = found("f(); g(); len(x); _h; missing", "from starred_seven import *", outputs=("x",))
    assert (names(result), result.undefined) == (["f", "g"], ("_h", "missing"))


def test_a_name_that_a_star_import_gives_later_is_found_then(project: Path) -> None:
    (project / "starred_nine.py").write_text("from starred_ten import *\n")
    (project / "starred_ten.py").write_text("def f(): ...\n")
    scope, step = scope_of("from starred_nine import *"), parse("f(); g()", label="step")
    assert reach(step, scope).undefined == ("g",)
    (project / "starred_ten.py").write_text("def f(): ...\ndef g(): ...\n")
    assert reach(step, scope).undefined == ()


def test_a_package_s_star_import_may_give_any_name_even_a_builtin_s() -> None:
    result = found("sqrt(sum(x))", "from math import *", outputs=("x",))
    assert (names(result), result.undefined) == (["sqrt", "sum"], ())
    assert [statement.text for statement in result.prelude] == ["from math import *"]


def test_a_star_import_in_the_cell_itself_may_give_what_is_missing() -> None:
    assert found("from math import *\nsqrt(2)").undefined == ()


def test_nothing_is_imported_to_find_out(project: Path) -> None:
    (project / "starred_three.py").write_text("raise SystemExit\ndef f(): ...\n")
    found("f()", "from starred_three import *")
    assert "starred_three" not in sys.modules
