"""A program as arrays: qubits and matrices of its gates, through which XLA scans.

The compiled function depends on the number of qubits and of gates alone (padded to a power of two), so that programs of
one size are compiled once. A gate is four gathers: amplitude i of the new state is the sum over the values b of the
gate's two qubits of M[values of i, b] times the old amplitude whose qubits hold b. Gates of one qubit act on a second
one as the identity. Gradients are adjoint: one pass forwards, one back, two states however many gates there are (Jones
and Gacon, arXiv:2009.02823).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import jax
import jax.numpy
import numpy as np
import numpy.typing as npt

from qmk.engines.jax import DECLARATION, LANES, TURNED
from qmk.exact.readout import Readout, VectorSampler, prepare, readout_of
from qmk.exact.statevector import StateVector
from qmk.ir.program import Gate, Program
from qmk.ir.unitary import matrix_of
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.sdk.engine import Plan

Array = npt.NDArray[Any]
lib: Any = jax
jnp: Any = jax.numpy
FREQUENCY = {name: 1.0 if name in ("p", "cp") else 0.5 for name in TURNED}
"""The factor k of an angle."""
MEMORY_OF_LANES = 1 << 30
"""Bytes of states that a batch of points may take at once."""


class Circuit:
    """``first``, ``second``: the bit of an index that each gate's qubits are; ``parts`` of shape (gates, 3, 4, 4): A, B
    and C of each gate; ``factors`` of its angle, 0 where it has none. ``places``: the gates with an angle."""

    def __init__(self, readout: Readout) -> None:
        self.n = max(readout.n_qubits, 2)
        gates = [gate for gate in readout.gates if gate.name != "id"]
        size = 1 << max(len(gates) - 1, 1).bit_length()
        self.first, self.second = np.zeros(size, np.int32), np.ones(size, np.int32)
        self.parts = np.zeros((size, 3, 4, 4), np.complex128)
        self.parts[:, 0] = np.eye(4)
        self.factors, self.angles = np.zeros(size), np.zeros(size)
        self.places = [at for at, gate in enumerate(gates) if gate.params]
        for at, gate in enumerate(gates):
            bits = [self.n - 1 - qubit for qubit in gate.qubits]
            self.first[at] = bits[0]
            self.second[at] = bits[1] if len(bits) > 1 else (bits[0] + 1) % self.n
            self.parts[at] = _parts(gate.name)
            if gate.params:
                self.factors[at], self.angles[at] = FREQUENCY[gate.name], gate.params[0]

    def at(self, angles: Sequence[float]) -> Array:
        """All angles with others in their places."""
        found = self.angles.copy()
        found[self.places] = angles
        return found

    @property
    def gates(self) -> tuple[Array, ...]:
        return self.first, self.second, self.parts, self.factors


@cache
def _parts(name: str) -> Array:
    """A, B and C of a gate, as matrices of two qubits, shape (3, 4, 4)."""
    factor = FREQUENCY.get(name)
    if factor is None:
        return np.array([_wide(name, ()), np.zeros((4, 4)), np.zeros((4, 4))])
    zero, right, half = (_wide(name, (turn / factor,)) for turn in (0.0, np.pi / 2, np.pi))
    fixed = (zero + half) / 2
    return np.array([fixed, (zero - half) / 2, right - fixed])


def _wide(name: str, params: tuple[float, ...]) -> Array:
    """The matrix on two qubits, the first the highest bit."""
    matrix = np.array(matrix_of(Gate(name, tuple(range(FIXED_SIZE[name].vqs.low)), params)), np.complex128)
    return matrix if len(matrix) == 4 else np.kron(matrix, np.eye(2))


def _matrices(parts: Any, angles: Any, factors: Any) -> Any:
    turned = (angles * factors)[:, None, None]
    return parts[:, 0] + jnp.cos(turned) * parts[:, 1] + jnp.sin(turned) * parts[:, 2]


def _slopes(parts: Any, angles: Any, factors: Any) -> Any:
    """The derivatives of the matrices by their angles."""
    turned, by = (angles * factors)[:, None, None], factors[:, None, None]
    return by * (jnp.cos(turned) * parts[:, 2] - jnp.sin(turned) * parts[:, 1])


def _apply(state: Any, matrix: Any, first: Any, second: Any) -> Any:
    indexes = jnp.arange(state.shape[0])
    row = (indexes >> first & 1) * 2 + (indexes >> second & 1)
    rest = indexes & ~((1 << first) | (1 << second))
    found = jnp.zeros_like(state)
    for value in range(4):
        found += matrix[row, value] * state[rest | (value >> 1) << first | (value & 1) << second]
    return found


def _start(n: int) -> Any:
    return jnp.zeros(1 << n, jnp.complex128).at[0].set(1)


@partial(lib.jit, static_argnums=0)
def final_state(n: int, angles: Any, first: Any, second: Any, parts: Any, factors: Any) -> Any:
    """The state of all qubits, the first the highest bit of an index."""

    def step(state: Any, gate: Any) -> Any:
        return _apply(state, *gate), None

    return lib.lax.scan(step, _start(n), (_matrices(parts, angles, factors), first, second))[0]


final_states = lib.jit(lib.vmap(final_state, in_axes=(None, 0, None, None, None, None)), static_argnums=0)


def _signs(indexes: Any, mask: Any) -> Any:
    return 1.0 - 2.0 * (jnp.bitwise_count(indexes & mask) & 1)


@lib.jit
def string_values(state: Any, flips: Any, signs: Any, phases: Any) -> Any:
    """The expectation value of each Pauli string, real."""
    indexes = jnp.arange(state.shape[0])

    def one(_: Any, string: Any) -> Any:
        flip, sign, phase = string
        turned = state[indexes ^ flip] * _signs(indexes ^ flip, sign)
        return None, (phase * jnp.vdot(state, turned)).real

    return lib.lax.scan(one, None, (flips, signs, phases))[1]


@partial(lib.jit, static_argnums=0)
def value_and_slopes(
    n: int, angles: Any, first: Any, second: Any, parts: Any, factors: Any, flips: Any, signs: Any, weights: Any
) -> Any:
    """The value of a sum of Pauli strings, and its derivative by the angle of every gate."""
    state = final_state(n, angles, first, second, parts, factors)
    indexes = jnp.arange(state.shape[0])

    def add(total: Any, string: Any) -> Any:
        flip, sign, weight = string
        return total + weight * state[indexes ^ flip] * _signs(indexes ^ flip, sign), None

    other = lib.lax.scan(add, jnp.zeros_like(state), (flips, signs, weights))[0]
    value = jnp.vdot(state, other).real

    def back(pair: Any, gate: Any) -> Any:
        state, other = pair
        matrix, slope, low, high = gate
        undone = matrix.conj().T
        before = _apply(state, undone, low, high)
        found = 2 * jnp.vdot(other, _apply(before, slope, low, high)).real
        return (before, _apply(other, undone, low, high)), found

    gates = (_matrices(parts, angles, factors), _slopes(parts, angles, factors), first, second)
    return value, lib.lax.scan(back, (state, other), gates, reverse=True)[1]


def _masks(strings: Sequence[str], n: int) -> tuple[Array, Array, Array]:
    """Of each string: the bits that it flips, those whose sign it takes, and its factor, a power of -i."""
    wide = [text.ljust(n, "I") for text in strings]
    flips, signs = (
        np.array([int("".join("01"[letter in which] for letter in text), 2) for text in wide], np.int64)
        for which in ("XY", "YZ")
    )
    return flips, signs, np.array([1j ** text.count("Y") for text in strings], np.complex128)


class JaxObserver(StateVector):
    """Values of the state in numpy, gradients and sweeps by XLA."""

    def __init__(self, readout: Readout) -> None:
        self._circuit, self._qubits = Circuit(readout), readout.n_qubits
        super().__init__(amplitudes(self._circuit, readout.n_qubits), readout.n_qubits)

    def gradient(self, observable: Sequence[tuple[str, float]], /) -> tuple[float, list[float]]:
        circuit = self._circuit
        flips, signs, phases = _masks([text for text, _ in observable], circuit.n)
        weights = phases * np.array([weight for _, weight in observable])
        with lib.enable_x64(True):
            value, slopes = value_and_slopes(circuit.n, circuit.angles, *circuit.gates, flips, signs, weights)
        return float(value), np.asarray(slopes)[circuit.places].tolist()

    def sweep(self, angles: Sequence[Sequence[float]], paulis: Sequence[str], /) -> list[list[float]]:
        circuit = self._circuit
        strings = _masks(paulis, circuit.n)
        lanes = max(1, min(LANES, MEMORY_OF_LANES >> (circuit.n + 6)))
        found: list[list[float]] = []
        with lib.enable_x64(True):
            for start in range(0, len(angles), lanes):
                points = np.array([circuit.at(row) for row in angles[start : start + lanes]])
                padded = np.concatenate([points, np.repeat(points[:1], lanes - len(points), axis=0)])
                states = final_states(circuit.n, padded, *circuit.gates)
                found += [np.asarray(string_values(state, *strings)).tolist() for state in states[: len(points)]]
        return found


def amplitudes(circuit: Circuit, n_qubits: int) -> npt.NDArray[np.complex128]:
    """The amplitudes of the program's own qubits."""
    with lib.enable_x64(True):
        state = np.asarray(final_state(circuit.n, circuit.angles, *circuit.gates))
    return np.ascontiguousarray(state[:: 1 << (circuit.n - n_qubits)])


def maker(readout: Readout, _method: str) -> VectorSampler:
    circuit = Circuit(readout)
    return VectorSampler(readout, lambda: amplitudes(circuit, readout.n_qubits), first_highest=True)


class JaxEngine:
    def __init__(self) -> None:
        self.version: str = lib.__version__

    def prepare(self, program: Program, method: str) -> Plan:
        return prepare(program, method, DECLARATION.methods, "jax", maker)

    def observe(self, program: Program, method: str) -> JaxObserver:
        return JaxObserver(readout_of(program, "jax", DECLARATION.methods[method]))
