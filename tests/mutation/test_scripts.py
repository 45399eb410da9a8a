"""Every case of `@step` functions: after the edit exactly the named steps rerun, with the same keys everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import script_cases
from live import Project
from mutation_case import Case
from script_project import executed, run_main

AS_PROGRAM = """
if __name__ == "__main__":
    import json
    print(json.dumps({step.step: step.key for step in main().steps}))
"""


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    return SimpleNamespace(here=tmp_path_factory.mktemp("here"), elsewhere=tmp_path_factory.mktemp("elsewhere"))


@pytest.mark.parametrize("case", script_cases.ALL, ids=lambda case: case.name)
def test_exactly_what_the_edit_reaches_reruns(case: Case, roots: SimpleNamespace) -> None:
    here, elsewhere = Project(roots.here), Project(roots.elsewhere)
    with here.entered():
        here.write(case.before)
        run_main(here)
        here.write(case.after)
        runs = run_main(here)
    with elsewhere.entered():
        elsewhere.write(case.after)
        truth = run_main(elsewhere)
    assert {name: run.outputs["output"].digest for name, run in runs.items()} == {
        name: run.outputs["output"].digest for name, run in truth.items()
    }
    assert executed(runs) == case.expected
    assert {name: run.key for name, run in runs.items()} == {name: run.key for name, run in truth.items()}


@pytest.mark.parametrize("case", [script_cases.BODY[0], script_cases.REACH[0]], ids=lambda case: case.name)
def test_a_program_of_its_own_finds_what_an_import_stored(case: Case, roots: SimpleNamespace) -> None:
    project = Project(roots.here)
    with project.entered():
        project.write(case.before)
        keys = {name: run.key for name, run in run_main(project).items() if name != "globally"}
        with Path("script.py").open("a") as script:
            script.write(AS_PROGRAM)
        done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    found.pop("globally", None)  # what looks names up at run time counts all of the file, which has more lines now
    assert found == keys
