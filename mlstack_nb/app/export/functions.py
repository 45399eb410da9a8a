"""The text of functions: signatures with types, bodies from cells, decorators from settings."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlstack_nb.app.export.enclosing import enclosed
from mlstack_nb.app.export.layout import Reader
from mlstack_nb.app.export.source_text import cut, indented, showing_last
from mlstack_nb.app.notebooks.compiled import CompiledStep
from mlstack_nb.core.policy import CachePolicy
from mlstack_nb.core.step import Resources, Settings
from mlstack_nb.source.code import Code

WIDTH = 100


@dataclass(frozen=True, slots=True)
class Argument:
    """`type` is empty where nobody knows it."""

    name: str
    type: str = ""
    default: str = ""

    def __str__(self) -> str:
        typed = f"{self.name}: {self.type or 'Any'}"
        return f"{typed} = {self.default}" if self.default else typed


@dataclass(frozen=True, slots=True)
class BodyText:
    """The cells of a step as plain Python, one after the other."""

    text: str
    code: Code

    @property
    def is_async(self) -> bool:
        return self.code.names.awaits


def body_text(step: CompiledStep, reader: Reader) -> BodyText:
    """Raises UsageError naming the cell and the line of what is no Python outside IPython."""
    texts = []
    for one in step.body:
        plain = reader.plain(one.text, label=one.cell.label, first_line=one.first_line).strip("\n")
        nodes = ast.parse(plain).body
        outside = [node for node in nodes if isinstance(node, ast.ImportFrom) and _only_outside(node)]
        for node in outside:
            reader.imports.add(node)
        given = [node for node in nodes if {*Code([node]).names.binds} & reader.set_in(one.cell)]
        kept = cut(plain, [*outside, *given])
        texts.append((kept if _ends_with_command(one.text) else showing_last(kept)).strip("\n"))
    text = "\n\n".join(filter(None, texts))
    return BodyText(text, Code(ast.parse(text).body))


def _only_outside(node: ast.ImportFrom) -> bool:
    """Whether no function may hold that import."""
    return node.names[0].name == "*" or node.module == "__future__"


def _ends_with_command(text: str) -> bool:
    """Whether the cell's last line is `!command`, which shows nothing but what the command prints."""
    lines = [line for line in text.splitlines() if line.strip()]
    return bool(lines) and lines[-1].lstrip().startswith("!") and not lines[-1].lstrip().startswith("!!")


def function(
    name: str, *, decorator: str, arguments: Sequence[Argument], returns: str, body: str, is_async: bool = False
) -> str:
    head = f"{'async ' if is_async else ''}def {name}("
    end = f") -> {returns}:" if returns else "):"
    line = f"{head}{', '.join(map(str, arguments))}{end}"
    if len(line) > WIDTH:
        line = f"{head}\n{''.join(f'    {one},{chr(10)}' for one in arguments)}{end}"
    if all(not row.strip() or row.lstrip().startswith("#") for row in body.split("\n")):
        body = f"{body}\npass".strip("\n")
    body = enclosed(body, [one.name for one in arguments])
    return f"{decorator}\n{line}\n{indented(body)}"


def return_type(types: Sequence[tuple[str, str]]) -> str:
    """Outputs as (type, name) as an annotation."""
    named = [f'Annotated[{kind or "Any"}, "{name}"]' for kind, name in types]
    return "None" if not named else named[0] if len(named) == 1 else f"tuple[{', '.join(named)}]"


def step_decorator(decorator: str, name: str, step: str, settings: Settings) -> str:
    """`@step` with what the settings ask for; `name` is that of the function."""
    options = [f"name={step!r}"] if name != step else []
    options += [] if settings.cache else ["enable_cache=False"]
    policy = _policy(settings.policy)
    options += [f"cache_policy={policy}"] if policy else []
    if settings.tracker is not None:
        options.append(f"experiment_tracker={settings.tracker or True!r}")
    options += [f"retries={settings.retries}"] if settings.retries else []
    options += [f"timeout_s={settings.timeout_s!r}"] if settings.timeout_s is not None else []
    options += [f"environment={dict(settings.environment)!r}"] if settings.environment else []
    options += [f"secrets={list(settings.secrets)!r}"] if settings.secrets else []
    return f"@{decorator}({', '.join(options)})" if options else f"@{decorator}"


def left_out(step: str, settings: Settings) -> Iterable[str]:
    """What of the settings a function has no option for."""
    if settings.resources != Resources():
        yield f"step {step}: image, limits, labels and secrets of its tags are left out: they belong to the stack."
    if settings.report is not None:
        yield f"step {step}: its tag `report:` is left out."


def _policy(policy: CachePolicy) -> str:
    given = []
    exclude = list(policy.exclude)
    # what is a parameter in the notebook may be a constant of the module
    exclude += [f"constant{one[9:]}" for one in policy.exclude if one.startswith("parameter")]
    if policy.include != ("*",):
        given.append(f"include={_tuple(policy.include)}")
    if exclude:
        given.append(f"exclude={_tuple(exclude)}")
    if policy.expires_after_s is not None:
        given.append(f"expires_after_s={policy.expires_after_s!r}")
    if policy.files:
        given.append(f"files={_tuple(policy.files)}")
    if policy.salt:
        given.append(f"salt={policy.salt!r}")
    return f"CachePolicy({', '.join(given)})" if given else ""


def _tuple(items: Sequence[str]) -> str:
    return f"({', '.join(map(repr, items))}{',' if len(items) == 1 else ''})"
