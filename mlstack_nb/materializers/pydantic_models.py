"""pydantic models as their own JSON, where that brings the same model back."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pydantic

from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.errors import MaterializerError
from mlstack_nb.materializers.builtin_values import MAX_TEXT
from mlstack_nb.materializers.classes import class_path, imported_class
from mlstack_nb.materializers.files import damaged, stored, write_hashed
from mlstack_nb.materializers.previews import shortened
from mlstack_nb.ports.materializer import BaseMaterializer


class PydanticMaterializer(BaseMaterializer):
    """Takes a model that reads back equal, the types in it included; secrets, for one, do not."""

    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    @classmethod
    def accepts(cls, data: Any) -> bool:
        if class_path(type(data)) is None:
            return False
        try:
            copy = _from_json(_to_json(data))
        except Exception:  # noqa: BLE001 - serializers and validators are the model's own code
            return False
        # equality alone takes 1, 1.0 and True for the same; the repr does not
        return bool(copy == data) and repr(copy) == repr(data) and copy.model_fields_set == data.model_fields_set

    @classmethod
    def dumps(cls, data: Any) -> str | None:
        text = _to_json(data)
        return text if len(text) <= MAX_TEXT else None

    @classmethod
    def loads(cls, text: str) -> Any:
        return _from_json(text)

    def save(self, data: Any) -> None:
        self._digest = write_hashed(self.folder / "data.json", _to_json(data).encode())

    def load(self, data_type: type[Any]) -> Any:
        path = stored(self.folder, "data.json")
        try:
            return _from_json(path.read_text(encoding="utf-8"))
        except pydantic.ValidationError as error:
            raise MaterializerError(
                f"The stored {data_type.__name__} does not fit its class any more: {error}.",
                "Run the step that made it again, or give the new fields defaults.",
            ) from error
        except ValueError as error:
            raise damaged(path, error) from error

    def file_digests(self) -> dict[str, str]:
        return {"data.json": self._digest}

    def extract_metadata(self, data: Any) -> dict[str, Any]:
        return {"class": class_path(type(data)), "fields": list(type(data).model_fields)}

    def preview(self, data: Any) -> dict[str, str]:
        return {"text/plain": shortened(data)}


def _to_json(data: pydantic.BaseModel) -> str:
    fields = data.model_dump_json(round_trip=True, exclude_unset=True)
    return f'{{"class":{json.dumps(class_path(type(data)))},"model":{fields}}}'


def _from_json(text: str) -> pydantic.BaseModel:
    document = json.loads(text)
    model: type[pydantic.BaseModel] = imported_class(document["class"])
    return model.model_validate_json(json.dumps(document["model"]))
