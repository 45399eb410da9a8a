"""The imports of a module: collected one name at a time, written sorted, as linters want them."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from mlstack_nb.source.modules import Origin, locate


@dataclass(frozen=True, slots=True, order=True)
class Imported:
    """`import module as alias`, or with a `name` `from module import name as alias`."""

    module: str
    name: str = ""
    alias: str = ""

    @property
    def binds(self) -> str:
        return self.alias or self.name or self.module.partition(".")[0]


@dataclass(slots=True)
class Imports:
    """What a module imports; `*` counts as needed always."""

    found: dict[Imported, None] = field(default_factory=dict)

    def add(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            asname = alias.asname or ""
            if isinstance(node, ast.ImportFrom):
                asname = "" if asname == alias.name else asname
                self.found[Imported("." * node.level + (node.module or ""), alias.name, asname)] = None
            else:
                self.found[Imported(alias.name, "", asname)] = None

    def add_text(self, text: str) -> None:
        for node in ast.parse(text).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                self.add(node)

    def only(self, names: Collection[str]) -> Imports:
        return Imports({one: None for one in self.found if one.binds in names or one.name == "*"})

    def without(self, others: Imports) -> Imports:
        return Imports({one: None for one in self.found if one not in others.found})

    @property
    def names(self) -> set[str]:
        return {one.binds for one in self.found}

    def written(self) -> str:
        """Sections for the future, the standard library, packages, and the project's own modules."""
        sections: dict[int, list[Imported]] = {}
        for one in self.found:
            sections.setdefault(_section(one.module), []).append(one)
        return "\n\n".join("\n".join(_lines(sections[at])) for at in sorted(sections))


def _section(module: str) -> int:
    top = module.partition(".")[0]
    if top == "__future__":
        return 0
    if top in sys.stdlib_module_names:
        return 1
    if not top:
        return 4
    return 3 if locate(top).origin is Origin.PROJECT else 2


def _lines(imports: Iterable[Imported]) -> Iterable[str]:
    whole = sorted((one for one in imports if not one.name), key=lambda one: (one.module.lower(), one.alias))
    yield from (f"import {one.module}{_alias(one)}" for one in whole)
    modules = sorted({one.module for one in imports if one.name}, key=lambda name: (name.startswith("."), name.lower()))
    for module in modules:
        names = sorted((one for one in imports if one.module == module and one.name), key=_by_kind)
        text = f"from {module} import {', '.join(one.name + _alias(one) for one in names if one.name != '*')}"
        if any(one.name != "*" for one in names):
            yield text if len(text) <= 88 else _wrapped(module, names)
        if any(one.name == "*" for one in names):
            yield f"from {module} import *"


def _wrapped(module: str, names: list[Imported]) -> str:
    inner = "".join(f"    {one.name}{_alias(one)},\n" for one in names if one.name != "*")
    return f"from {module} import (\n{inner})"


def _alias(one: Imported) -> str:
    return f" as {one.alias}" if one.alias else ""


def _by_kind(one: Imported) -> tuple[int, str]:
    """Constants, classes, the rest: the order of isort."""
    name = one.name
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name.lower()
