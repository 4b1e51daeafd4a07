"""Engines of libraries that compute the final state of gates, or the final density matrix of channels. The shots are
drawn here, and the values computed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import metadata

import numpy as np

from qmk.exact import mixed, readout
from qmk.exact.density import DensityMatrix
from qmk.exact.readout import Amplitudes, Readout, VectorSampler
from qmk.exact.statevector import StateVector, highest_first
from qmk.ir.program import Program
from qmk.sdk.engine import Declaration, Plan

Simulator = Callable[[Readout, str], Callable[[], Amplitudes]]
"""(read-out, method) to what computes the final amplitudes. A function of a module, so that plans can be pickled."""


class LibraryEngine:
    """``version`` is that of ``distribution``. Methods with the output "density" run on ``density``, the others on
    ``simulator``. ``first_highest``: qubit 0 is the most significant bit of an index of amplitudes, else the least."""

    def __init__(
        self,
        declaration: Declaration,
        distribution: str,
        simulator: Simulator | None = None,
        density: mixed.Maker | None = None,
        *,
        first_highest: bool = True,
    ) -> None:
        self.version: str = metadata.version(distribution)
        self._name, self._methods = declaration.name, declaration.methods
        self._simulator, self._density, self._first_highest = simulator, density, first_highest

    def prepare(self, program: Program, method: str) -> Plan:
        can = self._methods.get(method)
        if self._density is not None and can is not None and "density" in can.outputs:
            return mixed.prepare(program, self._name, can, self._density)
        maker = partial(_sampler, simulator=self._simulator, first_highest=self._first_highest)
        return readout.prepare(program, method, self._methods, self._name, maker)

    def observe(self, program: Program, method: str) -> StateVector | DensityMatrix:
        can = self._methods[method]
        if self._density is not None and "density" in can.outputs:
            return mixed.observe(program, self._name, can, self._density)
        read = readout.readout_of(program, self._name, can)
        found = _sampler(read, method, self._simulator, self._first_highest).simulate()
        n = program.n_qubits
        own = np.asarray(found[: 1 << n], np.complex128) if self._first_highest else highest_first(found, n)
        return StateVector(own, n)


def _sampler(read: Readout, method: str, simulator: Simulator | None, first_highest: bool) -> VectorSampler:
    assert simulator is not None, "a method without a density matrix has a state"
    return VectorSampler(read, simulator(read, method), first_highest)
