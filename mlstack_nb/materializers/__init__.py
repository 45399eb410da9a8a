"""Which materializer writes which type: the table, and the choice made from it.

Rows are keyed by qualified type name and classes are imported on first use, so that no library is imported to
learn that a value is not one of its types. A class that moved between versions of its library has a row per
name. What no row takes is written as a dataclass, and last of all as a pickle.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

from mlstack_nb.errors import MaterializerError
from mlstack_nb.ports.materializer import BaseMaterializer, declared_materializers
from mlstack_nb.ports.registry import MaterializerRegistry, load_target

_HERE = "mlstack_nb.materializers."
_DATACLASS = f"{_HERE}dataclass_values:DataclassMaterializer"
LAST_RESORT = f"{_HERE}pickles:PickleMaterializer"

TABLE: dict[str, str] = {
    "PIL.Image.Image": "pil_images:ImageMaterializer",
    "builtins.NoneType": "builtin_values:BuiltinMaterializer",
    "builtins.bool": "builtin_values:BuiltinMaterializer",
    "builtins.bytearray": "texts:BytesMaterializer",
    "builtins.bytes": "texts:BytesMaterializer",
    "builtins.complex": "builtin_values:BuiltinMaterializer",
    "builtins.dict": "builtin_values:BuiltinMaterializer",
    "builtins.float": "builtin_values:BuiltinMaterializer",
    "builtins.frozenset": "builtin_values:BuiltinMaterializer",
    "builtins.int": "builtin_values:BuiltinMaterializer",
    "builtins.list": "builtin_values:BuiltinMaterializer",
    "builtins.range": "builtin_values:BuiltinMaterializer",
    "builtins.set": "builtin_values:BuiltinMaterializer",
    "builtins.str": "texts:TextMaterializer",
    "builtins.tuple": "builtin_values:BuiltinMaterializer",
    "datetime.date": "builtin_values:BuiltinMaterializer",
    "datetime.datetime": "builtin_values:BuiltinMaterializer",
    "datetime.time": "builtin_values:BuiltinMaterializer",
    "datetime.timedelta": "builtin_values:BuiltinMaterializer",
    "decimal.Decimal": "builtin_values:BuiltinMaterializer",
    "enum.Enum": "enums:EnumMaterializer",
    "matplotlib.figure.Figure": "matplotlib_figures:FigureMaterializer",
    "numpy.generic": "numpy_arrays:ScalarMaterializer",
    "numpy.ndarray": "numpy_arrays:ArrayMaterializer",
    "pandas.DataFrame": "pandas_frames:PandasMaterializer",
    "pandas.Series": "pandas_frames:PandasMaterializer",
    "pandas.core.frame.DataFrame": "pandas_frames:PandasMaterializer",
    "pandas.core.series.Series": "pandas_frames:PandasMaterializer",
    "pathlib.Path": "paths:PathMaterializer",
    "pathlib._local.Path": "paths:PathMaterializer",
    "polars.dataframe.frame.DataFrame": "polars_frames:PolarsMaterializer",
    "polars.series.series.Series": "polars_frames:PolarsMaterializer",
    "pydantic.main.BaseModel": "pydantic_models:PydanticMaterializer",
    "scipy.sparse._base._spbase": "scipy_sparse:SparseMaterializer",
    "scipy.sparse._base.spmatrix": "scipy_sparse:SparseMaterializer",
    "sklearn.base.BaseEstimator": "sklearn_models:SklearnMaterializer",
    "uuid.UUID": "builtin_values:BuiltinMaterializer",
}


def builtin_registry() -> MaterializerRegistry:
    """A new registry with the rows of the table and nothing else."""
    found = MaterializerRegistry()
    for type_name, target in TABLE.items():
        found.register(type_name, _HERE + target)
    return found


@cache
def _process_registry() -> MaterializerRegistry:
    return builtin_registry()


def registry() -> MaterializerRegistry:
    """The registry of this process: the table, and every materializer class a user has defined so far."""
    known = _process_registry()
    while declared_materializers:
        register(declared_materializers.pop(0))
    return known


_registered: dict[str, type[BaseMaterializer]] = {}


def register(materializer: type[BaseMaterializer]) -> None:
    """Use `materializer` for its ASSOCIATED_TYPES from now on. Subclassing BaseMaterializer does this by itself."""
    _process_registry().register_class(materializer)
    remember(materializer)


def choose(value: Any) -> type[BaseMaterializer]:
    """The materializer that will write `value`: that of its nearest base which takes it, else the last resort.

    Never fails: a value that nothing can write is refused by `save`, with MaterializerError.
    """
    kind = type(value)
    for candidate in registry().candidates(kind):
        if candidate.accepts(value):
            return candidate
    if dataclasses.is_dataclass(kind):
        candidate = load_target(_DATACLASS)
        if candidate.accepts(value):
            return candidate
    return load_target(LAST_RESORT)


def target_of(materializer: type[BaseMaterializer]) -> str:
    """What an artifact records of its materializer: `module:QualName`."""
    return f"{materializer.__module__}:{materializer.__qualname__}"


def remember(materializer: type[BaseMaterializer]) -> str:
    """What `target_of` gives; `by_target` then finds the class also where it can not be imported by that name."""
    target = target_of(materializer)
    _registered[target] = materializer
    return target


def by_target(target: str) -> type[BaseMaterializer]:
    """The class that `target_of` named. Raises MaterializerError when it is not to be found."""
    registry()
    if target not in _registered:
        found = _imported(target)
        if not target.startswith(_HERE):  # a module of the user's may be imported anew
            return found
        _registered[target] = found
    return _registered[target]


def _imported(target: str) -> type[BaseMaterializer]:
    try:
        found: Any = load_target(target)
    except (ImportError, AttributeError, ValueError) as error:
        raise MaterializerError(
            f"The materializer {target!r}, which wrote this value, can not be imported: {error}.",
            "Run the cell that defines it."
            if target.startswith("__main__:")
            else f"Install or restore the module {target.partition(':')[0]!r}.",
        ) from error
    if not (isinstance(found, type) and issubclass(found, BaseMaterializer)):
        raise MaterializerError(f"{target!r} is not a materializer class.", "Name a subclass of BaseMaterializer.")
    return found
