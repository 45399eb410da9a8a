"""What a step's code is: one digest, and the digests of its parts, labelled for people.

Two pieces of code get the same fingerprint in a kernel, from a file and on another machine. It holds the body, every
function, class and import of ordinary code that it reaches, what it reaches in the project's own modules, name and
version of the distributions at the end, and Python's minor version, which stands for the standard library.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from mlstack_nb.core.digest import digest
from mlstack_nb.core.step import Fingerprint
from mlstack_nb.source.cell import Cell
from mlstack_nb.source.part_sources import PartSources, Writing
from mlstack_nb.source.project_code import Slice, follow, slice_of
from mlstack_nb.source.reach import Reach
from mlstack_nb.source.scope import Scope
from mlstack_nb.source.step_body import body_of_cell, united

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def of_cell(cell: Cell, found: Reach, scope: Scope) -> Fingerprint:
    """The fingerprint of a step cell, given what it reaches.

    Constants are parameters of the step and values are captured, so neither is in it.
    """
    known: Slice | None = found.memo.get("slice")
    if known is None:
        inner = slice_of(found, scope, constants=False)
        parts = united(body_of_cell(cell.code), inner.parts)
        writings = {"body": cell.text, **inner.writings}
        known = found.memo["slice"] = Slice(parts, inner.targets, writings)
    return combined(known)


def extended(fingerprint: Fingerprint, extra: Mapping[str, str]) -> Fingerprint:
    """`fingerprint` with `extra` parts."""
    ordered = dict(sorted({**fingerprint.parts, **extra}.items()))
    return Fingerprint(digest(list(ordered.items())), ordered, fingerprint.sources)


def combined(root: Slice, extra: Mapping[str, str] | None = None) -> Fingerprint:
    """The fingerprint of `root`, of all its targets lead to as the files are now, and of `extra` parts."""
    tokens: list[object] = []
    pieces: list[Mapping[str, str]] = [root.parts]
    written: list[Mapping[str, Writing]] = [root.writings]
    for token, parts in follow(root.targets):
        tokens.append(token)
        pieces.append(parts)
        if isinstance(token, Slice):
            written.append(token.writings)
    known = root.memo.get("fingerprint")
    if known is not None and extra is None and known[0] == tokens:
        return known[1]  # type: ignore[no-any-return]
    merged = {label: part for parts in pieces for label, part in parts.items()}
    ordered = dict(sorted({**merged, **(extra or {}), "python": PYTHON}.items()))
    writings = {label: writing for some in written for label, writing in some.items()}
    fingerprint = Fingerprint(digest(list(ordered.items())), ordered, PartSources(writings))
    if extra is None:
        root.memo["fingerprint"] = tokens, fingerprint
    return fingerprint
