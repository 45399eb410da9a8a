"""Which names' objects some statements may change in place: by `df["x"] = 1`, `model.fit(X)`, `prepare(df)`, and
through other names for the same object (`for part in [train, test]: part["x"] = 1`).

It says yes rather than no where a name is handed on, and no where only a call of somebody else's code could tell.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

from mlstack_nb.source.code import Code
from mlstack_nb.source.effects import Kind, changed_names, root_name
from mlstack_nb.source.embedded import embedded_in
from mlstack_nb.source.scope import Scope

# methods of models, optimizers and tensors that change what they are called on
_FITS = frozenset(
    "adapt add_edge add_module add_node backward build build_vocab compile fit fit_generator fit_predict "
    "fit_resample fit_transform initialize load_state_dict load_weights partial_fit register_buffer set_params shuffle "
    "step to train train_on_batch zero_grad".split()
)
# functions that change their first argument
_CHANGES_ARGUMENT = frozenset(
    "copyto fill_diagonal heapify heappop heappush insort insort_left insort_right put putmask shuffle".split()
)
_SAME_OBJECTS = frozenset("dict enumerate filter iter list next reversed set sorted tuple zip".split())
_GIVES_PART = frozenset("get items pop setdefault values".split())
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Aliases:
    """Names that may be the same object, or one a part of the other."""

    def __init__(self) -> None:
        self._together: dict[str, set[str]] = {}

    def join(self, names: Sequence[str]) -> None:
        joined = set(names).union(*(self._together.get(name, ()) for name in names))
        for name in joined:
            self._together[name] = joined

    def of(self, name: str) -> set[str]:
        """The name itself, and all others for its object."""
        return self._together.get(name) or {name}


class _Facts(NamedTuple):
    """What a block does, whatever the functions do that it calls: `calls` are of names.

    Of a function, `parameters` are its own, `free` the names from outside, `bound` those it declares `global`.
    """

    changed: frozenset[str]
    aliases: Aliases
    calls: tuple[tuple[str, ast.Call], ...]
    functions: dict[str, _Facts]
    parameters: tuple[str, ...] = ()
    free: frozenset[str] = frozenset()
    bound: frozenset[str] = frozenset()


_FACTS: WeakKeyDictionary[Code, _Facts] = WeakKeyDictionary()


def mutated(code: Code, scope: Scope) -> frozenset[str]:
    """The names that `code` may change in place at its top level, or by calling functions of its own or of `scope`."""
    own, outside = _mutated(_facts_of(code), scope, frozenset())
    return own | outside


def alias_sets(nodes: Iterable[ast.stmt]) -> Iterator[list[str]]:
    """The names that one assignment, loop or `with` of the statements joins."""
    return (names for node in _inside(nodes) for names in _alias_sets(node))


def _mutated(facts: _Facts, scope: Scope, seen: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The names that a block changes among those it sees itself, and those that functions change behind its back."""
    changed, outside = set(facts.changed), set(facts.bound)
    for name, call in facts.calls:
        function = None if name in seen else facts.functions.get(name) or _function(name, scope)
        if function is not None:
            inner, more = _mutated(function, scope, seen | {name})
            changed.update(_changed_arguments(call, function, inner))
            outside |= more | (inner & function.free)
    own = frozenset(other for name in changed for other in facts.aliases.of(name))
    return own, frozenset(other for name in outside for other in facts.aliases.of(name))


def _function(name: str, scope: Scope) -> _Facts | None:
    definition = scope.lookup(name)
    if definition is None or definition.kind is not Kind.FUNCTION:
        return None
    return _facts_of(definition.code).functions.get(name)


def _changed_arguments(call: ast.Call, function: _Facts, changed: frozenset[str]) -> Iterator[str]:
    """The names that are given to parameters which the function changes."""
    given = [*zip(function.parameters, call.args, strict=False), *((one.arg, one.value) for one in call.keywords)]
    for parameter, value in given:
        if parameter in changed:
            yield from _handed_on(value)


def _facts_of(code: Code) -> _Facts:
    known = _FACTS.get(code)
    if known is None:
        known = _FACTS[code] = _facts(code.nodes)
    return known


