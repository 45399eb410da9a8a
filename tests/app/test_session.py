from __future__ import annotations

import types

import pandas as pd
import pytest

from mlstack_nb.app import runs
from mlstack_nb.app.session import Session
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.run import State
from mlstack_nb.errors import (
    ConfigError,
    ConflictError,
    GraphError,
    MaterializerError,
    StaleCodeError,
    UndefinedNameError,
    UsageError,
)

pytestmark = pytest.mark.usefixtures("workspace")


class Kernel:
    """A kernel without IPython: cells are executed by `exec`, steps by the session."""

    def __init__(self) -> None:
        self.namespace = {"__name__": "__main__"}
        self.session = Session(namespace=self.namespace, name="nb")
        self.count = 0
        self.executed: list[str] = []

    def cell(self, text, cell_id=None):
        self.count += 1
        self.session.prepare(text, label=f"In[{self.count}]")
        exec(text, self.namespace)
        self.session.record(text, label=f"In[{self.count}]", cell_id=cell_id)

    def step(self, line, body, cell_id=None):
        self.count += 1
        driver = self.session.drive_cell(line, body, label=f"In[{self.count}]", cell_id=cell_id)
        try:
            namespace = next(driver)
            while True:
                self.executed.append(line.split()[0])
                try:
                    exec(body, namespace)
                except BaseException as error:  # noqa: BLE001
                    namespace = driver.throw(error)
                else:
                    namespace = driver.send(namespace)
        except StopIteration as stop:
            return stop.value


@pytest.fixture
def kernel():
    return Kernel()


def test_outputs_of_a_step_are_bound_in_the_kernel_and_nothing_else(kernel):
    kernel.step("load -> df", "helper = 1\ndf = [helper]")
    assert kernel.namespace["df"] == [1]
    assert "helper" not in kernel.namespace


def test_without_an_arrow_the_assigned_names_are_the_outputs(kernel):
    run = kernel.step("load", "a = 1\n_hidden = 2\nimport math\nb = math.pi")
    assert list(run.outputs) == ["a", "b"]


def test_a_constant_of_an_ordinary_cell_is_a_parameter(kernel):
    kernel.cell("depth = 3")
    assert kernel.step("grow -> size", "size = depth * 2").parameters == {"depth": 3}
    kernel.cell("depth = 4")
    assert kernel.step("grow -> size", "size = depth * 2").state is State.COMPLETED
    assert kernel.namespace["size"] == 8


def test_a_step_run_again_is_cached_and_bound_when_read(kernel):
    kernel.step("load -> n", "n = [1, 2]")
    assert kernel.step("load -> n", "n = [1, 2]").state is State.CACHED
    assert "n" not in kernel.namespace
    kernel.cell("m = len(n)")
    assert kernel.namespace["m"] == 2
    assert kernel.executed == ["load"]


def test_a_cached_output_is_loaded_for_a_function_that_reads_it(kernel):
    kernel.cell("def size():\n    return len(n)")
    kernel.step("load -> n", "n = [1, 2]")
    kernel.step("load -> n", "n = [1, 2]")
    kernel.cell("m = size()")
    assert kernel.namespace["m"] == 2


def test_a_changed_helper_reruns_the_step_and_a_comment_does_not(kernel):
    kernel.cell("def clean(x):\n    return x + 1")
    kernel.step("work -> y", "y = clean(1)")
    kernel.cell("def clean(x):\n    # plus one\n    return x + 1")
    assert kernel.step("work -> y", "y = clean(1)  # the same").state is State.CACHED
    kernel.cell("def clean(x):\n    return x + 2")
    assert kernel.step("work -> y", "y = clean(1)").state is State.COMPLETED
    assert kernel.namespace["y"] == 3


def test_a_helper_of_a_helper_counts(kernel):
    kernel.cell("def inner():\n    return 1")
    kernel.cell("def outer():\n    return inner()")
    kernel.step("work -> y", "y = outer()")
    kernel.cell("def inner():\n    return 2")
    assert kernel.step("work -> y", "y = outer()").state is State.COMPLETED
    assert kernel.namespace["y"] == 2


def test_a_constant_that_a_helper_reads_counts(kernel):
    kernel.cell("LIMIT = 1")
    kernel.cell("def limited():\n    return LIMIT")
    assert kernel.step("work -> y", "y = limited()").parameters == {"LIMIT": 1}
    kernel.cell("LIMIT = 2")
    kernel.step("work -> y", "y = limited()")
    assert kernel.namespace["y"] == 2


