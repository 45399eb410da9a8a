"""Members of enumerations that can be imported, by class and value."""

from __future__ import annotations

from enum import Enum
from typing import Any, ClassVar

from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.materializers.builtin_values import from_short_text, short_text
from mlstack_nb.materializers.classes import class_path, imported_class
from mlstack_nb.ports.materializer import BaseMaterializer


class EnumMaterializer(BaseMaterializer):
    """Always a short text, so there is no `save` or `load`."""

    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    @classmethod
    def accepts(cls, data: Any) -> bool:
        return isinstance(data, Enum) and class_path(type(data)) is not None and cls.dumps(data) is not None

    @classmethod
    def dumps(cls, data: Any) -> str | None:
        text = short_text([class_path(type(data)), data.value])
        return text if text is not None and cls.loads(text) is data else None

    @classmethod
    def loads(cls, text: str) -> Any:
        path, value = from_short_text(text)
        return imported_class(path)(value)

    def preview(self, data: Any) -> dict[str, str]:
        return {"text/plain": repr(data)}

    @classmethod
    def share(cls, data: Any) -> Any:
        return data
