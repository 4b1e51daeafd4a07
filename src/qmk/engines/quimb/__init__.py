"""The quimb engine: matrix product states, and marginals by contracting a program's light cone (with cotengra)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from qmk.exact.straight import straight
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

GATES = frozenset(short for short, op in FIXED_SIZE.items() if op.vqs.low <= 2)
MAX_QUBITS = 4096

MPS_STATE_BYTES = 2 << 30
"""What the tensors of a matrix product state and the copies of one step may take; the bond is capped so."""

CONTRACT_WIDTH = 26
"""Log2 of the largest tensor of a contraction: 1 GiB"""

CONTRACT_FLOPS = 1e12
"""Multiplications of one contraction, about a minute."""

GROUP_QUBITS = 8
"""Measured qubits whose marginal one contraction gives."""

RATES = {
    "mps.fixed_s": 2e-3,
    "mps.op_s": 2.5e-4,
    "mps.step_s": 2e-4,
    "mps.bond_s": 4e-9,
    "mps.site_s": 1e-4,
    "mps.sample_s": 2e-7,
    "mps.sample_bond_s": 2e-9,
    "contract.fixed_s": 0.1,
    "contract.op_s": 1e-3,
    "contract.entry_s": 2e-9,
    "contract.sample_s": 2e-8,
}
"""Of a matrix product state: a program, an op, a step of two neighbours, the cube of its bond; a site, a site of a
shot, the square of its bond; of a contraction: itself, an op, an entry of the largest tensor; a bit of a shot"""


def bond_cap(n_qubits: int) -> int:
    """Largest bond dimension, a power of two, with which n tensors of 32 D^2 bytes and their copies fit."""
    return 1 << int(math.log2(max(2.0, math.sqrt(MPS_STATE_BYTES / (96 * max(n_qubits, 1))))))


def mps_cost(features: Features, shots: int, rates: Mapping[str, float]) -> Cost:
    """Bounded by the bond dimension D that the order of qubits allows: 96 n D^2 bytes, D^3 a two-qubit gate."""
    n, cap = features.n_qubits, bond_cap(features.n_qubits)
    largest = 2.0 ** min(features.max_bond_log2, n / 2, 60)
    bond = min(largest, cap)
    steps = features.n_two_qubit * max(1.0, n / 8)  # a gate on distant qubits swaps its way there and back
    seconds = rates["mps.fixed_s"] + features.n_ops * rates["mps.op_s"]
    seconds += steps * (rates["mps.step_s"] + rates["mps.bond_s"] * bond**3)
    shot = rates["mps.sample_s"] + rates["mps.sample_bond_s"] * bond**2
    sampling = n * (rates["mps.site_s"] + shots * shot)
    return Cost(
        seconds=seconds + sampling,
        memory_bytes=int(96 * n * bond**2) + shots * (64 * int(bond) + 2 * n) + (96 << 20),
        note=f"bond dimension at most {bond:.0f}" if largest <= cap else f"fails beyond bond dimension {cap}",
        upper_bound=True,
        may_fail=largest > cap,
    )


def contract_cost(features: Features, shots: int, rates: Mapping[str, float]) -> Cost:
    """How large a contraction gets is known only from its tree, which is found at the start of a run and before
    anything is allocated. One for the first group of measured qubits, then one for each outcome of those before."""
    groups = max(1, -(-features.n_measure // GROUP_QUBITS))
    largest = min(2.0 * features.entangling_width, CONTRACT_WIDTH)
    growing = range(1, min(groups, 60 // GROUP_QUBITS + 1))  # beyond, every shot has an outcome of its own
    contractions = 1 + sum(min(shots, 2.0 ** (GROUP_QUBITS * k)) for k in growing) + (groups - 1 - len(growing)) * shots
    one = rates["contract.fixed_s"] + features.n_ops * rates["contract.op_s"] + rates["contract.entry_s"] * 2.0**largest
    return Cost(
        seconds=contractions * one + rates["contract.sample_s"] * shots * max(features.n_measure, 1),
        memory_bytes=int(64 * 2.0**largest) + (128 << 20) + 3 * shots * max(features.n_events, 1),
        note=f"fails if a contraction needs tensors of more than 2^{CONTRACT_WIDTH} entries",
        upper_bound=True,
        may_fail=2 * features.entangling_width > CONTRACT_WIDTH,
    )


def cost(method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    return mps_cost(features, shots, rates) if method == "mps" else contract_cost(features, shots, rates)


def _method(name: str) -> Capabilities:
    return straight(GATES, method=name, max_qubits=MAX_QUBITS)


DECLARATION = Declaration(
    name="quimb",
    doc="matrix product states, and marginals by tensor-network contraction (quimb and cotengra)",
    load="qmk.engines.quimb.engine:QuimbEngine",
    methods={"mps": _method("mps"), "contract": _method("contract")},
    cost=cost,
    rates=RATES,
    beyond_s=0.05,
    requires=("quimb", "cotengra", "numpy"),
    extra="quimb",
    library="quimb",
)
