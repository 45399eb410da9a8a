"""numpy arrays as `.npy`, hashed while they are written and mapped copy-on-write when read; numpy scalars as text."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.lib import format as npy

from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.materializers.files import MAP_FROM, damaged, stored, write_hashed
from mlstack_nb.materializers.previews import shortened
from mlstack_nb.ports.materializer import BaseMaterializer

COPY_BELOW = 64 * 1024
_BLOCK = 16 * 1024 * 1024


class ArrayMaterializer(BaseMaterializer):
    """Arrays of plain dtypes; `numpy.memmap` comes back as a plain array. Other subclasses, and objects: a pickle."""

    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    @classmethod
    def accepts(cls, data: Any) -> bool:
        return type(data) in (np.ndarray, np.memmap) and _is_plain(data)

    def save(self, data: Any) -> None:
        array = np.asarray(data)
        self._digest = write_hashed(self.folder / "data.npy", _header(array), *_blocks(array))

    def load(self, data_type: type[Any]) -> Any:
        path = stored(self.folder, "data.npy")
        is_large = path.stat().st_size >= MAP_FROM
        try:
            return np.asarray(np.load(path, mmap_mode="c" if is_large else None, allow_pickle=False))
        except (ValueError, EOFError) as error:
            raise damaged(path, error) from error

    def file_digests(self) -> dict[str, str]:
        return {"data.npy": self._digest}

    def extract_metadata(self, data: Any) -> dict[str, Any]:
        return {"shape": list(data.shape), "dtype": str(data.dtype), "nbytes": int(data.nbytes)}

    def preview(self, data: Any) -> dict[str, str]:
        head = data.reshape(-1)[:8] if data.flags.c_contiguous else data[(slice(0, 2),) * data.ndim]
        return {"text/plain": f"{data.dtype} array of shape {data.shape}: {shortened(head.tolist())}"}

    @classmethod
    def share(cls, data: Any) -> Any:
        return data.copy(order="K") if type(data) is np.ndarray and data.nbytes <= COPY_BELOW else NotImplemented


class ScalarMaterializer(BaseMaterializer):
    """numpy scalars, always a short text: dtype and bytes."""

    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    @classmethod
    def accepts(cls, data: Any) -> bool:
        dtype = data.dtype
        # long doubles hold padding bytes of any value
        return type(data) is dtype.type and dtype.kind in "biufcmM" and dtype.char not in "gG"

    @classmethod
    def dumps(cls, data: Any) -> str | None:
        return json.dumps([data.dtype.str, base64.b64encode(data.tobytes()).decode()])

    @classmethod
    def loads(cls, text: str) -> Any:
        dtype, content = json.loads(text)
        return np.frombuffer(base64.b64decode(content), dtype)[0]

    def preview(self, data: Any) -> dict[str, str]:
        return {"text/plain": repr(data)}

    @classmethod
    def share(cls, data: Any) -> Any:
        return data


def _is_plain(array: Any) -> bool:
    """Whether `.npy` keeps array and dtype whole, without a pickle in it."""
    dtype = array.dtype
    if dtype.hasobject or dtype.itemsize == 0 or npy.drop_metadata(dtype) is not dtype:
        return False
    try:
        _header(array)
        return bool(npy.descr_to_dtype(npy.dtype_to_descr(dtype)) == dtype)
    except (ValueError, TypeError):  # field names past latin-1, or more of them than the header holds
        return False


def _header(array: Any) -> bytes:
    file = io.BytesIO()
    npy.write_array_header_1_0(file, npy.header_data_from_array_1_0(array))
    return file.getvalue()


def _blocks(array: Any) -> Iterator[memoryview]:
    """The array's bytes in the order the header says, copied only where they do not lie in that order."""
    if array.flags.f_contiguous and not array.flags.c_contiguous:
        array = array.T
    if array.flags.c_contiguous or array.ndim == 0:
        yield _bytes_of(array)
        return
    rows = max(1, _BLOCK * len(array) // array.nbytes)
    for start in range(0, len(array), rows):
        yield _bytes_of(np.ascontiguousarray(array[start : start + rows]))


def _bytes_of(array: Any) -> memoryview:
    return memoryview(array.reshape(-1).view(np.uint8))
