"""Plans of evolutions that end in one state, and of what is read from it."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Generic, TypeVar

import numpy as np

from qmk.ir.bits import Bits, compute
from qmk.ir.program import Logic, Measure
from qmk.sdk.engine import Plan, Progress, Samples

Part = TypeVar("Part")
Found = TypeVar("Found")


class EvolvedPlan(Plan, Generic[Part, Found]):
    """It holds the final state once it is known. An engine says how the state is found, and how shots are drawn."""

    def __init__(self, n_qubits: int, n_cbits: int, parts: tuple[Part, ...], reads: tuple[Any, ...]) -> None:
        self.n_qubits, self.n_cbits, self.parts, self.reads = n_qubits, n_cbits, parts, reads
        self.known: tuple[Found, dict[str, Any]] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.n_qubits, self.n_cbits, self.parts, self.reads)

    @abstractmethod
    def solve(self) -> tuple[Found, dict[str, Any]]:
        """The final state and how it was found."""

    @abstractmethod
    def draw(self, state: Found, shots: int, seed: int) -> Bits:
        """Bits of all qubits, shape (shots, qubits)."""

    def state(self) -> tuple[Found, dict[str, Any]]:
        """As ``solve``, once."""
        if self.known is None:
            self.known = self.solve()
        return self.known

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        state, notes = self.state()
        drawn = self.draw(state, shots, seed)
        bits = np.zeros((shots, self.n_cbits), dtype=np.uint8)
        for item in self.reads:
            if isinstance(item, Measure):
                bits[:, item.cbit] = drawn[:, item.qubit]
            elif isinstance(item, Logic):
                compute(item, bits)
        if progress is not None:
            progress(shots)
        return Samples(bits, dict(notes))
