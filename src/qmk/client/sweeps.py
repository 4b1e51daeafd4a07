"""Parameter sweeps: points by name, and how the angles of a program depend on its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from qmk.base.errors import QmkError
from qmk.client.program import ProgramLike, to_graph
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Slot, Sweep, angles_of

if TYPE_CHECKING:
    from qmk.sdk.affine import Vector

PointsLike = Sequence[Mapping[str, Any]] | Mapping[str, Sequence[Any]]
"""One mapping of names to values a point, or one list of values a name. The value of an array input is a list."""


class Points(NamedTuple):
    """``names`` of single numbers (an array input ``a`` has a[0], a[1], ...) and ``rows``, one a point; ``first`` is a
    point as the program's front end takes it, whose lists give the shapes of arrays."""

    names: tuple[str, ...]
    rows: list[list[float]]
    first: Mapping[str, Any]

    def params(self, row: Sequence[float]) -> dict[str, Any]:
        """A row as the front end takes it."""
        at, out = 0, dict[str, Any]()
        for name, value in self.first.items():
            out[name], at = _filled(value, row, at)
        return out


def points_of(given: PointsLike) -> Points:
    """Raises INVALID_PARAMS when points differ in their names or hold what is no number."""
    if isinstance(given, Mapping):
        columns = {name: list(values) for name, values in given.items()}
        if len({len(values) for values in columns.values()}) > 1:
            raise _wrong("the parameters have different numbers of values", "give each name one value a point")
        n = len(next(iter(columns.values()), []))
        rows: list[Mapping[str, Any]] = [{name: values[k] for name, values in columns.items()} for k in range(n)]
    else:
        rows = list(given)
    if not rows:
        raise _wrong("there are no points", "give at least one")
    first = rows[0]
    names = tuple(label for name, value in first.items() for label in _labels(name, value))
    flat: list[list[float]] = []
    for at, row in enumerate(rows):
        if row.keys() != first.keys():
            raise _wrong(f"point {at} has other names than the first", f"give each point {', '.join(first)}")
        values = [number for name in first for number in _numbers(row[name], name, at)]
        if len(values) != len(names):
            raise _wrong(f"point {at} has an array of another length than the first", "arrays keep their length")
        flat.append(values)
    return Points(names, flat, first)


def sweep_of(program: ProgramLike, points: Points, format: str | None = None) -> tuple[Graph, Sweep]:
    """The program at its first point, and its angles as functions of the parameters, found by a few readings of it.

    Raises INVALID_PARAMS when something else than angles depends on the parameters, or no affine function does it.
    """
    import numpy as np

    from qmk.sdk.affine import affine

    base = np.array(points.rows[0])
    graph = to_graph(program, format, points.first)
    places = [(node.id, arg) for node in graph.nodes for arg in angles_of(node)]
    shape = _shape(graph)

    def angles(point: Vector) -> Vector | None:
        there = to_graph(program, format, points.params(point.tolist()))
        return _angles(there) if _shape(there) == shape else None

    found = affine(angles, len(points.names))
    if found is None:
        found = affine(angles, len(points.names), base)
    if found is None:
        raise _wrong(
            "the program is not the same at every point but for angles that are affine functions of the parameters",
            "run its points one by one, each with its params",
        )
    slots = [
        Slot(
            node=node,
            arg=arg,
            constant=float(found.constant[k]),
            terms=tuple((int(at), float(found.matrix[k, at])) for at in np.flatnonzero(found.matrix[k])),
        )
        for k, (node, arg) in enumerate(places)
        if found.matrix[k].any()
    ]
    return graph, Sweep(names=points.names, slots=tuple(slots), points=tuple(map(tuple, points.rows)))


def _shape(graph: Graph) -> list[Any]:
    """Everything of a graph but the values of its angles."""
    rows: list[Any] = []
    for node in graph.nodes:
        angles = angles_of(node)
        rest = {name: value for name, value in node.args.items() if name not in angles}
        rows.append((node.id, node.op, rest, node.vqs, node.chs, node.inputs, node.produces, node.guard))
    return rows


def _angles(graph: Graph) -> Vector:
    import numpy as np

    return np.array([float(node.args[arg]) for node in graph.nodes for arg in angles_of(node)], dtype=np.float64)


def _labels(name: str, value: Any) -> list[str]:
    if not isinstance(value, (list, tuple)):
        return [name]
    items = cast("Sequence[Any]", value)
    return [label for at, item in enumerate(items) for label in _labels(f"{name}[{at}]", item)]


def _numbers(value: Any, name: str, at: int) -> list[float]:
    if isinstance(value, (list, tuple)):
        return [number for item in cast("Sequence[Any]", value) for number in _numbers(item, name, at)]
    try:
        return [float(value)]
    except (TypeError, ValueError):
        raise _wrong(f"the value of '{name}' at point {at} is no number: {value!r}", "sweep over numbers") from None


def _filled(value: Any, row: Sequence[float], at: int) -> tuple[Any, int]:
    """``value`` with its numbers taken from ``row`` from place ``at`` on."""
    if not isinstance(value, (list, tuple)):
        return row[at], at + 1
    items: list[Any] = []
    for item in cast("Sequence[Any]", value):
        filled, at = _filled(item, row, at)
        items.append(filled)
    return items, at


def _wrong(what: str, fix: str) -> QmkError:
    return QmkError("INVALID_PARAMS", f"sweep: {what}", field="points", help=fix)
