"""What an engine gives beside samples: values of the state in which a program ends, or on its way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from qmk.ir.program import Program
from qmk.qvm.outputs import Estimate, Observable

if TYPE_CHECKING:  # the daemon reads declarations and must not load numpy
    import numpy as np


class Observer(Protocol):
    """The state in which a program of gates ends. Qubit 0 is the first character of a string and the highest bit of an
    index. Only what the method's ``Capabilities.outputs`` name is asked of it."""

    def expectation(self, paulis: Sequence[str], /) -> list[float]:
        """The expectation value of each Pauli string."""
        ...

    def state(self) -> np.ndarray[Any, np.dtype[np.complex128]]:
        """All amplitudes, up to one global phase, which ``amplitudes`` shares."""
        ...

    def amplitudes(self, bitstrings: Sequence[str], /) -> list[complex]: ...

    def probabilities(self, qubits: Sequence[int], /) -> list[float]:
        """The probabilities of the joint values of ``qubits``, the first the highest bit."""
        ...


class FastObserver(Observer, Protocol):
    """The observer of a method with the outputs "gradient" and "sweep"."""

    def gradient(self, observable: Sequence[tuple[str, float]], /) -> tuple[float, list[float]]:
        """The value of a sum of Pauli strings and its derivative by every angle, in the order of the gates."""
        ...

    def sweep(self, angles: Sequence[Sequence[float]], paulis: Sequence[str], /) -> list[list[float]]:
        """Expectation values with other angles, in the order of the gates: one row a point."""
        ...


class SumObserver(Observer, Protocol):
    """The observer of a method with the output "sums": it need not hold a state, so no cone is cut for it."""

    def sum_of(self, observable: Observable, tolerance: float, /) -> Estimate:
        """The expectation value of a sum of Pauli strings: exact for a ``tolerance`` of 0, else with an error of at
        most that. Raises MemoryError where it cannot be had."""
        ...


class DensityObserver(Observer, Protocol):
    """The observer of a method with the output "density"."""

    def density(self) -> np.ndarray[Any, np.dtype[np.complex128]]:
        """The density matrix, shape (2^n, 2^n)."""
        ...


class FollowingEngine(Protocol):
    """An engine one of whose methods has the output "trajectory"."""

    def trajectory(
        self, program: Program, method: str, shots: int, seed: int
    ) -> tuple[list[float], dict[str, list[Estimate]]]:
        """The times of the program's evolution, and the values of its observables at them; of ``shots`` trajectories
        where they are sampled."""
        ...


class ObservingEngine(Protocol):
    """An engine one of whose methods has other outputs than counts."""

    def observe(self, program: Program, method: str) -> Observer:
        """``program`` holds unconditional gates only; for a method with "noisy" noise and resets too. Raises
        ``Unsupported`` for what it cannot run."""
        ...
