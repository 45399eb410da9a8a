"""The fingerprint of a live function, such as a `@step`: read from the source that it was compiled from."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

from mlstack_nb.core.digest import digest
from mlstack_nb.core.step import Fingerprint
from mlstack_nb.errors import UsageError
from mlstack_nb.source.code import Code
from mlstack_nb.source.effects import root_name
from mlstack_nb.source.fingerprint import combined
from mlstack_nb.source.function_source import plain_function, source_of, text_of
from mlstack_nb.source.live_values import Content, LiveDigest, holds_code, is_own, type_name
from mlstack_nb.source.modules import OWN_PACKAGES
from mlstack_nb.source.project_code import Slice, Target, slice_of
from mlstack_nb.source.reach import Reach, reach
from mlstack_nb.source.scope import NotebookScope, Scope
from mlstack_nb.source.step_body import body_of_function, united

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_OWN_DECORATORS = frozenset({"step", "pipeline"})


def of_function(
    func: Callable[..., Any], scope: NotebookScope | None = None, *, content: Content = type_name
) -> Fingerprint:
    """The fingerprint of `func` and of what it reaches in its module, or in `scope` when a notebook cell defines it.

    Decorators of ours do not count, others do. Constants of its module count by value; other values by the code
    that makes them and by what they are now, as far as `content` can tell. A closure's variables count by what they
    are now: plain data by value, functions and classes by what their code means, the rest by what `content` says.
    Raises UsageError when `func` is no Python function or its source can not be found.
    """
    return _Live(scope, content).fingerprint(func, as_step=True)


def of_value(value: Any, scope: NotebookScope | None = None, *, content: Content) -> str | None:
    """The digest of a live value that is code, or that code of the project or the notebook is a part of; else None.

    The same in every process, and it changes with the code: a function by its fingerprint, a class by its methods, an
    instance by its class and its state; what is installed by name and version. `content` says what data inside it is.
    """
    is_code = isinstance(value, FunctionType | type) or holds_code(value)
    return _Live(scope, content).values.of(value) if is_code else None


def slice_of_function(node: ast.stmt, home: Scope, *, text: str, as_step: bool = False) -> tuple[Reach, Slice]:
    """What a function reaches in the scope that it is defined in, and its parts; decorators of ours do not count.

    `as_step`: without decorators of others it counts as the step cell that it could be.
    """
    bare = _without_own_decorators(node, home)
    if as_step and isinstance(bare, _FUNCTIONS) and not bare.decorator_list:
        made = body_of_function(bare)
        code, parts = made.code, made.parts
    else:
        code = Code([bare])
        parts = {"body": code.digest}
    found = reach(code, home)
    inner = slice_of(found, home)
    return found, Slice(united(parts, inner.parts), inner.targets, {"body": text, **inner.writings})


class _Live:
    """One fingerprint being taken, of code that is live."""

    def __init__(self, scope: Scope | None, content: Content) -> None:
        self._scope = scope
        self.values = LiveDigest(self._inner, content)

    def fingerprint(self, func: Callable[..., Any], *, as_step: bool = False) -> Fingerprint:
        plain = plain_function(func)
        home, node = source_of(plain, self._scope)
        key = "live", plain.__code__, as_step
        known: tuple[Reach, Slice] | None = home.memo.get(key)
        if known is None:
            known = home.memo[key] = slice_of_function(node, home, text=text_of(node, plain, home), as_step=as_step)
        found, inner = known
        live = _live_values(plain, found)
        targets = frozenset(_targets_of_modules(live, found))
        if targets:
            inner = home.memo.setdefault((key, targets), Slice(inner.parts, inner.targets | targets, inner.writings))
        if not live:
            return combined(inner)
        # by name: what two of them share is digested with the first, wherever their definitions stand
        return combined(inner, {label: self._of_live(value) for label, value in sorted(live.items())})

    def _of_live(self, value: Any) -> str:
        """Of a module only which it is: what is used of it is followed."""
        return digest("module", value.__name__) if isinstance(value, ModuleType) else self.values.of(value)

    def _inner(self, func: FunctionType) -> str:
        try:
            return self.fingerprint(func).digest
        except UsageError:  # made at run time, as by `dataclass`: no source, so by what was compiled
            known = func.__globals__
            read = [(name, self.values.of(known[name])) for name in _globals_of(func.__code__) if name in known]
            return digest(_compiled(func.__code__), read)


def _compiled(code: CodeType) -> list[Any]:
    constants = [_compiled(one) if isinstance(one, CodeType) else one for one in code.co_consts if one is not ...]
    return [code.co_code, code.co_names, code.co_freevars, constants]


def _globals_of(code: CodeType) -> list[str]:
    import dis  # only code without source needs it

    inner = (name for one in code.co_consts if isinstance(one, CodeType) for name in _globals_of(one))
    own = (one.argval for one in dis.get_instructions(code) if one.opname in ("LOAD_GLOBAL", "LOAD_NAME"))
    return sorted({*own, *inner})


def _without_own_decorators(node: ast.stmt, home: Scope) -> ast.stmt:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return node
    kept = [decorator for decorator in node.decorator_list if not own_decorator(decorator, home)]
    if len(kept) == len(node.decorator_list):
        return node
    fields = {name: getattr(node, name) for name in node._fields}
    return ast.copy_location(type(node)(**{**fields, "decorator_list": kept}), node)


def own_decorator(decorator: ast.expr, home: Scope) -> str:
    """What a decorator of ours is called where it is defined (`step`, `pipeline`); empty for another's."""
    name = root_name(decorator)
    func = decorator.func if isinstance(decorator, ast.Call) else decorator
    attribute = func.attr if isinstance(func, ast.Attribute) else name
    definition = home.lookup(name)
    if definition is None:
        return attribute if name in _OWN_DECORATORS | OWN_PACKAGES else ""
    node = definition.node
    if isinstance(node, ast.ImportFrom):
        is_own = (node.module or "").partition(".")[0] in OWN_PACKAGES and not node.level
        return (attribute if attribute != name else node.names[0].name) if is_own else ""
    is_own = isinstance(node, ast.Import) and node.names[0].name.partition(".")[0] in OWN_PACKAGES
    return attribute if is_own else ""


