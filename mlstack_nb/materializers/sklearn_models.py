"""scikit-learn estimators: a pickle, with what is worth knowing of the model beside it."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import sklearn

from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.materializers.files import stored
from mlstack_nb.materializers.pickles import dump_pickle, load_pickle
from mlstack_nb.materializers.previews import MAX_COLUMNS, shortened
from mlstack_nb.ports.materializer import BaseMaterializer
from mlstack_nb.ports.registry import qualified_name

_JSON_TYPES = (bool, int, float, str, type(None))


class SklearnMaterializer(BaseMaterializer):
    """scikit-learn promises nothing across its versions: the one that wrote the model is in the metadata."""

    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.MODEL

    def save(self, data: Any) -> None:
        self._digest = dump_pickle(data, self.folder / "model.pickle")

    def load(self, data_type: type[Any]) -> Any:
        return load_pickle(stored(self.folder, "model.pickle"))

    def file_digests(self) -> dict[str, str]:
        return {"model.pickle": self._digest}

    def extract_metadata(self, data: Any) -> dict[str, Any]:
        fitted = sorted(name for name in vars(data) if name.endswith("_") and not name.startswith("_"))
        metadata: dict[str, Any] = {
            "class": qualified_name(type(data)),
            "sklearn": sklearn.__version__,
            "parameters": {name: _plain(value) for name, value in data.get_params(deep=False).items()},
            "fitted": fitted,
        }
        if "feature_names_in_" in fitted:
            metadata["features"] = [str(name) for name in data.feature_names_in_[:MAX_COLUMNS]]
        return metadata

    def preview(self, data: Any) -> dict[str, str]:
        return {"text/plain": str(data) if len(str(data)) < 2000 else shortened(data)}


def _plain(value: Any) -> Any:
    is_plain = type(value) in _JSON_TYPES and not (type(value) is float and not math.isfinite(value))
    return value if is_plain else shortened(value)
