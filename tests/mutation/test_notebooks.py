"""Every case of the tables: after the edit exactly the named steps rerun, in a live kernel and in a new one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import notebook_cases
import pytest
from live import Kernel, Project
from mutation_case import Case

from mlstack_nb.core.run import StepRun

CASES = notebook_cases.ALL
pytestmark = pytest.mark.filterwarnings("ignore::mlstack_nb.materializers.pickles.PickleWarning")


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Three workspaces in three places, for all cases one after the other."""
    return SimpleNamespace(**{name: tmp_path_factory.mktemp(name) for name in ("live", "file", "elsewhere")})


Keys = Mapping[str, str]


def keys(runs: Mapping[str, StepRun]) -> Keys:
    return {name: run.key for name, run in runs.items()}


def contents(runs: Mapping[str, StepRun]) -> Mapping[str, object]:
    return {name: {key: one.digest for key, one in run.outputs.items()} for name, run in runs.items()}


def live(case: Case, root: Path) -> tuple[list[str], Keys, Mapping[str, StepRun]]:
    """Run All; execute the edited cells again; Run All."""
    project = Project(root)
    with project.entered():
        kernel, before, after = Kernel(), case.before, case.after.following(case.before)
        project.write(before)
        first = keys(kernel.run_all(before))
        kernel.executed.clear()
        project.write(after)
        known = {cell.id: cell.text for cell in before.cells}
        for cell in after.cells:
            if cell.id in known and known[cell.id] != cell.text:
                kernel.run(cell)
        runs = kernel.run_all(after)
        return sorted(kernel.executed), first, runs


def from_file(case: Case, root: Path) -> tuple[list[str], Keys, Mapping[str, StepRun]]:
    """Run All in a new kernel; edit; Run All in another one on the same store."""
    project = Project(root)
    with project.entered():
        project.write(case.before)
        first = keys(Kernel().run_all(case.before))
        project.write(case.after)
        kernel = Kernel()
        runs = kernel.run_all(case.after)
        return sorted(kernel.executed), first, runs


def elsewhere(case: Case, root: Path) -> Mapping[str, StepRun]:
    """What the edited notebook gives where nothing is in the cache: the truth."""
    project = Project(root)
    with project.entered():
        project.write(case.after)
        return Kernel().run_all(case.after)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_exactly_what_the_edit_reaches_reruns(case: Case, roots: SimpleNamespace) -> None:
    executed_live, before_live, after_live = live(case, roots.live)
    executed_new, before_new, after_new = from_file(case, roots.file)
    truth = elsewhere(case, roots.elsewhere)
    assert contents(after_new) == contents(after_live) == contents(truth)
    assert executed_live == case.expected
    assert executed_new == case.expected
    assert before_live == before_new
    assert keys(after_live) == keys(after_new) == keys(truth)


def test_names_are_unique_and_edits_edit() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert [case.name for case in CASES if case.before == case.after] == []
