"""A case of the mutation suite: a notebook or script as one text, an edit of that text, and the steps that rerun.

The text is cut at lines `---`. A piece that begins with `%%file PATH` is a file of the project, one that begins with
`%%step` a step cell, any other an ordinary cell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_FILE = "%%file "


@dataclass(frozen=True)
class Case:
    """`edit` replaces each of its keys, which stands once in `base`; `reruns` are names of steps, in any order."""

    name: str
    base: str
    edit: Mapping[str, str]
    reruns: str = ""

    @property
    def before(self) -> Document:
        return Document.of(self.base)

    @property
    def after(self) -> Document:
        text = self.base
        for old, new in self.edit.items():
            if text.count(old) != 1:
                raise ValueError(f"{self.name}: {old!r} stands {text.count(old)} times in the base")
            text = text.replace(old, new)
        return Document.of(text)

    @property
    def expected(self) -> list[str]:
        return sorted(self.reruns.split())


class Cell(NamedTuple):
    id: str
    text: str

    @property
    def step(self) -> tuple[str, str] | None:
        """The `%%step` line without its magic, and the body."""
        line, _, body = self.text.partition("\n")
        return (line.removeprefix("%%step").strip(), body) if line.startswith("%%step") else None


@dataclass(frozen=True)
class Document:
    cells: tuple[Cell, ...]
    files: Mapping[str, str]

    @classmethod
    def of(cls, text: str) -> Document:
        pieces = [piece.strip("\n") + "\n" for piece in re.split(r"^---$", text, flags=re.MULTILINE) if piece.strip()]
        files = dict(_file(piece) for piece in pieces if piece.startswith(_FILE))
        cells = [piece for piece in pieces if not piece.startswith(_FILE)]
        return cls(tuple(Cell(str(number), piece) for number, piece in enumerate(cells)), files)

    def following(self, old: Document) -> Document:
        """The same with the ids that a front end would give: a cell keeps its own when it is edited or moved."""
        left = list(old.cells)
        ids: dict[int, str] = {}
        for index, cell in enumerate(self.cells):
            same = next((one for one in left if one.text == cell.text), None)
            if same is not None:
                ids[index] = same.id
                left.remove(same)
        for index, cell in enumerate(self.cells):
            if index not in ids:
                edited = next((one for one in left if bool(one.step) == bool(cell.step)), None)
                ids[index] = edited.id if edited else f"new {index}"
                left = [one for one in left if one is not edited]
        return Document(tuple(Cell(ids[index], cell.text) for index, cell in enumerate(self.cells)), self.files)


def cases(base: str, table: Sequence[tuple[str, Mapping[str, str] | tuple[str, str], str]]) -> list[Case]:
    """The cases of one base: name, edit (a pair when it is one replacement) and what reruns."""
    return [Case(name, base, dict([edit]) if isinstance(edit, tuple) else edit, reruns) for name, edit, reruns in table]


def _file(piece: str) -> tuple[str, str]:
    line, _, text = piece.partition("\n")
    return line.removeprefix(_FILE).strip(), "" if text.strip() == "(empty)" else text
