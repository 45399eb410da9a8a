"""scipy sparse matrices and arrays as uncompressed `.npz`."""

from __future__ import annotations

from typing import Any, ClassVar

import scipy.sparse

from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.materializers.files import damaged, stored
from mlstack_nb.ports.materializer import BaseMaterializer

_FORMATS = frozenset({"bsr", "coo", "csc", "csr", "dia"})


class SparseMaterializer(BaseMaterializer):
    """The five formats that have a file form, in two dimensions; others are pickled."""

    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    @classmethod
    def accepts(cls, data: Any) -> bool:
        classes = [getattr(scipy.sparse, f"{data.format}_{ending}", None) for ending in ("matrix", "array")]
        return data.format in _FORMATS and type(data) in classes and data.ndim == 2 and not data.dtype.hasobject

    def save(self, data: Any) -> None:
        scipy.sparse.save_npz(self.folder / "data.npz", data, compressed=False)

    def load(self, data_type: type[Any]) -> Any:
        path = stored(self.folder, "data.npz")
        try:
            return scipy.sparse.load_npz(path)
        except (ValueError, OSError, KeyError) as error:
            raise damaged(path, error) from error

    def extract_metadata(self, data: Any) -> dict[str, Any]:
        return {
            "shape": list(data.shape),
            "dtype": str(data.dtype),
            "format": data.format,
            "stored_values": int(data.nnz),
        }

    def preview(self, data: Any) -> dict[str, str]:
        return {"text/plain": f"{data.format} of shape {data.shape}, {data.dtype}, {data.nnz} stored values"}
