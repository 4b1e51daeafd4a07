"""Circuits of Cirq that tests read: gates of every kind, and random circuits with classical control."""

from __future__ import annotations

# Cirq's types are those of operations where its operators give Pauli strings.
# pyright: reportPrivateImportUsage=false, reportOperatorIssue=false, reportArgumentType=false
# pyright: reportAttributeAccessIssue=false
import random
from typing import Any

import cirq
import numpy as np
import sympy

from qmk.adapters.cirq.reader import read
from qmk.circuit.circuit import Circuit
from qmk.circuit.whole import unitary_of
from qmk.frontends.openqasm.unitary import matrix_of
from qmk.integrations.states import exact_state

QUBITS = cirq.LineQubit.range(4)

_POWERS = [
    cirq.XPowGate,
    cirq.YPowGate,
    cirq.ZPowGate,
    cirq.HPowGate,
    cirq.XXPowGate,
    cirq.YYPowGate,
    cirq.ZZPowGate,
    cirq.CZPowGate,
    cirq.CXPowGate,
    cirq.CYPowGate,
    cirq.CCZPowGate,
    cirq.CCXPowGate,
    cirq.CCYPowGate,
    cirq.SwapPowGate,
    cirq.ISwapPowGate,
]

POWERS: list[cirq.Gate] = [
    kind(exponent=exponent, global_shift=shift)
    for kind in _POWERS
    for exponent in (1, -1, 0.5, -0.25, 0.3, 3)
    for shift in (0, -0.5, 0.2)
]

OTHERS: list[cirq.Gate] = [
    cirq.CSWAP,
    cirq.PhasedISwapPowGate(phase_exponent=0.3, exponent=0.7),
    cirq.PhasedXPowGate(phase_exponent=0.2, exponent=0.7, global_shift=0.1),
    cirq.PhasedXZGate(x_exponent=0.3, z_exponent=0.5, axis_phase_exponent=0.7),
    cirq.FSimGate(0.3, 0.4),
    cirq.PhasedFSimGate(0.1, 0.2, 0.3, 0.4, 0.5),
    cirq.IdentityGate(2),
    cirq.WaitGate(cirq.Duration(nanos=3)),
    cirq.ms(0.3),
    cirq.givens(0.4),
    cirq.riswap(0.3),
    cirq.QuantumFourierTransformGate(3),
    cirq.PhaseGradientGate(num_qubits=3, exponent=0.4),
    cirq.QubitPermutationGate([2, 0, 1]),
    cirq.DiagonalGate([0.1, 0.2, 0.3, 0.5]),
    cirq.TwoQubitDiagonalGate([0.1, 0.2, 0.4, 0.6]),
    cirq.ThreeQubitDiagonalGate([0.1 * k for k in range(8)]),
    cirq.ParallelGate(cirq.X**0.3, 3),
    cirq.DensePauliString("XYZ", coefficient=1j),
    cirq.PauliStringPhasorGate(cirq.DensePauliString("XYZ", coefficient=-1), exponent_neg=0.3, exponent_pos=0.1),
    cirq.SingleQubitCliffordGate.X_sqrt,
    cirq.CliffordGate.CNOT,
    cirq.MatrixGate(cirq.testing.random_unitary(2, random_state=1)),
    cirq.MatrixGate(cirq.testing.random_unitary(4, random_state=1)),
    cirq.MatrixGate(cirq.testing.random_unitary(8, random_state=1)),
    cirq.MatrixGate(cirq.testing.random_unitary(16, random_state=1)),
    cirq.PauliInteractionGate(cirq.X, True, cirq.Z, False, exponent=0.3),
    cirq.BooleanHamiltonianGate(["a", "b"], ["a&b"], 0.3),
    cirq.UniformSuperpositionGate(3, 2),
    cirq.GlobalPhaseGate(1j),
    cirq.ControlledGate(cirq.XPowGate(exponent=0.3, global_shift=0.2), control_values=[(0, 1)]),
    cirq.ControlledGate(cirq.Y**0.3, control_values=cirq.SumOfProducts([[0, 1], [1, 0]])),
    cirq.ControlledGate(cirq.Y**0.3, control_values=[(0, 1), 1]),
    cirq.ControlledGate(cirq.GlobalPhaseGate(1j), control_values=[0, 0]),
    cirq.ControlledGate(cirq.ControlledGate(cirq.H**0.2)),
]

CONTROLLED: list[cirq.Gate] = [
    cirq.ControlledGate(gate, control_values=[0]) for gate in (*POWERS[::7], *OTHERS) if cirq.num_qubits(gate) <= 3
]


def unitary(circuit: Circuit) -> Any:
    """The matrix of a circuit of gates, phase and all."""
    return np.array(matrix_of(unitary_of(circuit), circuit.n_qubits))


