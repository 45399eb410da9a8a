"""Registries: names to dotted paths; a class is imported when it is first asked for.

A row is one line in a table (`flavors/__init__.py`, `materializers/__init__.py`). Packages outside this one
add rows by entry points, which are read only when a name is not in the table.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import ConflictError, MissingPackageError, NotFoundError

ENTRY_POINTS = "mlstack_nb.flavors"


@dataclass(frozen=True, slots=True)
class Row:
    """`target` is `package.module:Class`; `extra` the pip extra that brings what the class imports."""

    target: str
    extra: str = ""
    summary: str = ""


class FlavorRegistry:
    """(kind, flavor) -> component class. Rows are never replaced, so a flavor always means one thing."""

    def __init__(self) -> None:
        self._rows: dict[tuple[Kind, str], Row] = {}
        self._outside_read = False

    @property
    def rows(self) -> Mapping[tuple[Kind, str], Row]:
        return MappingProxyType(self._rows)

    def register(self, kind: Kind, flavor: str, target: str, *, extra: str = "", summary: str = "") -> None:
        """Raises ConflictError when the flavor exists with another target."""
        row = Row(target, extra, summary)
        if self._rows.setdefault((kind, flavor), row) != row:
            raise ConflictError(
                f"The {kind} flavor {flavor!r} is registered already, as {self._rows[kind, flavor].target}.",
                "Give the new flavor another name.",
            )

    def flavors(self, kind: Kind) -> list[str]:
        self._read_outside()
        return sorted(flavor for row_kind, flavor in self._rows if row_kind is kind)

    def row(self, kind: Kind, flavor: str) -> Row:
        """Raises NotFoundError with the nearest flavor."""
        if (kind, flavor) not in self._rows:
            self._read_outside()
        try:
            return self._rows[kind, flavor]
        except KeyError:
            listing = f"Known flavors: {', '.join(self.flavors(kind)) or 'none yet'}."
            raise NotFoundError.of(f"{kind} flavor", flavor, self.flavors(kind), listing) from None

    def load(self, kind: Kind, flavor: str) -> type[Any]:
        """The component class. Raises MissingPackageError with the pip line when its imports fail."""
        row = self.row(kind, flavor)
        try:
            return load_target(row.target)
        except ModuleNotFoundError as error:
            raise missing_package(f"{kind} flavor {flavor!r}", error, row.extra) from error

    def _read_outside(self) -> None:
        if self._outside_read:
            return
        self._outside_read = True
        from importlib.metadata import entry_points

        for point in entry_points(group=ENTRY_POINTS):
            kind, _, flavor = point.name.partition(".")
            self.register(Kind(kind), flavor, point.value)


class MaterializerRegistry:
    """Type name -> materializer class, looked up along a value's MRO.

    Built-in rows are keyed by qualified type name, so that no library is imported to find out that a value
    is not one of its types.
    """

    def __init__(self) -> None:
        self._rows: dict[str, str] = {}
        self._loaded: dict[type, type[Any]] = {}

    def register(self, type_name: str, target: str) -> None:
        """`type_name` is `module.qualname`, as `qualified_name` gives it; the last row wins."""
        self._rows[type_name] = target
        self._loaded.clear()

    def register_class(self, materializer: type[Any]) -> None:
        """A user's own materializer, for its ASSOCIATED_TYPES; it comes before the built-in ones."""
        for associated in materializer.ASSOCIATED_TYPES:
            self._loaded[associated] = materializer
            self._rows[qualified_name(associated)] = f"{materializer.__module__}:{materializer.__qualname__}"

    def rows(self) -> Iterator[tuple[str, str]]:
        return iter(sorted(self._rows.items()))

    def candidates(self, kind: type) -> Iterator[type[Any]]:
        """Materializer classes that may take a value of class `kind`, nearest base first."""
        for base in kind.__mro__:
            if base in self._loaded:
                yield self._loaded[base]
                continue
            target = self._rows.get(qualified_name(base))
            if target is not None:
                self._loaded[base] = load_target(target)
                yield self._loaded[base]


def load_target(target: str) -> type[Any]:
    """Import `package.module:Qual.Name`."""
    module, _, qualname = target.partition(":")
    found: Any = importlib.import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


def qualified_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def missing_package(what: str, error: ModuleNotFoundError, extra: str) -> MissingPackageError:
    line = f'pip install "mlstack-nb[{extra}]"' if extra else f"pip install {error.name}"
    return MissingPackageError(f"{what} needs the package {error.name!r}, which is not installed.", f"Run: {line}")
