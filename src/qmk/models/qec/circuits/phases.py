"""Codes whose Z operators are measured first, then those of X, each by an ancilla: Bacon-Shor, SHYPS, colour.

Ancillas of X are prepared and measured in X; a hexagon of the colour code has one ancilla for both.
"""

from __future__ import annotations

import numpy as np

from qmk.models.qec import gf2
from qmk.models.qec.circuits.plan import Op, Plan, Watch, layers_of
from qmk.models.qec.code import Code
from qmk.models.qec.codes import color as colour_code
from qmk.models.qec.gf2 import Bits

Steps = list[list[tuple[int, int]]]
"""Layers of pairs (check, data qubit)."""


def rounds_of(z: Steps, x: Steps, first_z: int, first_x: int, checks: tuple[int, int]) -> list[list[Op]]:
    """The layers of a round. With ancillas of their own those of X are prepared with those of Z, as preparing is slow,
    and meet the data qubits while those of Z are measured."""
    zs, xs = (tuple(range(first, first + many)) for first, many in zip((first_z, first_x), checks, strict=True))
    cnots_z = [("CX", tuple(q for check, data in step for q in (data, first_z + check))) for step in z]
    cnots_x = [("CX", tuple(q for check, data in step for q in (first_x + check, data))) for step in x]
    start: list[list[Op]] = [[("R", zs)], *([cnot] for cnot in cnots_z)]
    if first_z == first_x:
        return [*start, [("M", zs)], [("RX", xs)], *([cnot] for cnot in cnots_x), [("MX", xs)]]
    start[0].append(("RX", xs))
    return [*start, [cnots_x[0], ("M", zs)], *([cnot] for cnot in cnots_x[1:]), [("MX", xs)]]


def build_plan(code: Code, z: Steps, x: Steps, watches: list[Watch], *, reuse: bool = False) -> Plan:
    """``watches`` count the checks of Z from 0 and those of X after them. ``reuse``: both phases use the same ancillas.
    For a subsystem code every single outcome of Z is certain at first, and of X at last: nothing has disturbed it."""
    assert code.gx is not None, "a CSS code"
    assert code.gz is not None, "a CSS code"
    gauges = {"Z": code.gz, "X": code.gx}
    assert code.lx is not None, "a CSS code"
    assert code.lz is not None, "a CSS code"
    many = len(code.gz)
    start = {"Z": code.n, "X": code.n if reuse else code.n + many}
    coords = dict(enumerate(code.coords))
    singles: dict[str, tuple[Watch, ...]] = {}
    for basis, matrix in gauges.items():
        supports = _rows(matrix)
        coords |= {start[basis] + row: centre_of(code, support) for row, support in enumerate(supports)}
        shift = 0 if basis == "Z" else many
        if code.gauge_qubits:
            singles[basis] = tuple(
                Watch(basis, (shift + row,), support, centre_of(code, support)) for row, support in enumerate(supports)
            )
    return Plan(
        data=tuple(range(code.n)),
        coords=coords,
        layers=layers_of(rounds_of(z, x, start["Z"], start["X"], (many, len(code.gx)))),
        watches=tuple(watches),
        observables={"X": _rows(code.lx), "Z": _rows(code.lz)},
        relations={"X": (), "Z": ()},
        first=singles.get("Z", ()),
        last=singles.get("X", ()),
    )


def _rows(matrix: Bits) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(np.flatnonzero(row).tolist()) for row in matrix)


def centre_of(code: Code, qubits: tuple[int, ...]) -> tuple[float, float]:
    places = [code.coords[q] for q in qubits]
    return (sum(x for x, _ in places) / len(places), sum(y for _, y in places) / len(places))


def bacon_shor(code: Code) -> Plan:
    """Two layers of CNOT a phase: each gauge operator takes its lower neighbour first."""
    d = code.params["d"]
    z = [[(j * (d - 1) + i, i + side + d * j) for j in range(d) for i in range(d - 1)] for side in (0, 1)]
    x = [[(j * d + i, i + d * (j + side)) for j in range(d - 1) for i in range(d)] for side in (0, 1)]
    many = d * (d - 1)
    watches: list[Watch] = []
    for i in range(d - 1):
        data = tuple(q + d * j for j in range(d) for q in (i, i + 1))
        watches.append(Watch("Z", tuple(j * (d - 1) + i for j in range(d)), data, (2.0 * i + 2, 0.0)))
    for j in range(d - 1):
        data = tuple(i + d * row for row in (j, j + 1) for i in range(d))
        watches.append(Watch("X", tuple(many + j * d + i for i in range(d)), data, (0.0, 2.0 * j + 2)))
    return build_plan(code, z, x, watches)


def shyps(code: Code) -> Plan:
    """Three layers of CNOT a phase, one for each term of the polynomial. Detectors: all cyclic shifts of the
    stabilisers, and the relations between outcomes of one round."""
    from qmk.models.qec.codes.shyps import POLYNOMIALS

    h, g = code.checks["h"], code.checks["g"]
    n = len(h)
    exponents = POLYNOMIALS[code.params["r"]]
    z = [[(i * n + j, i * n + (j + e) % n) for i in range(n) for j in range(n)] for e in exponents]
    x = [[(i * n + j, (i + e) % n * n + j) for i in range(n) for j in range(n)] for e in exponents]
    many = n * n
    words = [np.flatnonzero(word).tolist() for word in g]
    relations = [np.flatnonzero(word).tolist() for word in gf2.kernel(np.ascontiguousarray(h.T))]
    watches: list[Watch] = []
    for line in range(n):
        support = np.flatnonzero(h[line]).tolist()
        for number, word in enumerate(words):
            checks, data = [i * n + line for i in word], [i * n + q for i in word for q in support]
            watches.append(Watch("Z", tuple(checks), tuple(data), (float(line), float(number))))
            checks, data = [many + line * n + j for j in word], [q * n + j for j in word for q in support]
            watches.append(Watch("X", tuple(checks), tuple(data), (float(number), float(line))))
        for number, word in enumerate(relations):
            coords = (line + 0.5, number + 0.5)
            watches.append(Watch("Z", tuple(line * n + j for j in word), coords=coords, within=True))
            watches.append(Watch("X", tuple(many + i * n + line for i in word), coords=coords, within=True))
    return build_plan(code, z, x, watches)


ORDER = (0, 1, 3, 4, 2, 5)
"""Order of the six neighbours of a face, found by search: d = 5 is better than d = 3, as with few orders."""


def color(code: Code) -> Plan:
    """One ancilla a face, for Z and then for X. The fourth coordinate of a detector is its colour, plus 3 for Z, as
    Chromobius reads it."""
    data, faces = colour_code.layout(code.params["d"])
    steps: Steps = [[] for _ in ORDER]
    watches: list[Watch] = []
    for check, (x, y) in enumerate(faces):
        for step, neighbour in enumerate(ORDER):
            dx, dy = colour_code.NEIGHBOURS[neighbour]
            if (x + dx, y + dy) in data:
                steps[step].append((check, data[x + dx, y + dy]))
        assert code.hz is not None, "a CSS code"
        support = tuple(np.flatnonzero(code.hz[check]).tolist())
        place = colour_code.place(x, y)
        watches.append(Watch("Z", (check,), support, (*place, float(y % 3 + 3))))
        watches.append(Watch("X", (len(faces) + check,), support, (*place, float(y % 3))))
    return build_plan(code, steps, steps, watches, reuse=True)
