"""pandas frames as one Arrow record batch and back, exactly.

The schema's metadata holds, under `mlstack`, what Arrow does not know: the form of each column, of the index and
of the labels. Field names are for other readers: the labels as text where those are distinct, else numbers.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pandas as pd
import pyarrow as pa

from mlstack_nb.materializers.arrow_columns import (
    Form,
    Memory,
    NotArrowError,
    dictionary_from_arrow,
    dictionary_to_arrow,
    from_arrow,
    to_arrow,
    values_from_arrow,
    values_to_arrow,
)
from mlstack_nb.materializers.typed_json import NotPlainError, from_text, to_text

METADATA_KEY = b"mlstack"
# many blocks make later operations slow: wide frames are gathered into one, at the price of a copy
MAX_SEPARATE_COLUMNS = 100


def frame_to_batch(data: pd.DataFrame | pd.Series[Any]) -> pa.RecordBatch:
    """Raises NotArrowError when a column, the index or a label has no exact Arrow form."""
    if not data.flags.allows_duplicate_labels:
        raise NotArrowError("the flag allows_duplicate_labels")
    index_arrays, index_form = _index_to_arrow(data.index)
    form: Form = {"index": index_form, "attrs": _plain_text(dict(data.attrs))}
    if isinstance(data, pd.Series):
        columns = [to_arrow(data.array)]
        labels = [data.name]
        form["name"] = _plain_text(data.name)
    else:
        columns = [to_arrow(column.array) for _, column in data.items()]
        labels = list(data.columns)
        form["labels"] = _labels_to_text(data.columns)
    form["columns"] = [column_form for _, column_form in columns]
    arrays = [array for array, _ in columns] + index_arrays
    schema = pa.schema(
        [pa.field(name, array.type) for name, array in zip(_field_names(labels, len(arrays)), arrays, strict=True)],
        metadata={METADATA_KEY: json.dumps(form)},
    )
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def batch_to_frame(arrays: list[pa.Array], schema: pa.Schema, memory: Memory | None = None) -> Any:
    """What `frame_to_batch` was given. Raises KeyError for a schema that is not its own."""
    form: Form = json.loads(schema.metadata[METADATA_KEY])
    width = len(form["columns"])
    index = _index_from_arrow(arrays[width:], form["index"])
    # a Series with its dtype said is taken as it is; a bare array would have its dtype inferred anew
    columns = {}
    for number, column_form in enumerate(form["columns"]):
        values = from_arrow(arrays[number], column_form, memory)
        columns[number] = pd.Series(values, index=index, dtype=values.dtype, copy=False)
    data: Any
    if "name" in form:
        data = columns[0]
        data.name = from_text(form["name"])
    else:
        data = pd.DataFrame(columns, index=index, copy=width > MAX_SEPARATE_COLUMNS)
        data.columns = _labels_from_text(form["labels"])
    data.attrs = from_text(form["attrs"])
    return data


def array_forms(schema: pa.Schema) -> list[Form]:
    """The form of each array of a batch: columns, then index."""
    form = json.loads(schema.metadata[METADATA_KEY])
    index = form["index"]
    return [*form["columns"], *index.get("multi", [index["values"]] if "values" in index else [])]


def _index_to_arrow(index: pd.Index[Any]) -> tuple[list[pa.Array], Form]:
    if not type(index).__module__.startswith("pandas"):
        raise NotArrowError(f"an index of type {type(index).__name__}")
    names = _plain_text(list(index.names))
    if isinstance(index, pd.RangeIndex):
        return [], {"range": [index.start, index.stop, index.step], "names": names}
    if not isinstance(index, pd.MultiIndex):
        array, form = values_to_arrow(index)
        return [array], {"values": form, "names": names}
    pairs = []
    for codes, level in zip(index.codes, index.levels, strict=True):
        pairs.append(dictionary_to_arrow(codes, level.rename(None), is_ordered=False))
    return [array for array, _ in pairs], {"multi": [form for _, form in pairs], "names": names}


def _index_from_arrow(arrays: list[pa.Array], form: Form) -> Any:
    names = from_text(form["names"])
    if "range" in form:
        start, stop, step = form["range"]
        return pd.RangeIndex(start, stop, step, name=names[0])
    if "values" in form:
        return values_from_arrow(arrays[0], form["values"], names[0])
    pairs = [dictionary_from_arrow(array, part) for array, part in zip(arrays, form["multi"], strict=True)]
    codes, levels = zip(*pairs, strict=True)
    return pd.MultiIndex(levels=list(levels), codes=list(codes), names=names, verify_integrity=False)


def _labels_to_text(labels: pd.Index[Any]) -> list[Any]:
    """The form of the column labels, and their arrays as a small Arrow file in base64."""
    arrays, form = _index_to_arrow(labels)
    if not arrays:
        return [form, None]
    batch = pa.RecordBatch.from_arrays(arrays, names=[str(number) for number in range(len(arrays))])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return [form, base64.b64encode(sink.getvalue()).decode()]


def _labels_from_text(text: list[Any]) -> Any:
    form, content = text
    if content is None:
        return _index_from_arrow([], form)
    batch = pa.ipc.open_file(base64.b64decode(content)).get_batch(0)
    return _index_from_arrow(batch.columns, form)


def _field_names(labels: list[Any], count: int) -> list[str]:
    names = [str(label) for label in labels] + [f"__index_level_{level}__" for level in range(count - len(labels))]
    is_plain = len(set(names)) == count and "".join(names).isprintable() and all(names)
    return names if is_plain else [str(number) for number in range(count)]


def _plain_text(value: Any) -> str:
    try:
        return to_text(value)
    except NotPlainError as error:
        raise NotArrowError(f"the label or attribute {value!r}") from error
