"""A GitHub Actions workflow that runs a notebook on every push: checked first, with the store kept between runs."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from mlstack_nb.app.export.naming import identifier
from mlstack_nb.app.notebooks.compile import compile_notebook
from mlstack_nb.app.notebooks.compiled import CompiledNotebook
from mlstack_nb.app.parameters import declared_by, typed
from mlstack_nb.errors import UsageError

_TEMPLATE = """\
# Runs {notebook} on every push. Written by `mlstack export {notebook} --ci github`.
name: {name}

on:
  push:
  workflow_dispatch:

permissions:
  contents: read

concurrency:
  group: ${{{{ github.workflow }}}}-${{{{ github.ref }}}}

jobs:
  run:
    runs-on: ubuntu-latest
    timeout-minutes: 60
    env:
      MLSTACK_WORKSPACE: ${{{{ github.workspace }}}}/.mlstack
    steps:
      - uses: actions/checkout@v4

      - uses: actions/setup-python@v5
        with:
          python-version: "{python}"

      - name: Install
        run: {install}

      - name: Lint
        run: |
          pip install ruff
          ruff check --select E9,F63,F7 {quoted}
          mlstack lint {quoted}
          {command} --dry-run

      # what has not changed since an earlier push is not computed again
      - name: Restore the store
        uses: actions/cache/restore@v4
        with:
          path: .mlstack
          key: mlstack-{slug}-${{{{ github.ref_name }}}}-${{{{ github.run_id }}}}-${{{{ github.run_attempt }}}}
          restore-keys: |
            mlstack-{slug}-${{{{ github.ref_name }}}}-
            mlstack-{slug}-

      - name: Run
        run: {command}

      - name: Keep the store
        if: ${{{{ always() }}}}
        uses: actions/cache/save@v4
        with:
          path: .mlstack
          key: mlstack-{slug}-${{{{ github.ref_name }}}}-${{{{ github.run_id }}}}-${{{{ github.run_attempt }}}}

      - name: Collect the executed notebooks
        if: ${{{{ always() }}}}
        run: |
          mkdir -p executed
          for step in {steps}; do
            mlstack runs notebook last "$step" -o "executed/$step.ipynb" || echo "$step left no notebook"
          done

      - name: Upload them
        if: ${{{{ always() }}}}
        uses: actions/upload-artifact@v4
        with:
          name: {slug}-notebooks
          path: executed
          if-no-files-found: warn
"""


@dataclass(frozen=True, slots=True)
class Workflow:
    """`path` is where it belongs, below `root`."""

    text: str
    path: Path
    steps: tuple[str, ...]


def export_workflow(path: str, *, parameters: Mapping[str, str] | None = None, stack: str | None = None) -> Workflow:
    """The workflow that runs the notebook at `path`, with `parameters` as they were typed.

    Raises what compiling raises, and NotFoundError or UsageError for parameters that the notebook would not take.
    """
    notebook = compile_notebook(path)
    given = dict(parameters or {})
    typed(given, [declared_by(one) for one in notebook.parameters.values()], of=path, texts=given)
    root = _root(Path(path).absolute().parent)
    relative = Path(path).absolute().relative_to(root).as_posix()
    words = ["mlstack", "run", relative, *(["--stack", stack] if stack else [])]
    for name, value in given.items():
        words += ["-p", f"{name}={value}"]
    _check_plain([relative, *words])
    command = shlex.join(words)
    text = _TEMPLATE.format(
        notebook=relative,
        quoted=shlex.quote(relative),
        name=json.dumps(notebook.name),
        slug=notebook.name,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        install=json.dumps(_install(notebook, root)),
        command=command,
        steps=" ".join(step.name for step in notebook.steps),
    ).replace(f"run: {command}\n", f"run: {json.dumps(command)}\n")
    return Workflow(text, root / ".github" / "workflows" / f"{identifier(notebook.name)}.yml", _names(notebook))


def _names(notebook: CompiledNotebook) -> tuple[str, ...]:
    return tuple(step.name for step in notebook.steps)


def _root(folder: Path) -> Path:
    """The repository that a folder is in, else the working directory above it, else the folder itself."""
    for one in (folder, *folder.parents):
        if (one / ".git").exists():
            return one
    return Path.cwd() if folder.is_relative_to(Path.cwd()) else folder


def _install(notebook: CompiledNotebook, root: Path) -> str:
    """By the repository's own list of packages, else those that the steps reach, as they are installed here."""
    if (root / "requirements.txt").is_file():
        return f"pip install mlstack-nb=={version('mlstack-nb')} -r requirements.txt"
    found = {
        label.removeprefix("package "): part
        for step in notebook.steps
        for label, part in step.step.fingerprint.parts.items()
        if label.startswith("package ") and not part.startswith(("unversioned", "not installed"))
    }
    pinned = [f"{name}=={found[name]}" for name in sorted(found) if name != "mlstack-nb"]
    return shlex.join(["pip", "install", f"mlstack-nb=={version('mlstack-nb')}", *pinned])


def _check_plain(words: list[str]) -> None:
    for word in words:
        if "${{" in word or "\n" in word:
            raise UsageError(
                f"{word!r} can not stand in a workflow: GitHub would read `${{{{` in it, or its lines.",
                "Give a plain value, or read it from a file in a step.",
            )
