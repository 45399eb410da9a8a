"""Dataclasses that can be imported: their fields, written as a container."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.materializers.builtin_values import BuiltinMaterializer, from_short_text, short_text
from mlstack_nb.materializers.classes import class_path, imported_class
from mlstack_nb.materializers.previews import shortened
from mlstack_nb.materializers.typed_json import CONTAINERS
from mlstack_nb.ports.materializer import BaseMaterializer

_PICKLE_HOOKS = ("__getnewargs__", "__getnewargs_ex__", "__getstate__", "__reduce__", "__reduce_ex__", "__setstate__")


class DataclassMaterializer(BaseMaterializer):
    """The fields come back as they were: neither `__init__` nor `__post_init__` is run again."""

    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    def __init__(self, uri: str = "") -> None:
        super().__init__(uri)
        self._fields = BuiltinMaterializer(uri)

    @classmethod
    def accepts(cls, data: Any) -> bool:
        """Only what its fields say completely, without a way of its own to be made or pickled."""
        kind = type(data)
        names = {field.name for field in dataclasses.fields(data)}
        return (
            class_path(kind) is not None
            and getattr(data, "__dict__", {}).keys() <= names
            and all(hasattr(data, name) for name in names)
            and vars(object)["__new__"] is kind.__new__
            and not _pickles_itself(kind)
            and not _is_cyclic(data, set(), set())
        )

    @classmethod
    def dumps(cls, data: Any) -> str | None:
        return short_text(_tree(data))

    @classmethod
    def loads(cls, text: str) -> Any:
        return _made(from_short_text(text))

    def save(self, data: Any) -> None:
        self._fields.save(_tree(data))

    def load(self, data_type: type[Any]) -> Any:
        return _made(self._fields.load(list))

    def file_digests(self) -> dict[str, str]:
        return self._fields.file_digests()

    def extract_metadata(self, data: Any) -> dict[str, Any]:
        return {"fields": [field.name for field in dataclasses.fields(data)]}

    def preview(self, data: Any) -> dict[str, str]:
        return {"text/plain": shortened(data)}


def _tree(data: Any) -> list[Any]:
    fields = {field.name: getattr(data, field.name) for field in dataclasses.fields(data)}
    return [class_path(type(data)), fields]


def _made(tree: list[Any]) -> Any:
    path, fields = tree
    value = object.__new__(imported_class(path))
    for name, item in fields.items():
        object.__setattr__(value, name, item)
    return value


def _pickles_itself(kind: type) -> bool:
    """Whether a hook of pickle was written for the class; `dataclass` adds two to frozen classes with slots."""
    hooks = [vars(base)[name] for base in kind.__mro__[:-1] for name in _PICKLE_HOOKS if name in vars(base)]
    return any(getattr(hook, "__module__", "") != "dataclasses" for hook in hooks)


def _is_cyclic(value: Any, path: set[int], done: set[int]) -> bool:
    """Whether fields and containers lead from `value` back to something on the way to it."""
    if id(value) in path:
        return True
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = [getattr(value, field.name, None) for field in dataclasses.fields(value)]
    elif type(value) in CONTAINERS:
        parts = list(value.values()) if type(value) is dict else list(value)
    else:
        return False
    if id(value) in done:
        return False
    path.add(id(value))
    found = any(_is_cyclic(part, path, done) for part in parts)
    path.discard(id(value))
    done.add(id(value))
    return found
