"""Pickles: the only place that writes and reads them, and the last resort for values nothing else takes.

What `load_pickle` reads has passed the store's digest check already, so it is what a step of this workspace
wrote; a policy that trusts less belongs into this function.
"""

from __future__ import annotations

import io
import platform
import reprlib
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import cloudpickle  # type: ignore[import-untyped]

from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.errors import MaterializerError
from mlstack_nb.materializers.classes import class_path
from mlstack_nb.materializers.files import HashedFile, stored
from mlstack_nb.materializers.previews import shortened
from mlstack_nb.ports.materializer import BaseMaterializer
from mlstack_nb.ports.registry import qualified_name

PROTOCOL = 5
MAX_DEPTH = 8
# the standard library's own pickles are read by any Python that reads protocol 5
_STABLE_MODULES = frozenset({"collections", "fractions", "ipaddress", "builtins", "pathlib", "zoneinfo", "datetime"})


class PickleWarning(UserWarning):
    """A value was stored as a pickle, for want of a materializer for its type."""


def dump_pickle(value: Any, path: Path, *, place: str = "") -> str:
    """Pickle `value`, code of the notebook's own classes included; returns the file's BLAKE3 in hex.

    Raises MaterializerError that names the part of `value` which can not be pickled; `place` is where `value`
    itself is in the step's output.
    """
    with HashedFile(path) as file:
        try:
            _Pickler(file, protocol=PROTOCOL).dump(value)
        except OSError:
            raise
        except Exception as error:
            raise _unwritable(value, place, error) from error
    return file.hexdigest


def load_pickle(path: Path) -> Any:
    """The value; raises MaterializerError when its classes can not be imported or do not fit any more."""
    with open(path, "rb") as file:
        try:
            return cloudpickle.load(file)
        except Exception as error:
            raise MaterializerError(
                f"The pickle {path} can not be read by Python {platform.python_version()}: "
                f"{type(error).__name__}: {error}.",
                "Install the library versions in the artifact's metadata, or run the step again with --no-cache.",
            ) from error


class PickleMaterializer(BaseMaterializer):
    """Any value that cloudpickle takes. It warns: such files outlive neither Python nor library versions for sure."""

    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.BASE

    def save(self, data: Any) -> None:
        self._digest = dump_pickle(data, self.folder / "data.pickle")
        warn_pickled(data)

    def load(self, data_type: type[Any]) -> Any:
        return load_pickle(stored(self.folder, "data.pickle"))

    def file_digests(self) -> dict[str, str]:
        return {"data.pickle": self._digest}

    def extract_metadata(self, data: Any) -> dict[str, Any]:
        return {"python": platform.python_version(), **package_version(type(data))}

    def preview(self, data: Any) -> dict[str, str]:
        return {"text/plain": shortened(data)}


def warn_pickled(value: Any) -> None:
    kind = type(value)
    if class_path(value) if callable(value) and hasattr(value, "__qualname__") else kind.__module__ in _STABLE_MODULES:
        return
    warnings.warn(
        f"A value of type {qualified_name(kind)} was stored as a pickle, which only the same versions of Python and "
        "its libraries are sure to read. Return a type that has a materializer, or subclass BaseMaterializer for it.",
        PickleWarning,
        stacklevel=2,
    )


def package_version(kind: type) -> dict[str, str]:
    """`{package: version}` of the top-level package that defines `kind`, where it states one."""
    import sys

    package = kind.__module__.partition(".")[0]
    version = getattr(sys.modules.get(package), "__version__", None)
    return {package: version} if isinstance(version, str) else {}


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """cloudpickle, without its habit of turning an open file into a StringIO."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, io.IOBase) and not isinstance(value, io.BytesIO | io.StringIO):
            raise TypeError(f"cannot pickle {type(value).__name__!r} object")
        if _is_figure(value):
            return _figure_without_window(value)
        return super().reducer_override(value)


def _is_figure(value: Any) -> bool:
    kind = type(value)
    return kind.__name__ == "Figure" and kind.__module__ == "matplotlib.figure"


def _figure_without_window(figure: Any) -> Any:
    """A figure that pyplot showed when it was pickled would be opened again, and drawn once more in a notebook."""
    function, arguments, state = figure.__reduce_ex__(PROTOCOL)[:3]
    return function, arguments, {name: part for name, part in state.items() if name != "_restore_to_pylab"}


def _unwritable(value: Any, place: str, error: Exception) -> MaterializerError:
    inner, culprit = _blame(value)
    name = qualified_name(type(culprit)).removeprefix("builtins.")
    where = f" at {place}{inner}" if place or inner else ""
    return MaterializerError(
        f"A value of type {name}{where} can not be stored: {textwrap.shorten(str(error), 200)}.", _advice(culprit)
    )


def _advice(culprit: Any) -> str:
    if isinstance(culprit, Iterator) and not isinstance(culprit, io.IOBase):
        return "Return list(...) of it: an iterator can be read only once."
    if isinstance(culprit, io.IOBase):
        return "Return the Path of the file, or its content."
    return (
        "Return what it was made from and make it again in the step that uses it, or subclass BaseMaterializer for it."
    )


def _blame(value: Any) -> tuple[str, Any]:
    """Where in `value` the innermost part is that can not be pickled, and that part."""
    place = ""
    for _ in range(MAX_DEPTH):
        for step, part in _parts(value):
            if not _can_pickle(part):
                place, value = place + step, part
                break
        else:
            break
    return place, value


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield f"[{reprlib.repr(key)}]", item
    elif isinstance(value, list | tuple):
        yield from ((f"[{index}]", item) for index, item in enumerate(value))
    elif isinstance(value, set | frozenset):
        yield from (("{...}", item) for item in value)
    elif not isinstance(value, type):
        for name, item in getattr(value, "__dict__", {}).items():
            yield f".{name}", item


def _can_pickle(value: Any) -> bool:
    try:
        _Pickler(HashedFile(None), protocol=PROTOCOL).dump(value)
    except Exception:  # noqa: BLE001 - any failure is the answer
        return False
    return True
