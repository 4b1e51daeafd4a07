"""A matrix product state, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qmk.base.errors import QmkError
from qmk.base.units import bytes_text
from qmk.engines.tenpy import STATE_BYTES
from qmk.exact.rng import Rng
from qmk.ir.bits import Bits

Tensor = npt.NDArray[np.complex128]
contract: Callable[..., Tensor] = np.einsum

PAULIS = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


@dataclass(frozen=True)
class State:
    """``tensors``: of each site, shape (left bond, 2, right bond), isometries from the right; ``site``: of each
    qubit."""

    tensors: tuple[Tensor, ...]
    site: tuple[int, ...]

    def sample(self, shots: int, rng: Rng) -> Bits:
        """Bits of all qubits, shape (shots, qubits): site by site, each given those before."""
        drawn = np.zeros((shots, len(self.tensors)), dtype=np.uint8)
        left, rows = np.ones((shots, 1), dtype=np.complex128), np.arange(shots)
        for at, tensor in enumerate(self.tensors):
            parts = np.tensordot(left, tensor, axes=(1, 0))
            weights = contract("svr,svr->sv", parts, parts.conj()).real
            value = (rng.uniform(shots) * weights.sum(axis=1) >= weights[:, 0]).astype(np.intp)
            left = parts[rows, value] / np.sqrt(weights[rows, value])[:, None]
            drawn[:, at] = value
        return drawn[:, list(self.site)]

    def expectation(self, paulis: Sequence[str], /) -> list[float]:
        return [self._expectation(text) for text in paulis]

    def _expectation(self, text: str) -> float:
        letters = ["I"] * len(self.tensors)
        for qubit, letter in enumerate(text):
            letters[self.site[qubit]] = letter
        last = max((at for at, letter in enumerate(letters) if letter != "I"), default=-1)
        left = np.ones((1, 1), dtype=np.complex128)
        for letter, tensor in zip(letters[: last + 1], self.tensors, strict=False):
            turned = contract("pq,aqb->apb", PAULIS[letter], tensor)
            left = contract("ac,apb,cpd->bd", left, tensor.conj(), turned, optimize=True)
        return float(np.trace(left).real)  # what is right of the last letter is an isometry

    def amplitudes(self, bitstrings: Sequence[str], /) -> list[complex]:
        found: list[complex] = []
        for text in bitstrings:
            row = np.ones(1, dtype=np.complex128)
            values = dict(zip(self.site, text, strict=False))
            for at, tensor in enumerate(self.tensors):
                row = row @ tensor[:, int(values.get(at, "0"))]
            found.append(complex(row[0]))
        return found

    def probabilities(self, qubits: Sequence[int], /) -> list[float]:
        """Raises RESOURCE_EXHAUSTED where the marginal of so many takes too much."""
        asked = {self.site[qubit]: at for at, qubit in enumerate(qubits)}
        needed = 32 * 2 ** len(qubits) * max(tensor.shape[2] for tensor in self.tensors) ** 2
        if needed > STATE_BYTES:
            raise QmkError(
                "RESOURCE_EXHAUSTED",
                f"engine 'tenpy': the joint probabilities of {len(qubits)} atoms take {bytes_text(needed)}, at most "
                f"{bytes_text(STATE_BYTES)} are taken; ask for fewer atoms together, or for counts",
                engine="tenpy",
                needed_bytes=needed,
            )
        left = np.ones((1, 1, 1), dtype=np.complex128)
        order: list[int] = []
        for at, tensor in enumerate(self.tensors):
            if at in asked:
                order.append(asked[at])
                left = contract("xac,apb,cpd->xpbd", left, tensor.conj(), tensor, optimize=True)
                left = left.reshape(-1, *left.shape[2:])
            else:
                left = contract("xac,apb,cpd->xbd", left, tensor.conj(), tensor, optimize=True)
        found = contract("xaa->x", left).real.reshape((2,) * len(order))
        return np.clip(found.transpose(np.argsort(order)), 0.0, 1.0).reshape(-1).tolist()
