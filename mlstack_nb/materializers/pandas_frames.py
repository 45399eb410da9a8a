"""pandas frames and series: Arrow IPC by default, parquet by one setting, a pickle where neither is exact."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.errors import MaterializerError
from mlstack_nb.materializers.arrow_columns import Memory, NotArrowError, comes_back
from mlstack_nb.materializers.arrow_frames import array_forms, batch_to_frame, frame_to_batch
from mlstack_nb.materializers.files import HashedFile, damaged, private_memory, stored
from mlstack_nb.materializers.pickles import dump_pickle, load_pickle
from mlstack_nb.materializers.previews import MAX_COLUMNS, MAX_ROWS, cell_text, html_table
from mlstack_nb.ports.materializer import BaseMaterializer

ENCODING_VARIABLE = "MLSTACK_FRAME_ENCODING"
ENCODINGS = ("arrow", "parquet")
COPY_BELOW = 1024 * 1024
_EXACT_IN_PARQUET = frozenset(
    {pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.bool_(), pa.large_string()}
)


def frame_encoding() -> str:
    """`arrow` (default: fastest, large) or `parquet` (small), from the environment."""
    name = os.environ.get(ENCODING_VARIABLE, ENCODINGS[0])
    if name not in ENCODINGS:
        raise MaterializerError(
            f"{ENCODING_VARIABLE} is {name!r}, which is no encoding of frames.",
            f"Set it to one of: {', '.join(ENCODINGS)}.",
        )
    return name


class PandasMaterializer(BaseMaterializer):
    """The content digest is that of the uncompressed Arrow IPC file, whichever file was written."""

    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    def __init__(self, uri: str = "") -> None:
        super().__init__(uri)
        self._content: str | None = None
        self._files: dict[str, str] = {}

    @classmethod
    def accepts(cls, data: Any) -> bool:
        return type(data) in (pd.DataFrame, pd.Series)

    def save(self, data: Any) -> None:
        try:
            batch = frame_to_batch(data)
        except (NotArrowError, pa.ArrowException):
            self._files = {"frame.pickle": dump_pickle(data, self.folder / "frame.pickle")}
            return
        if frame_encoding() == "parquet":
            self._content = _write_arrow(batch, None)
            path = self.folder / "frame.parquet"
            self._files = {path.name: _write_parquet(batch, path)}
            if _is_exact_in_parquet(batch, path):
                return
            path.unlink()
        self._content = _write_arrow(batch, self.folder / "frame.arrow")
        self._files = {"frame.arrow": self._content}

    def load(self, data_type: type[Any]) -> Any:
        path = stored(self.folder, "frame.arrow", "frame.parquet", "frame.pickle")
        if path.suffix == ".pickle":
            return load_pickle(path)
        try:
            return _read_parquet(path) if path.suffix == ".parquet" else _read_arrow(path)
        except (pa.ArrowException, ValueError, KeyError, TypeError, OSError) as error:
            raise damaged(path, error) from error

    def content_digest(self, data: Any) -> str | None:
        return self._content

    def file_digests(self) -> dict[str, str]:
        return self._files

    def extract_metadata(self, data: Any) -> dict[str, Any]:
        is_series = isinstance(data, pd.Series)
        dtypes = {str(data.name): data.dtype} if is_series else dict(zip(data.columns, data.dtypes, strict=True))
        nbytes = data.memory_usage(index=True)
        return {
            "shape": list(data.shape),
            "dtypes": {cell_text(label): str(dtype) for label, dtype in list(dtypes.items())[:MAX_COLUMNS]},
            "nbytes": int(nbytes if is_series else nbytes.sum()),
        }

    def preview(self, data: Any) -> dict[str, str]:
        head = (data.to_frame() if isinstance(data, pd.Series) else data).iloc[:MAX_ROWS, :MAX_COLUMNS]
        shape = " x ".join(str(length) for length in data.shape)
        rows = [(label, *row) for label, row in zip(head.index, head.itertuples(index=False, name=None), strict=True)]
        caption = f"{type(data).__name__} of {shape}"
        return {"text/plain": caption, "text/html": html_table(["", *head.columns], rows, caption)}

    @classmethod
    def share(cls, data: Any) -> Any:
        """A copy of a small frame. A large one is better read back: its file is mapped, not copied, and only a
        separate array is safe from `frame["x"].array[0] = 1`, which pandas' copy-on-write does not see.
        """
        columns = [data] if isinstance(data, pd.Series) else [column for _, column in data.items()]
        nbytes = data.memory_usage(index=False)
        if (
            any(column.dtype == object for column in columns)
            or int(getattr(nbytes, "sum", lambda: nbytes)()) > COPY_BELOW
        ):
            return NotImplemented
        return data.copy()


def _write_arrow(batch: pa.RecordBatch, path: Path | None) -> str:
    """Write an uncompressed IPC file of one batch (only its digest without a path); returns the BLAKE3 in hex."""
    with HashedFile(path) as file:
        with pa.PythonFile(file, mode="w") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
        return file.hexdigest


def _read_arrow(path: Path) -> Any:
    buffer = private_memory(path)
    whole = pa.py_buffer(buffer)
    reader = pa.ipc.open_file(pa.BufferReader(whole))
    return batch_to_frame(reader.get_batch(0).columns, reader.schema, Memory(buffer, whole.address))


def _write_parquet(batch: pa.RecordBatch, path: Path) -> str:
    with HashedFile(path) as file:
        with pa.PythonFile(file, mode="w") as sink, parquet.ParquetWriter(sink, batch.schema) as writer:
            writer.write_batch(batch)
        return file.hexdigest


def _parquet_columns(path: Path) -> tuple[list[pa.Array], pa.Schema]:
    with parquet.ParquetFile(path) as file:
        table = file.read(use_threads=False)
    return [column.combine_chunks() for column in table.columns], table.schema


def _read_parquet(path: Path) -> Any:
    arrays, schema = _parquet_columns(path)
    return batch_to_frame(arrays, schema)


def _is_exact_in_parquet(batch: pa.RecordBatch, path: Path) -> bool:
    """Whether every column comes back as it was: known for plain types, found out by reading for the others."""
    if all(field.type in _EXACT_IN_PARQUET for field in batch.schema):
        return True
    arrays, _ = _parquet_columns(path)
    triples = zip(arrays, batch.columns, array_forms(batch.schema), strict=True)
    return all(written.type in _EXACT_IN_PARQUET or comes_back(read, written, form) for read, written, form in triples)
