"""Noise models: what goes wrong in gates, measurements, resets and while qubits wait; and putting that into a graph.

A model is data (``model``); ``apply`` writes what it says into a graph as ops of family ``noise``, so that the digest,
the verifier, replays and every engine see it. ``short`` reads models as people write them on a command line.
"""

from __future__ import annotations

from qmk.models.noise.apply import apply
from qmk.models.noise.errors import (
    AmplitudeDamping,
    Depolarize,
    Error,
    Kraus,
    Pauli,
    Pauli2,
    PhaseDamping,
)
from qmk.models.noise.model import GateRule, NoiseLike, NoiseModel, Readout, Relaxation
from qmk.models.noise.short import resolve

__all__ = [
    "AmplitudeDamping",
    "Depolarize",
    "Error",
    "GateRule",
    "Kraus",
    "NoiseLike",
    "NoiseModel",
    "Pauli",
    "Pauli2",
    "PhaseDamping",
    "Readout",
    "Relaxation",
    "apply",
    "resolve",
]
