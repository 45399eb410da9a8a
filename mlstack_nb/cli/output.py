"""What commands print: JSON for programs, aligned text for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click

Record = Mapping[str, Any]
Columns = Mapping[str, str | Callable[[Record], str]]

COLOURS = {
    "completed": "green",
    "cached": "blue",
    "running": "yellow",
    "failed": "red",
    "cancelled": "yellow",
    "ok": "green",
    "warn": "yellow",
    "fail": "red",
}

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, with the same keys in every version.")


def print_json(data: Any) -> None:
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def print_table(records: Sequence[Record], columns: Mapping[str, str | Callable[[Record], str]], *, empty: str) -> None:
    """A column's value is a key of the record, or what a function makes of it. `empty` is said when there is none."""
    if not records:
        click.echo(empty)
        return
    cells = [[_cell(record, column) for column in columns.values()] for record in records]
    lines = [[title.upper() for title in columns], *cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        padded = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        click.echo("  ".join(map(coloured, padded) if number else padded).rstrip())


def print_fields(fields: Iterable[tuple[str, Any]]) -> None:
    """One line for each field, values aligned; fields without a value are left out."""
    present = [(name, str(value)) for name, value in fields if value not in (None, "", {}, [])]
    width = max((len(name) for name, _ in present), default=0)
    for name, value in present:
        click.echo(f"{name.ljust(width)}  {coloured(value)}")


def coloured(text: str) -> str:
    """States in their colour; click takes it out again where the output is no terminal."""
    colour = COLOURS.get(text.strip())
    return click.style(text, fg=colour) if colour else text


def pairs(mapping: Mapping[str, Any]) -> str:
    """`name=value name=value`."""
    return " ".join(f"{name}={value}" for name, value in mapping.items())


def counts(mapping: Mapping[str, int]) -> str:
    """`3 completed, 1 failed`."""
    return ", ".join(f"{number} {name}" for name, number in mapping.items())


def _cell(record: Record, column: str | Callable[[Record], str]) -> str:
    value = column(record) if callable(column) else record[column]
    return "" if value is None else str(value)