def _facts(nodes: Sequence[ast.stmt]) -> _Facts:
    changed = {name for node in nodes for name in (*changed_names(node), *_changed_by_decorators(node))}
    aliases = Aliases()
    calls = []
    functions = {}
    bound: set[str] = set()
    for node in _inside(nodes):
        for names in _alias_sets(node):
            aliases.join(names)
        if isinstance(node, ast.Call):
            changed.update(_changed_by_method(node))
            if isinstance(node.func, ast.Name):
                calls.append((node.func.id, node))
        elif isinstance(node, _FUNCTIONS):
            functions[node.name] = _function_facts(node)
        elif isinstance(node, ast.Global):
            bound.update(node.names)
    return _Facts(frozenset(changed), aliases, tuple(calls), functions, bound=frozenset(bound))


def _function_facts(node: ast.FunctionDef | ast.AsyncFunctionDef) -> _Facts:
    arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    parameters = tuple(one.arg for one in arguments)
    return _facts(node.body)._replace(parameters=parameters, free=frozenset(Code([node]).names.reads))


def _changed_by_decorators(node: ast.stmt) -> Iterator[str]:
    """`app` of `@app.route`."""
    for decorator in getattr(node, "decorator_list", ()):
        func = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(func, ast.Attribute) and (name := root_name(func)):
            yield name


def _changed_by_method(call: ast.Call) -> Iterator[str]:
    func = call.func
    name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
    if isinstance(func, ast.Attribute) and (name in _FITS or (name.endswith("_") and not name.startswith("_"))):
        yield from filter(None, [root_name(func)])  # `weights.zero_()` is torch's way of saying so
    if name in _CHANGES_ARGUMENT and call.args:
        yield from filter(None, [root_name(call.args[0])])


def _alias_sets(node: ast.AST) -> Iterator[list[str]]:
    if isinstance(node, ast.Assign):
        if node.targets[1:]:
            yield [name for target in node.targets for name in _handed_on(target)]
        for target in node.targets:
            yield from _paired(target, node.value)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
        yield from _paired(node.target, node.value)
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        yield from _paired(node.target, node.iter)
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield from _paired(node.optional_vars, node.context_expr)


def _paired(target: ast.expr, value: ast.expr) -> Iterator[list[str]]:
    several = (ast.Tuple, ast.List)
    if isinstance(target, several) and isinstance(value, several) and len(target.elts) == len(value.elts):
        for one, other in zip(target.elts, value.elts, strict=True):
            yield from _paired(one, other)
    elif given := list(_handed_on(value)):
        yield [*_handed_on(target), *given]


def _inside(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Every node that runs when the statements do, what stands in `%time` included, bodies of functions left out."""
    todo = list(nodes)
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, (*_FUNCTIONS, ast.Lambda, ast.ClassDef)):
            continue
        if isinstance(node, ast.Call) and (inner := embedded_in(node)):
            todo.extend(inner.statements)
        todo.extend(ast.iter_child_nodes(node))


def _handed_on(value: ast.expr | None) -> Iterator[str]:
    """The names whose object, or a part of it, is the value of an expression or in it."""
    match value:
        case ast.Name(name):
            yield name
        case (
            ast.Attribute(inner)
            | ast.Subscript(inner)
            | ast.Starred(inner)
            | ast.Await(inner)
            | ast.NamedExpr(_, inner)
        ):
            yield from _handed_on(inner)
        case ast.Tuple(parts) | ast.List(parts) | ast.Set(parts) | ast.BoolOp(_, parts) | ast.Dict(_, parts):
            for part in parts:
                yield from _handed_on(part)
        case ast.IfExp(_, one, other):
            yield from _handed_on(one)
            yield from _handed_on(other)
        case ast.Call(ast.Name(function), arguments) if function in _SAME_OBJECTS:
            for argument in arguments:
                yield from _handed_on(argument)
        case ast.ListComp(part) | ast.GeneratorExp(part):
            yield from _handed_on(part)
        case ast.Call(ast.Attribute(inner, method)) if method in _FITS | _GIVES_PART:
            yield from _handed_on(inner)
        case ast.Call(_, arguments):  # an optimizer changes the model that it was given the parameters of
            for argument in arguments:
                match argument:
                    case ast.Call(ast.Attribute(inner, "parameters" | "named_parameters")):
                        yield from _handed_on(inner)
