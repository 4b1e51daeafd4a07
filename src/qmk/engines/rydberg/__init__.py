"""The Rydberg engine: neutral atoms under driving light, every pair interacting, exactly or shot by shot with noise."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.exact.chunks import walk_size
from qmk.exact.straight import OF_DENSITY, OF_STATE
from qmk.ir.resolver import ALL_GATES
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

TOLERANCE = 1e-8
"""Largest distance of the state from the exact one, as step doubling estimates it."""

STATES = 48
"""Bytes for each of 2^n amplitudes at the peak: the state before, and two runs that are compared."""

STATES_3 = 200
"""Bytes for each of 3^n amplitudes at the peak, with energies and tables of phases."""

RATES = {
    "start_s": 2e-4,
    "layer_s": 4e-7,
    "amplitude_s": 6e-10,
    "turn_s": 1e-10,
    "layers": 16.0,
    "shot_s": 2e-7,
    "third_s": 9e-9,
    "state_s": 2e-7,
}
"""Costs in seconds: of a run, of a layer, of an amplitude and of turning one atom of it in a layer, of drawing a shot,
of turning one atom of three levels of an amplitude, of a step for each state of a subspace and atom. ``layers`` is how
many layers a radian of winding takes in all runs together."""

TRAJECTORY = 0.16
"""Layers of a trajectory, over those of a run without noise to its own tolerance."""


def cost(method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """Layers of the splitting, times what a layer costs; in a subspace, steps of a chain with neighbours blockaded."""
    n = features.n_qubits
    if method == "subspace":
        states = 1.62 ** min(n, 900)
        seconds = (40.0 + 4.0 * features.winding) * (1e-3 + rates["state_s"] * states * n)
        memory = min(states * (64.0 * n + 600.0) + (1 << 24), 2.0**62)
        return Cost(seconds=min(seconds, 1e300), memory_bytes=int(memory), note="states without blockaded pairs")
    amplitudes = 2.0 ** min(n, 900)
    if method == "mixed":
        return _mixed_cost(features, shots, rates)
    third = "analog.rydberg3" in features.gates
    if third:
        amplitudes = 3.0 ** min(n, 500)
    turn = rates["third_s"] if third else rates["turn_s"]
    layers = 200.0 + rates["layers"] * features.winding
    layer = rates["layer_s"] + amplitudes * (rates["amplitude_s"] + n * turn)
    noisy = not features.noise.isdisjoint({"analog", "loss"}) or (third and features.n_ops > 1)
    runs = TRAJECTORY * (1.0 + shots) if noisy else 1.0
    seconds = rates["start_s"] + runs * layers * layer + shots * rates["shot_s"]
    state = (STATES_3 if third else STATES) * amplitudes
    return Cost(
        seconds=min(seconds, 1e300),
        memory_bytes=int(min(state + (1 << 20) + 3.0 * shots * max(features.n_events, 1), 2.0**62)),
        note=f"{'trajectories' if noisy else 'state vector'} of {n} atoms",
    )


def _mixed_cost(features: Features, shots: int, rates: Mapping[str, float]) -> Cost:
    """A walk of branches: evolutions as without gates, and gates on arrays of the whole state."""
    n = features.n_qubits
    amplitudes = 2.0 ** min(n, 60)
    walked, alive = walk_size(shots, features.n_branch, 16 << min(n, 60))
    layers = 400.0 + rates["layers"] * features.winding
    once = layers * (rates["layer_s"] + amplitudes * (rates["amplitude_s"] + n * rates["turn_s"]))
    gates = features.n_ops * (2e-5 + 4e-8 * amplitudes)
    return Cost(
        seconds=min(2e-3 + walked * (once + gates) + shots * 1e-6, 1e300),
        memory_bytes=int(min(((alive + 2.0) * 16 + STATES) * amplitudes + (1 << 20), 2.0**62)),
        note=f"gates and evolutions of {n} atoms",
        upper_bound=features.n_branch > 0,
    )


DECLARATION = Declaration(
    name="rydberg",
    doc="Neutral atoms under driving light with all van der Waals interactions: exact state vector with stated error; "
    "with noise, trajectories",
    load="qmk.engines.rydberg.engine:RydbergEngine",
    methods={
        "": Capabilities(
            gates=frozenset({"analog.rydberg", "analog.rydberg3"}),
            noise=frozenset({"analog", "levels", "loss"}),
            mid_circuit=False,
            reset=False,
            feed_forward="none",
            max_qubits=40,
            outputs=OF_STATE,
        ),
        "mixed": Capabilities(
            method="mixed",
            gates=ALL_GATES | {"analog.rydberg"},
            max_qubits=26,
            noise=frozenset({"pauli", "kraus"}),
            outputs=OF_STATE,
            fences=True,
            evolves=True,
        ),
        "subspace": Capabilities(
            method="subspace",
            gates=frozenset({"analog.rydberg"}),
            mid_circuit=False,
            reset=False,
            feed_forward="none",
            max_qubits=63,
            exact=False,
            outputs=OF_DENSITY | {"amplitudes"},
        ),
    },
    cost=cost,
    rates=RATES,
    requires=("qmk_native",),
    library="quantum-microkernel",
)
