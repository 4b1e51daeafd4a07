"""Programs of gates "u" and "cz" in the native gates of a device whose sites are coupled in pairs.

``write`` places the program (``qmk_native.place``) and tells a ``Writer`` what to do in order. All gates on a
qubit up to the next gate of two, measurement or reset are one turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from qmk.ir.native_circuit import circuit_of, program_of
from qmk.ir.program import Gate, Measure, Program, Reset, Unsupported
from qmk.ir.synthesis import zyz
from qmk.ir.unitary import Array, matrix_of

TINY = 1e-12
"""Radians of a turn that is left out."""


class Writer(Protocol):
    """Native instructions of a device; qubits are sites."""

    def turn(self, site: int, b: float, c: float, d: float) -> None:
        """RZ(b) RY(c) RZ(d), the last first, in radians."""
        ...

    def cz(self, a: int, b: int) -> None:
        """CZ of a coupled pair."""
        ...

    def measure(self, site: int, cbit: int) -> None: ...

    def reset(self, site: int) -> None:
        """Raises ``Unsupported`` where there is none."""
        ...


def write(program: Program, couplings: Iterable[tuple[int, int]], sites: Sequence[int], writer: Writer) -> None:
    """Raises ``Unsupported`` for what has no place or no form on the device."""
    turns = _Turns(writer)
    for item in _place(program, couplings, sites).instructions:
        if isinstance(item, Gate) and item.name == "cz":
            turns.cz(*item.qubits)
        elif isinstance(item, Gate) and item.name in ("swap", "cnot"):
            a, b = item.qubits
            for control, target in ((a, b), (b, a), (a, b)) if item.name == "swap" else ((a, b),):
                turns.add(target, _H)
                turns.cz(control, target)
                turns.add(target, _H)
        elif isinstance(item, Gate) and len(item.qubits) == 1:
            turns.add(item.qubits[0], matrix_of(item))
        elif isinstance(item, Gate) and item.qubits:
            raise Unsupported(f"gate {item.name}: it is not native")
        elif isinstance(item, Measure):
            turns.flush(item.qubit)
            writer.measure(item.qubit, item.cbit)
        elif isinstance(item, Reset):
            turns.waiting.pop(item.qubit, None)
            writer.reset(item.qubit)


def _place(program: Program, couplings: Iterable[tuple[int, int]], sites: Sequence[int]) -> Program:
    """The program with sites as its qubits and every two-qubit gate on a coupled pair; gates "swap" and "cnot" exchange
    qubits between."""
    import qmk_native

    usable = set(sites)
    pairs = [(a, b) for a, b in couplings if a != b and usable.issuperset((a, b))]
    circuit = circuit_of(program)
    n = max(max(usable, default=0) + 1, circuit.n_qubits)
    try:
        placed, *_ = qmk_native.place(circuit, n, pairs, sites=sorted(usable), keep=1)[0]
    except ValueError as error:
        raise Unsupported(str(error)) from error
    return program_of(placed)


_H = matrix_of(Gate("h", (0,)))


class _Turns:
    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.waiting: dict[int, Array] = {}
        """Gates on one qubit that are not written yet, as one matrix."""

    def add(self, site: int, matrix: Array) -> None:
        before = self.waiting.get(site)
        self.waiting[site] = matrix if before is None else matrix @ before

    def cz(self, a: int, b: int) -> None:
        self.flush(a)
        self.flush(b)
        self.writer.cz(a, b)

    def flush(self, site: int) -> None:
        matrix = self.waiting.pop(site, None)
        if matrix is not None:
            _, b, c, d = zyz(tuple(map(tuple, matrix.tolist())))
            self.writer.turn(site, b, c, d)
