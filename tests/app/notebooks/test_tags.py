"""Compiling notebooks whose cells are tagged: Kale's rules, and what Kale itself does badly."""

from __future__ import annotations

import pytest

from mlstack_nb.app.notebooks.compile import compile_cells
from mlstack_nb.core.step import FromParameter, FromStep, Literal, Resources
from mlstack_nb.errors import ConflictError, CycleError, GraphError, StepSyntaxError, UndefinedNameError, UsageError
from mlstack_nb.source.notebook_file import Notebook, NotebookCell


def compiled(*cells, given=None, **kale):
    """Each cell is its tags and its text; a text alone is a cell without tags."""
    pairs = [("", one) if isinstance(one, str) else one for one in cells]
    made = (
        NotebookCell(at, text, tags=tuple(tags.split(" ") if tags else ())) for at, (tags, text) in enumerate(pairs)
    )
    return compile_cells(Notebook("nb", tuple(made), metadata={"kubeflow_notebook": kale}), given)


def edges(found, name):
    return {key: source for key, source in found.step(name).step.inputs.items() if isinstance(source, FromStep)}


def makers(found, name):
    return {key: source.step for key, source in edges(found, name).items()}


def outputs(found, name):
    return [output.name for output in found.step(name).step.outputs]


def body(found, name):
    return [one.text for one in found.step(name).body]


LIMITS = "limit:cpu:2 limit:memory:4Gi label:team:risk annotation:docs:http://h:80/p secret:s3:key:KEY".split()


def every_tag():
    """One notebook with every tag of the grammar."""
    return compiled(
        ("imports", "import pandas as pd\n%matplotlib inline"),
        "import numpy as np",
        ("functions hide-input", "def clean(df): return df.dropna()"),
        ("pipeline-parameters", "rows = 10\nrate = -0.1\nnames = ['a', 'b']\nlimit: int | None = None"),
        ("parameters", "seed = 7"),
        ("skip", "df.describe( "),
        (
            " ".join([*LIMITS, "step:load", "image:ml:1", "cache:disabled", "report:enabled", "foreign"]),
            "df = pd.DataFrame({name: np.arange(rows) for name in names})",
        ),
        "!ls\ndf = clean(df)",
        ("block:train prev:load limit:nvidia.com/gpu:1", "%%time\nmodel = fit(df, rate, seed, limit)"),
        ("block:", "score = model.score(df)"),
        ("functions", "def fit(*args): return args"),
        ("pipeline-metrics", "print(score)\nprint(rows)"),
        pipeline_name="every-tag",
        steps_defaults=["limit:cpu:1", "label:cost:a"],
        base_image="base:1",
    )


def test_every_tag_has_its_meaning():
    found = every_tag()
    assert (found.name, [one.name for one in found.steps]) == ("every-tag", ["load", "train"])
    assert found.pipeline.parameters == {"rows": 10, "rate": -0.1, "names": ["a", "b"], "limit": None, "seed": 7}
    assert found.metrics == {"score": FromStep("train", "score"), "rows": FromParameter("rows")}
    assert (outputs(found, "load"), outputs(found, "train")) == (["df"], ["score"])
    assert body(found, "train") == ["%%time\nmodel = fit(df, rate, seed, limit)", "score = model.score(df)"]
    assert [one.cell.label for one in found.step("load").body] == ["cell 7", "cell 8"]


def test_every_tag_of_how_a_step_runs_is_in_its_settings():
    load, train = (one.step.settings for one in every_tag().steps)
    assert load.resources == Resources(
        limits={"cpu": "2", "memory": "4Gi"},
        labels={"cost": "a", "team": "risk"},
        annotations={"docs": "http://h:80/p"},
        secrets={"KEY": ("s3", "key")},
        image="ml:1",
    )
    assert (load.cache, load.report, train.cache, train.report) == (False, True, True, None)
    assert (train.resources.limits, train.resources.image) == ({"cpu": "1", "nvidia.com/gpu": "1"}, "base:1")


def test_imports_and_functions_reach_every_step_but_only_those_it_needs():
    found = every_tag()
    texts = {one.name: [piece.text for piece in one.prelude] for one in found.steps}
    assert texts["load"] == [
        "import pandas as pd",
        "%matplotlib inline",
        "def clean(df): return df.dropna()",
        "import numpy as np",
    ]
    assert texts["train"] == ["%matplotlib inline", "def fit(*args): return args"]


def test_a_notebook_may_switch_the_cache_off():
    assert compiled(("step:a", "x = 1"), enable_caching=False).step("a").step.settings.cache is False


# Joining


def test_untagged_cells_join_the_step_above_past_skipped_and_text_cells():
    found = compiled(("step:a", "x = 1"), ("skip", "x = 2"), "", "# nothing", "y = x")
    assert body(found, "a") == ["x = 1", "# nothing", "y = x"]


def test_untagged_cells_above_the_first_step_and_below_imports_are_ordinary():
    found = compiled("n = 1", ("imports", "import math"), "m = 2\nheavy = 3", ("step:a", "x = n + m"))
    assert found.step("a").step.inputs == {"n": FromParameter("n"), "m": FromParameter("m")}
    assert found.step("a").prelude == ()


