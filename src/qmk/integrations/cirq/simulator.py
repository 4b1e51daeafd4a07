"""``Simulator``: states, amplitudes and expectation values of Cirq's circuits, computed by QMK."""

from __future__ import annotations

# Cirq and sympy have types in part.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import cirq
import numpy as np
import numpy.typing as npt

from qmk.adapters.cirq.reader import LARGEST_MATRIX
from qmk.integrations.cirq import programs
from qmk.integrations.cirq.sampler import Sampler
from qmk.integrations.states import exact_state

LARGEST_DENSITY = 6
"""Qubits of a density matrix, which is computed by the expectation values of its 4^n Pauli strings."""

_ReadOut = list[tuple[str, cirq.MeasurementGate, tuple[cirq.Qid, ...]]]


class Simulator(
    Sampler,
    cirq.SimulatesAmplitudes,
    cirq.SimulatesExpectationValues,
    cirq.SimulatesFinalState[Any],
):
    """What ``cirq.Simulator`` is, on QMK: a ``Sampler`` that also gives states, amplitudes and expectation values.

    Values take the sampler's target, a daemon too; states and amplitudes are computed in this process, in double
    precision and with their global phase. A circuit with channels ends in a density matrix, of at most six qubits. A
    final measurement is drawn, and its state is the one after it; a measurement or a reset on the way, which makes
    every run another state, raises ``ValueError``: sample such circuits. ``dtype``: that of states.
    """

    def __init__(self, *, dtype: Any = np.complex64, **options: Any) -> None:
        super().__init__(**options)
        self._dtype = np.dtype(dtype)
        if self._dtype.kind != "c":
            raise ValueError(f"dtype must be a complex type but was {dtype}")
        self._draws: np.random.RandomState = self._random or np.random.RandomState()

    # -- expectation values ------------------------------------------------------------------------------------------

    def simulate_expectation_values_sweep_iter(
        self,
        program: cirq.AbstractCircuit,
        observables: Any,
        params: cirq.Sweepable,
        qubit_order: cirq.QubitOrderOrList = cirq.QubitOrder.DEFAULT,
        initial_state: Any = None,
        permit_terminal_measurements: bool = False,
    ) -> Iterator[list[float]]:
        """The values of the observables at each point of the sweep, as one job."""
        self._require_no_readout(program, permit_terminal_measurements)
        qubits = cirq.QubitOrder.as_qubit_order(qubit_order).order_for(program.all_qubits())
        yield from self._values(_begin_with(program, qubits, initial_state), observables, params)

    # -- amplitudes --------------------------------------------------------------------------------------------------

    def compute_amplitudes_sweep_iter(
        self,
        program: cirq.AbstractCircuit,
        bitstrings: Sequence[int],
        params: cirq.Sweepable,
        qubit_order: cirq.QubitOrderOrList = cirq.QubitOrder.DEFAULT,
    ) -> Iterator[Sequence[complex]]:
        """The amplitudes of basis states, numbered as ``qubit_order`` has the qubits, the first the highest bit."""
        wanted = list(bitstrings)
        plain, _ = _split(program)
        for resolver in cirq.to_resolvers(params):
            state = self._state(cirq.resolve_parameters(plain, resolver), _order(qubit_order, program))
            yield [complex(state[k]) for k in wanted]

    # -- final states ------------------------------------------------------------------------------------------------

    def simulate_sweep_iter(
        self,
        program: cirq.AbstractCircuit,
        params: cirq.Sweepable,
        qubit_order: cirq.QubitOrderOrList = cirq.QubitOrder.DEFAULT,
        initial_state: Any = None,
    ) -> Iterator[Any]:
        """The final state at each point of the sweep."""
        qubits = _order(qubit_order, program)
        plain, readout = _split(self._with_noise(program))
        plain = _begin_with(plain, qubits, initial_state)
        for resolver in cirq.to_resolvers(params):
            resolved = cirq.resolve_parameters(plain, resolver)
            if cirq.is_parameterized(resolved):
                names = sorted(cirq.parameter_names(resolved))
                raise ValueError(
                    "Circuit contains ops whose symbols were not specified in parameter sweep. Symbols: "
                    + ", ".join(names)
                )
            simulate = (
                self._simulate_pure if cirq.has_unitary(resolved) or not resolved.all_qubits() else self._simulate_mixed
            )
            yield simulate(resolved, readout, qubits, resolver)

    def _simulate_pure(
        self,
        program: cirq.AbstractCircuit,
        readout: _ReadOut,
        qubits: tuple[cirq.Qid, ...],
        resolver: cirq.ParamResolver,
    ) -> cirq.StateVectorTrialResult:
        state = cirq.StateVectorSimulationState(
            initial_state=self._state(program, qubits).astype(self._dtype),
            qubits=qubits,
            dtype=self._dtype.type,
            prng=self._draws,
        )
        return cirq.StateVectorTrialResult(resolver, _read_out(state, readout), state)

    def _simulate_mixed(
        self,
        program: cirq.AbstractCircuit,
        readout: _ReadOut,
        qubits: tuple[cirq.Qid, ...],
        resolver: cirq.ParamResolver,
    ) -> cirq.DensityMatrixTrialResult:
        if len(qubits) > LARGEST_DENSITY:
            raise ValueError(
                f"the density matrix of {len(qubits)} qubits; QMK's Simulator has those of at most {LARGEST_DENSITY}: "
                "ask for expectation values or samples"
            )
        strings = ["".join(letters) for letters in itertools.product("IXYZ", repeat=len(qubits))]
        found = self._target.values(programs.read(program, qubits).circuit, [{text: 1.0} for text in strings])[0]
        if not all(each.exact for each in found):
            raise ValueError("no engine here computes the values of this circuit exactly; sample it")
        matrix = np.zeros((1 << len(qubits),) * 2, dtype=complex)
        for text, each in zip(strings, found, strict=True):
            if each.value:
                matrix += each.value * cirq.DensePauliString(text)._unitary_()
        state = cirq.DensityMatrixSimulationState(
            initial_state=(matrix / len(matrix)).astype(self._dtype),
            qubits=qubits,
            dtype=self._dtype.type,
            prng=self._draws,
        )
        return cirq.DensityMatrixTrialResult(
            params=resolver, measurements=_read_out(state, readout), final_simulator_state=state
        )

    def _state(self, program: cirq.AbstractCircuit, qubits: tuple[cirq.Qid, ...]) -> npt.NDArray[np.complex128]:
        if not qubits:
            return np.ones(1, dtype=complex)
        return exact_state(programs.read(program, qubits).circuit)


