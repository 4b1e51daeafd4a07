"""The Rydberg engine: neutral atoms under driving light, every pair interacting, exactly or shot by shot with noise."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

TOLERANCE = 1e-8
"""distance of the state from the exact one that a run stays below, as its step doubling estimates"""

STATES = 48
"""bytes for each of 2^n amplitudes at the peak: the state before, and two runs that are compared"""

STATES_3 = 200
"""the same for each of 3^n amplitudes, with energies and tables of phases"""

RATES = {
    "start_s": 2e-4,
    "layer_s": 4e-7,
    "amplitude_s": 1.5e-9,
    "turn_s": 8e-11,
    "layers": 19.0,
    "shot_s": 2e-7,
    "third_s": 9e-9,
}
"""seconds of a run, of a layer, of an amplitude and of turning one atom of it in a layer; layers that a radian of
winding takes in all runs together; seconds to draw a shot; of turning one atom of three levels of an amplitude"""

TRAJECTORY = 0.16
"""layers of a trajectory, in those of a run without noise to its own tolerance"""


def cost(method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """Layers of the splitting, times what a layer costs."""
    n = features.n_qubits
    amplitudes = 2.0 ** min(n, 900)
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
            outputs=frozenset({"counts", "events", "expectation", "state", "amplitudes", "probabilities"}),
        )
    },
    cost=cost,
    rates=RATES,
    requires=("qmk_native",),
    library="qmk-native",
)
