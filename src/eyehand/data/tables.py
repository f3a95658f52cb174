# pyright: basic
# The reason: pyarrow ships no types; this is the only file that touches it.
"""Parquet in and out: the typed doorway to pyarrow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from eyehand.data.features import INDEX_FEATURES, Feature
from eyehand.errors import FileFormatError
from eyehand.types import Array

_REMEDY = "Copy the file again from where it was recorded."
_PICTURE = pa.struct({"bytes": pa.binary(), "path": pa.string()})


def _arrow_type(feature: Feature) -> pa.DataType:
    if feature.dtype == "image":
        return _PICTURE
    inner = pa.bool_() if feature.dtype == "bool" else pa.from_numpy_dtype(np.dtype(feature.dtype))
    if feature.shape == (1,):
        return inner
    *outer, last = feature.shape
    kind = pa.list_(inner, last)
    for _ in outer:
        kind = pa.list_(kind)
    return kind


def _column(feature: Feature, rows: Array | Sequence[bytes]) -> pa.Array:
    kind = _arrow_type(feature)
    if feature.dtype == "image":
        return pa.array([{"bytes": data, "path": None} for data in rows], type=kind)
    array = np.asarray(rows)
    if feature.shape == (1,):
        return pa.array(array.reshape(-1), type=kind)
    if len(feature.shape) == 1:
        return pa.FixedSizeListArray.from_arrays(pa.array(array.reshape(-1)), feature.shape[0])
    return pa.array(array.tolist(), type=kind)


class EpisodeTable:
    """A data file under construction, one row group per episode."""

    def __init__(self, path: Path, features: Mapping[str, Feature]) -> None:
        """Create the file.

        Args:
            path: where it goes; the folder is made.
            features: the columns that the file holds; those of dtype "video" are left out, their frames lie elsewhere.
        """
        indices = {key: Feature(dtype, (1,)) for key, dtype in INDEX_FEATURES.items()}
        self._features = {key: feature for key, feature in {**features, **indices}.items() if feature.dtype != "video"}
        self._schema = pa.schema({key: _arrow_type(feature) for key, feature in self._features.items()})
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(path, self._schema, compression="none", use_dictionary=False)
        self.bytes_written = 0

    def write(self, columns: Mapping[str, Array | Sequence[bytes]]) -> None:
        """Append one episode as a row group."""
        arrays = [_column(feature, columns[key]) for key, feature in self._features.items()]
        table = pa.Table.from_arrays(arrays, schema=self._schema)
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        self.bytes_written += int(table.nbytes)

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


def write_columns(path: Path, columns: Mapping[str, Sequence[object]]) -> None:
    """Write a small table of plain Python columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({key: pa.array(values) for key, values in columns.items()}), path)


def write_tasks(path: Path, tasks: Sequence[str]) -> None:
    """Write `tasks.parquet`: the column `task_index`, and the index `task` in the form that pandas reads back."""
    text = {"pandas_type": "unicode", "numpy_type": "object", "metadata": None}
    number = {"pandas_type": "int64", "numpy_type": "int64", "metadata": None}
    described = {
        "index_columns": ["task"],
        "column_indexes": [{"name": None, "field_name": None, **text, "metadata": {"encoding": "UTF-8"}}],
        "columns": [
            {"name": "task_index", "field_name": "task_index", **number},
            {"name": "task", "field_name": "task", **text},
        ],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.0.0",
    }
    table = pa.table({"task_index": pa.array(range(len(tasks)), pa.int64()), "task": pa.array(tasks, pa.string())})
    pq.write_table(table.replace_schema_metadata({"pandas": json.dumps(described)}), path)


def read_columns(path: Path, skip: str) -> dict[str, list[object]]:
    """The columns of a small table as Python lists.

    Args:
        path: the file.
        skip: columns whose name starts with this are left out.

    Raises:
        FileFormatError: the file is missing or damaged.
    """
    file = _open(path)
    names = [name for name in file.schema_arrow.names if not name.startswith(skip)]
    return {name: column.to_pylist() for name, column in zip(names, _read(file, path, names).columns, strict=True)}


class DataFile:
    """A data file that is read column by column.

    Attributes:
        path: the file.
        rows: how many rows it holds.
        names: its columns.
        group_starts: first row of every row group, and the number of rows at the end.
    """

    def __init__(self, path: Path) -> None:
        """Read the footer.

        Raises:
            FileFormatError: the file is missing or damaged.
        """
        file = self._file = _open(path)  # stays open: the footer of many row groups is slow to read again
        self.path = path
        self.rows = int(file.metadata.num_rows)
        self.names = tuple(str(name) for name in file.schema_arrow.names)
        sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
        self.group_starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    def numbers(self, key: str, feature: Feature) -> Array:
        """A numeric column (rows, *shape).

        Raises:
            FileFormatError: the column is missing or damaged, has gaps, or its rows have another shape.
        """
        wanted = f"Every row must hold {feature.dtype} of shape {feature.shape}."
        column, shape = self._column(key), []
        while shape is not None and not column.null_count and _is_list(column.type):
            sizes = pc.call_function("min_max", [pc.call_function("list_value_length", [column])]).as_py()
            shape = [*shape, sizes["min"]] if sizes["min"] == sizes["max"] else None
            column = pc.call_function("list_flatten", [column])
        if column.null_count:
            raise FileFormatError(self.path, f"feature {key!r} has {column.null_count} rows without a value", wanted)
        if shape is None or tuple(shape or [1]) != feature.shape:
            held = "rows of different lengths" if shape is None else f"rows of shape {tuple(shape or [1])}"
            raise FileFormatError(self.path, f"feature {key!r} has {held}", wanted)
        if not (pa.types.is_primitive(column.type) and not pa.types.is_temporal(column.type)):
            raise FileFormatError(self.path, f"feature {key!r} holds {column.type}", wanted)
        return column.to_numpy().reshape(self.rows, *feature.shape)

    def pictures(self, key: str, group: int) -> list[tuple[bytes | None, str | None]]:
        """(encoded bytes, path) of every row of a row group; one of the two may be missing.

        Raises:
            FileFormatError: the column is missing, damaged, or holds no pictures.
        """
        column = self._column(key, group)
        if not pa.types.is_struct(column.type) or {f.name for f in column.type} != {"bytes", "path"}:
            problem = f"feature {key!r} holds {column.type}"
            raise FileFormatError(self.path, problem, "A picture is a struct of 'bytes' and 'path'.")
        fields = column.combine_chunks().flatten()
        by_name = {f.name: values.to_pylist() for f, values in zip(column.type, fields, strict=True)}
        return list(zip(by_name["bytes"], by_name["path"], strict=True))

    def _column(self, key: str, group: int | None = None) -> pa.ChunkedArray:
        if key not in self.names:
            raise FileFormatError(
                self.path, f"there is no column {key!r}", "info.json lists it; record it, or delist it."
            )
        return _read(self._file, self.path, [key], group).column(0)


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise FileFormatError(path, f"missing or damaged ({str(error).splitlines()[0]})", _REMEDY) from error


def _read(file: pq.ParquetFile, path: Path, names: list[str], group: int | None = None) -> pa.Table:
    try:
        return file.read(names) if group is None else file.read_row_group(group, names)
    except (OSError, pa.ArrowException) as error:
        raise FileFormatError(path, f"damaged ({str(error).splitlines()[0]})", _REMEDY) from error
