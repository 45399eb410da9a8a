"""The words of a `%pipeline` or `%stack` line."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from mlstack_nb.errors import UsageError, nearest


def command_of(magic: str, line: str, commands: Mapping[str, str], *, default: str) -> tuple[str, list[str]]:
    """The sub-command and the words after it. Raises UsageError with the nearest sub-command."""
    try:
        command, *words = shlex.split(line) or [default]
    except ValueError as error:
        raise UsageError(f"%{magic} {line}: {error}.", "Close the quotation mark.") from None
    known = names_of(commands)
    if command not in known:
        near = nearest(command, known)
        raise UsageError(
            f"%{magic} does not know {command!r}.",
            f"Did you mean: %{magic} {near}" if near else f"Type one of: {', '.join(known)}.",
        )
    return command, words


def names_of(commands: Mapping[str, str]) -> list[str]:
    """The sub-commands alone, of a table that has what follows them, too."""
    return [usage.partition(" ")[0] for usage in commands]


def help_of(magic: str, summary: str, commands: Mapping[str, str]) -> str:
    """What `%magic?` shows."""
    width = max(len(usage) for usage in commands)
    lines = "\n".join(f"  %{magic} {usage:<{width}}  {about}" for usage, about in commands.items())
    return f"%{magic} [{' | '.join(names_of(commands))}]\n\n{summary}\n\n{lines}\n"


def options_of(
    magic: str, command: str, words: Sequence[str], valued: Mapping[str, str], flags: Sequence[str] = ("--no-cache",)
) -> dict[str, str]:
    """Options among the words: those of `valued` by the name it gives them, `flags` by themselves with no value.

    Raises UsageError for anything else, with the nearest option.
    """
    found: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in flags:
            found[word] = ""
        elif word in valued and rest:
            found[valued[word]] = rest.pop(0)
        else:
            known = [*valued, *flags]
            near = nearest(word, known)
            what = f"%{magic} {command} can not do anything with {word!r}."
            if word in valued:
                what, near = f"%{magic} {command} {word} needs a name after it.", None
            raise UsageError(what, f"Did you mean {near}?" if near else f"Its options: {', '.join(known)}.")
    return found


def no_more(magic: str, command: str, words: Sequence[str]) -> None:
    """Raises UsageError when words are left over."""
    if words:
        raise UsageError(f"%{magic} {command} can not do anything with {words[0]!r}.", f"Type: %{magic}?")
