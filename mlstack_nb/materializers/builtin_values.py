"""Builtin values: scalars, dates, and containers of anything, as one typed JSON text.

A member of a container that is no builtin value is written by the materializer of its own type: into the text
where that materializer has a text for it, otherwise into a numbered sub-folder. Members that can only be pickled
share one pickle, so that references among them survive. cloudpickle is loaded for such members only.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from mlstack_nb import materializers
from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.errors import MaterializerError
from mlstack_nb.materializers.files import damaged, stored, write_hashed
from mlstack_nb.materializers.previews import shortened
from mlstack_nb.materializers.typed_json import CONTAINERS, SCALARS, NotPlainError, from_text, to_text
from mlstack_nb.ports.materializer import BaseMaterializer
from mlstack_nb.ports.registry import load_target, qualified_name

MAX_TEXT = 4096
# the decimal text of larger integers is slow to make
_MAX_QUICK_INT = 10**300


def short_text(value: Any) -> str | None:
    """The typed JSON of `value`, with what its members write as text; None when it needs files."""
    try:
        return to_text(value, _member_text, limit=MAX_TEXT)
    except NotPlainError:
        return None


def from_short_text(text: str) -> Any:
    return from_text(text, _load_member_text)


class BuiltinMaterializer(BaseMaterializer):
    """Takes exact types only: a subclass of `dict` would come back as a dict."""

    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    def __init__(self, uri: str = "") -> None:
        super().__init__(uri)
        self._digests: dict[str, str] = {}

    @classmethod
    def accepts(cls, data: Any) -> bool:
        kind = type(data)
        return kind in SCALARS or kind in CONTAINERS or _has_plain_text(data)

    @classmethod
    def dumps(cls, data: Any) -> str | None:
        if type(data) is int and -_MAX_QUICK_INT < data < _MAX_QUICK_INT:
            return str(data)
        return short_text(data)

    @classmethod
    def loads(cls, text: str) -> Any:
        return int(text) if text.isdecimal() else from_short_text(text)

    def save(self, data: Any) -> None:
        members = _Members(self.folder)
        try:
            text = to_text(data, members.write)
        except NotPlainError as error:
            raise MaterializerError(
                f"A value of type {type(data).__name__} can not be stored: {error}.",
                "Return it in a flatter form.",
            ) from error
        members.write_pickled()
        self._digests = {**members.digests, "data.json": write_hashed(self.folder / "data.json", text.encode())}

    def load(self, data_type: type[Any]) -> Any:
        path = stored(self.folder, "data.json")
        try:
            return from_text(path.read_text(encoding="utf-8"), _MemberLoader(self.folder).load)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise damaged(path, error) from error

    def file_digests(self) -> dict[str, str]:
        return self._digests

    def extract_metadata(self, data: Any) -> dict[str, Any]:
        return {"length": len(data)} if type(data) in CONTAINERS else {}

    def preview(self, data: Any) -> dict[str, str]:
        return {"text/plain": shortened(data)}

    @classmethod
    def share(cls, data: Any) -> Any:
        return NotImplemented if type(data) in CONTAINERS else data


def _has_plain_text(leaf: Any) -> bool:
    try:
        to_text(leaf)
    except NotPlainError:
        return False
    return True


def _member_text(value: Any, place: str) -> Any:
    materializer = materializers.choose(value)
    text = materializer.dumps(value)
    if text is None:
        raise NotPlainError(f"its member {place} needs a file")
    return {"$value": [materializers.target_of(materializer), text]}


def _load_member_text(tag: str, payload: Any) -> Any:
    if tag != "$value":
        raise ValueError(f"the text holds the unknown form {tag!r}")
    target, text = payload
    return materializers.by_target(target).loads(text)


class _Members:
    """Writes the members of one container below `folder`; the same object is written once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[int, tuple[Any, Any]] = {}
        self._pickled: list[tuple[Any, str]] = []
        self._count = 0
        self.digests: dict[str, str] = {}

    def write(self, value: Any, place: str) -> Any:
        """The tree that stands for `value`."""
        if id(value) not in self._written:
            # the value is kept, so that no other object gets its id meanwhile
            self._written[id(value)] = value, self._tree(value, place)
        return self._written[id(value)][1]

    def _tree(self, value: Any, place: str) -> Any:
        materializer = materializers.choose(value)
        target = materializers.target_of(materializer)
        text = materializer.dumps(value)
        if text is not None:
            return {"$value": [target, text]}
        if target == materializers.LAST_RESORT:
            self._pickled.append((value, place))
            return {"$pickled": len(self._pickled) - 1}
        name = str(self._count)
        self._count += 1
        folder = self._folder / name
        folder.mkdir()
        writer = materializer(str(folder))
        try:
            writer.save(value)
        except MaterializerError as error:
            raise MaterializerError(f"Member {place}: {error.what}", error.hint) from error
        self.digests.update({f"{name}/{path}": digest for path, digest in writer.file_digests().items()})
        return {"$member": [name, target, qualified_name(type(value))]}

    def write_pickled(self) -> None:
        if not self._pickled:
            return
        from mlstack_nb.materializers.pickles import dump_pickle, warn_pickled

        path = self._folder / "members.pickle"
        try:
            self.digests[path.name] = dump_pickle([value for value, _ in self._pickled], path)
        except MaterializerError:
            for value, place in self._pickled:
                dump_pickle(value, Path(os.devnull), place=place)
            raise
        for value in {type(value): value for value, _ in self._pickled}.values():
            warn_pickled(value)


class _MemberLoader:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded: dict[str, Any] = {}
        self._pickled: list[Any] | None = None

    def load(self, tag: str, payload: Any) -> Any:
        if tag == "$pickled":
            if self._pickled is None:
                from mlstack_nb.materializers.pickles import load_pickle

                self._pickled = load_pickle(stored(self._folder, "members.pickle"))
            return self._pickled[payload]
        if tag != "$member":
            return _load_member_text(tag, payload)
        name, target, type_name = payload
        if name not in self._loaded:
            folder = stored(self._folder, str(int(name)))
            self._loaded[name] = materializers.by_target(target)(str(folder)).load(_class_named(type_name))
        return self._loaded[name]


def _class_named(type_name: str) -> type[Any]:
    """The class with this qualified name where it can be imported, else `object`."""
    module, _, name = type_name.rpartition(".")
    try:
        return load_target(f"{module}:{name}")
    except (ImportError, AttributeError, ValueError):
        return object
