"""Follows which qubits of a stabilizer state are not in a known state, without signs and without numpy.

A stabilizer state is its group of Pauli products; for each qubit there are two integers whose k-th bits say whether the
k-th generator has an X, and a Z, on that qubit. A qubit is in 0 or 1 for certain exactly where no generator has an X
on it. Signs never matter to that, so outcomes need not be drawn.
"""

from __future__ import annotations

from collections.abc import Iterable

from qmk.ir.program import Gate


class Support:
    """The generators of a state of ``n_qubits`` that begins in |0..0>."""

    def __init__(self, n_qubits: int) -> None:
        self.xs = [0] * n_qubits
        self.zs = [1 << qubit for qubit in range(n_qubits)]
        self.free: set[int] = set()
        """Qubits that are not known."""

    def apply(self, gates: Iterable[Gate]) -> None:
        """Gates among x y z h s sdg sx sxdg cnot cz swap (``ir.modifiers.clifford_steps``)."""
        xs, zs, free = self.xs, self.zs, self.free
        for gate in gates:
            qubits = gate.qubits
            first = qubits[0]
            match gate.name:
                case "h":
                    xs[first], zs[first] = zs[first], xs[first]
                case "s" | "sdg":
                    zs[first] ^= xs[first]
                    continue
                case "sx" | "sxdg":
                    xs[first] ^= zs[first]
                case "cnot":
                    second = qubits[1]
                    xs[second] ^= xs[first]
                    zs[first] ^= zs[second]
                case "cz":
                    second = qubits[1]
                    zs[first] ^= xs[second]
                    zs[second] ^= xs[first]
                    continue
                case "swap":
                    second = qubits[1]
                    xs[first], xs[second] = xs[second], xs[first]
                    zs[first], zs[second] = zs[second], zs[first]
                case _:
                    continue
            for qubit in qubits:
                if xs[qubit]:
                    free.add(qubit)
                else:
                    free.discard(qubit)

    def measure(self, qubit: int) -> bool:
        """Makes ``qubit`` known; whether its outcome was open."""
        flips = self.xs[qubit]
        if not flips:
            return False
        row = flips & -flips
        others = flips ^ row
        for at, (x, z) in enumerate(zip(self.xs, self.zs, strict=True)):
            self.xs[at] = (x ^ others if x & row else x) & ~row
            self.zs[at] = (z ^ others if z & row else z) & ~row
            if not self.xs[at]:
                self.free.discard(at)
        self.zs[qubit] |= row
        return True
