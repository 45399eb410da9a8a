"""polars frames and series as uncompressed Arrow IPC files, polars' own writer and reader."""

from __future__ import annotations

from typing import Any, ClassVar

import polars as pl

from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.materializers.files import HashedFile, damaged, stored
from mlstack_nb.materializers.previews import MAX_COLUMNS, MAX_ROWS, html_table
from mlstack_nb.ports.materializer import BaseMaterializer


class PolarsMaterializer(BaseMaterializer):
    """Frames and series, but for Object columns and rows without columns, which are pickled."""

    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    @classmethod
    def accepts(cls, data: Any) -> bool:
        if type(data) is pl.Series:
            return not _holds_objects(data.dtype)
        if type(data) is not pl.DataFrame or (data.height and not data.width):
            return False
        return not any(_holds_objects(dtype) for dtype in data.dtypes)

    def save(self, data: Any) -> None:
        is_series = isinstance(data, pl.Series)
        frame = data.to_frame() if is_series else data
        self._name = "series.arrow" if is_series else "frame.arrow"
        with HashedFile(self.folder / self._name) as file:
            frame.rechunk().write_ipc(file, compression="uncompressed")
        self._digest = file.hexdigest

    def load(self, data_type: type[Any]) -> Any:
        path = stored(self.folder, "frame.arrow", "series.arrow")
        try:
            frame = pl.read_ipc(path)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise damaged(path, error) from error
        return frame.to_series() if path.name == "series.arrow" else frame

    def file_digests(self) -> dict[str, str]:
        return {self._name: self._digest}

    def extract_metadata(self, data: Any) -> dict[str, Any]:
        frame = data.to_frame() if isinstance(data, pl.Series) else data
        return {
            "shape": list(data.shape),
            "dtypes": {name: str(dtype) for name, dtype in list(frame.schema.items())[:MAX_COLUMNS]},
            "nbytes": int(data.estimated_size()),
        }

    def preview(self, data: Any) -> dict[str, str]:
        frame = data.to_frame() if isinstance(data, pl.Series) else data
        caption = f"{frame.height} rows x {frame.width} columns"
        rows = frame[:, :MAX_COLUMNS].head(MAX_ROWS).rows()
        return {"text/plain": caption, "text/html": html_table(frame.columns, rows, caption)}

    @classmethod
    def share(cls, data: Any) -> Any:
        """A clone shares buffers, which polars never changes in place."""
        return data.clone() if cls.accepts(data) else NotImplemented


def _holds_objects(dtype: Any) -> bool:
    inner = getattr(dtype, "inner", None)
    fields = getattr(dtype, "fields", ())
    return (
        dtype == pl.Object
        or (inner is not None and _holds_objects(inner))
        or any(_holds_objects(field.dtype) for field in fields)
    )
