"""What each top-level statement does to the names of its scope: bind, change in place, delete."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from mlstack_nb.core.digest import UndigestibleError, encode
from mlstack_nb.source.code import Code, inner_blocks

# method names that change the object they are called on
MUTATORS = frozenset(
    "add append appendleft clear difference_update discard extend extendleft insert intersection_update pop popleft "
    "popitem remove reverse setdefault sort symmetric_difference_update update".split()
)
# those that are called for what they give, too
_GIVING_MUTATORS = frozenset({"pop", "popleft", "popitem", "setdefault"})
_SETTERS = frozenset({"setattr", "delattr"})
_LITERALS = (ast.Constant, ast.UnaryOp, ast.BinOp, ast.Tuple, ast.List, ast.Set, ast.Dict)
_PLAIN_METACLASSES = frozenset({"ABCMeta", "EnumMeta", "EnumType"})


class Kind(StrEnum):
    """What a name of a scope is. A constant is a literal; a value is anything else that was assigned.

    A statement has no name of its own: it is a call that makes another name what it is.
    """

    FUNCTION = "function"
    CLASS = "class"
    IMPORT = "import"
    CONSTANT = "constant"
    VALUE = "value"
    STATEMENT = "statement"


class Bind(NamedTuple):
    """`keeps`: the name's earlier value plays a part, because it is read or may stay."""

    name: str
    kind: Kind
    code: Code
    keeps: bool = False
    value: Any = None


class Touch(NamedTuple):
    """The object behind the name changes: `x[0] = 1`, `x.append(1)`, `@x.register`."""

    name: str
    code: Code


class Delete(NamedTuple):
    name: str


class Call(NamedTuple):
    """A call that happens when the statement does, of `name` or an attribute of it: a decorator, or all of a statement.

    `defines` is the name that the statement binds, if any.
    """

    name: str
    code: Code
    defines: str = ""
    attributes: tuple[str, ...] = ()


class Star(NamedTuple):
    """`from module import *`; `module` as written, with its dots."""

    node: ast.ImportFrom


Effect = Bind | Touch | Delete | Call | Star


def effects_of(node: ast.stmt, *, has_globals: bool) -> Iterator[Effect]:
    """In the order they happen. `has_globals`: a `global` statement may stand in a function."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from _imports(node)
        return
    code = Code([node])
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield from _definition(node, code, has_globals)
    elif isinstance(node, ast.Assign | ast.AnnAssign) and (name := _plain_target(node)):
        yield from _assignment(name, node, code)
        yield from (Call(called, code, name, tuple(attributes)) for called, *attributes in _called(node))
    else:
        kinds = dict(_defined_inside(node))
        for name in code.names.binds:
            keeps = name in code.names.reads or name in code.names.maybe_binds
            yield Bind(name, kinds.get(name, Kind.VALUE), code, keeps)
        yield from (Call(called, code, "", tuple(attributes)) for called, *attributes in _called(node))
        yield from (Star(inner) for inner in _stars_inside(node))
    for name in dict.fromkeys(changed_names(node)):
        yield Touch(name, code)
    if isinstance(node, ast.Delete):
        yield from (Delete(target.id) for target in node.targets if isinstance(target, ast.Name))


def changed_names(node: ast.AST) -> Iterator[str]:
    """The roots of what a statement changes in place, its inner blocks included, functions left out."""
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Delete):
        targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else [node.target]
        for target in targets:
            for part in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
                if isinstance(part, ast.Subscript | ast.Attribute) and (name := root_name(part)):
                    yield name
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            yield from _changed_by_method(node.value, _GIVING_MUTATORS)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield from _changed_by_method(node.value, MUTATORS)
    elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and isinstance(node, ast.stmt):
        for block in inner_blocks(node):
            for inner in block:
                yield from changed_names(inner)


def _changed_by_method(call: ast.Call, mutators: frozenset[str]) -> Iterator[str]:
    func = call.func
    if isinstance(func, ast.Name) and func.id in _SETTERS and call.args:
        yield from filter(None, [root_name(call.args[0])])
    in_place = any(keyword.arg == "inplace" and _is_true(keyword.value) for keyword in call.keywords)
    if isinstance(func, ast.Attribute) and (func.attr in mutators or in_place):
        yield from filter(None, [root_name(func)])


def root_name(node: ast.expr) -> str:
    """`x` of `x.a[0].b()`; empty when the root is no name."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def collects_subclasses(node: ast.ClassDef) -> bool:
    """A class that may learn of its subclasses: `__init_subclass__` or a metaclass of one's own."""
    metaclasses = (keyword.value for keyword in node.keywords if keyword.arg == "metaclass")
    if any(getattr(one, "id", getattr(one, "attr", "")) not in _PLAIN_METACLASSES for one in metaclasses):
        return True
    return any(isinstance(part, ast.FunctionDef) and part.name == "__init_subclass__" for part in node.body)


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[Effect]:
    for alias in node.names:
        if alias.name == "*" and isinstance(node, ast.ImportFrom):
            yield Star(node)
            continue
        single: ast.stmt
        if isinstance(node, ast.Import):
            single, name = ast.Import([alias]), alias.asname or alias.name.partition(".")[0]
        else:
            single, name = ast.ImportFrom(node.module, [alias], node.level), alias.asname or alias.name
        yield Bind(name, Kind.IMPORT, Code([ast.copy_location(single, node)]))


