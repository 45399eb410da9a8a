"""Carrying out edits in the texts of cells or of a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlstack_nb.source.lint.findings import Edit


def edited(texts: Mapping[int, str], edits: Iterable[Edit]) -> dict[int, str] | None:
    """The texts that change, by index; None when some edit does not fit its text, or two edits each other."""
    by_index: dict[int, list[Edit]] = {}
    for edit in dict.fromkeys(edits):
        by_index.setdefault(edit.index, []).append(edit)
    changed = {}
    for index, some in by_index.items():
        new = _edited(texts[index], some) if index in texts else None
        if new is None:
            return None
        changed[index] = new
    return changed


def _edited(text: str, edits: list[Edit]) -> str | None:
    lines = text.split("\n")
    last: tuple[int, int] | None = None
    # from the end, so that what stands above keeps its place; whole lines go above what is changed in that line
    keys = [(one.line, one.start if one.end >= 0 else -1, at) for at, one in enumerate(edits)]
    for _, _, at in sorted(keys, reverse=True):
        edit = edits[at]
        if edit.end < 0:
            if not 1 <= edit.line <= len(lines) + 1:
                return None
            lines[edit.line - 1 : edit.line - 1] = edit.new.split("\n")
            continue
        if not 1 <= edit.line <= len(lines) or (last is not None and (edit.line, edit.end) > last):
            return None
        line = lines[edit.line - 1].encode()
        if edit.end > len(line) or line[edit.start : edit.end] != edit.old.encode():
            return None
        lines[edit.line - 1] = (line[: edit.start] + edit.new.encode() + line[edit.end :]).decode()
        last = edit.line, edit.start
    return "\n".join(lines)
