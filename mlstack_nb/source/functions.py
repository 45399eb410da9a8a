"""The signature of a step function: its inputs with defaults and types, its outputs with names and types."""

from __future__ import annotations

import builtins
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from mlstack_nb.core.artifact import ArtifactConfig
from mlstack_nb.core.step import Output
from mlstack_nb.errors import UsageError, nearest


class _NoDefault:
    def __repr__(self) -> str:
        return "NO_DEFAULT"


NO_DEFAULT: Any = _NoDefault()


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input of a function. `type` is None when there is no annotation or it can not be resolved."""

    name: str
    default: Any = NO_DEFAULT
    type: Any = None

    @property
    def is_required(self) -> bool:
        return self.default is NO_DEFAULT


@dataclass(frozen=True, slots=True)
class FunctionShape:
    """`is_several`: the function returns a tuple with one item per output, not the one output itself."""

    parameters: tuple[Parameter, ...]
    outputs: tuple[Output, ...]
    is_several: bool

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any], *, function: str) -> dict[str, Any]:
        """Every parameter by name, defaults filled in. Raises UsageError naming `function` and the argument."""
        names = [parameter.name for parameter in self.parameters]
        if len(args) > len(names):
            raise UsageError(
                f"{function!r} takes {len(names)} arguments, but {len(args)} are given.",
                f"Its arguments are: {', '.join(names) or 'none'}.",
            )
        given = dict(zip(names, args, strict=False))
        for name in kwargs:
            if name in given or name not in names:
                near = nearest(name, names)
                raise UsageError(
                    f"{function!r} is given {name!r} twice."
                    if name in given
                    else f"{function!r} has no argument {name!r}.",
                    f"Did you mean {near!r}?" if near and near != name else f"It takes: {', '.join(names)}.",
                )
        given |= kwargs
        for parameter in self.parameters:
            if parameter.name not in given and parameter.is_required:
                raise UsageError(f"{function!r} needs the argument {parameter.name!r}.", "Give it in the call.")
        return {one.name: given.get(one.name, one.default) for one in self.parameters}


def signature_of(func: Callable[..., Any]) -> FunctionShape:
    """What `func` takes and gives.

    `Annotated[T, "name"]` names an output, a tuple of them several; without names they are `output`, or `output_0`,
    `output_1`. No annotation and `-> None` both give one open output `output`: what is returned is kept.
    Raises UsageError for `*args` and `**kwargs`, positional-only inputs and repeated output names.
    """
    import inspect

    signature = inspect.signature(func)
    types = _types_of(func)
    parameters = []
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise UsageError(
                f"Step function {_name(func)!r} takes {parameter}: the inputs of a step have names.",
                "Write one parameter per input, without `*`, `**` or `/`.",
            )
        default = NO_DEFAULT if parameter.default is parameter.empty else parameter.default
        parameters.append(Parameter(parameter.name, default, types.get(parameter.name)))
    outputs, is_several = _outputs(types.get("return"))
    names = [output.name for output in outputs]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise UsageError(f"Step function {_name(func)!r} has two outputs {repeated!r}.", "Rename one of them.")
    return FunctionShape(tuple(parameters), outputs, is_several)


def _outputs(annotation: Any) -> tuple[tuple[Output, ...], bool]:
    kind, name, config = _named(annotation)
    items = typing.get_args(kind) if typing.get_origin(kind) is tuple and not name else ()
    if not items or Ellipsis in items:
        return (Output(name or "output", name, None if kind is type(None) else kind, config),), False
    found = [_named(item) for item in items]
    return tuple(Output(own or f"output_{at}", own, kind, config) for at, (kind, own, config) in enumerate(found)), True


def _named(annotation: Any) -> tuple[Any, str, ArtifactConfig | None]:
    """The type and the name of an annotation, and what else is said; the name is a text or that of a configuration."""
    if typing.get_origin(annotation) is not Annotated:
        return annotation, "", None
    kind, *extras = typing.get_args(annotation)
    if isinstance(kind, typing.ForwardRef):  # a name that can not be resolved
        kind = None
    names = (extra if isinstance(extra, str) else getattr(extra, "name", None) for extra in extras)
    config = next((extra for extra in extras if isinstance(extra, ArtifactConfig)), None)
    return kind, next((name for name in names if isinstance(name, str) and name), ""), config


def _types_of(func: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(func, include_extras=True)
    except Exception:  # noqa: BLE001  annotations are people's code: any error may come; names are then read one by one
        annotations = getattr(func, "__annotations__", {})
        known = _KnownNames(getattr(func, "__globals__", {}))
        return {name: _resolved(annotation, known) for name, annotation in annotations.items()}


def _resolved(annotation: Any, known: _KnownNames) -> Any:
    try:
        while isinstance(annotation, str):  # twice when a quoted one stands below `from __future__ import annotations`
            annotation = eval(annotation, {}, known)  # noqa: S307  as Python itself would evaluate it
    except Exception:  # noqa: BLE001  an annotation that says nothing leaves the type open
        return None
    return annotation


class _KnownNames(dict[str, Any]):
    """Names for evaluating an annotation; what is imported for type checkers only becomes `Any`."""

    def __missing__(self, name: str) -> Any:
        return getattr(builtins, name, Any)


def _name(func: Any) -> str:
    return getattr(func, "__name__", repr(func))