def test_a_step_output_that_a_helper_reads_is_an_input(kernel):
    kernel.cell("def size():\n    return len(n)")
    kernel.step("load -> n", "n = [1, 2]")
    kernel.step("measure -> m", "m = size()")
    assert kernel.session.pipeline().step("measure").needs == ("load",)
    assert kernel.namespace["m"] == 2


def test_a_computed_value_is_captured_by_content(kernel):
    kernel.cell("import pandas as pd")
    kernel.cell("frame = pd.DataFrame({'a': [1, 2]})")
    kernel.step("work -> y", "y = int(frame['a'].sum())\nframe['a'] = 0")
    assert kernel.namespace["frame"]["a"].tolist() == [1, 2]
    kernel.cell("frame = pd.DataFrame({'a': [1, 3]})")
    assert kernel.step("work -> y", "y = int(frame['a'].sum())\nframe['a'] = 0").state is State.COMPLETED
    assert kernel.namespace["y"] == 4


def test_a_captured_value_that_can_not_be_stored_names_its_cell(kernel):
    kernel.cell("import threading")
    kernel.cell("lock = threading.Lock()")
    with pytest.raises(MaterializerError, match=r"Step 'work' reads 'lock' from cell In\[2\]"):
        kernel.step("work -> y", "with lock:\n    y = 1")


def test_a_name_that_nobody_defines(kernel):
    kernel.cell("threshold = 1")
    with pytest.raises(UndefinedNameError, match="reads 'treshold', which no step gives") as caught:
        kernel.step("work -> y", "y = treshold")
    assert caught.value.hint == "Did you mean 'threshold'?"


def test_hidden_state_is_refused(kernel):
    kernel.namespace["secret"] = 42
    with pytest.raises(UndefinedNameError, match="'secret', which the kernel holds but no executed cell"):
        kernel.step("work -> y", "y = secret")


def test_a_path_is_handed_on_as_it_is_and_counts_with_its_content(kernel, workspace):
    file = workspace.parent / "data.txt"
    file.write_text("one")
    kernel.cell("from pathlib import Path\nsource = Path('data.txt')")
    read = "text = source.read_text()\nwhere = str(source)"
    kernel.step("load -> text, where", read)
    assert (kernel.namespace["text"], kernel.namespace["where"]) == ("one", "data.txt")
    assert kernel.step("load -> text, where", read).state is State.CACHED
    file.write_text("two")
    assert kernel.step("load -> text, where", read).state is State.COMPLETED
    assert kernel.namespace["text"] == "two"


def test_a_plain_list_is_a_parameter_that_the_step_can_not_change(kernel):
    kernel.cell("columns = [f'x{k}' for k in range(2)]")
    run = kernel.step("work -> n", "columns.append('y')\nn = len(columns)")
    assert run.parameters == {"columns": ["x0", "x1"]}
    assert kernel.namespace["columns"] == ["x0", "x1"]
    assert kernel.namespace["n"] == 3


def test_options_of_the_line_make_the_policy(kernel):
    kernel.cell("seed = 1")
    kernel.step("work -> n --ignore parameter:seed,python", "n = seed")
    kernel.cell("seed = 2")
    assert kernel.step("work -> n --ignore parameter:seed,python", "n = seed").state is State.CACHED
    assert kernel.step("work -> n --ignore python --salt again", "n = seed").state is State.COMPLETED


def test_listed_inputs_are_exactly_the_inputs(kernel):
    kernel.step("load -> a", "a = 1")
    kernel.step("other -> b", "b = 2")
    kernel.step("use -> c --in a,b", "c = eval('a + b')")
    assert kernel.session.pipeline().step("use").needs == ("load", "other")
    assert kernel.namespace["c"] == 3
    with pytest.raises(UndefinedNameError, match="reads 'nothing', which no step gives"):
        kernel.step("use -> c --in a,nothing", "c = a")


def test_two_cells_of_one_name_are_refused(kernel):
    kernel.step("load -> n", "n = 1", cell_id="a")
    kernel.step("load -> n", "n = 2", cell_id="a")
    with pytest.raises(ConflictError, match=r"Two cells of this notebook are the step 'load': this one and In\[2\]"):
        kernel.step("load -> n", "n = 3", cell_id="b")
    kernel.session.forget_cells(["a"])
    assert kernel.step("load -> n", "n = 3", cell_id="b").state is State.COMPLETED


