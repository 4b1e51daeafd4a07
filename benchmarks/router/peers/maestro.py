"""Maestro (GPL-3): a peer in a process of its own, never linked. Its own reader; state vector and MPS, with the
reductions of the circuit that it has for sampling."""

from __future__ import annotations

import re

import maestro

METHODS = ("statevector", "mps")
_WORDS = (
    "id x y z h s sdg t tdg sx sxdg rx ry rz u1 u2 u3 "
    "u p cx cy cz ch swap cu1 cp cu3 crx cry crz csx ccx cswap reset measure"
)
READS = frozenset(_WORDS.split())
_CONFIGS = {
    name: maestro.SimulatorConfig(simulation_type=kind, enable_sampling_reduction=True)
    for name, kind in (
        ("statevector", maestro.SimulationType.Statevector),
        ("mps", maestro.SimulationType.MatrixProductState),
    )
}


def sample(text: str, shots: int, method: str) -> dict[str, int]:
    found = maestro.simple_execute(text, _CONFIGS[method], shots)
    return found["counts"]


def canonical(counts: dict[str, int], text: str) -> dict[str, int]:
    """Its keys are padded to the number of qubits."""
    width = sum(int(size) for size in re.findall(r"creg\s+\w+\s*\[(\d+)\]", text))
    return {key.replace(" ", "")[:width]: number for key, number in counts.items()}
