"""Stim: Clifford circuits only. Its own text is made from what Qiskit's reader gives."""

from __future__ import annotations

import stim

from benchmarks.router.peers.stim_text import write
from benchmarks.router.peers.walk import from_rows, load, operations, unrolled

METHODS = ("",)
_WORDS = "measure reset barrier id x y z h s sdg sx sxdg cx cy cz swap iswap rx ry rz p u u1 u2 u3 t tdg if_else"
_KNOWN = frozenset(_WORDS.split())


def sample(text: str, shots: int, method: str) -> dict[str, int]:
    circuit = load(text)
    written, records = write(operations(unrolled(circuit, _KNOWN), feedback=True), angles=False)
    rows = stim.Circuit(written).compile_sampler().sample(shots)
    return from_rows(rows, {cbit: k for k, cbit in enumerate(records)}, circuit.num_clbits)


def canonical(counts: dict[str, int], text: str) -> dict[str, int]:
    return counts
