"""Qiskit Aer, without the documented ``transpile`` where it is not needed (it costs 50 ms)."""

from __future__ import annotations

from qiskit_aer import AerSimulator

from benchmarks.router.peers.walk import load, reversed_keys, unrolled

METHODS = ("automatic", "statevector", "matrix_product_state")
_BACKENDS = {m: AerSimulator(method=m, max_parallel_threads=1, max_memory_mb=11500) for m in METHODS}
_WORDS = (
    "measure reset barrier id x y z h s sdg sx sxdg t tdg rx ry rz p u u1 u2 u3 cx cy cz ch cp cu cu1 cu3 "
    "csx crx cry crz rxx ryy rzz rzx swap cswap ccx ccz mcx ecr if_else while_loop for_loop"
)
_KNOWN = frozenset(_WORDS.split())
_LACKING = {"matrix_product_state": frozenset({"ch", "crx", "cry", "crz", "ccz"})}


def sample(text: str, shots: int, method: str) -> dict[str, int]:
    circuit = unrolled(load(text), _KNOWN - _LACKING.get(method, frozenset()) - {"ch"})
    return _BACKENDS[method].run(circuit, shots=shots).result().get_counts()


def canonical(counts: dict[str, int], text: str) -> dict[str, int]:
    return reversed_keys(counts)
