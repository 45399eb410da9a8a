"""A notebook in a folder of its own: executed as Jupyter does, run by `mlstack`, edited, exported."""

from __future__ import annotations

import io
import json
import math
import pickle
import re
import subprocess
import sys
import warnings
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from mlstack_nb.app.notebooks.compile import compile_notebook
from mlstack_nb.app.notebooks.compiled import CompiledNotebook
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.cli import main
from mlstack_nb.core.artifact import Artifact
from mlstack_nb.engine.values import Value
from mlstack_nb.materializers.pickles import PickleWarning
from tests.public.public_notebook import PublicNotebook

_KEEP = "import pickle\nwith open('plain.pickle', 'wb') as _file:\n    pickle.dump({{{}}}, _file)"
_VARIES = re.compile(r"0x[0-9a-f]+|T_[0-9a-f]{5}|ipykernel_\d+|requirement already satisfied.*", re.IGNORECASE)
_TIMED = ("%%time", "%timeit", "%%capture")


@dataclass(frozen=True)
class Plain:
    """A notebook that one kernel has executed from top to bottom, and the values that its table calls results."""

    document: Mapping[str, Any]
    results: Mapping[str, Any]

    @classmethod
    def of(cls, notebook: PublicNotebook, folder: Path) -> Plain:
        document = nbformat.reads(json.dumps(notebook.document), as_version=4)
        names = ", ".join(f"{name!r}: {name}" for name in notebook.words("results"))
        document.cells.append(nbformat.v4.new_code_cell(_KEEP.format(names)))
        with chdir(folder):
            NotebookClient(document, timeout=100, skip_cells_with_tag="skip-execution").execute()
            return cls(document, pickle.loads(Path("plain.pickle").read_bytes()))


@dataclass
class Execution:
    """`notebook` in one of its guises, in `folder`, which is a workspace. Each thing is done once, in this order."""

    notebook: PublicNotebook
    guise: str
    folder: Path

    def __post_init__(self) -> None:
        (self.folder / ".mlstack").mkdir(parents=True)
        self.write(self.document)

    @property
    def document(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = getattr(self.notebook, self.guise)
        return found

    @property
    def module_file(self) -> str:
        """Of a name that no other module in this process has."""
        return f"{self.notebook.name}_{self.guise}.py"

    @property
    def file(self) -> Path:
        return self.folder / f"{self.notebook.name}.ipynb"

    def write(self, document: Mapping[str, Any]) -> None:
        self.file.write_text(json.dumps(document))

    def mlstack(self, *words: str) -> str:
        """What a command prints; it must succeed."""
        out, err = io.StringIO(), io.StringIO()
        with chdir(self.folder), redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings():
            warnings.simplefilter("ignore", PickleWarning)  # which these notebooks have to live with
            code = main.run(words)
        assert code == 0, err.getvalue()
        return out.getvalue()

    def run(self, target: str = "") -> dict[str, Any]:
        self.mlstack("run", target or self.file.name)
        found: dict[str, Any] = json.loads(self.mlstack("runs", "show", "last", "--json"))
        return found

    @cached_property
    def compiled(self) -> CompiledNotebook:
        return compile_notebook(self.file)

    @cached_property
    def first(self) -> dict[str, Any]:
        return self.run()

    @property
    def states(self) -> tuple[str, ...]:
        return tuple(states(self.first).values())

    @cached_property
    def again(self) -> dict[str, str]:
        assert self.first
        return states(self.run())

    @cached_property
    def module(self) -> str:
        """The text of the module that the notebook is exported as, after its run."""
        assert self.first
        self.mlstack("export", self.file.name, "-o", self.module_file)
        return (self.folder / self.module_file).read_text()

    @cached_property
    def of_module(self) -> dict[str, str]:
        assert self.module
        return states(self.run(self.module_file))

    @cached_property
    def edited(self) -> dict[str, str]:
        """After the one edit that the table tells."""
        assert self.again
        self.write(self.notebook.edited(self.document))
        found = states(self.run())
        self.write(self.document)
        return found

    def value(self, name: str) -> Any:
        """What the last step that has `name` among its outputs gave in the first run; KeyError when none has."""
        given = {output: data for step in self.first["steps"] for output, data in step.get("outputs", {}).items()}
        runtime = Runtime.current(workspace=Workspace(self.folder / ".mlstack"))
        return Value(Artifact.from_json(given[name]), runtime.engine.codec).get()

    def ruff(self, *words: str) -> str:
        """What ruff says of the module, whatever settings there are above it."""
        assert self.module
        command = [str(Path(sys.executable).with_name("ruff")), *words, "--isolated", self.module_file]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else done.stdout + done.stderr


def states(run: Mapping[str, Any]) -> dict[str, str]:
    return {step["step"]: step["state"] for step in run["steps"]}


def same(one: Any, other: Any) -> bool:
    """Equal values, whatever their type makes of `==`; the last bits of a number depend on where arrays lie."""
    if isinstance(one, float):
        return math.isclose(one, other)
    if hasattr(one, "equals"):
        return type(one) is type(other) and bool(one.equals(other))
    if hasattr(one, "dtype"):
        return bool((one == other).all())
    return bool(one == other)


def texts(document: Mapping[str, Any]) -> list[str]:
    """What each code cell put out, as text, but for times and addresses."""
    cells = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
    return [_text(cell) for cell in cells if not any(mark in "".join(cell["source"]) for mark in _TIMED)]


def _text(cell: Mapping[str, Any]) -> str:
    parts: list[str] = []
    for output in cell["outputs"]:
        data = output.get("data", {"text": output.get("text")})
        parts += [
            f"{kind}: {''.join(shown)}\n" for kind, shown in sorted(data.items()) if not kind.startswith("image/")
        ]
        parts += [f"{kind}\n" for kind in data if kind.startswith("image/")]
    return _VARIES.sub("", "".join(parts)).replace("\n\ntext: ", "\n")  # of one stream, in pieces
