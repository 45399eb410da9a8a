"""Notebooks as people publish them, and the table beside each: which cell is which step, and what it gives.

From the one file three guises are made: as it stands, with `%%step` lines, and with Kale's tags.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mlstack_nb.app.notebooks.compiled import CompiledNotebook
from mlstack_nb.core.step import FromParameter, FromStep, Literal

FOLDER = Path(__file__).parent / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
_EDGE = re.compile(r"<(\w+)")
ROLES = frozenset({"imports", "functions", "parameters", "-"})


@dataclass(frozen=True)
class PublicNotebook:
    """`name.ipynb` and its table `name.toml`."""

    name: str

    @cached_property
    def table(self) -> Mapping[str, Any]:
        return tomllib.loads((FOLDER / f"{self.name}.toml").read_text())

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((FOLDER / f"{self.name}.ipynb").read_text())
        return document

    def words(self, key: str) -> list[str]:
        found: str = self.table.get(key, "")
        return found.split()

    @property
    def step_cells(self) -> dict[str, Any]:
        """Each step as one `%%step` cell, where its first cell stood; all other cells as they are."""
        document = self.document
        first: dict[str, Any] = {}
        for cell, role in self._code(document):
            if role in ROLES:
                continue
            if role in first:
                first[role]["source"] += f"\n{_text(cell)}"
                cell["source"] = ""
                continue
            outputs = ", ".join(self.table["step_cells"][role].partition("->")[2].split())
            head = f"%%step {role}" + (f" -> {outputs}" if outputs else "")
            cell["source"] = "\n".join([head, *self._with_imports(role, _text(cell))])
            first[role] = cell
        return document

    @property
    def tagged(self) -> dict[str, Any]:
        """Kale's tags: a step's first cell names it and the steps that it reads from, those below join it."""
        document, above, seen = self.document, "", set()
        for cell, role in self._code(document):
            tags: list[str] = cell["metadata"].setdefault("tags", [])
            if role == "-":
                tags += ["skip"] if "skip" not in tags else []
            elif role in ROLES:
                tags.append("pipeline-parameters" if role == "parameters" else role)
            elif role != above:
                tags.append(f"step:{role}")
            if role not in ROLES and role not in seen:
                tags += [f"prev:{name}" for name in dict.fromkeys(_EDGE.findall(self.table["tagged"].get(role, "")))]
                seen.add(role)
            above = role if role != "-" else above
        return document

    def edited(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """With the table's one edit."""
        old, new = (json.dumps(text)[1:-1] for text in self.table["edit"])
        text = json.dumps(document)
        assert text.count(old) == 1
        changed: dict[str, Any] = json.loads(text.replace(old, new))
        return changed

    def _with_imports(self, step: str, text: str) -> list[str]:
        """Its lines, and what must be imported anew in a step cell, below a `%%time`."""
        needed = self.table.get("imports", {}).get(step)
        lines = text.split("\n")
        return lines if needed is None else [*lines[:1], needed, *lines[1:]]

    def _code(self, document: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
        code = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
        return zip(code, self.words("cells"), strict=True)


def graph(notebook: CompiledNotebook) -> dict[str, str]:
    """Each step as a line of the table: `a<step b=parameter c?value -> outputs`."""
    return {one.name: f"{_inputs(one.step.inputs)} -> {_outputs(one.step.outputs)}".strip() for one in notebook.steps}


def _inputs(inputs: Mapping[str, Any]) -> str:
    return " ".join(sorted(_input(name, source) for name, source in inputs.items()))


def _input(name: str, source: Any) -> str:
    match source:
        case FromStep(step):
            return f"{name}<{step}"
        case FromParameter() | Literal():
            return f"{name}="
    return f"{name}?"


def _outputs(outputs: tuple[Any, ...]) -> str:
    return " ".join(sorted(output.name for output in outputs))


def _text(cell: Mapping[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)
