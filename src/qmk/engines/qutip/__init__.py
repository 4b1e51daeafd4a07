"""The qutip engine: open systems in time (QuTiP), as state vectors, density matrices or trajectories."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

LOCAL_ERROR = 1e-9
"""Relative tolerance of a step of QuTiP's integrators, a hundredth of it absolute; values then err by 1e-7 or less in
``tests/unit/engines/test_qutip.py``, against our own integration."""

RATES = {"start_s": 2e-2, "step_s": 3e-5, "entry_s": 6e-9, "shot_s": 1e-6, "run_s": 2e-3}
"""Costs in seconds: of a run, of a step, of an entry of the state in a step, of drawing a shot, of a solver's
run."""

STEPS = 8.0
"""Steps of the integrator in a radian of winding."""


def cost(method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """Steps of an integrator, as many as the state winds, on a state of 2^n entries or their square."""
    n = min(features.n_qubits, 400)
    entries = (n / 2 + 1.0) ** 4 if method == "piqs" else 4.0**n if method == "mesolve" else 2.0**n
    runs = 1 + shots if method == "mcsolve" else 1
    steps = 50.0 + STEPS * min(features.winding, 1e200)
    seconds = rates["start_s"] + shots * rates["shot_s"] + runs * rates["run_s"]
    seconds += runs * steps * (rates["step_s"] + entries * n * rates["entry_s"])
    operators = 4 * entries if method == "piqs" else n * 2.0**n
    kept = shots * 2.0**n if method == "mcsolve" else 0.0
    return Cost(
        seconds=min(seconds, 1e300),
        memory_bytes=int(min(16 * (24 * entries + 16 * operators + kept) + 2.0 * n * shots + (64 << 20), 2.0**62)),
        note=_NOTES[method],
    )


_NOTES = {
    "sesolve": "state vector",
    "mesolve": "density matrix",
    "mcsolve": "a trajectory each shot",
    "piqs": "density matrix of identical spins",
}

_NOISE = {
    "sesolve": frozenset({"subsystems"}),
    "mesolve": frozenset({"open", "mixed", "subsystems"}),
    "mcsolve": frozenset({"open", "subsystems"}),
    "piqs": frozenset({"open"}),
}
_VALUES = frozenset({"counts", "events", "trajectory"})
_OF_STATE = frozenset({"expectation", "probabilities", "density"})


def _method(name: str, outputs: frozenset[str], qubits: int) -> Capabilities:
    return Capabilities(
        method=name,
        gates=frozenset({"dynamics.evolve"}),
        noise=_NOISE[name],
        mid_circuit=False,
        reset=False,
        feed_forward="none",
        max_qubits=qubits,
        outputs=_VALUES | outputs,
        evolves=True,
    )


DECLARATION = Declaration(
    name="qutip",
    doc="open systems of qubits, oscillators and spins in time (QuTiP): states, master equations, trajectories",
    load="qmk.engines.qutip.engine:QutipEngine",
    methods={
        "sesolve": _method("sesolve", _OF_STATE | {"state", "amplitudes"}, 24),
        "mesolve": _method("mesolve", _OF_STATE | {"noisy"}, 12),
        "mcsolve": _method("mcsolve", frozenset(), 24),
        "piqs": _method("piqs", frozenset({"noisy"}), 62),
    },
    cost=cost,
    rates=RATES,
    beyond_s=0.0,
    requires=("qutip", "scipy"),
    extra="qutip",
    library="qutip",
)
