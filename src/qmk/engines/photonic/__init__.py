"""The photonic engine: modes of light in numpy, exactly: Gaussian states, boson sampling, Fock space of few modes."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.exact.light import GAUSSIAN, LINEAR, OPS, QUADRATURES
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

FOCK = OPS - QUADRATURES
CONSERVING = LINEAR | {"photonic.kerr", "photonic.cross_kerr"}

USUAL_CUTOFF = 18
"""The cutoff that predictions reckon with where photons are added; a run may need more."""

RATES = {"start_s": 1e-3, "op_s": 3e-5, "element_s": 2e-8, "term_s": 4e-9, "amplitude_s": 6e-8, "shot_s": 2e-7}
"""Seconds of a run, an op, an element of a density matrix for each mode, a term of a permanent, an
amplitude in an op, a drawn number."""


def cost(method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """By points of a generating function, terms of permanents, or amplitudes."""
    light = features.light
    modes = features.n_qubits if light is None else light.modes
    elements, photons = (0.0, 0) if light is None else (2.0 ** min(light.elements_log2, 900), light.photons)
    once = rates["start_s"] + features.n_ops * rates["op_s"] + shots * features.n_measure * rates["shot_s"]
    if method == "gaussian":
        size = 2.0 * max(features.n_measure, 1)
        quadratures = not features.gates.isdisjoint(QUADRATURES)
        work = 0.0 if quadratures else elements * size + 2.0 ** min(features.n_measure, 900) * 1e4
        memory = 64.0 * elements + 8.0 * (2.0 * modes) ** 2
        return _cost(once + work * rates["element_s"], memory, f"Gaussian state of {modes} modes", shots)
    if method == "bosonsampling":
        terms = shots * (2.0 ** min(photons, 900)) * max(photons, 1) ** 2
        work = shots * photons**2 * rates["op_s"] + terms * rates["term_s"]
        return _cost(
            once + work, 16.0 * (2.0 ** min(photons, 900)) * photons, f"permanents of {photons} photons", shots
        )
    grows = not features.gates <= CONSERVING
    cutoff = USUAL_CUTOFF if grows else photons + 1.0
    amplitudes = cutoff ** min(modes, 200)
    mixed = not features.gates.isdisjoint({"photonic.lose", "photonic.lose_thermal", "photonic.prepare_thermal"})
    branches = min(amplitudes, cutoff ** (1 + features.n_ops / 4)) if mixed else 1.0
    seconds = once + features.n_ops * amplitudes * branches * cutoff * rates["amplitude_s"]
    found = _cost(seconds, 48.0 * amplitudes * branches, f"Fock space of {modes} modes", shots)
    return Cost(seconds=found.seconds, memory_bytes=found.memory_bytes, note=found.note, may_fail=grows)


def _cost(seconds: float, memory: float, note: str, shots: int) -> Cost:
    return Cost(
        seconds=min(seconds, 1e300), memory_bytes=int(min(memory + (1 << 22) + 16.0 * shots, 2.0**62)), note=note
    )


def _method(name: str, gates: frozenset[str], *values: str) -> Capabilities:
    outputs = frozenset({"counts", "events", *values})
    return Capabilities(method=name, gates=gates, feed_forward="none", logic=False, max_qubits=1000, outputs=outputs)


DECLARATION = Declaration(
    name="photonic",
    doc="Modes of light, exactly: Gaussian states, boson sampling by permanents, Fock space of few modes",
    load="qmk.engines.photonic.engine:PhotonicEngine",
    methods={
        "gaussian": _method("gaussian", GAUSSIAN, "expectation"),
        "bosonsampling": _method("bosonsampling", LINEAR),
        "fock": _method("fock", FOCK, "expectation"),
    },
    cost=cost,
    rates=RATES,
    requires=("numpy",),
    library="numpy",
)
