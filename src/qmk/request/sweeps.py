"""Parameter sweeps: points by name, and how the angles of a program depend on its parameters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

from qmk.base.errors import QmkError
from qmk.ir.parameter_values import identifier_of, join_elements
from qmk.models.arguments import show
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Slot, Sweep, angles_of
from qmk.request.program import ProgramLike, inputs_of, to_graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qmk.ir.affine import Affine, Matrix, Vector

PointsLike: TypeAlias = "Sequence[Mapping[Any, Any]] | Mapping[Any, Sequence[Any] | NDArray[Any]]"
"""One mapping of names (or parameters of a circuit) to values a point, or one list of values a name. The value of an
array input is a list."""


class Points(NamedTuple):
    """``names`` of single numbers (an array input ``a`` has a[0], a[1], ...) and ``table``, shape (points, names).
    ``shapes``: for every parameter as the front end takes it, the shape of its value. ``fixed``: inputs that are the
    same at every point."""

    names: tuple[str, ...]
    table: Matrix
    shapes: dict[str, tuple[int, ...]]
    fixed: Mapping[str, Any] = {}

    def params(self, row: Vector) -> dict[str, Any]:
        """The values of a row in the form that the front end takes."""
        return {**self.fixed, **{name: part.tolist() for name, part in self.parts(row).items()}}

    def parts(self, row: Vector) -> dict[str, Vector]:
        """The numbers of a row by the names that the front end knows, in their shapes."""
        at = 0
        out: dict[str, Vector] = {}
        for name, shape in self.shapes.items():
            size = math.prod(shape)
            out[name] = row[at : at + size].reshape(shape)
            at += size
        return out


def points_of(given: PointsLike, fixed: Mapping[Any, Any] | None = None) -> Points:
    """Reads the points. Raises INVALID_PARAMS if they differ in their names or hold anything but numbers."""
    import numpy as np

    columns = columns_of(given, fixed)
    parts: list[Matrix] = []
    shapes: dict[str, tuple[int, ...]] = {}
    for name, values in columns.items():
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise _wrong("the name of a parameter is not text", "name the parameters as the program does")
        try:
            part = np.array(values, dtype=np.float64)
        except Exception:  # a caller's own class may raise anything
            what = f"the values of '{name}' are not numbers, or arrays of different lengths"
            raise _wrong(what, "sweep over numbers") from None
        if not np.isfinite(part).all():
            raise _wrong(f"the values of '{name}' are not all finite", "sweep over numbers")
        shapes[name] = part.shape[1:]
        parts.append(part.reshape(len(values), -1))
    return Points(labels(shapes), np.concatenate(parts, axis=1), shapes, dict(fixed or {}))


def columns_of(given: PointsLike, fixed: Mapping[Any, Any] | None = None) -> dict[str, Sequence[Any]]:
    """The values of each parameter, one a point, as they were given. Raises INVALID_PARAMS for points that differ in
    their names, or that name what is ``fixed``."""
    if isinstance(given, Mapping):
        columns: dict[str, Sequence[Any]] = {
            identifier_of(k): cast("Sequence[Any]", values) for k, values in given.items()
        }
        if not all(hasattr(values, "__len__") for values in columns.values()):
            raise _wrong("the values of a parameter are not a list", "give each name one value a point")
    else:
        rows: Any = given
        if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in cast("Sequence[Any]", rows)):
            form = "write [{'theta': 0.1}, ...] or {'theta': [0.1, ...]}"
            raise _wrong(
                "the points are not a list of mappings",
                f"did you mean shots={show(given)}? As points {form}" if isinstance(given, int) else form,
            )
        rows = [{identifier_of(name): value for name, value in row.items()} for row in given]
        names = rows[0].keys() if rows else ()
        for at, row in enumerate(rows):
            if row.keys() != names:
                raise _wrong(f"point {at} has other names than the first", f"give each point {', '.join(names)}")
        columns = {name: [row[name] for row in rows] for name in names}
    if len({len(values) for values in columns.values()}) > 1:
        raise _wrong("the parameters have different numbers of values", "give each name one value a point")
    if not columns or not len(next(iter(columns.values()))):
        raise _wrong("there are no points", "give at least one, with a value for each input")
    columns = join_elements(columns, lambda rows: [list(each) for each in zip(*rows, strict=True)])
    if twice := sorted(columns.keys() & (fixed or {}).keys()):
        raise _wrong(f"'{twice[0]}' is given for all points and for each", "give it once")
    return columns


def labels(shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, ...]:
    """A name for every number: an array ``a`` has a[0], a[1], ..."""
    return tuple(
        name + "".join(f"[{k}]" for k in place)
        for name, shape in shapes.items()
        for place in itertools.product(*map(range, shape))
    )


def sweep_of(program: ProgramLike, points: Points, format: str | None = None) -> tuple[Graph, Sweep]:
    """The program at its first point, and its angles as functions of the parameters, found by a few readings of it.

    Raises INVALID_PARAMS when something else than angles depends on the parameters, or no affine function does it.
    """
    import numpy as np

    from qmk.ir.affine import TOLERANCE, affine

    base = points.table[0]
    graph = to_graph(program, format, points.params(base))
    places = [(node.id, arg) for node in graph.nodes for arg in angles_of(node)]
    shape = _shape(graph)

    def angles(point: Vector) -> Vector | None:
        there = to_graph(program, format, points.params(point))
        return _angles(there) if _shape(there) == shape else None

    def holds(map_: Affine, row: Vector) -> bool:
        there = _angles(graph) if row is base else angles(row)
        return there is not None and np.allclose(map_.at(row[None])[0], there, rtol=0, atol=TOLERANCE)

    found = None
    for near in (None, base):
        found = affine(angles, len(points.names), near)
        if found is not None and holds(found, base):
            break
        found = None
    others = points.table[1:]
    if found is not None and len(others) and not is_affine(program, format):
        found = found if all(holds(found, row) for row in others) else None
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
    return graph, Sweep(names=points.names, slots=tuple(slots), points=tuple(map(tuple, points.table.tolist())))


def is_affine(program: ProgramLike, format: str | None) -> bool:
    """Whether the form of the program says that only its angles depend on its inputs, as affine functions of them."""
    declared = inputs_of(program, format)
    return declared is not None and declared.only_angles


def _shape(graph: Graph) -> list[Any]:
    """A key for everything of a graph but the values of its angles."""
    rows: list[Any] = []
    for node in graph.nodes:
        angles = angles_of(node)
        rest = {name: value for name, value in node.args.items() if name not in angles}
        rows.append((node.id, node.op, rest, node.vqs, node.chs, node.inputs, node.produces, node.guard))
    return rows


def _angles(graph: Graph) -> Vector:
    import numpy as np

    return np.array([float(node.args[arg]) for node in graph.nodes for arg in angles_of(node)], dtype=np.float64)


def _wrong(what: str, fix: str) -> QmkError:
    return QmkError("INVALID_PARAMS", f"sweep: {what}", field="points", help=fix)
