"""The tenpy engine: arrays of Rydberg atoms as matrix product states, by the time-dependent variational principle.

For arrays that are too wide for a state vector and little entangled: chains, ladders, narrow strips. It is an
approximation: a run ends within ``Accuracy.distance`` of the exact state, as two runs of unequal care estimate, or it
fails.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from qmk.exact.straight import OF_DENSITY
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

MAX_QUBITS = 256

STATE_BYTES = 1 << 30
"""Most memory that the tensors of a state, its environments and one local problem may take; it caps the bond."""

MPO_BOND = 24
"""The bond dimension of the Hamiltonian that ``STATE_BYTES`` assumes."""


class Accuracy(msgspec.Struct, frozen=True):
    """What a method aims at. ``distance``: of the state from the exact one up to a phase, at most, as estimated;
    ``cutoff``: singular values below it are dropped; ``interaction``: by how much the state may differ because the
    Hamiltonian's long-range tails are compressed, a bound."""

    distance: float
    cutoff: float
    interaction: float


ACCURACY = {
    "tdvp": Accuracy(distance=5e-3, cutoff=1e-6, interaction=1e-5),
    "fine": Accuracy(distance=5e-4, cutoff=1e-7, interaction=1e-6),
}

RATES = {"start_s": 0.05, "site_s": 6e-3, "local_s": 2e-3, "bond_s": 2e-9, "shot_s": 2e-6}
"""Costs in seconds: of a run; of a site's two updates in a sweep, for the library, the local problem, and the cube of
the bond times the Hamiltonian's; of a site of a shot."""

ROOM = 5.0
"""Memory is set aside for this many times the bond that is guessed."""


def bond_cap(n_qubits: int) -> int:
    """Largest bond dimension at which n atoms fit ``STATE_BYTES``; a run that needs more fails."""
    return int(min(math.sqrt(STATE_BYTES / _bytes(n_qubits)), 2.0 ** min(n_qubits // 2, 60)))


def _bytes(n_qubits: int) -> float:
    """For the square of the bond: tensors and environments of all sites, Krylov vectors and the effective Hamiltonian
    of one."""
    return 16.0 * (n_qubits * (4.0 + 2.0 * MPO_BOND) + 4.0 * 40 + 8.0 * MPO_BOND)


def first_steps(winding: float) -> int:
    """Steps of the first run, from how far the state winds."""
    return max(4, math.ceil(winding / 6.0))


def cost(method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """Three runs of more and more steps, six times those of the first in all, at a bond that is guessed from how far
    the state winds."""
    n, cap = max(features.n_qubits, 2), bond_cap(max(features.n_qubits, 2))
    bond = min(2.0 ** min(n // 2, 60), 8.0 + features.winding / 16.0, cap)
    more = 1.0 if method == "tdvp" else 3.5
    steps = 6.0 * more * first_steps(min(features.winding, 1e12))
    site = rates["site_s"] + rates["local_s"] + rates["bond_s"] * MPO_BOND * bond**3
    seconds = rates["start_s"] + n * (steps * site + shots * rates["shot_s"])
    return Cost(
        seconds=min(seconds, 1e300),
        memory_bytes=int(_bytes(n) * min(ROOM * bond, cap) ** 2 + shots * (64 * bond + 2 * n)) + (128 << 20),
        note=f"state within {ACCURACY[method].distance:g}; fails beyond bond dimension {cap}",
        upper_bound=True,
        may_fail=True,
    )


def _method(name: str) -> Capabilities:
    return Capabilities(
        method=name,
        gates=frozenset({"analog.rydberg"}),
        mid_circuit=False,
        reset=False,
        feed_forward="none",
        max_qubits=MAX_QUBITS,
        exact=False,
        outputs=OF_DENSITY | {"amplitudes"},
    )


DECLARATION = Declaration(
    name="tenpy",
    doc="neutral atoms under driving light as matrix product states, with stated error (TeNPy): wide arrays of little "
    "entanglement",
    load="qmk.engines.tenpy.engine:TenpyEngine",
    methods={name: _method(name) for name in ACCURACY},
    cost=cost,
    rates=RATES,
    beyond_s=0.05,
    requires=("tenpy", "scipy", "numpy"),
    extra="tenpy",
    library="physics-tenpy",
)