def test_cells_of_one_name_are_one_step():
    found = compiled(
        ("step:a", "x = 1"), ("step:b prev:a", "y = x"), ("step:a", "z = 2"), ("step:c prev:b", "w = y + z")
    )
    assert body(found, "a") == ["x = 1", "z = 2"]
    assert makers(found, "c") == {"y": "b", "z": "a"}


def test_step_cells_and_tagged_steps_mix():
    found = compiled(
        ("step:load", "rows = [1]"),
        "%%step count -> n\nn = len(rows)",
        "scale = 2",
        ("step:report prev:count", "text = f'{n * scale}'\ntext"),
        ("limit:memory:1Gi", "%%step last\nuse = text"),
    )
    assert makers(found, "count") == {"rows": "load"}
    assert makers(found, "report") == {"n": "count"}
    assert found.step("report").step.inputs["scale"] == FromParameter("scale")
    assert (makers(found, "last"), found.step("last").step.settings.resources.limits) == (
        {"text": "report"},
        {"memory": "1Gi"},
    )


def test_what_a_cell_shows_in_the_middle_of_a_step_counts():
    one, other = (compiled(("step:a", f"x = 1\n{shown}"), "y = 2").step("a") for shown in ("'a'", "'b'"))
    assert one.step.fingerprint != other.step.fingerprint


# Outputs and edges


def test_outputs_are_what_later_steps_read_and_the_name_a_step_ends_with():
    found = compiled(
        ("step:a", "x = [i for i in range(3)]\ny = 2\nfor k in x: pass\ndel y"), ("step:b", "z = sum(x)"), "z"
    )
    assert (outputs(found, "a"), outputs(found, "b")) == (["x"], ["z"])


def test_edges_are_found_without_prev_tags():
    found = compiled(("step:a", "x = 1"), ("step:b", "y = x"), ("step:c", "z = x + y"))
    assert makers(found, "c") == {"x": "a", "y": "b"}


def test_a_forgotten_prev_is_no_trap():
    found = compiled(
        ("step:a", "x = 1"), ("step:b prev:a", "y = 1"), ("step:c prev:b", "z = x + y"), ("step:d", "w = z")
    )
    assert (makers(found, "c"), makers(found, "d")) == ({"x": "a", "y": "b"}, {"z": "c"})


def test_variables_named_like_builtins_are_passed():
    found = compiled(("step:a", "id = 1\ninput = 2\nmax = 3"), ("step:b prev:a", "x = id + input\ny = max"))
    assert makers(found, "b") == {"id": "a", "input": "a", "max": "a"}


@pytest.mark.parametrize(
    "change",
    [
        "df['x'] = 1",
        "df.drop(columns='a', inplace=True)",
        "df.loc[df.a > 1, 'a'] = 0",
        "for part in [df]:\n    part['x'] = 1",
        "widen(df)",
        "model = df.fit(1)",
        "if rows:\n    df = df.dropna()",
        "df += 1",
    ],
)
def test_a_step_that_changes_an_input_in_place_makes_a_new_version(change):
    found = compiled(
        ("functions", "def widen(frame): frame['x'] = 1"),
        ("parameters", "rows = 1"),
        ("step:load", "df = make = [1]"),
        ("step:change prev:load", change),
        ("step:use prev:change", "print(df)"),
    )
    assert makers(found, "change")["df"] == "load"
    assert makers(found, "use")["df"] == "change"
    assert "df" in outputs(found, "change")


def test_a_branch_does_not_see_what_another_one_changes():
    found = compiled(
        ("step:load", "df = [1]"),
        ("step:left prev:load", "df.append(2)\nleft = df"),
        ("step:right prev:load", "right = sum(df)"),
        ("step:join prev:left prev:right", "both = left, right"),
    )
    assert makers(found, "right") == {"df": "load"}
    assert found.step("right").step.needs == ("load",)


def test_two_makers_without_an_order_are_an_error_that_names_both():
    with pytest.raises(GraphError) as caught:
        compiled(
            ("step:load", "df = [1]"),
            ("step:left prev:load", "df.append(2)"),
            ("step:right prev:load", "df.append(3)"),
            ("step:join prev:left prev:right", "n = len(df)"),
        )
    assert "'left' (cell 2) and 'right' (cell 3)" in caught.value.what
    assert caught.value.hint.startswith("Tag cell 3 with prev:left")


def test_without_prev_tags_the_order_of_the_cells_is_the_order():
    found = compiled(("step:a", "x = 1"), ("step:b", "x = 2"), ("step:c", "y = x"))
    assert makers(found, "c") == {"x": "b"}


def test_a_name_bound_in_one_branch_only_passes_through():
    cells = [("step:a", "best = 1"), ("step:b prev:a", "if 1 > 2:\n    best = 2"), ("step:c prev:b", "print(best)")]
    found = compiled(*cells)
    assert (makers(found, "b"), makers(found, "c"), outputs(found, "b")) == ({"best": "a"}, {"best": "b"}, ["best"])
    found = compiled(
        ("parameters", "best = 1"), ("step:b", "if 1 > 2:\n    best = 2"), ("step:c prev:b", "print(best)")
    )
    assert found.step("b").step.inputs == {"best": FromParameter("best")}


