"""Following imports into the project's own modules, name by name, and to the distributions at their ends."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mlstack_nb.core.digest import digest, encode
from mlstack_nb.source.code import Chain, Code
from mlstack_nb.source.companions import companions
from mlstack_nb.source.definition import Definition
from mlstack_nb.source.distributions import installed
from mlstack_nb.source.effects import Kind
from mlstack_nb.source.module_scope import ModuleScope, file_digest, module_scope
from mlstack_nb.source.modules import Module, Origin, absolute, locate
from mlstack_nb.source.part_sources import Writing
from mlstack_nb.source.reach import Reach, reach, settle
from mlstack_nb.source.scope import Scope

_DISPLAYS = frozenset({"IPython.display", "IPython.core.display", "mlstack_nb"})


class Target(NamedTuple):
    """A use of an imported module: `path` are the attributes that are looked up in it, empty for all of it."""

    module: str
    path: Chain = ()


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """What some code reaches inside its own scope, as parts of a fingerprint, and the targets outside it.

    `writings` are the parts as they are written, where they are.
    """

    parts: Mapping[str, str]
    targets: frozenset[Target]
    writings: Mapping[str, Writing] = field(default_factory=dict, repr=False)
    memo: dict[Any, Any] = field(default_factory=dict, repr=False)


def slice_of(found: Reach, scope: Scope, *, prefix: str = "", constants: bool = True) -> Slice:
    """The parts of everything `found` reaches, its root left out. `constants`: those count too, and values' code."""
    parts = {}
    writings: dict[str, Writing] = {}
    made = [definition for definition in found.definitions if not _is_display(definition)]
    kept = list(made)
    if constants:
        parts = {f"{prefix}constant {name}": digest("value", encode(value)) for name, value in found.constants.items()}
        constant = {name: scope.lookup(name) for name in found.constants}
        writings = {f"{prefix}constant {name}": one for name, one in constant.items() if one is not None}
        kept.extend(found.value_definitions)
    for definition in kept:
        label = f"{prefix}{definition.kind} {_label(definition)}"
        parts[label] = definition.code.digest
        writings[label] = definition
    readers = [found.code, *(one.code for one in (*made, *found.value_definitions))]
    return Slice(parts, frozenset(_targets(readers, scope.package)), writings)


def _is_display(definition: Definition) -> bool:
    """Whether it imports the `display` that a notebook has without an import, too."""
    match definition.node:
        case ast.ImportFrom(module=module, names=[ast.alias("display", None)], level=0):
            return module in _DISPLAYS
    return False


def _label(definition: Definition) -> str:
    """The name; what `import *` may give is labelled once, not for every name that it may give."""
    node = definition.node
    is_star = isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
    return definition.text if is_star else definition.name


def follow(targets: Iterable[Target]) -> Iterator[tuple[object, Mapping[str, str]]]:
    """The parts of everything below `targets`, each with an object that stays the same as long as they do."""
    todo = sorted(targets, key=_by_name)
    if not todo:
        return
    now = installed()
    yield now, {}
    seen: set[Target] = set()
    while todo:
        target = todo.pop()
        if target in seen:
            continue
        seen.add(target)
        module = locate(target.module)
        if module.origin is Origin.PROJECT:
            token, parts, more = _project_parts(module, target.path)
            yield token, parts
            todo.extend(more)
        elif module.origin in (Origin.PACKAGE, Origin.MISSING):
            part = _package_part(module, target, now.distribution_of)
            yield part, dict([part])


def _by_name(target: Target) -> tuple[str, Chain]:
    return target.module, target.path


def _package_part(module: Module, target: Target, distribution_of: Any) -> tuple[str, str]:
    name = target.module.partition(".")[0]
    if module.origin is Origin.MISSING:
        return f"package {name}", "not installed"
    distribution = distribution_of(".".join((target.module, *target.path[:2])))
    if distribution is None:
        return f"package {name}", f"unversioned {file_digest(locate(name))}"
    return f"package {distribution.name}", distribution.version


