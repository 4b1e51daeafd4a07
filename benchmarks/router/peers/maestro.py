"""Maestro (GPL-3): a peer in a process of its own, never linked. Its own reader; state vector and MPS."""

from __future__ import annotations

import re

import maestro

METHODS = ("statevector", "mps")
_CONFIGS = {
    "statevector": maestro.SimulatorConfig(simulation_type=maestro.SimulationType.Statevector),
    "mps": maestro.SimulatorConfig(simulation_type=maestro.SimulationType.MatrixProductState),
}


def sample(text: str, shots: int, method: str) -> dict[str, int]:
    found = maestro.simple_execute(text, _CONFIGS[method], shots)
    return found["counts"]


def canonical(counts: dict[str, int], text: str) -> dict[str, int]:
    """Its keys are padded to the number of qubits."""
    width = sum(int(size) for size in re.findall(r"creg\s+\w+\s*\[(\d+)\]", text))
    return {key.replace(" ", "")[:width]: number for key, number in counts.items()}