def _order(qubit_order: cirq.QubitOrderOrList, program: cirq.AbstractCircuit) -> tuple[cirq.Qid, ...]:
    return cirq.QubitOrder.as_qubit_order(qubit_order).order_for(program.all_qubits())


def _split(program: cirq.AbstractCircuit) -> tuple[cirq.AbstractCircuit, _ReadOut]:
    """The circuit without its final measurements, and these. Raises ValueError for measurements and resets on the
    way."""
    if not program.are_all_measurements_terminal() or any(cirq.control_keys(op) for op in program.all_operations()):
        raise ValueError("a circuit that measures on the way has no single final state: sample it with run")
    readout: _ReadOut = []

    def keep(operation: cirq.Operation, _moment: int) -> Any:
        gate: Any = operation.gate
        if isinstance(gate, cirq.MeasurementGate):
            readout.append((gate.key, gate, operation.qubits))
            return []
        if cirq.is_measurement(operation):
            raise ValueError(f"{operation} is a measurement that simulate does not draw: sample it with run")
        return operation

    if not program.has_measurements():
        return program, readout
    return cirq.map_operations(program, keep, deep=True, raise_if_add_qubits=False), readout


def _read_out(state: Any, readout: _ReadOut) -> dict[str, npt.NDArray[np.uint8]]:
    """Draws the final measurements of a state, which collapses."""
    for _, gate, qubits in readout:
        cirq.act_on(gate, state, qubits)
    return {key: np.array(state.log_of_measurement_results[key], dtype=np.uint8) for key, _, _ in readout}


def _begin_with(program: cirq.AbstractCircuit, qubits: Sequence[cirq.Qid], initial: Any) -> cirq.AbstractCircuit:
    """The circuit behind gates that prepare a state: the number of a basis state, the values of the qubits, a
    ``cirq.ProductState``, or a vector of at most 2^8 amplitudes. Raises ValueError for another."""
    if initial is None or (isinstance(initial, (int, np.integer)) and initial == 0):
        return program
    if isinstance(initial, cirq.ProductState):
        gates = [_preparing(initial[qubit].state_vector()).on(qubit) for qubit in initial.qubits]
    else:
        shape = (2,) * len(qubits)
        given = np.asarray(initial)
        if given.ndim == 0 or (given.shape == (len(qubits),) and given.dtype.kind in "iub"):
            index = int(initial) if given.ndim == 0 else int("".join(map(str, map(int, given))), 2)
            if not 0 <= index < 1 << len(qubits):
                raise ValueError(f"Initial state {initial} is not that of {len(qubits)} qubits.")
            digits = f"{index:0{len(qubits)}b}"
            gates = [cirq.X(qubit) for qubit, digit in zip(qubits, digits, strict=True) if digit == "1"]
        elif len(qubits) > LARGEST_MATRIX:
            raise ValueError(f"an initial vector of more than {LARGEST_MATRIX} qubits: prepare it with gates")
        else:
            vector = cirq.to_valid_state_vector(given.reshape(-1), qid_shape=shape, dtype=np.complex128)
            gates = [_preparing(vector).on(*qubits)]
    return cirq.Circuit(gates) + program.unfreeze(copy=False)


def _preparing(vector: npt.NDArray[Any]) -> cirq.Gate:
    """A unitary whose first column is this vector."""
    size = len(vector)
    basis = np.column_stack([np.asarray(vector, dtype=complex), np.eye(size, dtype=complex)])
    unitary, triangle = np.linalg.qr(basis)
    unitary[:, 0] *= triangle[0, 0]  # of length 1: the phase that the factorisation chose
    return cirq.MatrixGate(unitary)
