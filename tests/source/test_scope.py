"""What the ordinary cells of a notebook define."""

from __future__ import annotations

import pytest

from mlstack_nb.source.cell import Cell, parse
from mlstack_nb.source.effects import Kind
from mlstack_nb.source.scope import NotebookScope


def cell(text: str, label: str) -> Cell:
    return parse(text, label=label)


def scope_of(*texts: str) -> NotebookScope:
    scope = NotebookScope()
    for number, text in enumerate(texts, 1):
        scope.add(cell(text, f"In[{number}]"))
    return scope


def kind(scope: NotebookScope, name: str) -> str | None:
    definition = scope.lookup(name)
    return definition and definition.kind.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def x(): ...", "function"),
        ("async def x(): ...", "function"),
        ("x = lambda a: a", "function"),
        ("class x: ...", "class"),
        ("import x", "import"),
        ("import x.y", "import"),
        ("import y as x", "import"),
        ("from y import x", "import"),
        ("x = 1", "constant"),
        ("x = -1.5", "constant"),
        ("x = 'a' 'b'", "constant"),
        ("x = None", "constant"),
        ("x = [1, (2, {'a': {3}})]", "constant"),
        ("x: int = 3", "constant"),
        ("x = 1 + 2j", "constant"),
        ("x = 1\nx = 2", "constant"),
        ("x = f(1)", "value"),
        ("x = a", "value"),
        ("x = f'{1}'", "value"),
        ("x = ...", "value"),
        ("x = 1 + 2", "value"),
        ("x, y = 1, 2", "value"),
        ("y = x = 1", "value"),
        ("x = [a]", "value"),
        ("x = 1\nx += 1", "value"),
        ("x = []\nx.append(1)", "value"),
        ("x = {}\nx['a'] = 1", "value"),
        ("x = {}\nfor i in y: x[i] = 1", "value"),
        ("x = 1\nif c: x = 2", "value"),
        ("if c: x = 2", "value"),
        ("for x in y: pass", "value"),
        ("with a as x: pass", "value"),
        ("x = 1\ndef f():\n  global x\n  x = 2", "value"),
        ("(x := 3)", "value"),
        ("%time x = f(1)", "value"),
        ("x = !ls", "value"),
        ("%%time\nx = 3", "constant"),
        ("%%capture x\ny = 3", "value"),
        ("try:\n  import x\nexcept ImportError:\n  x = None", "import"),
        ("try:\n  import a as x\nexcept ImportError:\n  import b as x", "import"),
        ("if c:\n  def x(): ...\nelse:\n  def x(): ...", "function"),
        ("def x(): ...\nx = cached(x)", "function"),
        ("class x: ...\nx.y = 1", "class"),
        ("import x\nx.option = 1", "import"),
        ("x: int", None),
        ("x = 1\ndel x", None),
        ("def f(): x = 1", None),
        ("[x for x in y]", None),
        ("%%bash\nx=1", None),
    ],
)
def test_a_name_is_what_its_statements_make_it(text: str, expected: str | None) -> None:
    assert kind(scope_of(text), "x") == expected


def test_a_constant_has_its_value() -> None:
    definition = scope_of("x = {'a': [-1, (2.5, None)]}").lookup("x")
    assert definition is not None
    assert definition.value == {"a": [-1, (2.5, None)]}


def test_the_last_binding_wins() -> None:
    scope = scope_of("x = 1", "def x(): ...", "x = 3")
    definition = scope.lookup("x")
    assert definition is not None
    assert (definition.kind, definition.value, definition.label) == (Kind.CONSTANT, 3, "In[3]")


def test_a_definition_remembers_every_statement_that_made_it() -> None:
    definition = scope_of("x = []\ny = 1", "x.append(f(y))", "x += [2]").lookup("x")
    assert definition is not None
    assert [(one.label, one.line, one.text) for one in definition.statements] == [
        ("In[1]", 1, "x = []"),
        ("In[2]", 1, "x.append(f(y))"),
        ("In[3]", 1, "x += [2]"),
    ]
    assert definition.reads == ("f", "y")