def _codes(found: Reach) -> list[Code]:
    return [found.code, *(one.code for one in (*found.definitions, *found.value_definitions))]


def _hidden_builtins(func: FunctionType, found: Reach) -> Iterator[str]:
    """Names of builtins under which another cell has defined a function or a class of its own."""
    for name in {name for code in _codes(found) for name in code.names.reads if name in code.names.optional}:
        value = func.__globals__.get(name)
        if isinstance(value, FunctionType | type) and is_own(value):
            yield name


def _targets_of_modules(live: Mapping[str, Any], found: Reach) -> Iterator[Target]:
    """What is used of modules that were imported elsewhere, as by another cell of a notebook."""
    codes = _codes(found)
    for label, value in live.items():
        if isinstance(value, ModuleType):
            name = label.split()[1]
            uses = frozenset().union(*(code.chains.get(name, ()) for code in codes))
            yield from (Target(value.__name__, chain) for chain in uses or [()])


def _live_values(func: FunctionType, found: Reach) -> Mapping[str, Any]:
    """What only the live function knows: its closure, computed values of its module, names defined elsewhere."""
    live: dict[str, Any] = {}
    for name, cell in zip(func.__code__.co_freevars, func.__closure__ or (), strict=True):
        try:
            live[f"closure {name}"] = cell.cell_contents
        except ValueError:  # not bound yet
            live[f"closure {name}"] = None
    for definition in found.value_definitions:
        if definition.name in func.__globals__:
            live[f"value {definition.name} now"] = func.__globals__[definition.name]
    known = {one.name for one in (*found.definitions, *found.value_definitions)} | found.constants.keys()
    for name in sorted({*found.undefined, *_hidden_builtins(func, found)} - {*func.__code__.co_freevars, *known}):
        if name in func.__globals__:
            live[f"global {name}"] = func.__globals__[name]
    if "<locals>" in func.__qualname__:  # the defaults of others are in their code
        live.update({f"default {number}": value for number, value in enumerate(func.__defaults__ or ())})
        live.update({f"default {name}": value for name, value in (func.__kwdefaults__ or {}).items()})
    return live
