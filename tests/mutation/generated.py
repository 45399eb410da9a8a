"""Programs as projects: run bare, to see what is true, and run as a pipeline, to see what the cache makes of it."""

from __future__ import annotations

import importlib
import itertools
import linecache
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from edits import changed
from live import Kernel, Project, forget_modules
from mutation_case import Cell, Document
from programs import MODULES, NOTEBOOK, Part, Program
from script_project import run_main

from mlstack_nb.app.runtime import Runtime
from mlstack_nb.core.run import State
from mlstack_nb.engine.values import Value
from mlstack_nb.errors import MlstackError

_STEP = """
from mlstack_nb import pipeline, step

@step
def only() -> list:
    return {step}

@pipeline
def main():
    only()
"""
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Outcome:
    """What a step gave; where it did not run, `key` is empty; where it failed, `value` names the error."""

    value: str
    key: str = ""
    executed: bool = False


def as_notebook(program: Program) -> Document:
    texts = [*program.cells(), f"%%step only -> result\nresult = {program.step}"]
    ids = ["header", *(part.name for part in program.parts if part.home == NOTEBOOK), "only"]
    return Document(tuple(Cell(*pair) for pair in zip(ids, texts, strict=True)), program.files())


def as_script(program: Program) -> Document:
    """The same as a file, with its step as a function."""
    header, *texts = program.cells()
    text = "\n\n".join([header, *texts, _STEP.format(step=program.step)])
    return Document((), {**program.files(), "script.py": text})


def as_cells(program: Program) -> Document:
    """A notebook whose step is a function."""
    notebook = as_notebook(program)
    return replace(notebook, cells=(*notebook.cells[:-1], Cell("only", _STEP.format(step=program.step))))


def truth(project: Project, document: Document) -> str:
    """What the notebook or the script gives when nothing caches."""
    project.write(document)
    try:
        if not document.cells:
            return shown(importlib.import_module("script").only())
        namespace = executed(document)
        return shown(namespace["result"] if "result" in namespace else namespace["only"]())
    except Exception as error:  # noqa: BLE001  (a program may fail; it must fail in the same way)
        return type(error).__name__
    finally:
        forget_modules(project.folder)


def executed(document: Document) -> dict[str, Any]:
    """The namespace after all cells, each compiled as a kernel would."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for cell in document.cells:
        text = cell.step[1] if cell.step else cell.text
        file = f"<generated {next(_numbers)}>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        exec(compile(text, file, "exec", dont_inherit=True), namespace)
    return namespace


def shown(value: Any) -> str:
    """Empty for what no two runs show alike."""
    text = f"{value!r}"
    return "" if " at 0x" in text else text


def in_kernel(project: Project, kernel: Kernel, document: Document) -> Outcome:
    project.write(document)
    kernel.executed.clear()
    try:
        run = kernel.run_all(document)["only"]
        value = kernel.session._results["only"].outputs["result"].get()
    except Exception as error:  # noqa: BLE001  (the program's own, or ours)
        failed = kernel.session.states.get("only")
        is_own = not isinstance(error, MlstackError) and failed is not None and failed.state is State.FAILED
        return Outcome(_named(error), (failed and failed.key) or "" if is_own else "")
    return Outcome(shown(value), run.key or "", "only" in kernel.executed)


def in_process(project: Project, document: Document) -> Outcome:
    """A step that is a function, of a script or of cells, as a new process would run it."""
    project.write(document)
    try:
        run = executed(document)["main"]().steps[0] if document.cells else run_main(project)["only"]
        value = Value(run.outputs["output"], Runtime.current().engine.codec).get()
    except Exception as error:  # noqa: BLE001  (the program's own, or ours)
        return Outcome(_named(error))
    return Outcome(shown(value), run.key or "", run.state is State.COMPLETED)


def _named(error: Exception) -> str:
    return f"refused: {error}" if isinstance(error, MlstackError) else type(error).__name__


def upset(program: Program, random: Random) -> Program:
    """One random edit anywhere, of a definition, an import, their order, or by a new cell."""
    parts = list(program.parts)
    chosen = random.choice(parts)
    at = parts.index(chosen)
    here = [part.name for part in parts if part.home == NOTEBOOK and part.forms] or [chosen.name]
    name = random.choice(here)
    added = [
        f"def {name}(x=1, **k): return x + 11",
        f"{name} = 4",
        f"{name}.size = 9",
        f"{name}.append(4)",
        f"{name}.run = lambda self, x: 3",
        f"import alpha\nalpha.{chosen.name} = lambda x=0, **k: 7",
        f"import alpha, pack.beta\nalpha.{chosen.name} = pack.beta.{chosen.name} = 6",
    ]
    match random.randrange(10):
        case 0:
            return program.with_parts([*parts, Part("added", NOTEBOOK, random.choice(added), ())])
        case 1:
            home = random.choice((*MODULES, NOTEBOOK))
            lines = list(program.headers[home])
            lines.pop(random.randrange(len(lines)))
            return replace(program, headers={**program.headers, home: tuple(lines)})
        case 2:
            parts.insert(random.randrange(len(parts)), parts.pop(at))
            return program.with_parts(parts)
        case 3 if len(parts) > 1:
            parts.pop(at)
            return program.with_parts(parts)
        case _:
            return program.with_text(chosen.name, changed(chosen.text, random))
