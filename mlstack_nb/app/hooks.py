"""Hooks of steps and pipelines, checked where they are written."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from mlstack_nb.core.hooks import Hook, Hooks
from mlstack_nb.errors import UsageError
from mlstack_nb.ports.registry import load_target

HOOKS = ("on_start", "on_success", "on_failure", "on_end")
_TAKE_ERRORS = ("on_failure", "on_end")


def hooks_of(given: Mapping[str, Any], *, of: str) -> Hooks:
    """Those of the options that are hooks. Raises UsageError for one that can not be found, or called as it will be."""
    return Hooks(**{name: _checked(name, given[name], of) for name in HOOKS if given.get(name) is not None})


def _checked(option: str, hook: Any, of: str) -> Hook:
    function = _found(option, hook, of) if isinstance(hook, str) else hook
    if not callable(function):
        raise UsageError(f"{of} has {option}={hook!r}, which can not be called.", f"Give a function: {option}=notify")
    _check_signature(option, function, of)
    return typing.cast("Hook", hook)


def _found(option: str, path: str, of: str) -> Any:
    module, _, name = path.replace(":", ".").rpartition(".")
    try:
        return load_target(f"{module}:{name}")
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(
            f"{of} has {option}={path!r}, which can not be imported: {error}.",
            "Give a function, or where it is found: package.module.function",
        ) from error


def _check_signature(option: str, function: Callable[..., Any], of: str) -> None:
    """One that takes an argument is given the exception, which only a failure has."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return  # builtins tell nothing; they are called with the exception alone
    name = getattr(function, "__qualname__", repr(function))
    open_ended = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [one for one in parameters if one.default is one.empty and one.kind not in open_ended]
    most = 1 if option in _TAKE_ERRORS else 0
    if len(needed) > most or any(one.kind is one.KEYWORD_ONLY for one in needed):
        given = "the exception, or nothing" if most else "no argument"
        raise UsageError(
            f"{of} has {option}={name}, which takes ({', '.join(map(str, needed))}); it is given {given}.",
            f"Write it so: def {name.rpartition('.')[2]}({'error: BaseException' if most else ''}): ...",
        )
    annotation = _annotation(function, parameters[0].name) if needed and most else None
    if annotation is not None and not _takes_errors(annotation):
        raise UsageError(
            f"{of} has {option}={name}, whose argument {parameters[0].name!r} is no exception but {annotation!r}.",
            f"Annotate it so: {parameters[0].name}: BaseException | None",
        )


def _annotation(function: Callable[..., Any], name: str) -> Any:
    try:
        return typing.get_type_hints(function).get(name)
    except Exception:  # noqa: BLE001  annotations are people's code: one that can not be resolved says nothing
        return None


def _takes_errors(annotation: Any) -> bool:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return any(map(_takes_errors, typing.get_args(annotation)))
    if not isinstance(annotation, type):
        return annotation is Any
    return issubclass(annotation, BaseException) or annotation is object