def test_the_same_statement_in_two_cells_counts_twice() -> None:
    once = scope_of("class A:\n    steps = []", "A.steps.append(1)")
    twice = scope_of("class A:\n    steps = []", "A.steps.append(1)", "A.steps.append(1)")
    other = scope_of("class A:\n    steps = []", "A.steps.append(1)", "A.steps.append(1)  # again")
    digests = [found.code.digest for scope in (once, twice, other) if (found := scope.lookup("A"))]
    assert digests[0] != digests[1] == digests[2]


def test_a_binding_that_does_not_read_the_name_starts_anew() -> None:
    definition = scope_of("x = f(1)", "x += 1", "x = g(2)").lookup("x")
    assert definition is not None
    assert definition.text == "x = g(2)"


def test_text_begins_with_decorators_and_names_one_import_alone() -> None:
    scope = scope_of("import a, b as c\n\n@deco\n@other(1)\ndef f():\n    return 1  # yes\n")
    texts = {definition.name: (definition.line, definition.text) for definition in scope}
    assert texts["f"] == (3, "@deco\n@other(1)\ndef f():\n    return 1  # yes")
    assert (texts["a"], texts["c"]) == ((1, "import a"), (1, "import b as c"))


def test_text_is_the_cell_s_own_with_its_magics() -> None:
    definition = scope_of("%time x = f(1)").lookup("x")
    assert definition is not None
    assert definition.text == "%time x = f(1)"


def test_definitions_come_as_they_stand() -> None:
    assert [one.name for one in scope_of("b = 1\na = 2", "c = 3\nb = 4")] == ["a", "c", "b"]


def test_a_cell_that_runs_again_under_its_label_takes_its_old_names_along() -> None:
    scope = scope_of("x = 1\ny = 1", "x = 2")
    scope.add(cell("x = 3", "In[1]"))
    assert kind(scope, "y") is None
    assert [one.label for one in scope.cells] == ["In[2]", "In[1]"]


def test_a_replaced_cell_keeps_its_place() -> None:
    scope = scope_of("x = 1\ny = 1", "x = 2")
    scope.replace(cell("x = 3\nz = 3", "In[1]"))
    assert [(one.name, one.value) for one in scope] == [("z", 3), ("x", 2)]


def test_a_removed_cell_leaves_what_it_hid() -> None:
    scope = scope_of("x = 1", "x = f()")
    scope.remove("In[2]")
    assert kind(scope, "x") == "constant"


@pytest.mark.parametrize("change", ["add", "replace", "remove"])
def test_every_change_makes_a_new_version_and_forgets_what_was_derived(change: str) -> None:
    scope = scope_of("x = 1", "y = 2")
    scope.memo["derived"] = True
    version = scope.version
    getattr(scope, change)("In[1]" if change == "remove" else cell("z = 1", "In[1]"))
    assert scope.version > version
    assert "derived" not in scope.memo


@pytest.mark.parametrize(
    "statement",
    [
        "df['x'] = 1",
        "df.loc[0, 'x'] = 1",
        "df.columns = []",
        "df += 1",
        "df['x'] += 1",
        "del df['x']",
        "del df",
        "df.drop(columns='x', inplace=True)",
        "df['x'].fillna(0, inplace=True)",
        "df.append(1)",
        "df.rows.extend([1])",
        "a, df[0] = 1, 2",
        "for i in y:\n    df[i] = 1",
        "if c:\n    df.update({})",
        "with a:\n    try:\n        del df.x\n    finally:\n        pass",
    ],
)
def test_a_change_in_place_is_recorded_with_its_cell(statement: str) -> None:
    change = scope_of("import os", f"a = 1\n{statement}").changes("df")
    assert [(one.label, one.line) for one in change] == [("In[2]", 2)]


@pytest.mark.parametrize(
    "statement",
    ["df.head()", "print(df)", "x = df.drop('a')", "df.plot(inplace=False)", "df = df.dropna()", "def f(): df[0] = 1"],
)
def test_reading_and_rebinding_are_no_changes_in_place(statement: str) -> None:
    assert scope_of(statement).changes("df") == ()


def test_a_method_decorator_becomes_part_of_its_owner() -> None:
    scope = scope_of("@singledispatch\ndef f(x): ...", "@f.register\ndef _(x: int): return g(x)")
    definition = scope.lookup("f")
    assert definition is not None
    assert "g" in definition.reads


def test_star_imports_are_listed_latest_first() -> None:
    assert [one.text for one in scope_of("from a import *", "from b.c import *").stars] == [
        "from b.c import *",
        "from a import *",
    ]
