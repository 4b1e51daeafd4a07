"""Simulated devices: programs are compiled for a device of coupled sites or of atoms, and run with its noise.

They stand where a provider's device would: named with the engine, checked, out of order at times, drifting.
"""

from __future__ import annotations

from qmk.exact.straight import OF_DENSITY
from qmk.ir.native_circuit import GATES
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

MAX_QUBITS = 12
"""Most sites that a compiled program may touch: its density matrix is held, or a state vector for each branch."""


def cost(_method: str, features: Features, shots: int) -> Cost:
    """Memory for a density matrix of the program's qubits. Seconds are not predicted (``Declaration.devices``)."""
    matrix = 16 << 2 * min(features.n_qubits, MAX_QUBITS)
    memory = (64 << 20) + 4 * matrix + 200 * shots * max(features.n_measure, 1)
    return Cost(seconds=0.0, memory_bytes=memory, note="as the device would run it, with its noise")


DECLARATION = Declaration(
    name="simulated",
    doc="devices simulated from their calibrations: coupled qubits, ions, atoms, with drift and outages",
    load="qmk.engines.simulated.engine:SimulatedEngine",
    methods={},
    cost=cost,
    devices=Capabilities(
        gates=GATES | {"gphase"},
        max_qubits=MAX_QUBITS,
        exact=False,
        outputs=OF_DENSITY & {"counts", "events"},
    ),
    requires=("numpy",),
)