def _project_parts(module: Module, path: Chain) -> tuple[object, Mapping[str, str], Iterable[Target]]:
    scope = module_scope(module)
    name = path[0] if path and path[0] != "*" else ""
    if scope is None:
        if name and module.folders:  # a namespace package: only its modules count
            return module, {}, [Target(f"{module.name}.{name}", path[1:])]
        part = f"module {module.name}", file_digest(module)
        return part, dict([part]), ()
    settle(scope)
    found = scope.lookup(name) if name else None
    if found is not None:
        return _definition_parts(found, scope, path[1:])
    if name:
        stars = _through_stars(scope, path)
        if stars:
            return scope, {}, stars
        if module.folders and locate(f"{module.name}.{name}").origin is not Origin.MISSING:
            return scope, {}, [Target(f"{module.name}.{name}", path[1:])]
    whole = _whole(scope)
    return whole, whole.parts, whole.targets


def _definition_parts(
    found: Definition, scope: ModuleScope, rest: Chain
) -> tuple[object, Mapping[str, str], Iterable[Target]]:
    single = found.statements[-1].node
    is_alias = found.kind is Kind.IMPORT and len(found.statements) == 1 and not companions(found, scope)
    if is_alias and isinstance(single, ast.Import | ast.ImportFrom):
        return scope, {}, _alias_targets(single, {found.name: frozenset([rest])}, scope.package)
    key = "slice", found.name
    known: Slice | None = scope.memo.get(key)
    if known is None:
        use = Code([ast.Expr(ast.Name(found.name, ast.Load()))])
        known = scope.memo[key] = slice_of(reach(use, scope), scope, prefix=f"module {scope.module.name}: ")
    return known, known.parts, known.targets


def _through_stars(scope: ModuleScope, path: Chain) -> list[Target]:
    """Where a name that the module does not define itself may come from by `import *`."""
    modules = [
        locate(absolute(star.node, scope.package)) for star in scope.stars if isinstance(star.node, ast.ImportFrom)
    ]
    scopes = [module_scope(module) if module.origin is Origin.PROJECT else None for module in modules]
    found = zip(modules, scopes, strict=True)
    return [Target(module.name, path) for module, inner in found if inner is None or inner.gives(path[0]) is not False]


def _whole(scope: ModuleScope) -> Slice:
    """A module all of which counts, because it can not be told what of it is used."""
    known: Slice | None = scope.memo.get("whole")
    if known is None:
        code = scope.cell.code
        label = f"module {scope.module.name}"
        targets = frozenset(_targets([code], scope.package))
        known = scope.memo["whole"] = Slice({label: code.digest}, targets, {label: scope.text})
    return known


def _targets(readers: Iterable[Code], package: str) -> Iterator[Target]:
    """What the imports inside `readers` are used for, by any of them."""
    readers = list(readers)
    nodes = [node for code in readers for node in code.imports]
    chains: dict[str, frozenset[Chain]] = {}
    if any(_is_followed(module) for node in nodes for module in _modules(node, package)):
        for code in readers:
            for name, uses in code.chains.items():
                chains[name] = chains.get(name, frozenset()) | uses
    for node in nodes:
        yield from _alias_targets(node, chains, package)


def _modules(node: ast.Import | ast.ImportFrom, package: str) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [absolute(node, package)]
    return [alias.name for alias in node.names]


def _is_followed(name: str) -> bool:
    """Of installed packages only the version counts, so how they are used need not be known."""
    return locate(name).origin in (Origin.PROJECT, Origin.MISSING)


def _alias_targets(
    node: ast.Import | ast.ImportFrom, chains: Mapping[str, frozenset[Chain]], package: str
) -> Iterator[Target]:
    """An import that nobody uses by name is there for what it does: all of it counts."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            module = absolute(node, package)
            for chain in chains.get(alias.asname or alias.name, ((),)):
                yield Target(module, (alias.name, *chain))
        elif alias.asname:
            yield from (Target(alias.name, chain) for chain in chains.get(alias.asname, ((),)))
        else:
            top, _, rest = alias.name.partition(".")
            uses = chains.get(top, frozenset([()]))
            yield from (Target(top, chain) for chain in uses if chain or not rest)
            if () in uses and rest:
                yield Target(alias.name)
