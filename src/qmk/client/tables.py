"""Results as tables of other libraries: pandas, xarray, Arrow and Parquet, and back from Parquet. Each library is
imported when it is asked for. ``docs/spec/results.md`` says what the columns are."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from qmk.base.errors import QmkError
from qmk.models.arguments import show

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qmk.client.counts import Counts
    from qmk.client.document import Document
    from qmk.client.result import Result
    from qmk.qvm.outputs import Estimate, Point, Values

EXTRA = "data"
"""The extra of the package that brings all of them."""
TableName = Literal["shots", "counts", "values", "modes"]
TABLES: tuple[TableName, ...] = ("shots", "counts", "values", "modes")
HEAD, TABLE = b"qmk.result", b"qmk.table"
"""Metadata of an Arrow table: the result without what tables hold, and which table this is."""
Columns = Mapping[str, "NDArray[Any] | Sequence[Any]"]


def require(module: str) -> Any:
    """Imports a library. Raises UNSUPPORTED with what to install when it is not there."""
    if importlib.util.find_spec(module) is None:
        raise QmkError("UNSUPPORTED", f"this needs {module}", help=f"pip install 'quantum-microkernel[{EXTRA}]'")
    return importlib.import_module(module)


# -- columns -----------------------------------------------------------------------------------------------------------


def columns_of(result: Result, table: TableName) -> Columns:
    """One of ``TABLES`` by its columns. Raises INVALID_PARAMS for another name, NOT_COMPLETED for what the job did not
    give."""
    if not isinstance(cast("object", table), str) or table not in TABLES:
        fix = f"there are {', '.join(TABLES)}"
        raise QmkError("INVALID_PARAMS", f"there is no table {show(table, 40)}", field="table", help=fix)
    if table == "shots":
        bits = result.bits()
        return {name: bits[:, place] for name, place in places_by_name(result.counts)}
    if table == "counts":
        return counts_columns(result.counts)
    if table == "values":
        if result.values is None:
            raise QmkError("NOT_COMPLETED", "the job has no values", help="ask for them with outputs=qmk.outputs(...)")
        return values_columns(result.values)
    if result.modes is None:
        raise QmkError("NOT_COMPLETED", "the result has no samples of modes", help="run a program of optical modes")
    array = result.modes.array
    return {name: array[:, k] for k, name in enumerate(result.modes.names)}


def places_by_name(counts: Counts) -> Iterator[tuple[str, int]]:
    """The name of each printed bit, as in ``"c[0]"``, with its place; registers as printed, bits by their index."""
    for group in counts.groups:
        for index, place in enumerate(reversed(group.places) if group.descending else group.places):
            yield f"{group.name or 'bits'}[{index}]", place


def counts_columns(counts: Counts) -> Columns:
    """A row an outcome, the most shots first: the digits of each register, ``count``, ``probability``."""
    rows, shots = counts.most_common(), counts.shots
    pieces = [bits.split(" ") for bits, _ in rows]
    names = [group.name or "bits" for group in counts.groups] if rows else []
    return {
        **{name: [row[at] for row in pieces] for at, name in enumerate(names)},
        "count": [count for _, count in rows],
        "probability": [count / shots for _, count in rows],
    }


class Row(NamedTuple):
    """A value. ``item``: which of those asked for; ``by``: of a gradient the parameter, of a probability, an amplitude
    of the state or a count the bits."""

    point: int
    kind: str
    item: int
    by: str
    value: float
    imag: float = 0.0
    error: float = 0.0
    error_kind: str = ""


def values_columns(values: Values) -> Columns:
    """A row a value: the fields of ``Row``."""
    rows = [row for at, point in enumerate(values.points) for row in _rows(values, point, at)]
    return {name: [row[k] for row in rows] for k, name in enumerate(Row._fields)}


def _rows(values: Values, point: Point, at: int) -> Iterator[Row]:
    def row(kind: str, item: int, by: str, found: Estimate) -> Row:
        return Row(at, kind, item, by, found.value, 0.0, found.error, found.kind)

    for k, found in enumerate(point.expectations):
        yield row("expectation", k, "", found)
    for k, slopes in enumerate(point.gradients):
        for name, found in zip(values.parameters, slopes, strict=True):
            yield row("gradient", k, name, found)
    for k, group in enumerate(point.probabilities):
        width = len(group).bit_length() - 1
        for number, found in enumerate(group):
            yield row("probability", k, _digits(number, width), found)
    for k, (real, imag) in enumerate(point.amplitudes):
        yield Row(at, "amplitude", k, "", real, imag)
    if point.state:
        state = _complex(point.state)
        width = len(state).bit_length() - 1
        for number, amplitude in enumerate(state.tolist()):
            yield Row(at, "state", number, _digits(number, width), amplitude.real, amplitude.imag)
    for bits, count in point.counts.items():
        yield Row(at, "count", 0, bits, count)


def _digits(number: int, width: int) -> str:
    return format(number, f"0{width}b") if width else ""


def _complex(data: bytes) -> NDArray[np.complex128]:
    import numpy as np

    return np.frombuffer(data, dtype="<c16")


# -- tables ------------------------------------------------------------------------------------------------------------


def to_pandas(columns: Columns, index: str | None = None) -> Any:
    """A DataFrame, its index called ``index``."""
    frame = require("pandas").DataFrame(columns)
    frame.index.name = index
    return frame


def to_xarray(registers: dict[str, NDArray[Any]], attributes: dict[str, Any]) -> Any:
    """A Dataset with an array (shot, bit of the register) for each register."""
    xarray = require("xarray")
    arrays = {name: (("shot", f"bit of {name}"), bits) for name, bits in registers.items()}
    return xarray.Dataset(arrays, attrs=attributes)


def to_arrow(result: Result, table: TableName, attributes: dict[str, Any]) -> Any:
    """A Table, bits as truth values; ``attributes`` and the rest of the result are its metadata, in JSON."""
    import msgspec

    arrow = require("pyarrow")
    columns = columns_of(result, table)
    arrays = {
        name: arrow.array(cast("NDArray[Any]", column).astype(bool) if table == "shots" else column)
        for name, column in columns.items()
    }
    metadata: dict[Any, bytes] = {key: msgspec.json.encode(value) for key, value in attributes.items()}
    metadata |= {HEAD: msgspec.json.encode(_head(result, table)), TABLE: table.encode()}
    return arrow.table(arrays).replace_schema_metadata(metadata)


def _head(result: Result, table: TableName) -> Document:
    """The document of a result without what tables hold; beside the shots also their counts, which mark lost atoms."""
    import msgspec

    from qmk.client.document import Events, of_result

    events = Events(names=result.event_names, widths=result.event_widths, bits=b"") if result.has_events else None
    values = result.values and msgspec.structs.replace(result.values, points=[])
    known = of_result(result, events=False)
    counts = known.counts if table == "shots" else {}
    return msgspec.structs.replace(known, counts=counts, events=events, values=values, modes=None, densities=[])


def write_parquet(table: Any, path: str | Path) -> None:
    """Writes an Arrow table. Raises INVALID_PARAMS when the file cannot be written."""
    require("pyarrow")
    parquet = importlib.import_module("pyarrow.parquet")
    try:
        parquet.write_table(table, str(path))
    except OSError as error:
        raise QmkError("INVALID_PARAMS", f"cannot write {path}: {error}", field="path") from None


# -- and back ----------------------------------------------------------------------------------------------------------


def read_parquet(data: bytes, name: str) -> Result:
    """The result of a Parquet file that ``Result.to_parquet`` wrote, as far as its table has it. Raises INVALID_PARAMS
    for another file."""
    import io

    import msgspec

    from qmk.client.document import Document, to_result

    arrow = require("pyarrow")
    parquet = importlib.import_module("pyarrow.parquet")
    try:
        table = parquet.read_table(io.BytesIO(data))
        metadata: dict[bytes, bytes] = table.schema.metadata or {}
        head = msgspec.json.decode(metadata[HEAD], type=Document)
        kind = metadata[TABLE].decode()
        parts = _READERS[kind](head, table)
    except (arrow.ArrowException, KeyError, ValueError, TypeError, msgspec.DecodeError) as error:
        message = f"{name}: not the table of a result: {type(error).__name__}: {error}"
        raise QmkError("INVALID_PARAMS", message, field="path", help="give what Result.to_parquet wrote") from None
    return to_result(msgspec.structs.replace(head, **{"events": None, **parts}), name)


def _read_shots(head: Document, table: Any) -> dict[str, Any]:
    """Events, from the printed bits. Those that no register prints are not in the table."""
    import numpy as np

    from qmk.client.counts import Counts
    from qmk.client.document import Events

    assert head.events is not None
    width_of: dict[str | None, int] = {None: 1, **dict(zip(head.events.names, head.events.widths, strict=True))}
    by_place = {place: column for column, place in places_by_name(Counts.of_run(head.counts, head.registers))}
    printed = np.array([table.column(by_place[k]).to_numpy() for k in range(len(by_place))], np.uint8)
    first: dict[str, list[int]] = {}
    at = 0
    for bit in (bit for register in head.registers for bit in register.bits):
        if bit is not None:
            first.setdefault(bit, list(range(at, at + width_of[bit])))
        at += width_of[bit]
    names = [name for name in head.events.names if name in first]
    rows = printed[[place for name in names for place in first[name]]].T
    packed = np.packbits(rows.reshape(head.shots, -1), axis=1).tobytes()
    events = Events(names=names, widths=[width_of[name] for name in names], bits=packed)
    return {"events": events}


def _read_counts(head: Document, table: Any) -> dict[str, Any]:
    columns = [table.column(name).to_pylist() for name in table.column_names if name not in ("count", "probability")]
    keys = [" ".join(row) for row in zip(*columns, strict=True)]
    return {"counts": dict(sorted(zip(keys, table.column("count").to_pylist(), strict=True)))}


def _read_values(head: Document, table: Any) -> dict[str, Any]:
    import msgspec

    assert head.values is not None
    points: list[dict[str, list[Row]]] = []
    for each in zip(*(table.column(name).to_pylist() for name in Row._fields), strict=True):
        row = Row(*each)
        points += [{} for _ in range(row.point + 1 - len(points))]
        points[row.point].setdefault(row.kind, []).append(row)
    return {"values": msgspec.structs.replace(head.values, points=[_point(rows) for rows in points])}


def _point(rows: dict[str, list[Row]]) -> Point:
    import numpy as np

    from qmk.qvm.outputs import Estimate, Point

    def estimates_of(kind: str) -> list[list[Estimate]]:
        found: list[list[Estimate]] = []
        for row in rows.get(kind, ()):
            found += [[] for _ in range(row.item + 1 - len(found))]
            found[row.item].append(Estimate(row.value, row.error, row.error_kind))
        return found

    state = np.array([complex(row.value, row.imag) for row in rows.get("state", ())], "<c16")
    return Point(
        expectations=[found for each in estimates_of("expectation") for found in each],
        gradients=estimates_of("gradient"),
        probabilities=estimates_of("probability"),
        amplitudes=[(row.value, row.imag) for row in rows.get("amplitude", ())],
        state=state.tobytes(),
        counts={row.by: int(row.value) for row in rows.get("count", ())},
    )


def _read_modes(head: Document, table: Any) -> dict[str, Any]:
    from qmk.client.document import Modes

    rows = zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True)
    return {"modes": Modes(names=list(table.column_names), photons=[list(row) for row in rows])}


_READERS = {"shots": _read_shots, "counts": _read_counts, "values": _read_values, "modes": _read_modes}
