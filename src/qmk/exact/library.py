"""Engines of libraries that compute the final state of gates, or the final density matrix of channels. The shots are
drawn here, and the values computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import metadata

import numpy as np

from qmk.exact.density import DensityMatrix, kraus_operators
from qmk.exact.readout import Amplitudes, Readout, ReadoutPlan, VectorSampler, prepare, readout_of
from qmk.exact.statevector import StateVector, highest_first
from qmk.ir.program import Program
from qmk.ir.unitary import Array
from qmk.sdk.engine import Declaration

Simulator = Callable[[Readout, str], Callable[[], Amplitudes]]
"""(read-out, method) to what computes the final amplitudes. A function of a module, so that plans can be pickled."""

Channel = tuple[tuple[int, ...], tuple[Array, ...]]
"""Qubits, and the Kraus operators on them, the first qubit the highest bit of an index: one for a gate."""

Mixer = Callable[[Sequence[Channel], int], Array]
"""(channels, number of qubits, at least 1) to the final density matrix, shape (2^n, 2^n), qubit 0 the highest bit of
an index. A function of a module too."""


class LibraryEngine:
    """``version`` is that of ``distribution``. Methods with the output "density" run on ``density``, the others on
    ``simulator``. ``first_highest``: qubit 0 is the most significant bit of an index of amplitudes, else the least."""

    def __init__(
        self,
        declaration: Declaration,
        distribution: str,
        simulator: Simulator | None = None,
        density: Mixer | None = None,
        *,
        first_highest: bool = True,
    ) -> None:
        self.version: str = metadata.version(distribution)
        self._name, self._methods = declaration.name, declaration.methods
        self._simulator, self._density, self._first_highest = simulator, density, first_highest

    def prepare(self, program: Program, method: str) -> ReadoutPlan:
        maker = partial(_sampler, simulator=self._simulator, first_highest=self._first_highest)
        if self._is_mixed(method):
            maker = partial(_mixed_sampler, density=self._density)
        return prepare(program, method, self._methods, self._name, maker)

    def observe(self, program: Program, method: str) -> StateVector | DensityMatrix:
        read, n = readout_of(program, self._name, self._methods[method]), program.n_qubits
        if self._is_mixed(method):
            return DensityMatrix(_matrix(read, self._density)(), max(n, 1))
        found = _sampler(read, method, self._simulator, self._first_highest).simulate()
        own = np.asarray(found[: 1 << n], np.complex128) if self._first_highest else highest_first(found, n)
        return StateVector(own, n)

    def _is_mixed(self, method: str) -> bool:
        return method in self._methods and "density" in self._methods[method].outputs


def _sampler(read: Readout, method: str, simulator: Simulator | None, first_highest: bool) -> VectorSampler:
    assert simulator is not None, "a method without a density matrix has a state"
    return VectorSampler(read, simulator(read, method), first_highest)


def _mixed_sampler(read: Readout, _method: str, density: Mixer | None) -> VectorSampler:
    """Draws from the diagonal of the density matrix, which is computed once."""
    matrix = _matrix(read, density)
    root = cache(lambda: np.sqrt(np.clip(matrix().diagonal().real, 0, None)).astype(np.complex128))
    return VectorSampler(read, root, first_highest=True)


def _matrix(read: Readout, density: Mixer | None) -> Callable[[], Array]:
    assert density is not None, "a method with a density matrix has a function for it"
    return partial(density, [kraus_operators(step) for step in read.steps], max(read.n_qubits, 1))