def with_idle(*operations: Any) -> cirq.Circuit:
    """A circuit in which every qubit has a gate."""
    return cirq.Circuit(cirq.I.on_each(*QUBITS), *operations)


def difference(*operations: Any) -> float:
    """How far the state, phase and all, that operations on a random product state end in is from Cirq's."""
    start = [
        cirq.PhasedXPowGate(phase_exponent=0.3 * k + 0.1, exponent=0.2 * k + 0.3).on(q) for k, q in enumerate(QUBITS)
    ]
    circuit = cirq.Circuit(start, *operations)
    return float(abs(exact_state(read(circuit, None)) - circuit.final_state_vector(dtype=np.complex128)).max())


def random_circuit(seed: int) -> cirq.Circuit:
    """Gates, measurements of several kinds, and operations under conditions of every kind."""
    choose = random.Random(seed)

    def gates(moments: int) -> cirq.Circuit:
        return cirq.testing.random_circuit(QUBITS, moments, 0.7, random_state=choose.randrange(1 << 30))

    q = choose.sample(QUBITS, 4)
    first, second = sympy.symbols("a b")
    conditions: list[Any] = [
        "a",
        cirq.KeyCondition(cirq.MeasurementKey("b")),
        cirq.BitMaskKeyCondition(
            "a", bitmask=choose.randrange(1, 4), target_value=choose.randrange(4), equal_target=True
        ),
        cirq.BitMaskKeyCondition("a", target_value=choose.randrange(4)),
        cirq.SympyCondition(first > second),
        cirq.SympyCondition(sympy.Xor(sympy.IndexedBase("a")[0], sympy.IndexedBase("a")[1])),
    ]
    pair = tuple(choose.sample(conditions, choose.choice([1, 1, 2])))
    return with_idle(
        gates(3),
        cirq.measure(q[0], q[2], key="a", invert_mask=choose.choice([(), (True,), (False, True)])),
        cirq.X(q[1]).with_classical_controls("a"),
        gates(2),
        cirq.measure(q[1], key="b"),
        cirq.CX(q[0], q[3]).with_classical_controls(*pair),
        (cirq.Y ** choose.random())(q[2]).with_classical_controls(choose.choice(conditions)),
        gates(2),
        cirq.measure(*choose.sample(q, 3), key="the end"),
    )


def distribution(circuit: cirq.Circuit, seed: int = 5) -> dict[tuple[int, ...], float]:
    """The probability of each joint value of all keys, in the order of their names: branch by branch, exactly."""
    keys = sorted(cirq.measurement_key_names(circuit))
    found: dict[tuple[int, ...], float] = {}
    _walk(list(circuit.all_operations()), _start(circuit), {}, 1.0, keys, found)
    return found


def _start(circuit: cirq.Circuit) -> Any:
    qubits = sorted(circuit.all_qubits())
    state = np.zeros((2,) * len(qubits), dtype=complex)
    state[(0,) * len(qubits)] = 1
    return qubits, state


def _walk(operations: list[Any], state: Any, values: dict[str, Any], chance: float, keys: Any, found: Any) -> None:
    qubits, vector = state
    for at, operation in enumerate(operations):
        if cirq.is_measurement(operation):
            gate: Any = operation.gate
            axes = [qubits.index(qubit) for qubit in operation.qubits]
            for outcome in np.ndindex(*(2,) * len(axes)):
                kept = np.zeros_like(vector)
                index: list[Any] = [slice(None)] * vector.ndim
                for axis, bit in zip(axes, outcome, strict=True):
                    index[axis] = bit
                kept[tuple(index)] = vector[tuple(index)]
                weight = float(np.vdot(kept, kept).real)
                if weight > 1e-9:
                    bits = tuple(b ^ m for b, m in zip(outcome, gate.full_invert_mask(), strict=True))
                    known = {**values, gate.key: bits}
                    rest = operations[at + 1 :]
                    _walk(rest, (qubits, kept / weight**0.5), known, chance * weight, keys, found)
            return
        if operation.classical_controls:
            store = cirq.ClassicalDataDictionaryStore()
            for key, bits in values.items():
                lines = cirq.LineQubit.range(len(bits))
                store.record_measurement(cirq.MeasurementKey.parse_serialized(key), bits, lines)
            if not all(condition.resolve(store) for condition in operation.classical_controls):
                continue
            operation = operation.without_classical_controls()
        axes = [qubits.index(qubit) for qubit in operation.qubits]
        vector = cirq.apply_unitary(operation, cirq.ApplyUnitaryArgs(vector, np.empty_like(vector), axes))
    outcome = tuple(int("".join(map(str, values[key])), 2) for key in keys)
    found[outcome] = found.get(outcome, 0.0) + chance
