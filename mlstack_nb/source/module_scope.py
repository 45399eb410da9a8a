"""The scope of a project's module, read from its file: parsed once per (path, modification time, size)."""

from __future__ import annotations

import ast
import os
from typing import NamedTuple

from mlstack_nb.core.digest import digest_bytes
from mlstack_nb.source.cell import parse_file
from mlstack_nb.source.definition import Statement
from mlstack_nb.source.modules import Module, Origin, absolute, locate
from mlstack_nb.source.scope import Scope


class ModuleScope(Scope):
    """What a module defines. Never changes: a changed file gives a new scope."""

    def __init__(self, module: Module, text: str) -> None:
        """Raises StepSyntaxError naming the file and the line."""
        super().__init__()
        self.module = module
        self.package = module.package
        self.text = text
        self.cell = parse_file(text, path=module.path or module.name)
        self.add(self.cell)

    def gives(self, name: str, seen: frozenset[str] = frozenset()) -> bool | None:
        """Whether `from module import *` gives `name`; None when that can not be told. `seen` modules are left out."""
        listed = self.lookup("__all__")
        if listed is not None:  # or put together at run time
            return name in listed.value if isinstance(listed.value, list | tuple) else None
        if name.startswith("_"):
            return False
        if name in self:
            return True
        seen |= {self.module.name}
        inner = [star_source(star, self) for star in self.stars]
        answers = {None if one is None else one.gives(name, seen) for one in inner if one is None or one.is_not(seen)}
        return None if None in answers else True in answers

    def is_not(self, names: frozenset[str]) -> bool:
        return self.module.name not in names


def star_source(star: Statement, scope: Scope) -> ModuleScope | None:
    """The module of the project behind an `import *`; None for another, whose names are not known."""
    module = locate(absolute(star.node, scope.package)) if isinstance(star.node, ast.ImportFrom) else None
    return module_scope(module) if module is not None and module.origin is Origin.PROJECT else None


def star_sources(scope: Scope) -> list[ModuleScope | None]:
    """The modules behind the `import *` of `scope`, and behind theirs."""
    found: list[ModuleScope | None] = []
    todo = [scope]
    while todo:
        one = todo.pop()
        inner = [star_source(star, one) for star in one.stars]
        todo.extend(new for new in inner if new is not None and new not in found)
        found.extend(inner)
    return found


class _Read(NamedTuple):
    stamp: tuple[int, int]
    scope: ModuleScope | None
    digest: str


_read: dict[tuple[str, str], _Read] = {}


def module_scope(module: Module) -> ModuleScope | None:
    """The scope of `module` as its file is now, or None when it has no Python source (compiled, namespace)."""
    return _current(module).scope


def file_digest(module: Module) -> str:
    """The digest of the file's bytes; of a module without a file, that of no bytes."""
    return _current(module).digest


def _current(module: Module) -> _Read:
    if module.path is None:
        return _Read((0, 0), None, digest_bytes(b""))
    key = module.path, module.name
    try:
        status = os.stat(module.path)
    except OSError:
        _read.pop(key, None)
        return _Read((0, 0), None, digest_bytes(b""))
    stamp = status.st_mtime_ns, status.st_size
    known = _read.get(key)
    if known is None or known.stamp != stamp:
        with open(module.path, "rb") as file:
            data = file.read()
        scope = ModuleScope(module, _decoded(data)) if module.path.endswith((".py", ".ipy")) else None
        known = _read[key] = _Read(stamp, scope, digest_bytes(data))
    return known


def _decoded(data: bytes) -> str:
    """Python source as text, by its own encoding line; `tokenize` only where there may be one."""
    head = data[:200]
    if b"coding" not in head and not head.startswith(b"\xef\xbb\xbf"):
        return data.decode("utf-8", "replace").replace("\r\n", "\n")
    import io
    import tokenize

    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError:
        encoding = "utf-8"
    return data.decode(encoding, "replace").replace("\r\n", "\n")
