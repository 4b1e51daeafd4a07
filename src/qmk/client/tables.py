"""Shots as tables of other libraries: pandas, xarray, Arrow and Parquet. Each is imported when it is asked for."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXTRA = "data"
"""The extra of the package that brings all of them."""


def require(module: str) -> Any:
    """Imports a library. Raises UNSUPPORTED with what to install when it is not there."""
    if importlib.util.find_spec(module) is None:
        raise QmkError("UNSUPPORTED", f"this needs {module}", help=f"pip install 'quantum-microkernel[{EXTRA}]'")
    return importlib.import_module(module)


def to_pandas(columns: dict[str, NDArray[Any]]) -> Any:
    """A DataFrame with a row a shot."""
    pandas = require("pandas")
    frame = pandas.DataFrame(columns)
    frame.index.name = "shot"
    return frame


def to_xarray(registers: dict[str, NDArray[Any]], attributes: dict[str, Any]) -> Any:
    """A Dataset with an array (shot, bit of the register) for each register."""
    xarray = require("xarray")
    arrays = {name: (("shot", f"bit of {name}"), bits) for name, bits in registers.items()}
    return xarray.Dataset(arrays, attrs=attributes)


def to_arrow(columns: dict[str, NDArray[Any]], attributes: dict[str, Any]) -> Any:
    """A Table with a row a shot and a column of truth values a bit; ``attributes`` as its metadata, in JSON."""
    import msgspec

    arrow = require("pyarrow")
    arrays = {name: arrow.array(column.astype(bool)) for name, column in columns.items()}
    metadata = {key: msgspec.json.encode(value) for key, value in attributes.items()}
    return arrow.table(arrays).replace_schema_metadata(metadata)


def write_parquet(table: Any, path: str | Path) -> None:
    """Writes an Arrow table. Raises INVALID_PARAMS when the file cannot be written."""
    require("pyarrow")
    parquet = importlib.import_module("pyarrow.parquet")
    try:
        parquet.write_table(table, str(path))
    except OSError as error:
        raise QmkError("INVALID_PARAMS", f"cannot write {path}: {error}", field="path") from None
