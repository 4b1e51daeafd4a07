"""Error channels of a program as Kraus operators."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from qmk.ir.program import KrausNoise, PauliNoise, PauliNoise2
from qmk.qvm import matrices as m

Array = npt.NDArray[np.complex128]


def operators_of(noise: PauliNoise | PauliNoise2 | KrausNoise) -> list[Array]:
    """The Kraus operators of what can happen, the first qubit the highest bit of an index."""
    if isinstance(noise, KrausNoise):
        return [np.array(operator, dtype=complex) for operator in noise.operators]
    found: list[Any] = []
    for error, chance in enumerate(noise.chances):
        letters = "".join("IXYZ"[error >> 2 * k & 3] for k in reversed(range(len(noise.qubits))))
        if chance > 0:
            found.append(math.sqrt(chance) * np.array(m.pauli_string(letters), dtype=complex))
    return found
