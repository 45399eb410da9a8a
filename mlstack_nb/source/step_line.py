"""The `%%step` line: `%%step NAME -> out, out [options]`. Parsing, help and completion come from one table."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from mlstack_nb.core.policy import CachePolicy
from mlstack_nb.core.step import Settings
from mlstack_nb.errors import UsageError, nearest
from mlstack_nb.source.ipython_syntax import cell_magic


class Option(NamedTuple):
    """`metavar` is empty for a flag, in brackets when the value may be left out."""

    name: str
    metavar: str
    help: str

    @property
    def usage(self) -> str:
        return f"{self.name} {self.metavar}".rstrip()

    @property
    def takes_value(self) -> bool:
        return bool(self.metavar)

    @property
    def needs_value(self) -> bool:
        return self.takes_value and not self.metavar.startswith("[")


OPTIONS = (
    Option("--no-cache", "", "Run the step even when nothing changed."),
    Option("--tracker", "[NAME]", "Run inside a run of the stack's experiment tracker, or of the one called NAME."),
    Option("--retries", "N", "Try again up to N times when the step fails."),
    Option("--timeout", "SECONDS", "Stop the step when it runs longer."),
    Option("--after", "STEP[,STEP]", "Start when these steps have ended, though no data comes from them."),
    Option(
        "--map", "NAME in LIST", "Run once for each item, as NAME, of this list; several lists are walked together."
    ),
    Option("--product", "NAME in LIST", "The same, but every item of one list meets every item of the others."),
    Option("--in", "NAME[,NAME]", "Take exactly these inputs instead of those that the code reads."),
    Option("--env", "NAME=VALUE[,NAME=VALUE]", "Set these environment variables while it runs; they count."),
    Option(
        "--secret",
        "NAME[,NAME]",
        "Set the values of these secrets, or count these environment variables; they are in no record.",
    ),
    Option("--expires", "AGE", "Run the step again when its last result is older: 90s, 30m, 12h, 7d."),
    Option("--files", "PATH[,PATH]", "Count the content of these files, too, as a part of the step."),
    Option("--ignore", "PART[,PART]", "Do not count these parts: python, package:*, parameter:seed, function:log."),
    Option("--salt", "TEXT", "Any text; with another one, no earlier result is used."),
)
_FANS = ("--map", "--product")
_BY_NAME = {option.name: option for option in OPTIONS}
_STEP_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_USAGE = "%%step NAME -> OUTPUT, OUTPUT [options]"


@dataclass(frozen=True, slots=True)
class StepLine:
    """`outputs` is None when the line has no `->`, `inputs` when it has no `--in`: both are then found in the code.

    `over` has each name that the code gets an item under, with that of the list; `crossed` tells `--product`.
    """

    name: str
    outputs: tuple[str, ...] | None = None
    settings: Settings = field(default_factory=Settings)
    after: tuple[str, ...] = ()
    inputs: tuple[str, ...] | None = None
    over: tuple[tuple[str, str], ...] = ()
    crossed: bool = False


def split_cell(text: str) -> tuple[StepLine, str] | None:
    """The line and the body of a cell that starts with `%%step`, else None. Only blank lines may stand above it.

    Raises UsageError as `parse` does, and for a comment above the line, where IPython would not see a cell magic.
    """
    magic = cell_magic(text)
    if magic is not None:
        return (parse(magic.line), magic.body) if magic.name == "step" else None
    for line in text.splitlines() if "%%step" in text else ():
        if line.strip() and not line.lstrip().startswith("#"):
            if re.match(r"%%step(\s|$)", line):
                raise UsageError(
                    "A comment stands above `%%step`: IPython knows a cell magic on the first line only.",
                    "Move the comment below the `%%step` line.",
                )
            break
    return None


def parse(line: str) -> StepLine:
    """Read what follows `%%step`. Raises UsageError naming the word that is wrong and what would be right."""
    words, given = _words_and_options(line)
    before, arrow, after = " ".join(words).partition("->")
    name, *extra = before.split() or [""]
    if not name:
        raise UsageError("The step has no name.", f"Write `{_USAGE}`.")
    if not _STEP_NAME.match(name):
        raise UsageError(
            f"{name!r} can not be the name of a step.", "Use letters, digits, `_` and `-`, and begin with a letter."
        )
    if extra:
        raise UsageError(
            f"{extra[0]!r} is one word too many after step name {name!r}.", f"Write `%%step {name} -> {extra[0]}`."
        )
    outputs = _identifiers(after, "an output", "after `->`") if arrow else None
    return StepLine(
        name=name,
        outputs=outputs,
        settings=Settings(
            cache="--no-cache" not in given,
            policy=CachePolicy(
                exclude=tuple(filter(None, given.get("--ignore", "").split(","))),
                expires_after_s=_age(given.get("--expires")),
                files=tuple(filter(None, given.get("--files", "").split(","))),
                salt=given.get("--salt", ""),
            ),
            retries=_count(given.get("--retries")),
            timeout_s=_seconds(given.get("--timeout")),
            tracker=given.get("--tracker"),
            environment=dict(_variable(pair) for pair in given.get("--env", "").split(",") if pair),
            secrets=tuple(filter(None, given.get("--secret", "").split(","))),
        ),
        after=_step_names(given.get("--after")),
        inputs=_identifiers(given["--in"], "an input", "after `--in`") if "--in" in given else None,
        over=_over(given),
        crossed="--product" in given,
    )


def help_text() -> str:
    """What `%%step?` shows."""
    width = max(len(option.usage) for option in OPTIONS)
    options = "\n".join(f"  {option.usage:<{width}}  {option.help}" for option in OPTIONS)
    return (
        f"{_USAGE}\n\n"
        "Make this cell a step: it runs in a fresh namespace with only what it reads, and is skipped when nothing\n"
        "that it depends on changed. Names after `->` are its outputs; without `->` these are the public names\n"
        f"that the cell assigns. Inputs are found in the code.\n\nOptions:\n{options}\n"
    )


def complete(line: str, steps: Iterable[str] = ()) -> list[str]:
    """What may stand for the last word of an unfinished line: options not yet given, or names of steps."""
    words = line.split()
    word = "" if not words or line[-1:].isspace() else words.pop()
    if words and words[-1] == "--after":
        head, comma, last = word.rpartition(",")
        return [f"{head}{comma}{step}" for step in steps if step.startswith(last)]
    if words and words[-1] in _BY_NAME and _BY_NAME[words[-1]].needs_value:
        return []
    if words[-2:-1] and words[-2] in _FANS:
        return ["in"]
    given = {name for name in words if name not in _FANS}
    return [option.name for option in OPTIONS if option.name.startswith(word) and option.name not in given]


def _words_and_options(line: str) -> tuple[list[str], dict[str, str]]:
    words: list[str] = []
    given: dict[str, str] = {}
    todo = list(reversed(line.replace("->", " -> ").split()))
    while todo:
        word = todo.pop()
        if not word.startswith("-") or word == "->":
            words.append(word)
            continue
        name, equals, value = word.partition("=")
        option = _option(name)
        if name in _FANS:
            pairs = [given[name]] if name in given else []
            given[name] = ",".join([*pairs, _fan(option, todo)])
            continue
        if name in given:
            raise UsageError(f"{name!r} is given twice.", "Leave one of them out.")
        if equals and not option.takes_value:
            raise UsageError(f"{name!r} takes no value, but {value!r} is given.", f"Write `{option.usage}`.")
        given[name] = value if equals else _value(option, todo)
    return words, given


def _option(name: str) -> Option:
    option = _BY_NAME.get(name)
    if option is None:
        near = nearest(name, _BY_NAME)
        hint = f"Did you mean {near!r}?" if near else f"The options are {', '.join(_BY_NAME)}."
        raise UsageError(f"{name!r} is no option of %%step.", hint)
    return option


def _value(option: Option, todo: list[str]) -> str:
    """Take the option's value off `todo`; a list goes on after a comma."""
    if not option.takes_value:
        return ""
    if not todo or (todo[-1].startswith("--") or todo[-1] == "->"):
        if option.needs_value:
            raise UsageError(f"{option.name!r} has no value.", f"Write `{option.usage}`.")
        return ""
    value = todo.pop()
    while "," in option.metavar and todo and (value.endswith(",") or todo[-1].startswith(",")):
        value += todo.pop()
    return value


