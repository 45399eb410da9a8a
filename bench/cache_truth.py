"""The script cases of the mutation suite put to joblib.Memory and to mlstack_nb: who is right after an edit?

`python -m bench.cache_truth [--json]` takes a minute. For each case the project is run, one thing in it is edited, and
it is run again in a new process; files, cache and place stay what they were. joblib is used as its documentation says:
each step is decorated by `memory.cache`, and functions of modules are imported as usual. It promises no more than to
compare a function's own source and its arguments; the rest is counted all the same, for it is what a person who reruns
a script wants to know.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests" / "mutation"))

import script_cases  # noqa: E402

if TYPE_CHECKING:
    from mutation_case import Case, Document

OUTCOMES = ("right", "wrong", "lucky", "needless")
SUBJECTS = ("joblib", "mlstack_nb")

# Stands in for `from mlstack_nb import step, pipeline`; a profiler tells whose body is executed, and changes nothing.
_STAND_IN = """
import functools, json, sys, types

given, executed, names = {}, set(), {}

def step(function=None, **options):
    if function is None:
        return step
    names[function.__code__] = function.__name__
    cached = keep(function)
    @functools.wraps(function)
    def call(*arguments, **keywords):
        value = cached(*arguments, **keywords)
        given[function.__name__] = repr(value)
        return value
    return call

def profile(frame, event, argument):
    if event == "call" and frame.f_code in names:
        executed.add(names[frame.f_code])

sys.modules["mlstack_nb"] = types.SimpleNamespace(step=step, pipeline=lambda function: function)
"""
_RUN = """
import script
sys.setprofile(profile)
script.main()
sys.setprofile(None)
print("#" + json.dumps([given, sorted(executed)]))
"""
PROGRAMS = {
    "nothing": _STAND_IN + "\nkeep = lambda function: function\n" + _RUN,
    "joblib": _STAND_IN + "\nimport joblib\nkeep = joblib.Memory('.joblib', verbose=0).cache\n" + _RUN,
    "mlstack_nb": """
import json
import script
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.engine.values import Value
run = script.main()
codec = Runtime.current().engine.codec
given = {step.step: repr(Value(step.outputs["output"], codec).get()) for step in run.steps}
executed = sorted(step.step for step in run.steps if step.state.value == "completed")
print("#" + json.dumps([given, executed]))
""",
}


@dataclass(frozen=True)
class Ran:
    """What each step gave, and which of them were executed."""

    given: Mapping[str, str]
    executed: frozenset[str]


def outcome(case: Case, after: Ran, truth: Ran) -> str:
    """`wrong`: a step gave what is not so any more. `lucky`: one that the edit reaches did not rerun, and would have
    given the same. `needless`: one reran that the edit does not reach.
    """
    if after.given != truth.given:
        return "wrong"
    if not set(case.expected) <= after.executed:
        return "lucky"
    return "needless" if after.executed - set(case.expected) else "right"


class Project:
    """A folder with the files of a case, run by one of the programs; always at the same place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._kept = folder.with_name(f"{folder.name} as it was")

    def write(self, document: Document) -> None:
        (self.folder / ".mlstack").mkdir(parents=True, exist_ok=True)
        for path, text in document.files.items():
            target = self.folder / path
            if not target.exists() or target.read_text() != text:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
        left_over = {*_files(self.folder)} - document.files.keys()
        for path in left_over:
            (self.folder / path).unlink()
            if not any((self.folder / path).parent.iterdir()):
                (self.folder / path).parent.rmdir()

    def keep(self) -> None:
        shutil.copytree(self.folder, self._kept)

    def restore(self) -> None:
        shutil.rmtree(self.folder)
        shutil.copytree(self._kept, self.folder)

    def run(self, program: str) -> Ran:
        """Raises RuntimeError with what the program complained about."""
        paths = [str(self.folder), str(self.folder / "site-packages"), str(ROOT)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAMS[program]],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} in {self.folder}:\n{done.stderr}")
        line = next(line for line in done.stdout.splitlines() if line.startswith("#"))
        given, executed = json.loads(line[1:])
        return Ran(given, frozenset(executed))


def _files(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if path.is_file() and not inside.parts[0].startswith("."):
            yield inside.as_posix()


def measured(cases: Iterable[Case], root: Path) -> Iterator[tuple[Case, dict[str, str]]]:
    """Each case with the outcome of every subject."""
    bases: dict[str, dict[str, Project]] = {}
    for case in cases:
        if case.base not in bases:
            bases[case.base] = _prepared(case, root / str(len(bases)))
        after = {}
        for name, project in bases[case.base].items():
            project.restore()
            project.write(case.after)
            after[name] = project.run(name)
        yield case, {name: outcome(case, after[name], after["nothing"]) for name in SUBJECTS}


def _prepared(case: Case, root: Path) -> dict[str, Project]:
    """A project for each program, run once and found to be at rest: a second run executes nothing."""
    projects = {name: Project(root / name) for name in PROGRAMS}
    for name, project in projects.items():
        project.write(case.before)
        project.run(name)
        if name != "nothing" and project.run(name).executed:
            raise RuntimeError(f"{name} executes steps again although nothing was edited")
        project.keep()
    return projects


def report(rows: Iterable[tuple[Case, dict[str, str]]]) -> dict[str, Any]:
    counts = {name: {} for name in SUBJECTS}  # type: dict[str, dict[str, Counter[str]]]
    details = []
    for case, outcomes in rows:
        group = case.name.partition(":")[0]
        for name, found in outcomes.items():
            counts[name].setdefault(group, Counter())[found] += 1
        details.append({"case": case.name, **outcomes})
    table = {
        name: {group: {one: counter[one] for one in OUTCOMES} for group, counter in groups.items()}
        for name, groups in counts.items()
    }
    return {"groups": table, "cases": details}


def shown(found: Mapping[str, Any]) -> str:
    lines = [f"{'':10} {'group':8} {'cases':>6} " + " ".join(f"{one:>8}" for one in OUTCOMES)]
    for name, groups in found["groups"].items():
        total: Counter[str] = Counter()
        for group, counts in groups.items():
            total.update(counts)
            lines.append(_line(name, group, counts))
        lines.append(_line(name, "all", total))
    lines += ["", "not right:"]
    lines += [
        f"  {one['case']:58} " + ", ".join(f"{name} {one[name]}" for name in SUBJECTS if one[name] != "right")
        for one in found["cases"]
        if any(one[name] != "right" for name in SUBJECTS)
    ]
    return "\n".join(lines)


def _line(name: str, group: str, counts: Mapping[str, int]) -> str:
    return f"{name:10} {group:8} {sum(counts.values()):6} " + " ".join(f"{counts[one]:8}" for one in OUTCOMES)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = report(measured(script_cases.ALL, Path(scratch)))
    print(json.dumps(found, indent=2) if asked.json else shown(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
