"""MQT DDSIM: decision diagrams, with MQT's own reader."""

from __future__ import annotations

from mqt import ddsim
from mqt.core.ir import QuantumComputation

METHODS = ("",)


def sample(text: str, shots: int, method: str) -> dict[str, int]:
    return ddsim.CircuitSimulator(QuantumComputation.from_qasm_str(text)).simulate(shots)


def canonical(counts: dict[str, int], text: str) -> dict[str, int]:
    return {key.replace(" ", "")[::-1]: number for key, number in counts.items()}
