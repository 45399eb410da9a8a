"""Which kernel runs a notebook, and what is said when there is none that can."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from mlstack_nb.errors import KernelLanguageError, KernelMissingError, KernelPackageError, KernelStartError
from mlstack_nb.kernels import kernel_specs
from mlstack_nb.kernels.execute import execute
from mlstack_nb.kernels.provisioner import TemplateProvisioner
from tests.kernels.conftest import notebook, printed

IPYKERNEL = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
Install = Callable[..., str]

LOOK = "import sys, os\nprint(sys.executable, os.environ.get('OURS'))"


@pytest.fixture
def other_python(tmp_path: Path) -> Path:
    """An interpreter of another environment, which has no packages."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "other"], check=True)
    return tmp_path / "other" / "bin" / "python"


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each kernel that was started, whether it was a fork."""
    seen: list[bool] = []
    launch = TemplateProvisioner.launch_kernel

    async def watched(self: TemplateProvisioner, *arguments: object, **options: object) -> object:
        info = await launch(self, *arguments, **options)
        seen.append(self.is_warm)
        return info

    monkeypatch.setattr(TemplateProvisioner, "launch_kernel", watched)
    return seen


def test_this_interpreters_kernel_is_a_fork(tmp_path: Path, starts: list[bool]) -> None:
    executed = execute(notebook(LOOK, kernel="python3"), cwd=tmp_path)
    assert printed(executed.document).split()[0] == sys.executable
    assert starts == [True]


def test_a_spec_that_names_this_interpreter_by_its_path_is_a_fork(
    tmp_path: Path, kernel_spec: Install, starts: list[bool]
) -> None:
    kernel_spec("mine", [sys.executable, "-Xfrozen_modules=off", *IPYKERNEL], env={"OURS": "spec"})
    executed = execute(notebook(LOOK), kernel="mine", cwd=tmp_path)
    assert printed(executed.document) == f"{sys.executable} spec\n"
    assert executed.document["metadata"]["kernelspec"]["name"] == "mine"
    assert starts == [True]


def test_another_interpreter_is_started_as_its_spec_says(
    tmp_path: Path, kernel_spec: Install, other_python: Path, starts: list[bool]
) -> None:
    packages = sysconfig.get_path("purelib")
    kernel_spec("other", [str(other_python), *IPYKERNEL], env={"PYTHONPATH": packages, "OURS": "spec"})
    executed = execute(notebook(LOOK, kernel="other"), cwd=tmp_path)
    assert executed.failed is None
    assert printed(executed.document) == f"{other_python} spec\n"
    assert starts == [False]


def test_a_variable_that_python_reads_at_its_start_asks_for_a_start(tmp_path: Path, starts: list[bool]) -> None:
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "lib")}
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "only_there.py").write_text("VALUE = 1")
    executed = execute(notebook("import only_there\nprint(only_there.VALUE)"), cwd=tmp_path, env=env)
    assert printed(executed.document) == "1\n"
    assert starts == [False]


def test_a_module_of_the_folder_comes_before_a_preloaded_one(tmp_path: Path) -> None:
    env = dict(os.environ)
    assert kernel_specs.can_fork(tmp_path, env, env, ["pandas.core"])
    (tmp_path / "pandas.py").touch()
    assert not kernel_specs.can_fork(tmp_path, env, env, ["pandas.core"])


def test_two_environments_of_one_python_are_two_interpreters(other_python: Path) -> None:
    beside = Path(sys.executable).with_name("python3")
    assert kernel_specs.launcher_arguments([str(beside), *IPYKERNEL]) == IPYKERNEL[1:]
    assert kernel_specs.launcher_arguments([str(other_python), *IPYKERNEL]) is None
    assert kernel_specs.launcher_arguments([sys.executable, "-O", *IPYKERNEL]) is None


def test_a_kernel_that_is_not_installed_is_told_with_those_that_are(tmp_path: Path, kernel_spec: Install) -> None:
    kernel_spec("conda-ml", [sys.executable, *IPYKERNEL])
    with pytest.raises(KernelMissingError) as told:
        execute(notebook("1", kernel="conda-m"), cwd=tmp_path)
    assert told.value.what == "No kernel is called 'conda-m'. Installed: 'conda-ml', 'python3'."
    assert "Choose 'conda-ml'" in told.value.hint
    assert "`python -m ipykernel install --user --name conda-m`" in told.value.hint


def test_a_kernel_of_another_language_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KernelLanguageError, match="'python3' runs python, and the notebook is written in R"):
        execute(notebook("x <- 1", kernel="ir", language="R"), kernel="python3", cwd=tmp_path)


def test_an_environment_without_ipykernel_is_told(tmp_path: Path, kernel_spec: Install, other_python: Path) -> None:
    kernel_spec("bare", [str(other_python), *IPYKERNEL])
    with pytest.raises(KernelPackageError) as told:
        execute(notebook("1", kernel="bare"), cwd=tmp_path)
    assert told.value.hint == f"Install it: `{other_python} -m pip install ipykernel`."


def test_a_kernel_whose_program_is_gone_is_told(tmp_path: Path, kernel_spec: Install, other_python: Path) -> None:
    kernel_spec("gone", [str(other_python), *IPYKERNEL])
    shutil.rmtree(tmp_path / "other")
    with pytest.raises(KernelStartError, match="No such file") as told:
        execute(notebook("1", kernel="gone"), cwd=tmp_path)
    assert str(other_python) in told.value.what


def test_a_kernel_that_ends_at_once_is_told_with_what_it_wrote(tmp_path: Path, kernel_spec: Install) -> None:
    kernel_spec("rude", [sys.executable, "-c", "raise SystemExit('no kernel today')"], language="python")
    with pytest.raises(KernelStartError, match=r"(?s)ended with exit code 1.*no kernel today"):
        execute(notebook("1", kernel="rude"), cwd=tmp_path)


def test_a_kernel_that_keeps_silent_is_told_and_ended(
    tmp_path: Path, kernel_spec: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlstack_nb.kernels import notebook_run

    limits = notebook_run.Limits
    monkeypatch.setattr(notebook_run, "Limits", lambda **given: limits(**given, start_s=1.0))
    kernel_spec("mute", [sys.executable, "-c", "import time; time.sleep(60)"])
    with pytest.raises(KernelStartError, match="did not answer within 1 s"):
        execute(notebook("1", kernel="mute"), cwd=tmp_path)
