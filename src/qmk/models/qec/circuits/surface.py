"""Rotated surface code: ancillas reset, H on those of X, four layers of CNOT, H, measured.

The order of the CNOTs is that of Stim's generator (Tomita, Svore, Phys. Rev. A 90, 062320 (2014)): hooks lie across the
logical operator they could shorten.
"""

from __future__ import annotations

from qmk.models.qec.circuits.plan import Op, Plan, Watch, layers_of
from qmk.models.qec.code import Code
from qmk.models.qec.codes.surface import corners, plaquettes

ORDER = {"Z": ((1, 1), (1, -1), (-1, 1), (-1, -1)), "X": ((1, 1), (-1, 1), (1, -1), (-1, -1))}


def plan(code: Code) -> Plan:
    d = code.params["d"]
    return patch(d, d, plaquettes(d, d))


def patch(width: int, height: int, found: list[tuple[str, int, int]]) -> Plan:
    """The plan of any set of plaquettes on width times height data qubits; logical operators as in the square code."""
    n = width * height
    steps: list[list[int]] = [[], [], [], []]
    watches: list[Watch] = []
    for check, (basis, x, y) in enumerate(found):
        for step, (dx, dy) in enumerate(ORDER[basis]):
            i, j = x + (dx - 1) // 2, y + (dy - 1) // 2
            if 0 <= i < width and 0 <= j < height:
                pair = (n + check, i + width * j)
                steps[step] += pair if basis == "X" else pair[::-1]
        watches.append(Watch(basis, (check,), tuple(corners(x, y, width, height)), (2.0 * x, 2.0 * y)))
    ancillas = tuple(range(n, n + len(found)))
    turned = tuple(n + check for check, (basis, _, _) in enumerate(found) if basis == "X")
    layers: list[list[Op]] = [[("R", ancillas)], [("H", turned)]]
    layers += [[("CX", tuple(step))] for step in steps]
    layers += [[("H", turned)], [("M", ancillas)]]
    coords = {q: (2.0 * (q % width) + 1, 2.0 * (q // width) + 1) for q in range(n)}
    coords |= {n + check: (2.0 * x, 2.0 * y) for check, (_, x, y) in enumerate(found)}
    observables = {"Z": (tuple(range(width)),), "X": (tuple(range(0, n, width)),)}
    return Plan(tuple(range(n)), coords, layers_of(layers), tuple(watches), observables, {"X": (), "Z": ()})


def stability_plan(code: Code, basis: str) -> Plan:
    """A square patch, of even side above the distance, whose four boundaries are all of ``basis``: it holds no logical
    qubit, and the product of all its checks of ``basis`` is the identity."""
    side = code.params["d"] + 1
    found: list[tuple[str, int, int]] = []
    for y in range(side + 1):
        for x in range(side + 1):
            kind = ("Z" if basis == "X" else "X") if (x + y) % 2 == 0 else basis
            outside = x in (0, side) or y in (0, side)
            if (x in (0, side) and y in (0, side)) or (outside and kind != basis):
                continue
            found.append((kind, x, y))
    made = patch(side, side, found)
    product = tuple(check for check, (kind, _, _) in enumerate(found) if kind == basis)
    relations = {"X": (), "Z": (), basis: (product,)}
    return Plan(made.data, made.coords, made.layers, made.watches, {"X": (), "Z": ()}, relations)