def _definition(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, code: Code, has_globals: bool
) -> Iterator[Effect]:
    for decorator in node.decorator_list:
        name = root_name(decorator)
        func = decorator.func if isinstance(decorator, ast.Call) else decorator
        if name:
            yield Touch(name, code) if isinstance(func, ast.Attribute) else Call(name, code, node.name)
    kind = Kind.CLASS if isinstance(node, ast.ClassDef) else Kind.FUNCTION
    yield Bind(node.name, kind, code)
    if isinstance(node, ast.ClassDef):
        yield from (Call(root_name(base), code, node.name) for base in node.bases)
    elif has_globals:
        yield from (Bind(name, Kind.VALUE, code, keeps=True) for name in code.names.binds if name != node.name)


def _assignment(name: str, node: ast.Assign | ast.AnnAssign, code: Code) -> Iterator[Effect]:
    value = node.value
    if isinstance(value, ast.Lambda):
        yield Bind(name, Kind.FUNCTION, code, keeps=name in code.names.reads)
    elif isinstance(value, _LITERALS):
        try:
            literal = ast.literal_eval(value)
            encode(literal)
        except (ValueError, TypeError, UndigestibleError, RecursionError):
            yield Bind(name, Kind.VALUE, code, keeps=name in code.names.reads)
        else:
            yield Bind(name, Kind.CONSTANT, code, value=literal)
    elif value is not None:
        yield Bind(name, Kind.VALUE, code, keeps=name in code.names.reads)
        yield from (Bind(other, Kind.VALUE, code) for other in code.names.binds if other != name)


def _plain_target(node: ast.Assign | ast.AnnAssign) -> str:
    target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0] if len(node.targets) == 1 else None
    return target.id if isinstance(target, ast.Name) else ""


def _defined_inside(node: ast.stmt) -> Iterator[tuple[str, Kind]]:
    """Names that an inner block imports or defines: `try: import a` ... `except ImportError: a = None`."""
    for block in inner_blocks(node):
        for inner in block:
            if isinstance(inner, ast.Import | ast.ImportFrom):
                yield from ((effect.name, effect.kind) for effect in _imports(inner) if isinstance(effect, Bind))
            elif isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                yield inner.name, Kind.FUNCTION
            elif isinstance(inner, ast.ClassDef):
                yield inner.name, Kind.CLASS
            else:
                yield from _defined_inside(inner)


def _stars_inside(node: ast.stmt) -> Iterator[ast.ImportFrom]:
    """`try: from a import *`."""
    for block in inner_blocks(node):
        for inner in block:
            if isinstance(inner, ast.ImportFrom) and inner.names[0].name == "*":
                yield inner
            else:
                yield from _stars_inside(inner)


def _called(node: ast.stmt) -> Iterator[tuple[str, ...]]:
    """`("np", "random", "seed")` of a statement that is the call `np.random.seed(0)`, its inner blocks included."""
    if isinstance(node, ast.Expr | ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
        func: ast.expr = node.value.func
        attributes: list[str] = []
        while isinstance(func, ast.Attribute | ast.Call):
            if isinstance(func, ast.Attribute):
                attributes.append(func.attr)
            func = func.value if isinstance(func, ast.Attribute) else func.func
        if isinstance(func, ast.Name):
            yield (func.id, *reversed(attributes))
    elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        for block in inner_blocks(node):
            for inner in block:
                yield from _called(inner)


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True
