"""The Aer engine: Qiskit Aer's state-vector, density-matrix, matrix-product-state and extended-stabilizer methods."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

import msgspec

from qmk.exact.chunks import walk_size
from qmk.exact.straight import OF_DENSITY, OF_STATE, straight
from qmk.ir.names import gates_with, names
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

_NAMES = names("aer")
"""Native gates and what Aer calls them."""

UNITARY = frozenset(short for short, op in FIXED_SIZE.items() if op.vqs.low == 2 and short not in _NAMES)
"""Gates that Aer takes as matrices."""

_CONTROLLED_ROTATIONS = {"crx", "cry", "crz"}

AER_NAMES: dict[str, dict[str, str]] = {
    "statevector": _NAMES,
    "density_matrix": {k: v for k, v in _NAMES.items() if k not in _CONTROLLED_ROTATIONS | {"ccz", "cswap"}},
    "matrix_product_state": {k: v for k, v in _NAMES.items() if k not in _CONTROLLED_ROTATIONS | {"ccz"}},
    "extended_stabilizer": {k: v for k, v in _NAMES.items() if k in gates_with("extended")},
}
AER_NAMES["small_bond"] = AER_NAMES["matrix_product_state"]

MPS_STATE_BYTES = 4 << 30
"""Bytes that the tensors of a matrix product state may take. The bond dimension is capped accordingly, and a run that
reaches the cap fails."""

EXTENDED_QUBITS = 63
EXTENDED_ERROR = 0.05
"""The decomposition into stabilizer terms is asked for a state with at most this error."""


Rates = Mapping[str, float]

RATES = {
    "fixed_s": 6e-4,
    "op_s": 1e-5,
    "pass_s": 2.5e-7,
    "statevector.amplitude_s": 2e-9,
    "statevector.noise_s": 2.5e-8,
    "density_matrix.entry_s": 4e-9,
    "density_matrix.noise_s": 1.4e-8,
    "repeat_s": 5e-5,
    "shot_s": 1e-6,
    "fenced_call_s": 2e-4,
    "fenced_call_amplitude_s": 6e-9,
    "fenced_walk_s": 3e-8,
    "mps.fixed_s": 2e-3,
    "mps.op_s": 3e-6,
    "mps.step_s": 1.2e-5,
    "mps.bond_s": 3e-8,
    "mps.noise_s": 2e-5,
    "mps.noise_bond_s": 4.3e-7,
    "mps.sample_s": 2e-6,
    "mps.sample_bond_s": 4e-9,
    "extended.term_s": 1e-6,
    "extended.bit_s": 2e-2,
    "extended.bit_term_s": 1.3e-4,
}
"""Seconds, by the unit of work: a program, an op when it is built and when it runs; an amplitude, an entry of a density
matrix, each for a gate and for an error channel (the weight of every Kraus operator is computed for a trajectory, a
matrix on twice the qubits applied to a density matrix); a repeated shot, a sampled one; between fences a call, an
amplitude of it, one of a walk; of a matrix product state a program, an op, a step of two neighbours, the cube of its
bond, an error channel and the square of its bond, a site of a shot, the square of its bond; of stabilizer terms."""


def state_vector_cost(features: Features, shots: int, rates: Rates = RATES) -> Cost:
    """16 bytes an amplitude; a dynamic program is run once a shot."""
    amplitudes = 2.0**features.n_qubits
    if features.n_fences:
        return fenced_cost(features, shots, rates)
    dynamic = _dynamic(features) or features.n_noise > 0
    cost = _dense_cost(features, shots, amplitudes, "statevector", rates, dynamic)
    return msgspec.structs.replace(cost, note=f"{shots} trajectories") if features.n_noise else cost


FENCED_STATES = 2
"""State vectors beside those of the branches: one while a gate or the read-out works, one to round up"""


def fenced_cost(features: Features, shots: int, rates: Rates = RATES) -> Cost:
    """All branches of a chunk alive at once; between two projections Aer is called once a branch."""
    amplitudes = 2.0**features.n_qubits
    walked, alive = walk_size(shots, features.n_branch, 16 << features.n_qubits)
    calls = 2 * features.n_branch + features.n_fences + 1
    one_pass = features.n_ops * (rates["pass_s"] + rates["statevector.amplitude_s"] * amplitudes)
    one_pass += calls * (rates["fenced_call_s"] + rates["fenced_call_amplitude_s"] * amplitudes)
    build = rates["fixed_s"] + features.n_ops * rates["op_s"]
    return Cost(
        seconds=build + walked * (one_pass + rates["fenced_walk_s"] * amplitudes) + rates["shot_s"] * shots,
        memory_bytes=int(16 * amplitudes * (alive + FENCED_STATES)) + _bits_bytes(features, shots),
        note="stops at fences",
    )


def density_cost(features: Features, shots: int, rates: Rates = RATES) -> Cost:
    """16 bytes an entry of a 4^n matrix. Error channels are exact: one pass serves all shots."""
    return _dense_cost(features, shots, 4.0**features.n_qubits, "density_matrix", rates, _dynamic(features))


_ENTRY = {"statevector": "statevector.amplitude_s", "density_matrix": "density_matrix.entry_s"}


def _dense_cost(features: Features, shots: int, entries: float, method: str, rates: Rates, repeated: bool) -> Cost:
    """``repeated``: the program runs once a shot."""
    gates = features.n_ops - features.n_noise
    entry_s = gates * rates[_ENTRY[method]] + features.n_noise * rates[f"{method}.noise_s"]
    one_pass = features.n_ops * rates["pass_s"] + entry_s * entries
    build = rates["fixed_s"] + features.n_ops * rates["op_s"]
    run = shots * (rates["repeat_s"] + one_pass) if repeated else one_pass + rates["shot_s"] * shots
    seconds = build + run
    return Cost(seconds=seconds, memory_bytes=int(16 * entries) + _bits_bytes(features, shots))


def _dynamic(features: Features) -> bool:
    """Whether Aer repeats the program for every shot instead of sampling one final state."""
    return features.mid_circuit or features.has_reset


SMALL_BOND_S = 1.0
"""What a run of method small_bond may take by the cost model; its bond cap follows from it."""

SMALL_BOND_STRIDE = 800
PROBE_START = 200
"""Instructions of the first prefix that is tried, and by how many a prefix of method small_bond grows at most."""

SMALL_BONDS = (128, 64, 32, 16, 8)
"""Bond caps that method small_bond chooses from."""


def bond_cap(n_qubits: int) -> int:
    """Largest bond dimension, a power of two, with which n tensors of 32 D^2 bytes and their copies fit."""
    return 1 << int(math.log2(max(2.0, math.sqrt(MPS_STATE_BYTES / (96 * max(n_qubits, 1))))))


def mps_cost(features: Features, shots: int, rates: Rates = RATES) -> Cost:
    """Bounded by the bond dimension D that the order of qubits allows: 96 n D^2 bytes, D^3 a two-qubit gate."""
    n, cap = features.n_qubits, bond_cap(features.n_qubits)
    largest = 2.0 ** min(features.max_bond_log2, n / 2, 60)
    bond = min(largest, cap)
    passes = shots if _dynamic(features) or features.n_noise else 1
    gates = mps_gates_s(n, features.n_ops, features.n_two_qubit, bond, rates)
    gates += features.n_noise * (rates["mps.noise_s"] + rates["mps.noise_bond_s"] * bond**2)
    sampling = shots * n * (rates["mps.sample_s"] + rates["mps.sample_bond_s"] * bond**2)
    memory = 96 * n * bond**2 + _bits_bytes(features, shots)
    note = f"bond dimension at most {bond:.0f}"
    if largest > cap:
        note = f"bond dimension might exceed {cap}; then the run fails"
    return Cost(
        seconds=rates["mps.fixed_s"] + passes * gates + sampling,
        memory_bytes=int(memory),
        note=note,
        upper_bound=True,
        may_fail=largest > cap,
    )


def mps_gates_s(n_qubits: int, n_ops: int, n_two_qubit: int, bond: float, rates: Rates = RATES) -> float:
    """Seconds to bring a matrix product state through the gates at one bond dimension throughout."""
    span = max(1.0, n_qubits / 8)  # a gate on distant qubits swaps its way there
    return n_ops * rates["mps.op_s"] + n_two_qubit * span * (rates["mps.step_s"] + rates["mps.bond_s"] * bond**3)


def probe_lengths(instructions: int, stride: int) -> list[int]:
    """Prefixes of a capped program to try first, growing by half, by ``stride`` at most. A state that outgrows its cap
    is then found before much of it has been cut off: Aer crashes when too much has."""
    lengths: list[int] = []
    at = PROBE_START
    while at < instructions:
        lengths.append(at)
        at += min(at // 2, stride)
    return lengths


def small_bond(n_qubits: int, n_ops: int, n_two_qubit: int) -> int:
    """The bond cap of method small_bond: the largest that keeps the gates within ``SMALL_BOND_S``, else the least. By
    the declared rates, whatever a calibration found: the bits of a seed must not depend on it."""
    for bond in SMALL_BONDS:
        if _small_bond_s(n_qubits, n_ops, n_two_qubit, bond) <= SMALL_BOND_S:
            return bond
    return SMALL_BONDS[-1]


@functools.lru_cache(maxsize=1024)
def _repeats(n_ops: int) -> float:
    """How many times the gates are simulated in all, including the probes."""
    return 1 + sum(probe_lengths(n_ops, SMALL_BOND_STRIDE)) / max(n_ops, 1)


def _small_bond_s(n_qubits: int, n_ops: int, n_two_qubit: int, bond: int, rates: Rates = RATES) -> float:
    return _repeats(n_ops) * mps_gates_s(n_qubits, n_ops, n_two_qubit, bond, rates)


def small_bond_cost(features: Features, shots: int, rates: Rates = RATES) -> Cost:
    """A short attempt: the state of many a wide program stays simple although its gates do not show it."""
    n, ops, pairs = features.n_qubits, features.n_ops, features.n_two_qubit
    bond = small_bond(n, ops, pairs)
    sampling = shots * n * (rates["mps.sample_s"] + rates["mps.sample_bond_s"] * bond**2)
    seconds = rates["mps.fixed_s"] + _small_bond_s(n, ops, pairs, bond, rates) + sampling
    return Cost(
        seconds=seconds,
        memory_bytes=int(96 * n * bond**2 + _bits_bytes(features, shots)),
        note=f"a short attempt that fails if the state needs a bond dimension above {bond}",
        upper_bound=True,
        may_fail=True,
    )


def extended_cost(features: Features, shots: int, rates: Rates = RATES) -> Cost:
    """Stabilizer terms grow as 1.17^t with t T gates (Bravyi et al., Quantum 3, 181 (2019)); every bit of every shot is
    sampled by estimating norms, tenths of a second each, unless there is one term."""
    if not features.n_non_clifford:
        seconds = 1e-2 + (features.n_ops + shots * features.n_measure) * rates["op_s"]
        return Cost(seconds=seconds, memory_bytes=_bits_bytes(features, shots), note="approximate")
    terms = min(1.3 ** min(features.n_non_clifford, 200), 1e18) / EXTENDED_ERROR**2
    bits = shots * features.n_measure * (rates["extended.bit_s"] + rates["extended.bit_term_s"] * terms)
    seconds = 1e-2 + terms * features.n_ops * rates["extended.term_s"] + bits
    memory = terms * features.n_qubits * features.n_qubits / 2 + _bits_bytes(features, shots)
    return Cost(seconds=seconds, memory_bytes=int(memory), note="approximate")


def _bits_bytes(features: Features, shots: int) -> int:
    return shots * (200 + 2 * max(features.n_events, 1)) + 600 * features.n_ops


_COSTS = {
    "statevector": state_vector_cost,
    "density_matrix": density_cost,
    "matrix_product_state": mps_cost,
    "small_bond": small_bond_cost,
    "extended_stabilizer": extended_cost,
}


def cost(method: str, features: Features, shots: int, rates: Rates = RATES) -> Cost:
    return _COSTS[method](features, shots, rates)


def _gates(method: str, *more: str) -> frozenset[str]:
    return frozenset({*AER_NAMES[method], "gphase", *more})


CHANNELS = frozenset({"pauli", "kraus"})


METHODS = {
    "statevector": Capabilities(
        method="statevector",
        gates=_gates("statevector", *UNITARY, "mod"),
        max_qubits=40,
        noise=CHANNELS,
        outputs=OF_STATE,
        fences=True,
    ),
    "matrix_product_state": Capabilities(
        method="matrix_product_state",
        gates=_gates("matrix_product_state", *UNITARY),
        max_qubits=4096,
        noise=CHANNELS,
        outputs=OF_STATE - {"amplitudes"},  # Aer (0.18) gives those of other basis states once its qubits have moved
    ),
    "small_bond": straight(_gates("small_bond", *UNITARY), method="small_bond", logic=True, max_qubits=4096),
    "density_matrix": Capabilities(
        method="density_matrix",
        gates=_gates("density_matrix", *UNITARY),
        max_qubits=20,
        noise=CHANNELS,
        outputs=OF_DENSITY | {"noisy"},
    ),
    "extended_stabilizer": straight(
        _gates("extended_stabilizer"),
        method="extended_stabilizer",
        logic=True,
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
    rates=RATES,
    requires=("qiskit_aer", "qiskit", "numpy"),
    extra="aer",
    library="qiskit-aer",
)
