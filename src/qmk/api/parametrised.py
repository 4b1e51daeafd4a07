"""Programs as functions of their parameters: one circuit of the native core, with its angles at any values of them.

How angles depend on parameters is found by a few readings of the program, and kept for texts that come again. A program
in which parameters stand anywhere but in angles is read at every point, so that no point gets another's structure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from qmk.api.source import read_native, text_of
from qmk.base.errors import QmkError
from qmk.request.sweeps import Points, is_affine, labels
from qmk.rpc.kept import Kept

if TYPE_CHECKING:
    import qmk_native

    from qmk.ir.affine import Affine, Matrix, Vector
    from qmk.qvm.graph import Graph
    from qmk.qvm.outputs import Sweep
    from qmk.request.program import ProgramLike

Read = Callable[["Vector"], "qmk_native.Circuit | None"]
"""The circuit at values of the parameters; None where the native core has none."""

PROGRAMS = 64
KEPT_BYTES = 4 << 20
"""Bounds of what is kept: programs, and the bytes of their texts together."""


class Parametrised(NamedTuple):
    """``angles`` are those of ``circuit`` as functions of the parameters. ``read`` reads the program anew; None where
    its form says that the functions hold everywhere."""

    circuit: qmk_native.Circuit
    angles: Affine
    read: Read | None

    def at(self, row: Vector) -> Vector | None:
        """The angles at a point; None where the program is another there."""
        import numpy as np

        from qmk.ir.affine import TOLERANCE

        found = self.angles.at(row[None])[0]
        if self.read is None:
            return found
        there = self.read(row)
        if there is None or not there.same_but_angles(self.circuit):
            return None
        exact = np.array(there.params, dtype=np.float64)
        return exact if np.abs(exact - found).max(initial=0.0) < TOLERANCE else None


def parametrise(read: Read, base: Vector, *, is_same: bool = False) -> Parametrised | None:
    """Finds how the angles of a program depend on its parameters, everywhere or at least near ``base``. None if the
    native core has no circuit for the program there, or no affine function gives its angles. ``is_same``: the form of
    the program says that what holds near a point holds everywhere."""
    import numpy as np

    from qmk.ir.affine import TOLERANCE, affine

    circuit = read(base)
    if circuit is None:
        return None

    def angles(point: Vector) -> Vector | None:
        there = read(point)
        if there is None or not there.same_but_angles(circuit):
            return None
        return np.array(there.params, dtype=np.float64)

    for near in (None, base):
        found = affine(angles, len(base), near)
        if found is not None and np.allclose(found.at(base[None])[0], circuit.params, rtol=0, atol=TOLERANCE):
            return Parametrised(circuit, found, None if is_same else read)
    return None


_Key = tuple[bytes, str, tuple[tuple[str, tuple[int, ...]], ...], tuple[tuple[str, float], ...]]
_KEPT: Kept[_Key, Parametrised] = Kept()


def of_text(program: ProgramLike, points: Points, format: str | None, narrow: int) -> Parametrised | None:
    """The program as its text says, read by the native core, or kept as a front end read it. None if it is to be read
    by a front end, and where it has more than ``narrow`` qubits."""
    text = text_of(program, format)
    if text is None or (key := _key(text, points, format)) is None:
        return None

    def read(row: Vector) -> qmk_native.Circuit | None:
        there = read_native(text, format, points.params(row))
        return there if there is not None and there.n_qubits <= narrow else None

    base = points.table[0]
    known = _KEPT.get(key)
    if known is not None and known.circuit.n_qubits <= narrow and known.at(base) is not None:
        return known
    found = parametrise(read, base)
    if found is not None:
        _keep(key, found)
    return found


def at_all(program: ProgramLike, points: Points, format: str | None, found: Parametrised) -> Matrix | None:
    """The angles at every point, shape (points, angles); None if the program is another at one of them."""
    import numpy as np

    if found.read is not None and is_affine(program, format):
        found = found._replace(read=None)
        text = text_of(program, format)
        if text is not None and (key := _key(text, points, format)) is not None:
            _keep(key, found)
    if found.read is None:
        return found.angles.at(points.table)
    rows = [found.at(row) for row in points.table]
    return None if any(row is None for row in rows) else np.array(rows)


def keep(text: bytes, points: Points, format: str | None, found: Parametrised) -> None:
    """Keeps what a front end made of a text, for ``of_text``. The text has to say all of it: it includes nothing but
    standard libraries, and nobody warns of it."""
    key = _key(text, points, format)
    if key is not None and all(name == b"stdgates.inc" for name in _INCLUDES.findall(text)):
        _keep(key, found)


_INCLUDES = re.compile(rb'include\s*"([^"]*)"')


def _key(text: bytes, points: Points, format: str | None) -> _Key | None:
    """None where an input is fixed at something that is not a number."""
    if any(type(name) is not str or type(value) not in (int, float) for name, value in points.fixed.items()):
        return None
    return text, format or "", tuple(points.shapes.items()), tuple(points.fixed.items())


def _keep(key: _Key, found: Parametrised) -> None:
    if len(key[0]) <= KEPT_BYTES // 4:
        _KEPT.put(key, found, len(key[0]), KEPT_BYTES, PROGRAMS)


def forget() -> None:
    """Empties the cache."""
    _KEPT.clear()


def of_graph(graph: Graph, sweep: Sweep, base: Vector) -> Parametrised | None:
    """A graph without noise and feed-forward whose angles the slots of a sweep set; None if the core has no circuit."""
    from qmk.ir.final_readout import before_readout
    from qmk.qvm.outputs import bound
    from qmk.worker.native import circuit_of_graph

    ended = before_readout(graph)

    def read(row: Vector) -> qmk_native.Circuit | None:
        try:
            return circuit_of_graph(bound(ended, sweep, tuple(row.tolist())))[0]
        except QmkError as refused:
            if refused.kind.name != "UNSUPPORTED":
                raise
            return None

    return parametrise(read, base, is_same=True)


def declared_points(shapes: Mapping[str, tuple[int, ...] | None], fixed: Mapping[str, Any]) -> Points:
    """A first point for inputs that a program declares, those that are ``fixed`` aside. Raises INVALID_PARAMS for
    another input that is not a real number."""
    import math

    import numpy as np

    free = {name: shape for name, shape in shapes.items() if name not in fixed}
    for name, shape in free.items():
        if shape is None:
            raise QmkError(
                "INVALID_PARAMS",
                f"the input '{name}' is not a real number, so there is no derivative by it",
                field="params",
                help=f"fix it: params={{'{name}': ...}}",
            )
    real = {name: shape for name, shape in free.items() if shape is not None}
    size = sum(math.prod(shape) for shape in real.values())
    return Points(labels(real), 0.3 + 0.01 * np.arange(size, dtype=np.float64)[None], real, dict(fixed))
