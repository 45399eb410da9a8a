"""Text and bytes, each one file when it is long."""

from __future__ import annotations

from typing import Any, ClassVar

from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.materializers.builtin_values import MAX_TEXT, from_short_text, short_text
from mlstack_nb.materializers.files import damaged, stored, write_hashed
from mlstack_nb.materializers.previews import shortened
from mlstack_nb.ports.materializer import BaseMaterializer


class TextMaterializer(BaseMaterializer):
    """A `str`, line ends untouched; halves of surrogate pairs survive."""

    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    @classmethod
    def accepts(cls, data: Any) -> bool:
        return type(data) is str

    @classmethod
    def dumps(cls, data: Any) -> str | None:
        return short_text(data) if len(data) < MAX_TEXT else None

    @classmethod
    def loads(cls, text: str) -> Any:
        return from_short_text(text)

    def save(self, data: Any) -> None:
        self._digest = write_hashed(self.folder / "data.txt", data.encode("utf-8", "surrogatepass"))

    def load(self, data_type: type[Any]) -> Any:
        path = stored(self.folder, "data.txt")
        try:
            return path.read_bytes().decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise damaged(path, error) from error

    def file_digests(self) -> dict[str, str]:
        return {"data.txt": self._digest}

    def extract_metadata(self, data: Any) -> dict[str, Any]:
        return {"length": len(data)}

    def preview(self, data: Any) -> dict[str, str]:
        return {"text/plain": shortened(data)}

    @classmethod
    def share(cls, data: Any) -> Any:
        return data


class BytesMaterializer(BaseMaterializer):
    """`bytes` or `bytearray`."""

    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    @classmethod
    def accepts(cls, data: Any) -> bool:
        return type(data) in (bytes, bytearray)

    @classmethod
    def dumps(cls, data: Any) -> str | None:
        return short_text(data) if len(data) < MAX_TEXT // 2 else None

    @classmethod
    def loads(cls, text: str) -> Any:
        return from_short_text(text)

    def save(self, data: Any) -> None:
        self._name = f"data.{type(data).__name__}"
        self._digest = write_hashed(self.folder / self._name, data)

    def load(self, data_type: type[Any]) -> Any:
        path = stored(self.folder, "data.bytes", "data.bytearray")
        data = path.read_bytes()
        return bytearray(data) if path.name == "data.bytearray" else data

    def file_digests(self) -> dict[str, str]:
        return {self._name: self._digest}

    def extract_metadata(self, data: Any) -> dict[str, Any]:
        return {"length": len(data)}

    def preview(self, data: Any) -> dict[str, str]:
        return {"text/plain": shortened(data[:100])}

    @classmethod
    def share(cls, data: Any) -> Any:
        return (
            bytearray(data)
            if type(data) is bytearray and len(data) < MAX_TEXT
            else data
            if type(data) is bytes
            else NotImplemented
        )
