"""A project in a folder and a kernel without IPython in it: cells are executed by `exec`, steps by a `Session`."""

from __future__ import annotations

import copy
import importlib
import itertools
import linecache
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mutation_case import Cell, Document

from mlstack_nb.app.session import Session
from mlstack_nb.core.run import State, StepRun

_numbers = itertools.count(1)


class Project:
    """Files in a new folder below `root`, which holds a workspace without results."""

    def __init__(self, root: Path) -> None:
        (root / ".mlstack").mkdir(exist_ok=True, parents=True)
        shutil.rmtree(root / ".mlstack" / "store", ignore_errors=True)
        self.folder = root / f"project_{next(_numbers)}"
        self.folder.mkdir()
        self.files: dict[str, str] = {}

    def copied(self, root: Path) -> Project:
        """The same project, workspace and results included, below another root."""
        shutil.copytree(self.folder.parent, root)
        other = copy.copy(self)
        other.folder = root / self.folder.name
        return other

    def write(self, document: Document) -> None:
        """Put the files in place, and forget what was imported of them."""
        for path in self.files.keys() - document.files.keys():
            (self.folder / path).unlink()
            with_suffix = (self.folder / path).parent
            while with_suffix != self.folder and not any(with_suffix.iterdir()):
                with_suffix.rmdir()
                with_suffix = with_suffix.parent
        for path, text in document.files.items():
            if self.files.get(path) != text:
                target = self.folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
                moment = 10**18 + next(_numbers) * 10**9  # two edits within the clock's resolution are seen, too
                os.utime(target, ns=(moment, moment))
        self.files = dict(document.files)
        forget_modules(self.folder)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """With the folder as the working directory and on `sys.path`, and no bytecode written."""
        before, path, writes = Path.cwd(), list(sys.path), sys.dont_write_bytecode
        os.chdir(self.folder)
        sys.path[:0] = [str(self.folder), str(self.folder / "site-packages")]
        sys.dont_write_bytecode = True
        try:
            yield
        finally:
            forget_modules(self.folder)
            sys.path[:], sys.dont_write_bytecode = path, writes
            os.chdir(before)


def forget_modules(folder: Path) -> None:
    for name, module in list(sys.modules.items()):
        places = [getattr(module, "__file__", None) or "", *map(str, getattr(module, "__path__", ()))]
        if any(place.startswith(f"{folder}{os.sep}") for place in places):
            del sys.modules[name]
    importlib.invalidate_caches()


class Kernel:
    def __init__(self) -> None:
        self.namespace: dict[str, Any] = {"__name__": "__main__"}
        self.session = Session(namespace=self.namespace, name="notebook")
        self.count = 0
        self.executed: set[str] = set()
        self.known = Document((), {})

    def run_all(self, document: Document) -> dict[str, StepRun]:
        """Execute every cell in order; those no longer there were deleted."""
        self.session.forget_cells({cell.id for cell in self.known.cells} - {cell.id for cell in document.cells})
        self.known = document
        return {run.step: run for run in [self.run(cell) for cell in document.cells] if run is not None}

    def run(self, cell: Cell) -> StepRun | None:
        self.count += 1
        label = f"In[{self.count}]"
        if cell.step is not None:
            return self._run_step(*cell.step, cell_id=cell.id, label=label)
        self.session.prepare(cell.text, label=label)
        self._exec(cell.text, self.namespace)
        self.session.record(cell.text, label=label, cell_id=cell.id)
        return None

    def _run_step(self, line: str, body: str, *, cell_id: str, label: str) -> StepRun:
        driver = self.session.drive_cell(line, body, label=label, cell_id=cell_id)
        try:
            namespace = next(driver)
            while True:
                try:
                    self._exec(body, namespace)
                except BaseException as error:  # noqa: BLE001  (the step's own, handed on)
                    namespace = driver.throw(error)
                else:
                    namespace = driver.send(namespace)
        except StopIteration as stop:
            run: StepRun = stop.value
        if run.state is State.COMPLETED:
            self.executed.add(run.step)
        return run

    def _exec(self, text: str, namespace: dict[str, Any]) -> None:
        """In a file of its own name that `linecache` knows, as ipykernel does."""
        file = f"<cell {next(_numbers)}>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        exec(compile(text, file, "exec", dont_inherit=True), namespace)
