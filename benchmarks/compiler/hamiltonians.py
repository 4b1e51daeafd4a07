"""Seeded Trotter circuits, measured at the end: Ising, Heisenberg, Hubbard, and Pauli strings of molecules."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from qmk.compiling.straight import with_ops

if TYPE_CHECKING:
    from qmk_native import Circuit

Row = tuple[str, list[int], list[float], int]
Edges = Sequence[tuple[int, int]]

NAMES = tuple(
    f"{family}_{shape}_{steps}"
    for family, shapes in (
        ("tfim", ("chain16", "chain30", "ring20", "grid4x4", "grid5x6", "random14")),
        ("heisenberg", ("chain16", "ring18", "grid4x4", "grid4x5", "random12")),
        ("hubbard", ("line6", "line10", "ladder3", "ladder4")),
    )
    for shape in shapes
    for steps in ((2, 5) if family != "hubbard" else (1, 3))
) + tuple(f"molecule_{n}_{terms}" for n, terms in ((6, 4), (8, 4), (8, 8), (10, 5), (12, 4), (12, 8)))
"""Family, shape with its size, and Trotter steps; of a molecule qubits and excitations."""


def hamiltonian(name: str) -> Circuit:
    """The circuit of one of ``NAMES``; its angles are drawn with the name as seed."""
    import qmk_native

    family, shape, count = name.split("_")
    rng = random.Random(name)
    if family == "molecule":
        n, rows = int(shape), list(_molecule(int(shape), int(count), rng))
    elif family == "hubbard":
        n, rows = _hubbard(shape, int(count), rng)
    else:
        n, edges = _lattice(shape, rng)
        rows = list(_spins(n, edges, int(count), family == "heisenberg", rng))
    like = qmk_native.read_qasm(
        f'OPENQASM 2.0; include "qelib1.inc"; qreg q[{n}]; creg c[{n}]; measure q -> c;'.encode()
    )
    return with_ops([*rows, *(("measure", [q], [], q) for q in range(n))], n, like)


def _lattice(shape: str, rng: random.Random) -> tuple[int, Edges]:
    kind = shape.rstrip("0123456789x")
    size = [int(part) for part in shape[len(kind) :].split("x")]
    if kind == "grid":
        high, wide = size
        across = [(wide * r + c, wide * r + c + 1) for r in range(high) for c in range(wide - 1)]
        return high * wide, across + [(wide * r + c, wide * (r + 1) + c) for r in range(high - 1) for c in range(wide)]
    n = size[0]
    chain = [(q, q + 1) for q in range(n - 1)]
    if kind == "random":
        pairs = [(a, b) for a in range(n) for b in range(a + 1, n)]
        return n, rng.sample(pairs, 2 * n)
    return n, chain if kind == "chain" else [*chain, (n - 1, 0)]


def _spins(n: int, edges: Edges, steps: int, heisenberg: bool, rng: random.Random) -> Iterator[Row]:
    """Bonds with couplings of their own, and a field."""
    weights = [rng.uniform(0.05, 0.4) for _ in edges]
    kinds = ("rxx", "ryy", "rzz") if heisenberg else ("rzz",)
    for _ in range(steps):
        for (a, b), weight in zip(edges, weights, strict=True):
            yield from ((kind, [a, b], [weight], -1) for kind in kinds)
        yield from (("rx", [q], [0.3], -1) for q in range(n))


def _string(paulis: dict[int, str], angle: float) -> Iterator[Row]:
    """exp(-i angle/2 P) by a ladder of CNOTs, as textbooks write it."""
    wires = sorted(paulis)
    turned = [("h", q) if paulis[q] == "X" else ("sx", q) for q in wires if paulis[q] != "Z"]
    yield from ((gate, [q], [], -1) for gate, q in turned)
    ladder = list(pairwise(wires))
    yield from (("cnot", [a, b], [], -1) for a, b in ladder)
    yield ("rz", [wires[-1]], [angle], -1)
    yield from (("cnot", [a, b], [], -1) for a, b in reversed(ladder))
    yield from (("sxdg" if gate == "sx" else gate, [q], [], -1) for gate, q in turned)


def _hop(a: int, b: int, angle: float) -> Iterator[Row]:
    """Hopping between two modes of Jordan and Wigner, with the string between them."""
    between = dict.fromkeys(range(min(a, b) + 1, max(a, b)), "Z")
    for pauli in "XY":
        yield from _string({**between, a: pauli, b: pauli}, angle)


def _hubbard(shape: str, steps: int, rng: random.Random) -> tuple[int, list[Row]]:
    """Spins up on modes 0 to L - 1, spins down on L to 2 L - 1; a ladder has two legs in a snake."""
    length = int(shape.removeprefix("line").removeprefix("ladder"))
    modes = length if shape.startswith("line") else 2 * length
    bonds = [(q, q + 1) for q in range(modes - 1)]
    if modes != length:
        bonds += [(q, 2 * length - 1 - q) for q in range(length - 1)]
    rows: list[Row] = [("x", [q], [], -1) for q in range(0, 2 * modes, 2)]
    hop, repel = rng.uniform(0.1, 0.3), rng.uniform(0.2, 0.6)
    for _ in range(steps):
        for spin in (0, modes):
            for a, b in bonds:
                rows += _hop(a + spin, b + spin, hop)
        rows += [("rzz", [q, q + modes], [repel], -1) for q in range(modes)]
    return 2 * modes, rows


def _molecule(n: int, terms: int, rng: random.Random) -> Iterator[Row]:
    """Single and double excitations of a coupled-cluster ansatz, from a filled half."""
    yield from (("x", [q], [], -1) for q in range(n // 2))
    for term in range(terms):
        low, high = rng.sample(range(n // 2), 2), rng.sample(range(n // 2, n), 2)
        angle = rng.uniform(-0.3, 0.3)
        if term % 2:
            between = dict.fromkeys(range(low[0] + 1, high[0]), "Z")
            for p, q in ("XY", "YX"):
                yield from _string({**between, low[0]: p, high[0]: q}, angle if p == "X" else -angle)
            continue
        a, b, c, d = sorted(low + high)
        between = dict.fromkeys([*range(a + 1, b), *range(c + 1, d)], "Z")
        for paulis in ("XXXY", "XXYX", "XYXX", "YXXX", "YYYX", "YYXY", "YXYY", "XYYY"):
            sign = 1 if paulis.count("Y") == 1 else -1
            yield from _string({**between, **dict(zip((a, b, c, d), paulis, strict=True))}, sign * angle / 4)
