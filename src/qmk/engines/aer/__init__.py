"""The Aer engine: Qiskit Aer's state-vector, density-matrix, matrix-product-state and extended-stabilizer methods."""

from __future__ import annotations

import math

from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

_SAME = (
    *("id", "x", "y", "z", "h", "s", "sdg", "sx", "sxdg", "t", "tdg", "rx", "ry", "rz", "p", "u"),
    *("cy", "cz", "cp", "swap", "crx", "cry", "crz", "rxx", "ryy", "rzz", "ccz", "cswap"),
)
_NAMES = {"cnot": "cx", "toffoli": "ccx", **{name: name for name in _SAME}}
"""native gates and what Aer calls them"""

UNITARY = frozenset({"ch", "iswap", "iswapdg"})
"""gates that Aer takes as matrices"""

_CONTROLLED_ROTATIONS = {"crx", "cry", "crz"}
_EXTENDED = {
    *("cnot", "cz", "id", "x", "y", "z", "h", "s", "sdg", "sx", "sxdg", "swap"),
    *("t", "tdg", "p", "toffoli", "ccz"),
}

AER_NAMES: dict[str, dict[str, str]] = {
    "statevector": _NAMES,
    "density_matrix": {k: v for k, v in _NAMES.items() if k not in _CONTROLLED_ROTATIONS | {"ccz", "cswap"}},
    "matrix_product_state": {k: v for k, v in _NAMES.items() if k not in _CONTROLLED_ROTATIONS | {"ccz"}},
    "extended_stabilizer": {k: v for k, v in _NAMES.items() if k in _EXTENDED},
}

MPS_STATE_BYTES = 4 << 30
"""what the tensors of a matrix product state may take; the bond is capped so, and a run that reaches the cap fails"""

EXTENDED_QUBITS = 63
EXTENDED_ERROR = 0.05
"""bound on the error of the state that the decomposition is asked for"""


def state_vector_cost(features: Features, shots: int) -> Cost:
    """16 bytes an amplitude; a dynamic program is run once a shot."""
    amplitudes = 2.0**features.n_qubits
    return _dense_cost(features, shots, amplitudes, 2e-9)


def density_cost(features: Features, shots: int) -> Cost:
    """16 bytes an entry of a 4^n matrix."""
    return _dense_cost(features, shots, 4.0**features.n_qubits, 4e-9)


def _dense_cost(features: Features, shots: int, entries: float, entry_s: float) -> Cost:
    one_pass = features.n_ops * (2.5e-7 + entry_s * entries)
    build = 6e-4 + features.n_ops * 1e-5
    seconds = build + (shots * (5e-5 + one_pass) if _dynamic(features) else one_pass + 1e-6 * shots)
    return Cost(seconds=seconds, memory_bytes=int(16 * entries) + _bits_bytes(features, shots))


def _dynamic(features: Features) -> bool:
    """Whether Aer repeats the program for every shot instead of sampling one final state."""
    return features.mid_circuit or features.has_reset


def bond_cap(n_qubits: int) -> int:
    """Largest bond dimension, a power of two, with which n tensors of 32 D^2 bytes and their copies fit."""
    return 1 << int(math.log2(max(2.0, math.sqrt(MPS_STATE_BYTES / (96 * max(n_qubits, 1))))))


def mps_cost(features: Features, shots: int) -> Cost:
    """Bounded by the bond dimension D that the order of qubits allows: 96 n D^2 bytes, D^3 a two-qubit gate."""
    n = features.n_qubits
    log_bond = min(features.max_bond_log2, n / 2)
    bond = min(2.0 ** min(log_bond, 40), bond_cap(n))
    passes = shots if _dynamic(features) else 1
    span = max(1.0, n / 8)  # a gate on distant qubits swaps its way there
    gates = features.n_ops * 3e-6 + features.n_two_qubit * span * (1.2e-5 + 3e-8 * bond**3)
    sampling = shots * n * (2e-6 + 4e-9 * bond**2)
    memory = 96 * n * bond**2 + _bits_bytes(features, shots)
    note = f"bond dimension at most {bond:.0f}" if bond < bond_cap(n) else f"bond dimension may reach {bond:.0f}"
    return Cost(seconds=2e-3 + passes * gates + sampling, memory_bytes=int(memory), note=note, upper_bound=True)


def extended_cost(features: Features, shots: int) -> Cost:
    """Stabilizer terms grow as 1.17^t with t T gates (Bravyi et al., Quantum 3, 181 (2019)); every bit of every shot is
    sampled by estimating norms, milliseconds each."""
    terms = min(1.3 ** min(features.n_non_clifford, 200), 1e18) / EXTENDED_ERROR**2
    seconds = 1e-2 + terms * features.n_ops * 1e-6 + shots * features.n_measure * (1e-2 + 1e-5 * terms)
    memory = terms * features.n_qubits * features.n_qubits / 2 + _bits_bytes(features, shots)
    return Cost(seconds=seconds, memory_bytes=int(memory), note="approximate")


def _bits_bytes(features: Features, shots: int) -> int:
    return shots * (200 + 2 * max(features.n_events, 1)) + 600 * features.n_ops


_COSTS = {
    "statevector": state_vector_cost,
    "density_matrix": density_cost,
    "matrix_product_state": mps_cost,
    "extended_stabilizer": extended_cost,
}


def cost(method: str, features: Features, shots: int) -> Cost:
    return _COSTS[method](features, shots)


def _gates(method: str, *more: str) -> frozenset[str]:
    return frozenset({*AER_NAMES[method], "gphase", *more})


METHODS = {
    "statevector": Capabilities(method="statevector", gates=_gates("statevector", *UNITARY, "mod"), max_qubits=40),
    "matrix_product_state": Capabilities(
        method="matrix_product_state", gates=_gates("matrix_product_state", *UNITARY), max_qubits=4096
    ),
    "density_matrix": Capabilities(method="density_matrix", gates=_gates("density_matrix", *UNITARY), max_qubits=20),
    "extended_stabilizer": Capabilities(
        method="extended_stabilizer",
        gates=_gates("extended_stabilizer"),
        mid_circuit=False,
        reset=False,
        feed_forward="none",
        max_qubits=EXTENDED_QUBITS,
        exact=False,
    ),
}

DECLARATION = Declaration(
    name="aer",
    doc="state vector, density matrix, matrix product state and extended stabilizer (Qiskit Aer)",
    load="qmk.engines.aer.engine:AerEngine",
    methods=METHODS,
    cost=cost,
    requires=("qiskit_aer", "qiskit", "numpy"),
    extra="aer",
    library="qiskit-aer",
)
