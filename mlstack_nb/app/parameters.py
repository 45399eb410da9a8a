"""Parameters of a run: from what was typed or stands in a file to values of the types that the pipeline declares."""

from __future__ import annotations

import ast
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstack_nb.core.types import named, shown
from mlstack_nb.errors import NotFoundError, UsageError
from mlstack_nb.source.functions import NO_DEFAULT, Parameter

if TYPE_CHECKING:
    from mlstack_nb.app.notebooks.compiled import NotebookParameter

_TYPES = {
    **{kind.__name__: kind for kind in (int, float, str, bool, bytes, list, dict, tuple, set)},
    **{name: getattr(typing, name) for name in ("Any", "Literal", "Optional", "Union", "List", "Dict", "Tuple")},
    "Path": Path,
}
_TYPE_NODES = (
    *(ast.Expression, ast.Name, ast.Subscript, ast.Tuple, ast.List, ast.Constant, ast.BinOp, ast.BitOr, ast.Load),
    *(ast.UnaryOp, ast.USub),
)


def read_file(path: Path) -> dict[str, Any]:
    """The mapping in a YAML or JSON file. Raises UsageError."""
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"The parameters can not be read from {path}: {error.strerror}.", "Check the path.") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        problem = " ".join(str(error).split())
        raise UsageError(f"{path} is no YAML: {problem}", "Write a line `name: value` for each.") from error
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise UsageError(f"{path} holds no parameters by name.", "Write a line `name: value` for each.")
    return found


def read_pairs(pairs: Iterable[str]) -> dict[str, str]:
    """`["depth=5"]` as a mapping, values as they were typed. Raises UsageError."""
    found = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"The parameter {pair!r} has no value.", f"Write it so: -p {name.strip() or 'NAME'}=VALUE")
        found[name.strip()] = text
    return found


def typed(
    given: Mapping[str, Any], declared: Iterable[Parameter], *, of: str, texts: Iterable[str] = ()
) -> dict[str, Any]:
    """`given` as values of the declared types; names in `texts` have values as they were typed.

    A type is an annotation's, else that of the default. A text means what it says where a text is wanted, and what
    YAML reads in it elsewhere: `5`, `0.1`, `true`, `null`, `[1, 2]`. Raises NotFoundError for a name that `of` does not
    have, UsageError for a value of another type.
    """
    known = {parameter.name: parameter for parameter in declared}
    values = {}
    for name, value in given.items():
        if name not in known:
            raise NotFoundError.of("parameter", name, known, f"Parameters of {of}: {', '.join(known) or 'none'}.")
        values[name] = _value(value, known[name], is_text=name in set(texts), of=of)
    return values


def declared_by(parameter: NotebookParameter) -> Parameter:
    """A notebook's parameter with the type that its annotation names, where that is one of Python's own."""
    default = parameter.value if parameter.is_constant else NO_DEFAULT
    return Parameter(parameter.name, default, _plain_type(parameter.annotation))


def _plain_type(annotation: str) -> Any:
    """The type, or None for one of the notebook's own, which only its kernel knows. Executes `[]` and `|` alone."""
    try:
        nodes = list(ast.walk(ast.parse(annotation, mode="eval")))
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        if not names <= _TYPES.keys() or not all(isinstance(node, _TYPE_NODES) for node in nodes):
            return None
        return eval(annotation, {"__builtins__": {}}, _TYPES)  # noqa: S307 - of those names and nodes alone
    except (SyntaxError, TypeError, ValueError, RecursionError):
        return None


def _value(value: Any, parameter: Parameter, *, is_text: bool, of: str) -> Any:
    from pydantic import ConfigDict, PydanticSchemaGenerationError, TypeAdapter, ValidationError

    wanted = _wanted(parameter)
    if is_text and not _takes_text(wanted):
        value = _from_yaml(value)
    if wanted is Any:
        return value
    try:
        adapter = TypeAdapter(wanted, config=ConfigDict(arbitrary_types_allowed=True))
    except (PydanticSchemaGenerationError, TypeError):
        return value
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise UsageError(
            f"Parameter {parameter.name!r} of {of} takes {named(wanted)}, not {shown(value)}: {problem.lower()}.",
            f"Its default is {shown(parameter.default)}." if not parameter.is_required else "Give another value.",
        ) from None


def _wanted(parameter: Parameter) -> Any:
    if parameter.type is not None:
        return parameter.type
    default = parameter.default
    return Any if default is NO_DEFAULT or default is None else type(default)


def _takes_text(wanted: Any) -> bool:
    origin = typing.get_origin(wanted)
    if origin is typing.Annotated:
        return _takes_text(typing.get_args(wanted)[0])
    return wanted is str or (isinstance(wanted, type) and issubclass(wanted, Path))


def _from_yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text
