"""pandas arrays as Arrow arrays and back, exactly; what Arrow can not carry exactly is refused.

Beside each array stands its *form*: JSON that names the pandas dtype to come back to.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.types import pandas_dtype

Form = dict[str, Any]
_OBJECT_TYPES = {str: pa.large_string(), bytes: pa.large_binary()}


class NotArrowError(TypeError):
    """Arrow can not carry this exactly."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Writable memory that Arrow buffers lie in: numbers are viewed where they are, and may be changed there."""

    buffer: bytearray | mmap.mmap
    address: int

    def view(self, array: pa.Array, dtype: np.dtype[Any]) -> Any:
        start = array.buffers()[1].address - self.address + array.offset * dtype.itemsize
        return np.frombuffer(self.buffer, dtype, len(array), start)


def to_arrow(values: Any) -> tuple[pa.Array, Form]:
    """The Arrow array and the form of a pandas array, of numpy's or of an extension dtype.

    Numbers without missing values and Arrow strings are not copied. Raises NotArrowError.
    """
    if type(values) is pd.arrays.NumpyExtensionArray:
        values = values.to_numpy()
    dtype = values.dtype
    if isinstance(dtype, np.dtype):
        return _numpy_to_arrow(np.asarray(values), dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        return dictionary_to_arrow(values.codes, values.categories, is_ordered=bool(dtype.ordered))
    if isinstance(dtype, pd.DatetimeTZDtype):
        return _zoned_to_arrow(values, dtype)
    if isinstance(dtype, pd.StringDtype):
        return _strings_to_arrow(values, dtype)
    if isinstance(dtype, pd.ArrowDtype):
        return _one_array(pa.array(values)), {"arrow": True}
    if isinstance(dtype, pd.PeriodDtype | pd.IntervalDtype):
        return pa.array(values), {"extension": _dtype_name(dtype)}
    if hasattr(dtype, "numpy_dtype") and type(dtype).__module__.partition(".")[0] == "pandas":
        # what lies under the mask is left over from computing: zeros make equal arrays equal bytes
        numbers = values.to_numpy(dtype.numpy_dtype, na_value=0)
        return pa.array(numbers, mask=values.isna(), from_pandas=False), {"extension": _dtype_name(dtype)}
    raise NotArrowError(f"dtype {dtype}")


def from_arrow(array: pa.Array, form: Form, memory: Memory | None = None) -> Any:
    """The pandas or numpy array again, free to be changed by its owner."""
    dtype: Any
    if "numpy" in form:
        return _numpy_from_arrow(array, np.dtype(form["numpy"]), memory)
    if "object" in form:
        return array.to_numpy(zero_copy_only=False)
    if "levels" in form:
        codes, categories = dictionary_from_arrow(array, form)
        dtype = pd.CategoricalDtype(categories, ordered=form["ordered"])
        return pd.Categorical.from_codes(codes, dtype=dtype, validate=False)
    if "zone" in form:
        return pd.DatetimeTZDtype(form["unit"], form["zone"]).__from_arrow__(array).copy()
    if "string" in form:
        missing: Any = np.nan if form["missing"] == "nan" else pd.NA
        dtype = pd.StringDtype(form["string"], na_value=missing)
        return dtype.__from_arrow__(array)
    if "arrow" in form:
        dtype = pd.ArrowDtype(array.type)
        return dtype.__from_arrow__(array)
    dtype = pandas_dtype(form["extension"])
    return dtype.__from_arrow__(array).copy()


def comes_back(read: pa.Array, written: pa.Array, form: Form) -> bool:
    """Whether `from_arrow` makes of `read`, which a file brought back, what it makes of `written`."""
    if "arrow" in form and read.type != written.type:
        return False
    if "levels" in form and not isinstance(read.type, pa.DictionaryType):
        return False
    try:
        found = read.cast(written.type)
    except pa.ArrowException:  # there is no such cast
        return False
    # two empty arrays are equal whatever their dictionaries hold
    return bool(found.equals(written)) and ("levels" not in form or bool(found.dictionary.equals(written.dictionary)))


def values_to_arrow(index: pd.Index[Any]) -> tuple[pa.Array, Form]:
    """A single-level index without its name: the array, with `freq` in the form."""
    array, form = to_arrow(index.array)
    freq = getattr(index, "freq", None)
    if freq is None or isinstance(index.dtype, pd.PeriodDtype):
        return array, form
    if pd.tseries.frequencies.to_offset(freq.freqstr) != freq:
        raise NotArrowError(f"the frequency {freq!r}")
    return array, {**form, "freq": freq.freqstr}


def values_from_arrow(array: pa.Array, form: Form, name: Any = None) -> Any:
    values = from_arrow(array, form)
    index: Any = pd.Index(values, dtype=values.dtype, name=name, copy=False)
    if "freq" in form:
        index.freq = form["freq"]
    return index


def dictionary_to_arrow(codes: Any, levels: pd.Index[Any], *, is_ordered: bool) -> tuple[pa.Array, Form]:
    """Codes into `levels`, -1 for a missing value; a categorical, or a level of a MultiIndex."""
    array, form = values_to_arrow(levels)
    if levels.name is not None or array.null_count or isinstance(array.type, pa.BaseExtensionType | pa.DictionaryType):
        raise NotArrowError(f"categories of dtype {levels.dtype}")
    codes = np.asarray(codes)
    indices = pa.array(codes, mask=codes < 0)
    encoded = pa.DictionaryArray.from_arrays(indices, array, ordered=is_ordered, safe=False)
    return encoded, {"levels": form, "ordered": is_ordered}


def dictionary_from_arrow(array: Any, form: Form) -> tuple[Any, pd.Index[Any]]:
    codes = np.array(array.indices.fill_null(-1))
    return codes, values_from_arrow(array.dictionary, form["levels"])


def _numpy_to_arrow(values: Any, dtype: np.dtype[Any]) -> tuple[pa.Array, Form]:
    if dtype.kind == "O":
        return _objects_to_arrow(values), {"object": True}
    if dtype.kind not in "iufbmM" or not dtype.isnative or dtype.itemsize > 8:
        raise NotArrowError(f"dtype {dtype}")
    return pa.array(values, from_pandas=False), {"numpy": dtype.str}


def _numpy_from_arrow(array: pa.Array, dtype: np.dtype[Any], memory: Memory | None) -> Any:
    if memory and dtype.kind != "b" and len(array) and not array.null_count:
        return memory.view(array, dtype)
    return array.to_numpy(zero_copy_only=False).astype(dtype)


def _objects_to_arrow(values: Any) -> pa.Array:
    """Only objects of one exact type: str or bytes, with None for a missing one."""
    kinds = set(map(type, values)) - {type(None)}
    kind = kinds.pop() if kinds else str
    if kinds or kind not in _OBJECT_TYPES:
        raise NotArrowError("objects of several types")
    try:
        return _one_array(pa.array(values, _OBJECT_TYPES[kind], from_pandas=False))
    except UnicodeEncodeError as error:
        raise NotArrowError("text that is no Unicode") from error


def _strings_to_arrow(values: Any, dtype: Any) -> tuple[pa.Array, Form]:
    form = {"string": dtype.storage, "missing": "NA" if dtype.na_value is pd.NA else "nan"}
    try:
        return _one_array(pa.array(values, pa.large_string())), form
    except UnicodeEncodeError as error:
        raise NotArrowError("text that is no Unicode") from error


def _zoned_to_arrow(values: Any, dtype: pd.DatetimeTZDtype) -> tuple[pa.Array, Form]:
    zone = str(dtype.tz)
    try:
        again = pd.DatetimeTZDtype(dtype.unit, zone)
    except (KeyError, ValueError, TypeError) as error:
        raise NotArrowError(f"the time zone {zone}") from error
    if again != dtype or repr(again.tz) != repr(dtype.tz):
        raise NotArrowError(f"the time zone {zone}")
    moments = values.asi8.view(f"M8[{dtype.unit}]")
    return pa.array(moments, pa.timestamp(dtype.unit, tz="UTC")), {"zone": zone, "unit": dtype.unit}


def _dtype_name(dtype: Any) -> str:
    name = str(dtype)
    if pandas_dtype(name) != dtype:
        raise NotArrowError(f"dtype {dtype}")
    return name


def _one_array(values: Any) -> pa.Array:
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(whole, pa.ChunkedArray):
        raise NotArrowError("a column too large for one Arrow array")
    # a slice is written with bytes of its neighbours in the padding, and equal arrays are to give equal bytes;
    # nbytes leaves out the last offset of strings
    if whole.get_total_buffer_size() > whole.nbytes + 8:
        return pa.concat_arrays([whole, whole.slice(0, 0)])
    return whole
