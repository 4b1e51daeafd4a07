"""What an IQM quantum computer can do at the moment: the answer of "dynamic-quantum-architecture", in its terms.

A gate has implementations, each with the loci where it is calibrated. A computer of the crystal kind has CZ between
qubits; one of the star kind has CZ between a qubit and a resonator, into which MOVE puts the state of the other qubit.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import msgspec


class Implementation(msgspec.Struct, frozen=True):
    loci: tuple[tuple[str, ...], ...] = ()


class GateInfo(msgspec.Struct, frozen=True):
    implementations: dict[str, Implementation] = {}


class Architecture(msgspec.Struct, frozen=True):
    """``qubits`` are the names that the calibration set knows."""

    calibration_set_id: str
    qubits: tuple[str, ...]
    gates: dict[str, GateInfo]
    computational_resonators: tuple[str, ...] = ()

    def loci(self, gate: str) -> set[tuple[str, ...]]:
        """Where ``gate`` is calibrated, by any of its implementations."""
        info = self.gates.get(gate, GateInfo())
        return set(itertools.chain.from_iterable(each.loci for each in info.implementations.values()))

    def sites(self) -> list[int]:
        """Places in ``qubits`` of those that turn and can be measured."""
        whole = self.loci("prx") & self.loci("measure")
        return [place for place, name in enumerate(self.qubits) if (name,) in whole]

    def ways(self) -> Mapping[tuple[int, int], tuple[str, ...]]:
        """How a CZ of two qubits is done: () for directly, else (the qubit that moves, the resonator, the other)."""
        place = {name: k for k, name in enumerate(self.qubits)}
        cz = {pair for locus in self.loci("cz") if len(locus) == 2 for pair in (locus, locus[::-1])}
        found: dict[tuple[int, int], tuple[str, ...]] = {}
        for mover, resonator in sorted((locus[0], locus[1]) for locus in self.loci("move") if len(locus) == 2):
            for other in self.qubits:
                if other != mover and (other, resonator) in cz and mover in place:
                    way = (mover, resonator, other)
                    found.setdefault((place[mover], place[other]), way)
                    found.setdefault((place[other], place[mover]), way)
        direct = [pair for pair in cz if pair[0] in place and pair[1] in place]
        return found | {(place[a], place[b]): () for a, b in direct}
