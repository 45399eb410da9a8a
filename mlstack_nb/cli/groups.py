"""Command groups that import a command when it is asked for, and offer the nearest name for a wrong one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mlstack_nb.errors import UsageError, nearest
from mlstack_nb.ports.registry import load_target

if TYPE_CHECKING:
    from collections.abc import Mapping


class Group(click.Group):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args or ["--help"])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            near = nearest(name, self.list_commands(ctx))
            hint = f"Did you mean: {ctx.command_path} {near}" if near else f"Run: {ctx.command_path} --help"
            raise UsageError(f"{ctx.command_path} has no command {name!r}.", hint)
        return super().resolve_command(ctx, args)


class LazyGroup(Group):
    """`table` maps a command's name to its `module:attribute` and its line in the help."""

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._table:
            return None
        command: Any = load_target(self._table[cmd_name][0])
        return command  # type: ignore[no-any-return]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._table[name][1]) for name in self.list_commands(ctx)])
