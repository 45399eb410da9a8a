"""A live notebook without IPython: cells are executed by `exec`, steps by the session."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from mlstack_nb.app.session import Session
from mlstack_nb.core.run import StepRun

sys.path.insert(0, str(Path(__file__).parent))  # for the modules of this folder that are no tests


class Notebook:
    def __init__(self) -> None:
        self.namespace: dict[str, Any] = {"__name__": "__main__"}
        self.session = Session(namespace=self.namespace, name="nb")
        self.count = 0

    def cell(self, text: str) -> None:
        self.count += 1
        self.session.prepare(text, label=f"In[{self.count}]")
        exec(text, self.namespace)
        self.session.record(text, label=f"In[{self.count}]")

    def step(self, line: str, body: str) -> StepRun:
        self.count += 1
        driver = self.session.drive_cell(line, body, label=f"In[{self.count}]", cell_id=None)
        try:
            namespace = next(driver)
            while True:
                try:
                    exec(body, namespace)
                except Exception as error:  # noqa: BLE001  (handed on, as IPython does)
                    namespace = driver.throw(error)
                else:
                    namespace = driver.send(namespace)
        except StopIteration as stop:
            run: StepRun = stop.value
            return run


@pytest.fixture
def notebook(workspace: Any) -> Notebook:
    assert workspace
    return Notebook()