def _fan(option: Option, todo: list[str]) -> str:
    """Take `NAME in LIST` off `todo`."""
    words = [todo.pop() for _ in range(min(3, len(todo)))]
    match words:
        case [name, "in", of] if all(one.isidentifier() and not keyword.iskeyword(one) for one in (name, of)):
            return " ".join(words)
    raise UsageError(
        f"{' '.join(words)!r} after {option.name!r} names no list and what an item of it is called.",
        f"Write `{option.usage}`, with names of variables: {option.name} model in models",
    )


def _over(given: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    if all(name in given for name in _FANS):
        what = "A step is mapped by --map or by --product, not by both."
        raise UsageError(what, "Make a list of pairs in a step above, and map over that.")
    texts = [text for name in _FANS for text in given.get(name, "").split(",") if text]
    pairs = [(item, of) for item, _, of in (text.split() for text in texts)]
    items = [item for item, _ in pairs]
    for item in items:
        if items.count(item) > 1:
            raise UsageError(f"Two lists give {item!r}.", "Give each its own name.")
    return tuple(pairs)


def _listed(text: str) -> Iterator[str]:
    for part in text.split(","):
        yield from part.split() or [""]


def _identifiers(text: str, noun: str, where: str) -> tuple[str, ...]:
    names = tuple(_listed(text))
    for name in names:
        if not name:
            raise UsageError(f"The name of {noun} is missing {where}.", f"Write `{_USAGE}`.")
        if not name.isidentifier() or keyword.iskeyword(name):
            raise UsageError(f"{name!r} can not be the name of {noun}.", "Use the name of a variable of the cell.")
        if names.count(name) > 1:
            raise UsageError(f"{name!r} stands twice {where}.", "Leave one of them out.")
    return names


def _step_names(text: str | None) -> tuple[str, ...]:
    names = tuple(_listed(text)) if text is not None else ()
    for name in names:
        if not _STEP_NAME.match(name):
            raise UsageError(f"{name!r} can not be the name of a step.", "Write `--after STEP` or `--after STEP,STEP`.")
    return tuple(dict.fromkeys(names))


def _count(text: str | None) -> int:
    if text is None:
        return 0
    if not text.isdecimal():
        raise UsageError(f"{text!r} is no number of retries.", "Write a whole number: `--retries 2`.")
    return int(text)


def _variable(pair: str) -> tuple[str, str]:
    name, equals, value = pair.partition("=")
    if not equals or not name:
        raise UsageError(f"{pair!r} sets no environment variable.", "Write `--env NAME=VALUE`.")
    return name, value


def _age(text: str | None) -> float | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not found or float(found[1]) == 0:
        raise UsageError(f"{text!r} is no age.", "Write a number and s, m, h or d: `--expires 12h`.")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise UsageError(f"{text!r} is no time limit.", "Write seconds above zero: `--timeout 90`.")
    return seconds
