"""What makes a definition what it is without naming it: functions that a decorator registers in it, its subclasses,
calls that change it (`Model.configure(2)`, `rates.set_rate(3)`, `np.random.seed(0)`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from mlstack_nb.source.code import Code
from mlstack_nb.source.definition import Definition
from mlstack_nb.source.effects import MUTATORS, Call, Kind, changed_names, collects_subclasses
from mlstack_nb.source.module_scope import ModuleScope, module_scope
from mlstack_nb.source.modules import Origin, absolute, locate
from mlstack_nb.source.normal_form import ImportNode
from mlstack_nb.source.scope import Scope

# calls by which installed packages are configured; of the project's own code its source is asked
_CONFIGURES = re.compile("(?i)set|seed|manual_seed|basic_?config|config|register|enable|disable|use|patch|filterwarn")
_Companions = Mapping[str, tuple[Definition, ...]]


def companions(definition: Definition, scope: Scope) -> tuple[Definition, ...]:
    """Those of `definition` in its own `scope`, in no order that matters."""
    known = _companions(scope)
    own = known.get(definition.name, ())
    if definition.kind is Kind.IMPORT and _is_project(definition, scope):
        return own + known.get("", ())
    return own


def module_changes(code: Code, scope: Scope) -> tuple[Definition, ...]:
    """What changes modules of the project from outside, when `code` imports any of them itself.

    A change of one may be seen by any other.
    """
    everywhere = project_changes(scope)
    return everywhere if everywhere and any(_names_project(node, scope) for node in code.imports) else ()


def project_changes(scope: Scope) -> tuple[Definition, ...]:
    """All that changes modules of the project from outside."""
    return _companions(scope).get("", ())


def _companions(scope: Scope) -> _Companions:
    known: _Companions | None = scope.memo.get("companions")
    if known is None:
        found: dict[str, list[Definition]] = {}
        for name, made in _all(scope):
            found.setdefault(name, []).append(made)
        known = scope.memo["companions"] = {name: tuple(made) for name, made in found.items()}
    return known


def _all(scope: Scope) -> Iterator[tuple[str, Definition]]:
    """Names, each with a companion; those of the name "" belong to every import of the project's own modules."""
    for call, statement in scope.calls:
        called = scope.lookup(call.name)
        if called is None or called.name == call.defines:
            continue
        made = scope.lookup(call.defines) or Definition(
            ast.unparse(statement.node), Kind.STATEMENT, call.code, (statement,)
        )
        yield from ((name, made) for name in _changed_by(call, called, scope))
    for one in scope:
        if one.kind is Kind.IMPORT and len(one.statements) > 1 and _is_project(one, scope):
            yield "", one


def _changed_by(call: Call, called: Definition, scope: Scope) -> Iterator[str]:
    """Names of `scope` whose objects the call may change."""
    if called.kind is Kind.IMPORT:
        if not call.defines and _configures(call, called, scope):
            yield called.name
            if _is_project(called, scope):
                yield ""
    elif called.kind is Kind.VALUE:
        # a notebook's values count as they are; `x.append(1)` is a part of x already
        if isinstance(scope, ModuleScope) and call.attributes and call.attributes[-1] not in MUTATORS:
            yield called.name
    elif called.kind is Kind.CLASS and call.attributes:
        yield from _changed_by_method(called, call.attributes[0], scope, frozenset())
    elif called.kind in (Kind.FUNCTION, Kind.CLASS) and not call.attributes:
        yield from changed_by_calling(called, scope)


def _configures(call: Call, called: Definition, scope: Scope) -> bool:
    """Whether a call of something imported may change the state of its module."""
    node = called.statements[0].node
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return False
    path = call.attributes
    if isinstance(node, ast.ImportFrom):
        module, path = locate(absolute(node, scope.package)), (node.names[0].name, *path)
        if module.folders and (inner := locate(f"{module.name}.{path[0]}")).origin is not Origin.MISSING and path[1:]:
            module, path = inner, path[1:]
    else:
        module = locate(node.names[0].name if node.names[0].asname else call.name)
        while path[1:] and module.folders and (inner := locate(f"{module.name}.{path[0]}")).origin is Origin.PROJECT:
            module, path = inner, path[1:]
    if not path:
        return False
    inside = module_scope(module) if module.origin is Origin.PROJECT else None
    if inside is None:
        return bool(_CONFIGURES.match(path[-1]))
    found = inside.lookup(path[0])
    if found is None or found.kind not in (Kind.FUNCTION, Kind.CLASS):
        return True  # passed on from elsewhere, or an object: what the call does can not be told
    if found.kind is Kind.CLASS and path[1:]:
        return any(_changed_by_method(found, path[1], inside, frozenset()))
    return bool(changed_by_calling(found, inside))


def changed_by_calling(called: Definition, scope: Scope) -> frozenset[str]:
    """Names of the scope whose objects a call of the function may change, or which it binds anew."""
    key = "changed by", called.name
    known: frozenset[str] | None = scope.memo.get(key)
    if known is None:
        scope.memo[key] = frozenset()  # ends recursion
        nodes = [node for root in called.code.nodes for node in ast.walk(root)]
        names = {name for node in nodes for name in changed_names(node) if name in called.reads}
        names |= {name for node in nodes if isinstance(node, ast.Global) for name in node.names}
        for name in called.reads:
            inner = scope.lookup(name)
            if inner is not None and inner.kind is Kind.FUNCTION:
                names |= changed_by_calling(inner, scope)
        if any(isinstance(node, ast.ClassDef) and collects_subclasses(node) for node in called.code.nodes):
            names.add(called.name)
        known = scope.memo[key] = frozenset(names)
    return known


def _changed_by_method(owner: Definition, method: str, scope: Scope, seen: frozenset[str]) -> Iterator[str]:
    """The class, when its `method`, or that of a base class, changes it; and what else that changes."""
    for node in owner.code.nodes:
        if not isinstance(node, ast.ClassDef):
            continue
        for part in node.body:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and part.name == method:
                first = [argument.arg for argument in (*part.args.posonlyargs, *part.args.args)][:1]
                changed = {name for inner in ast.walk(part) for name in changed_names(inner)}
                changed |= {name for inner in ast.walk(part) if isinstance(inner, ast.Global) for name in inner.names}
                yield from (owner.name if name in first else name for name in changed if name in {*first, *owner.reads})
                if owner.name in changed:
                    yield owner.name
        for base in node.bases:
            found = scope.lookup(getattr(base, "id", ""))
            if found is None or found.kind is not Kind.CLASS or found.name in seen:
                continue
            if any(_changed_by_method(found, method, scope, seen | {owner.name})):
                yield owner.name


def _is_project(definition: Definition, scope: Scope) -> bool:
    node = definition.statements[0].node
    return isinstance(node, ast.Import | ast.ImportFrom) and _names_project(node, scope)


def _names_project(node: ImportNode, scope: Scope) -> bool:
    names = [absolute(node, scope.package)] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
    return any(locate(name).origin is Origin.PROJECT for name in names)
