"""Noise models: what goes wrong in gates, measurements, resets and while qubits wait; and putting that into a graph.

A model is data (``model``); ``apply`` writes what it says into a graph as ops of family ``noise``, so that the digest,
the verifier, replays and every engine see it; ``on_stim`` writes it into a Stim circuit. ``short`` reads models as
people write them on a command line. ``twirl`` makes errors of gates into Pauli errors by random Paulis around them.
"""

from __future__ import annotations

from qmk.ir.transfer import transfer_matrix
from qmk.models.noise.apply import apply
from qmk.models.noise.calibration import Calibration
from qmk.models.noise.errors import (
    AmplitudeDamping,
    Depolarize,
    Error,
    Kraus,
    Leak,
    Loss,
    Pauli,
    Pauli2,
    PhaseDamping,
)
from qmk.models.noise.model import GateRule, NoiseLike, NoiseModel, Readout, Relaxation, Time
from qmk.models.noise.on_stim import on_stim
from qmk.models.noise.short import resolve
from qmk.models.noise.tailoring import pauli_twirl, twirl

__all__ = [
    "AmplitudeDamping",
    "Calibration",
    "Depolarize",
    "Error",
    "GateRule",
    "Kraus",
    "Leak",
    "Loss",
    "NoiseLike",
    "NoiseModel",
    "Pauli",
    "Pauli2",
    "PhaseDamping",
    "Readout",
    "Relaxation",
    "Time",
    "apply",
    "on_stim",
    "pauli_twirl",
    "resolve",
    "transfer_matrix",
    "twirl",
]
