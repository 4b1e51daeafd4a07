"""The strawberryfields engine: Xanadu's simulators of modes of light, in an environment of its own.

Strawberry Fields 0.23 needs SciPy 1.13: ``sdk/locks/strawberryfields.txt`` is what its worker runs with. Declared is
what it computes with nothing cut off.
"""

from __future__ import annotations

from collections.abc import Mapping

from qmk.exact.light import GAUSSIAN, LINEAR, QUADRATURES
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

METHODS = {
    "fock": LINEAR | {"photonic.kerr", "photonic.cross_kerr"},
    "gaussian": GAUSSIAN - QUADRATURES,
}
"""The ops of each: those of its Fock backend that add no photon, so that a cutoff above their number is exact, boson
sampling among them; and Gaussian states, from whose covariances the probability of every photon number follows."""

RATES = {"start_s": 5.0, "op_s": 1e-3, "amplitude_s": 1e-7, "element_s": 2e-7, "shot_s": 2e-7}
"""Seconds of a run, most of which compiles its own gates, an op, an amplitude in an op, an element of a density
matrix, a drawn number."""


def cost(method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """By amplitudes of all modes up to the cutoff, squared where photons are lost, or by elements of matrices."""
    light = features.light
    modes, photons = (features.n_qubits, 0) if light is None else (light.modes, light.photons)
    seconds = rates["start_s"] + features.n_ops * rates["op_s"] + shots * features.n_measure * rates["shot_s"]
    if method == "fock":
        lossy = "photonic.lose" in features.gates
        size = float(photons + 1) ** min(modes * (2 if lossy else 1), 500)
        seconds += (features.n_ops + modes * modes) * size * rates["amplitude_s"]
    else:
        size = 2.0 ** min(0.0 if light is None else light.elements_log2, 900)
        seconds += size * rates["element_s"]
    memory = (256 << 20) + 64.0 * size + 16.0 * shots
    return Cost(seconds=min(seconds, 1e300), memory_bytes=int(min(memory, 2.0**62)))


def _method(name: str, gates: frozenset[str]) -> Capabilities:
    outputs = frozenset({"counts", "events"})
    return Capabilities(method=name, gates=gates, feed_forward="none", logic=False, max_qubits=1000, outputs=outputs)


DECLARATION = Declaration(
    name="strawberryfields",
    doc="Strawberry Fields' light: its Fock backend for a fixed number of photons, and counts of Gaussian states",
    load="qmk.engines.strawberryfields.engine:StrawberryFieldsEngine",
    methods={name: _method(name, gates) for name, gates in METHODS.items()},
    cost=cost,
    rates=RATES,
    beyond_s=10.0,
    requires=("strawberryfields", "numpy"),
    library="strawberryfields",
)