def test_a_step_that_failed_before_gives_nothing(kernel):
    with pytest.raises(ZeroDivisionError):
        kernel.step("load -> n", "n = 1 / 0")
    assert kernel.session.states["load"].state is State.FAILED
    with pytest.raises(GraphError, match="Step 'use' reads 'n' of step 'load', which has not run well yet"):
        kernel.step("use -> m", "m = n")


def test_what_a_step_gave_before_it_failed_is_not_read(kernel):
    kernel.step("load -> n", "n = 1")
    with pytest.raises(ZeroDivisionError):
        kernel.step("load -> n", "n = 1 / 0")
    with pytest.raises(GraphError, match="has not run well yet"):
        kernel.step("use -> m", "m = n")


def test_a_failed_step_keeps_its_time_and_reason(kernel):
    with pytest.raises(ZeroDivisionError):
        kernel.step("load -> n", "n = 1 / 0")
    failed = kernel.session.states["load"]
    assert failed.failure.type == "ZeroDivisionError"
    assert 0 < failed.duration_s < 60


def test_a_tracker_that_the_stack_lacks_is_refused_before_anything_is_recorded(kernel):
    with pytest.raises(ConfigError, match="asks for an experiment tracker, but the active stack has none"):
        kernel.step("train -> m --tracker", "m = 1")
    assert runs.list_all(Workspace.find()) == []


@pytest.mark.parametrize("change", ["df = 3", "df += [3]", "df[0] = 3", "del df", "df.append(3)"])
def test_an_ordinary_cell_that_changes_a_steps_output_is_named(kernel, change):
    kernel.step("load -> df", "df = [1, 2]")
    kernel.cell(change)
    with pytest.raises(GraphError, match=r"'df', an output of step 'load' that cell In\[2\] changes"):
        kernel.step("use -> n", "n = len(df)")
    kernel.step("load -> df", "df = [1, 2]")
    assert kernel.step("use -> n", "n = len(df)").state is State.COMPLETED


def test_a_chain_that_refines_one_name_stays_a_chain(kernel):
    kernel.step("load -> df", "df = [3, 1]")
    kernel.step("order -> df", "df = sorted(df)")
    kernel.step("double -> df", "df = [2 * x for x in df]")
    kernel.step("order -> df", "df = sorted(df)")
    pipeline = kernel.session.pipeline()
    assert [s.name for s in pipeline.ordered()] == ["load", "order", "double"]
    kernel.step("use -> n", "n = df[0]")
    assert kernel.session.pipeline().step("use").needs == ("order",)


def test_a_variable_named_like_a_builtin_is_passed(kernel):
    kernel.step("load -> id", "id = 7")
    kernel.step("use -> n", "n = id + 1")
    assert kernel.namespace["n"] == 8


def test_cells_run_one_by_one_are_one_run_until_one_is_run_again(kernel):
    kernel.step("a -> x", "x = 1")
    kernel.step("b -> y", "y = x + 1")
    kernel.step("a -> x", "x = 1")
    listed = runs.list_all(Workspace.find())
    assert [run["step_counts"] for run in listed] == [{"cached": 1}, {"completed": 2}]
    assert {run["mode"] for run in listed} == {"interactive"}
    assert [s["step"] for s in runs.show(Workspace.find(), listed[1]["id"])["steps"]] == ["a", "b"]


def test_run_all_runs_in_the_order_that_names_demand(kernel):
    kernel.step("a -> x", "x = 1")
    kernel.step("b -> y", "y = x + 1")
    kernel.step("a -> x", "x = 5")

    def execute(cell, namespace):
        exec(cell.body, namespace)
        return namespace

    run, errors = kernel.session.run_all(execute)
    assert errors == {}
    assert [(s.step, s.state) for s in run.steps] == [("a", State.CACHED), ("b", State.COMPLETED)]
    assert kernel.namespace["y"] == 6


def test_run_all_without_steps_says_what_a_step_is(kernel):
    with pytest.raises(UsageError, match="no step yet"):
        kernel.session.run_all(lambda cell, namespace: namespace)


def test_a_function_sees_the_steps_names_not_the_kernels(kernel):
    kernel.cell("def which():\n    return n")
    kernel.step("load -> n", "n = 1")
    kernel.namespace["n"] = "spoilt behind our back"
    kernel.step("use -> m", "m = which()")
    assert kernel.namespace["m"] == 1


