"""The piquasso engine: Piquasso's simulators of photons, in an environment of its own.

Piquasso needs antlr4-python3-runtime 4.9.2, which Qiskit's and our packages do not take: ``sdk/locks/piquasso.txt`` is
what its worker runs with. Declared is what it computes with nothing cut off.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from qmk.exact.light import GAUSSIAN, LINEAR, QUADRATURES
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

METHODS = {
    "fock": LINEAR | {"photonic.kerr", "photonic.cross_kerr"},
    "bosonsampling": LINEAR,
    "gaussian": GAUSSIAN - QUADRATURES,
}
"""The ops of each: those of its state vectors that add no photon, so that a cutoff above their number is exact; photons
in interferometers; Gaussian states, of which it has the probability of every photon number."""

RATES = {
    "start_s": 1e-2,
    "op_s": 2e-4,
    "amplitude_s": 3e-7,
    "sample_s": 3e-3,
    "photon_s": 3e-4,
    "term_s": 1e-8,
    "element_s": 5e-4,
    "shot_s": 2e-7,
}
"""Seconds of a run, an op, an amplitude in an op; of a sample of bosons, a photon of it, a term of a permanent; of a
probability of a Gaussian state, a drawn number."""


def cost(method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """By amplitudes of all modes with the photons there are, terms of permanents, or probabilities."""
    light = features.light
    modes, photons = (features.n_qubits, 0) if light is None else (light.modes, light.photons)
    seconds = rates["start_s"] + features.n_ops * rates["op_s"] + shots * features.n_measure * rates["shot_s"]
    size = 1.0
    if method == "fock":
        ways = math.lgamma(modes + photons + 1) - math.lgamma(modes + 1) - math.lgamma(photons + 1)
        size = math.exp(min(600.0, ways))
        seconds += features.n_ops * size * rates["amplitude_s"]
    elif method == "bosonsampling":
        size = 2.0 ** min(photons, 900)
        seconds += shots * (rates["sample_s"] + photons * (rates["photon_s"] + photons * size * rates["term_s"]))
    elif light is not None:
        size = 2.0 ** min(light.elements_log2 / 2, 900)
        seconds += size * rates["element_s"]
    memory = (64 << 20) + 400.0 * size + 16.0 * shots
    grows = method == "fock" and "photonic.lose" in features.gates  # each loss adds a mode
    return Cost(seconds=min(seconds, 1e300), memory_bytes=int(min(memory, 2.0**62)), may_fail=grows)


def _method(name: str, gates: frozenset[str]) -> Capabilities:
    outputs = frozenset({"counts", "events"})
    return Capabilities(method=name, gates=gates, feed_forward="none", logic=False, max_qubits=1000, outputs=outputs)


DECLARATION = Declaration(
    name="piquasso",
    doc="Piquasso's photons: state vectors of a fixed number, boson sampling, counts of Gaussian states",
    load="qmk.engines.piquasso.engine:PiquassoEngine",
    methods={name: _method(name, gates) for name, gates in METHODS.items()},
    cost=cost,
    rates=RATES,
    beyond_s=10.0,
    requires=("piquasso", "numpy"),
    library="piquasso",
)
