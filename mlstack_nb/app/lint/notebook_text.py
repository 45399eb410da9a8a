"""Changing the source of some cells in the text of an .ipynb file, and not one other character of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from mlstack_nb.errors import UsageError

_BLANK = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"[^\s,\]}]+")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


class Span(NamedTuple):
    """Where a value stands in the text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Source:
    """The source of one cell: where it stands, and its strings, one for each line when it is a list."""

    span: Span
    strings: tuple[Span, ...]
    is_list: bool


def with_sources(text: str, changed: Mapping[int, str]) -> str:
    """The notebook's text with new sources of cells, by their index. Lines that stay keep the way they are written.

    Raises UsageError for a cell whose source can not be found.
    """
    sources = _sources(text)
    for index in sorted(changed, reverse=True):
        source = sources.get(index)
        if source is None:
            raise UsageError(f"Cell {index + 1} has no source.", "Open the notebook in JupyterLab and save it again.")
        text = text[: source.span.start] + _written(text, source, changed[index]) + text[source.span.end :]
    return text


def _written(text: str, source: Source, new: str) -> str:
    ascii_only = "\\u" in text[source.span.start : source.span.end]
    if not source.is_list:
        return json.dumps(new, ensure_ascii=ascii_only)
    known: dict[str, list[str]] = {}
    for one in source.strings:
        raw = text[one.start : one.end]
        known.setdefault(json.loads(raw), []).append(raw)
    ends_elsewhere = any(not line.endswith("\n") for line in list(known)[:-1])  # as nbformat splits at form feeds
    lines = new.splitlines(keepends=True) if ends_elsewhere else _LINE.findall(new)
    written = [known[line].pop(0) if known.get(line) else json.dumps(line, ensure_ascii=ascii_only) for line in lines]
    inside = text[source.span.start + 1 : source.span.end - 1]
    if not source.strings:
        return f"[{', '.join(written)}]"
    first, last = source.strings[0], source.strings[-1]
    head = text[source.span.start : first.start]
    tail = text[last.end : source.span.end]
    between = f",{head[1:]}" if len(source.strings) == 1 or not inside else text[first.end : source.strings[1].start]
    return f"{head}{between.join(written)}{tail}"


def _sources(text: str) -> dict[int, Source]:
    at = len(text) - len(text.lstrip("\ufeff \t\r\n"))
    cells = next((span for key, span in _members(text, at) if key == "cells"), None)
    found: dict[int, Source] = {}
    for index, cell in enumerate(_items(text, cells.start) if cells is not None else ()):
        for key, span in _members(text, cell.start):
            if key == "source":
                is_list = text[span.start] == "["
                strings = tuple(_items(text, span.start)) if is_list else (span,)
                found[index] = Source(span, strings, is_list)
    return found


def _members(text: str, at: int) -> Iterator[tuple[str, Span]]:
    """Keys and values of the object that begins there."""
    at = _after_blanks(text, at + 1)
    while text[at] != "}":
        key = _string(text, at)
        at = _after_blanks(text, _after_blanks(text, key.end) + 1)
        span = _value(text, at)
        yield json.loads(text[key.start : key.end]), span
        at = _after_comma(text, span.end)


def _items(text: str, at: int) -> Iterator[Span]:
    """The values of the list that begins there."""
    at = _after_blanks(text, at + 1)
    while text[at] != "]":
        span = _value(text, at)
        yield span
        at = _after_comma(text, span.end)


def _value(text: str, at: int) -> Span:
    if text[at] == '"':
        return _string(text, at)
    if text[at] not in "[{":
        found = _SCALAR.match(text, at)
        return Span(at, found.end() if found is not None else at + 1)
    depth, position = 0, at
    while True:
        char = text[position]
        if char == '"':
            position = _string(text, position).end
            continue
        depth += (char in "[{") - (char in "]}")
        position += 1
        if not depth:
            return Span(at, position)


def _string(text: str, at: int) -> Span:
    found = _STRING.match(text, at)
    return Span(at, found.end() if found is not None else at + 1)


def _after_blanks(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found is not None else at


def _after_comma(text: str, at: int) -> int:
    at = _after_blanks(text, at)
    return _after_blanks(text, at + 1) if text[at] == "," else at