def test_modules_are_captured_as_imports_not_as_values(kernel):
    kernel.cell("import json as j\nfrom math import pi")
    run = kernel.step("use -> m", "m = j.dumps([round(pi, 2)])")
    assert kernel.namespace["m"] == "[3.14]"
    assert run.inputs == {}
    assert isinstance(kernel.namespace["j"], types.ModuleType)


def test_a_frame_changed_by_a_later_step_is_intact_in_the_kernel(kernel):
    kernel.cell("import pandas as pd")
    kernel.step("load -> df", "df = pd.DataFrame({'a': [1]})")
    kernel.step("spoil -> n", "df['a'] = 9\nn = 1")
    pd.testing.assert_frame_equal(kernel.namespace["df"], pd.DataFrame({"a": [1]}))


def test_a_name_whose_cell_was_edited_away_is_refused(kernel):
    kernel.cell("limit = 1", cell_id="a")
    kernel.cell("threshold = 1", cell_id="a")
    with pytest.raises(UndefinedNameError, match="'limit', which the kernel holds but no executed cell"):
        kernel.step("use -> n", "n = limit")


def test_a_name_whose_cell_was_deleted_is_refused(kernel):
    kernel.cell("limit = 1", cell_id="a")
    kernel.session.forget_cells(["a"])
    with pytest.raises(UndefinedNameError, match="'limit', which the kernel holds but no executed cell"):
        kernel.step("use -> n", "n = limit")


def test_a_value_computed_before_its_source_changed_is_named(kernel, capfd):
    kernel.cell("width = 2", cell_id="a")
    kernel.cell("area = width * width", cell_id="b")
    kernel.step("use -> n", "n = area")
    assert capfd.readouterr().err == ""
    kernel.cell("width = 3", cell_id="a")
    kernel.step("use -> n", "n = area")
    assert "step use: 'area' was computed in cell In[2], before 'width' changed in cell In[4]" in capfd.readouterr().err
    kernel.cell("area = width * width", cell_id="b")
    assert kernel.step("use -> n", "n = area").state is State.COMPLETED
    assert kernel.namespace["n"] == 9
    assert capfd.readouterr().err == ""


def test_run_all_again_is_in_order(kernel, capfd):
    for _ in range(2):
        kernel.cell("width = 2", cell_id="a")
        kernel.cell("area = width * width", cell_id="b")
        kernel.step("use -> n", "n = area", cell_id="c")
    assert capfd.readouterr().err == ""


def test_a_module_edited_but_not_reloaded_is_refused(kernel, workspace, monkeypatch):
    module = workspace.parent / "edited_helpers.py"
    module.write_text("def double(x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(str(workspace.parent))
    kernel.cell("import edited_helpers")
    kernel.step("use -> n", "n = edited_helpers.double(1)")
    module.write_text("def double(x):\n    return 20 * x\n")
    with pytest.raises(StaleCodeError, match="Step 'use' uses module 'edited_helpers', which was edited on disk"):
        kernel.step("use -> n", "n = edited_helpers.double(1)")
    kernel.cell("import importlib\nimportlib.invalidate_caches()\n_ = importlib.reload(edited_helpers)")
    assert kernel.step("use -> n", "n = edited_helpers.double(1)").state is State.COMPLETED
    assert kernel.namespace["n"] == 20


@pytest.mark.parametrize("annotation", ["Annotated[str, DataFile()]", "typing.Annotated[str, mlstack_nb.DataFile]"])
def test_a_constant_that_is_a_data_file_counts_by_content(kernel, tmp_path, monkeypatch, annotation):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text("1\n")
    kernel.cell("import typing, mlstack_nb\nfrom typing import Annotated\nfrom mlstack_nb import DataFile")
    kernel.cell(f"rows: {annotation} = 'rows.csv'")
    load = ("load -> text", "text = open(rows).read()")
    assert kernel.step(*load).state is State.COMPLETED
    assert kernel.step(*load).state is State.CACHED
    (tmp_path / "rows.csv").write_text("2\n")
    assert kernel.step(*load).state is State.COMPLETED


def test_a_large_value_of_an_ordinary_cell_is_asked_to_be_a_step(kernel):
    kernel.cell("import numpy as np\nbig = np.zeros(257 * 1024 * 1024 // 8)")
    with pytest.raises(MaterializerError, match=r"'total' reads 'big' from cell In\[1\], which holds .*\n.*-> big"):
        kernel.step("total -> total", "total = big.sum()")
    kernel.cell("big = np.zeros(8)")
    assert kernel.step("total -> total", "total = big.sum()").state is State.COMPLETED
