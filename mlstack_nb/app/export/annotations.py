"""Type annotations for what steps take and give: as written, else as the runs so far recorded."""

from __future__ import annotations

import ast
import builtins
import importlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack_nb.app.export.imports import Imported, Imports
from mlstack_nb.app.notebooks.compiled import CompiledNotebook, NotebookParameter
from mlstack_nb.core.step import Output

Recorded = Mapping[tuple[str, str], Collection[str]]
"""The types of a step's output in the runs so far, as they are recorded, by step and output."""

_GENERIC = {"dict": "dict[Any, Any]", "list": "list[Any]", "tuple": "tuple[Any, ...]", "set": "set[Any]"}
_PLAIN = frozenset({"int", "float", "str", "bool", "bytes", *_GENERIC})


@dataclass(slots=True)
class Annotations:
    """`imports` gets what the annotations need; `known` are the other names of the module."""

    imports: Imports
    known: set[str] = field(default_factory=set)

    def output(self, output: Output, recorded: Collection[str], *, may_be_none: bool) -> str:
        """The type of an output, empty where nobody knows it."""
        if isinstance(output.type, str) and self._is_written_well(output.type):
            return output.type
        kinds = {self._of_class(name) for name in recorded}
        if not kinds or "" in kinds or kinds == {"None"}:
            return ""
        ordered = sorted(kinds - {"None"})
        return " | ".join([*ordered, "None"] if may_be_none or "None" in kinds else ordered)

    def parameter(self, parameter: NotebookParameter) -> str:
        if parameter.annotation and self._is_written_well(parameter.annotation):
            return parameter.annotation
        return self.value(parameter.value)

    def value(self, value: Any) -> str:
        name = type(value).__name__
        return "" if value is None else self._of_class(f"{type(value).__module__}.{name}")

    def _is_written_well(self, text: str) -> bool:
        """Whether its names are known outside the step."""
        try:
            names = {node.id for node in ast.walk(ast.parse(text, mode="eval")) if isinstance(node, ast.Name)}
        except SyntaxError:
            return False
        return names <= {*self.known, *self.imports.names, *dir(builtins)}

    def _of_class(self, qualified: str) -> str:
        module, _, name = qualified.rpartition(".")
        if module in ("", "builtins"):
            if name == "NoneType":
                return "None"
            if name in _GENERIC:
                self.imports.found[Imported("typing", "Any")] = None
            return _GENERIC.get(name, name) if name in _PLAIN else ""
        if module == "pathlib" or module.startswith("pathlib."):  # of this machine's kind, and meant for any
            return self._reference("pathlib", "Path")
        public = _public_module(module, name)
        return self._reference(public, name) if public else ""

    def _reference(self, module: str, name: str) -> str:
        """The class as the module can name it: by what it imports already, else by an import of its own."""
        for one in self.imports.found:
            if (one.module, one.name) == (module, name):
                return one.binds
        for one in self.imports.found:
            if one.module == module and not one.name and (one.alias or "." not in module):
                return f"{one.binds}.{name}"
        if name in self.known or name in self.imports.names or hasattr(builtins, name):
            return ""
        self.imports.found[Imported(module, name)] = None
        return name


def _public_module(module: str, name: str) -> str:
    """The shortest of a class's modules that gives it; empty where none can be imported."""
    parts = module.split(".")
    if parts[0] in ("__main__", "__mp_main__"):
        return ""
    try:
        wanted = getattr(importlib.import_module(module), name)
        for length in range(1, len(parts) + 1):
            shorter = ".".join(parts[:length])
            if (
                not parts[length - 1].startswith("_")
                and getattr(importlib.import_module(shorter), name, None) is wanted
            ):
                return "pathlib" if shorter == "pathlib" else shorter
    except Exception:  # noqa: BLE001  (importing is other people's code; without the class there is no annotation)
        return ""
    return ""


def may_be_none(name: str, nodes: Iterable[ast.stmt]) -> bool:
    """Whether some statement sets the name to None."""
    for root in nodes:
        for node in ast.walk(root):
            match node:
                case ast.Assign(targets=targets, value=ast.Constant(None)):
                    if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                        return True
                case ast.AnnAssign(target=ast.Name(id=bound), value=ast.Constant(None)) if bound == name:
                    return True
    return False


def recorded_types(notebook: CompiledNotebook, catalog: Any) -> Recorded:
    """What the catalog knows of the outputs of this pipeline's steps, over all its runs."""
    from mlstack_nb.catalog.artifacts import versions
    from mlstack_nb.errors import NotFoundError

    found: dict[tuple[str, str], set[str]] = {}
    for step in notebook.steps:
        for output in step.step.outputs:
            name = output.artifact_name(notebook.name, step.name)
            try:
                made = versions(catalog, name)
            except NotFoundError:
                continue
            kinds = {one.artifact.type for one in made if (one.pipeline, one.step) == (notebook.name, step.name)}
            if kinds:
                found[step.name, output.name] = kinds
    return found
