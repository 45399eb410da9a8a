"""A choice of the cases in real kernels of IPython: the same steps rerun, under the same keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import ipython_cases
import notebook_cases
import pytest
from live import Kernel, Project
from mutation_case import Case, Document
from real_kernel import RealKernel, real_kernel

CHOSEN = {
    "a comment is added",
    "a literal, of which the next step makes the same",
    "a function of a function",
    "a method",
    "a constant in a decorator",
    "a variable of a closure",
    "a function of a module",
    "a name of a star import",
    "a module's state set by its function",
    "deep inside a constant",
    "what a function does to a global name",
    "the content of a file behind a path",
}
PLAIN = [case for case in notebook_cases.ALL if case.name in CHOSEN]

Badges = Mapping[str, Mapping[str, Any]]


def keys(badges: Badges) -> dict[str, str]:
    return {name: badge["key"] for name, badge in badges.items()}


def contents(badges: Badges) -> dict[str, list[str]]:
    return {name: [one["digest"] for one in badge["outputs"]] for name, badge in badges.items()}


def run_edited(kernel: RealKernel, before: Document, after: Document) -> Badges:
    """Execute the edited cells, then all of them, as one does in a notebook that is open."""
    known = {cell.id: cell.text for cell in before.cells}
    kernel.executed.clear()
    for cell in after.cells:
        if cell.id in known and known[cell.id] != cell.text:
            kernel.run(cell)
    return kernel.run_all(after)


def reruns(case: Case, root: Path) -> tuple[Badges, Badges]:
    """Badges before and after the edit, having checked that a kernel that stayed and a new one rerun what they must."""
    before, after = case.before, case.after.following(case.before)
    project = Project(root / "here")
    with real_kernel(project.folder) as kernel:
        project.write(before)
        first = kernel.run_all(before)
        copy = project.copied(root / "there")
        project.write(after)
        kernel.forget_modules()
        second = run_edited(kernel, before, after)
        assert sorted(kernel.executed) == case.expected
    copy.write(after)
    with real_kernel(copy.folder) as kernel:
        anew = kernel.run_all(after)
        assert sorted(kernel.executed) == case.expected
    assert keys(anew) == keys(second)
    assert contents(anew) == contents(second)
    return first, second


def without_ipython(documents: Iterable[Document], root: Path) -> list[dict[str, str]]:
    """The keys that a kernel without IPython gives the steps of each."""
    project, found = Project(root), []
    with project.entered():
        for document in documents:
            project.write(document)
            found.append({name: run.key for name, run in Kernel().run_all(document).items()})
    return found


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: case.name)
def test_a_real_kernel_reruns_the_same_steps_under_the_same_keys(case: Case, tmp_path: Path) -> None:
    first, second = reruns(case, tmp_path)
    assert [keys(first), keys(second)] == without_ipython([case.before, case.after], tmp_path / "plain")


@pytest.mark.parametrize("case", ipython_cases.ALL, ids=lambda case: case.name)
def test_a_real_kernel_reads_what_only_ipython_understands(case: Case, tmp_path: Path) -> None:
    first, second = reruns(case, tmp_path)
    changed = sorted(name for name, key in keys(second).items() if keys(first)[name] != key)
    assert changed == case.expected


def test_the_choice_names_cases() -> None:
    assert len(PLAIN) == len(CHOSEN)