def test_names_that_nobody_reads_later_are_not_passed_through():
    found = compiled(("step:a", "for i in range(3): pass"), ("step:b", "for i in range(4): pass"))
    assert (makers(found, "b"), outputs(found, "a")) == ({}, [])


def test_imports_and_functions_of_a_step_travel_as_code():
    found = compiled(
        ("step:a", "import math\nfactor = 2\ndef scaled(n): return math.sqrt(n) * factor\nclass Box: ..."),
        ("step:b prev:a", "x = scaled(3)\ny = Box()"),
    )
    assert [piece.text for piece in found.step("b").prelude] == [
        "import math",
        "def scaled(n): return math.sqrt(n) * factor",
        "class Box: ...",
    ]
    assert (makers(found, "b"), outputs(found, "a")) == ({"factor": "a"}, ["factor"])


def test_what_a_function_reads_is_needed_by_the_step_that_calls_it():
    found = compiled(
        ("step:a", "x = 1\ndef plot(): plt.plot(y)\nclass Net:\n    def run(self): return torch.ones(y)"),
        ("step:b prev:a", "import matplotlib.pyplot as plt\ny = x\nplot()"),
    )
    assert outputs(found, "a") == ["x"]
    assert [piece.text for piece in found.step("b").prelude] == ["def plot(): plt.plot(y)"]


def test_an_ordinary_cell_below_a_step_may_take_a_name_over():
    found = compiled(("step:a", "n = 1"), ("parameters", "n = 2"), ("step:b", "m = n"))
    assert found.step("b").step.inputs == {"n": FromParameter("n")}


def test_values_of_ordinary_cells_are_captured_for_tagged_steps_too():
    found = compiled(
        ("imports", "import os\npath = os.path.join('a', 'b')\nwhere = os.getcwd()"), ("step:a", "x = path, where")
    )
    assert found.step("a").step.inputs["path"] == Literal("a/b")
    assert [piece.text for piece in found.step("a").setup.pieces] == ["import os\nwhere = os.getcwd()"]


def test_a_joined_key_depends_on_the_code_and_not_on_the_cells():
    one = compiled(("step:a", "x = 1\ny = 2")).step("a").step.fingerprint
    two = compiled(("step:a", "x = 1"), "y = 2").step("a").step.fingerprint
    assert one == two


# Mistakes


@pytest.mark.parametrize(
    ("cells", "error", "told"),
    [
        ([("step:a", "x = missing")], UndefinedNameError, "'missing'"),
        ([("step:a", "def f(): return missing\n%time x = f()")], UndefinedNameError, "'missing'"),
        ([("step:a", "class A:\n    size = missing")], UndefinedNameError, "'missing'"),
        ([("step:a prev:b", "x = 1")], UndefinedNameError, "'b', which is no step here"),
        ([("step:a prev:b", "x = 1"), ("step:b", "y = 1")], UndefinedNameError, "stands below it (cell 2)"),
        ([("step:a", "x = 1"), ("step:b prev:aa", "y = 1")], UndefinedNameError, "Did you mean 'a'?"),
        ([("prev:a", "x = 1")], UsageError, "the cell is no step"),
        ([("step:a", "x = 1"), ("limit:cpu:1", "y = 1")], UsageError, "limit:cpu:1"),
        ([("step:a step:b", "x = 1")], UsageError, "two steps"),
        ([("step:Load", "x = 1")], UsageError, "step:load"),
        ([("step:a", "x = (")], StepSyntaxError, "Cell 1, line 1"),
        ([("step:a", "x = 1"), "y = ("], StepSyntaxError, "Cell 2, line 1"),
        ([("step:a", "x = 1"), "%%step a\nx = 1"], ConflictError, "cell 1 and cell 2"),
        (["%%step a\nx = 1", ("step:a", "x = 1")], ConflictError, "by its tag"),
        ([("imports", "%%step a\nx = 1")], ConflictError, "its tag says 'imports'"),
        ([("step:a", "x = 1"), ("pipeline-metrics", "print(acuracy)")], UndefinedNameError, "pipeline-metrics"),
        ([("step:a", "n = []"), ("functions", "n.append(1)"), ("step:b", "m = n")], GraphError, "which cell 2 changes"),
        (
            [("step:a", "x = 1"), ("step:b prev:a", "y = x"), ("step:a prev:b", "z = 1")],
            UndefinedNameError,
            "below",
        ),
    ],
)
def test_mistakes_name_the_cell_and_the_way_out(cells, error, told):
    with pytest.raises(error) as caught:
        compiled(*cells)
    assert told in str(caught.value) and caught.value.hint


def test_steps_that_wait_for_each_other_are_named():
    with pytest.raises((CycleError, UndefinedNameError), match="cell"):
        compiled(("step:a", "x = 1"), ("step:b", "y = x"), ("step:a", "z = y"))
