"""``cirq.Circuit`` as a ``qmk.Circuit``.

Bit ``k`` from the left of a key's register is what the key's k-th qubit read; a key that is measured several times has
its records one after the other, the first leftmost; registers print in the order in which keys are first measured. Tags
and moments carry no meaning for a run and are left behind.
"""

from __future__ import annotations

# Cirq has types in part, sympy none.
# pyright: reportMissingTypeStubs=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false
from collections.abc import Iterable, Sequence
from typing import Any, cast

import cirq
import numpy as np

from qmk.adapters.cirq import channels, conditions
from qmk.adapters.cirq.gates import Found, Steps, items, phase_items, reader_of
from qmk.adapters.cirq.names import free_name, is_line, qubit_named, register_name
from qmk.adapters.cirq.parameters import angle
from qmk.adapters.cirq.parts import control_terms, count_moments, global_phase, in_order, matrix_rows
from qmk.base.limits import LIMITS, check
from qmk.circuit import whole
from qmk.circuit.applying import items_of
from qmk.circuit.circuit import Circuit
from qmk.circuit.items import Assign, End, If, Item, Step, move
from qmk.circuit.objects import not_a_program
from qmk.circuit.operands import Condition
from qmk.frontends.openqasm.unitary import ROOT_QUBITS, synthesise
from qmk.ir.parameters import Angle, Expression
from qmk.models.arguments import show
from qmk.sdk.adapter import cannot

_PLAIN = frozenset({cirq.GateOperation, type(cirq.X(cirq.LineQubit(0)))})
"""Operations that are a gate on qubits and no more."""

LARGEST_MATRIX = 8
"""Qubits of a unitary matrix that is taken apart into gates, some 4^n of them."""

_DEEPEST = 64
"""Decompositions within each other."""


def read(program: object, params: Any) -> Circuit:
    """The circuit. Raises UNSUPPORTED naming the operation and its moment."""
    if not isinstance(program, cirq.AbstractCircuit):
        raise not_a_program("cirq", program, "give a cirq.Circuit or a cirq.FrozenCircuit")
    return Reader(sorted(program.all_qubits())).read(program)


class Reader:
    """Reads one circuit on these qubits, in this order."""

    def __init__(self, qubits: Sequence[cirq.Qid]) -> None:
        self.qubits = tuple(qubits)
        self.where = {qubit: k for k, qubit in enumerate(qubits)}
        self.items: list[Item] = []
        self.records: dict[str, list[tuple[int, ...]]] = {}
        self.n_bits = 0
        self.found: dict[int, Found] = {}
        self.kept: list[Any] = []
        self.phase = 0.0
        self.open_phases: dict[Expression, float] = {}
        self.moment = 0
        self.depth = 0
        for qubit in qubits:
            if qubit.dimension != 2:
                fix = "QMK runs qubits: encode levels in several of them"
                raise cannot("cirq", f"qudit {qubit} has {qubit.dimension} levels", "the circuit", fix)

    def read(self, program: cirq.AbstractCircuit) -> Circuit:
        for number, moment in enumerate(program.moments):
            self.moment = number
            self.add_all(moment.operations)
        return self._finish()

    # -- operations --------------------------------------------------------------------------------------------------

    def add_all(self, operations: Iterable[cirq.Operation]) -> None:
        found, where, add, simple = self.found, self.where, self.items.append, _PLAIN
        for operation in operations:
            if type(operation) not in simple:
                self.add(operation)
                continue
            gate: Any = operation.gate
            known = found.get(id(gate)) or self.find(gate)
            if type(known) is tuple:
                name, angles = known
                qubits = operation.qubits
                if len(qubits) == 1:
                    add((name, angles, (where[qubits[0]],)))
                else:
                    add((name, angles, tuple([where[qubit] for qubit in qubits])))
            elif known is not None:
                self.put(cast("Steps", known), operation)
            else:
                self.add(operation)

    def find(self, gate: Any) -> Found | None:
        """The gate as steps of ours; None where there is no entry for it."""
        make = reader_of(type(gate))
        if make is None:
            return None
        made = make(gate)
        self.found[id(gate)] = made
        self.kept.append(gate)  # so that its id stays its own
        return made

    def put(self, steps: Steps, operation: cirq.Operation) -> None:
        qubits = self.numbers(operation)
        self.items += [each for step in steps.steps for each in items(step, qubits)]
        self.add_phase(steps.phase)

    def add_phase(self, phase: Angle) -> None:
        if isinstance(phase, Expression):
            self.open_phases[phase] = self.open_phases.get(phase, 0.0) + 1.0
        else:
            self.phase += phase

    def numbers(self, operation: cirq.Operation) -> tuple[int, ...]:
        try:
            return tuple([self.where[qubit] for qubit in operation.qubits])
        except KeyError:
            fix = "decompose it with cirq.decompose and give the result"
            raise self.refuse("its decomposition takes further qubits", operation, fix) from None

    def refuse(self, what: str, operation: object, fix: str) -> Exception:
        return cannot("cirq", what, f"moment {self.moment}, {show(str(operation), 80)}", fix)

    def add(self, operation: cirq.Operation) -> None:
        """Any operation, by its kind."""
        if isinstance(operation, cirq.TaggedOperation):
            self.add_all((operation.untagged,))
        elif isinstance(operation, cirq.ClassicallyControlledOperation):
            self._branch(operation)
        elif isinstance(operation, cirq.CircuitOperation):
            self._circuit(operation)
        elif isinstance(operation, cirq.ControlledOperation) or isinstance(operation.gate, cirq.ControlledGate):
            self._control(operation)
        elif isinstance(operation, cirq.PauliStringPhasor) or isinstance(operation.gate, cirq.PauliStringPhasorGate):
            self._phasor(operation)
        else:
            self._gate(operation)

    def _branch(self, operation: cirq.ClassicallyControlledOperation) -> None:
        place = f"moment {self.moment}, {show(str(operation), 80)}"
        found = [conditions.read(each, self.records, place) for each in in_order(operation.classical_controls)]
        condition = found[0]
        for each in found[1:]:
            condition = condition & each
        self.items.append(If(condition))
        phases = self.phase, dict(self.open_phases)
        self.add_all((operation.without_classical_controls(),))
        self.phase, self.open_phases = phases  # of one side of a branch, which no measurement tells from another
        self.items.append(End())

    def _circuit(self, operation: cirq.CircuitOperation) -> None:
        if operation.repeat_until is not None:
            fix = "give the number of repetitions: CircuitOperation(circuit, repetitions=n)"
            raise self.refuse("it repeats until a condition holds, which has no bound", operation, fix)
        times = operation.repetitions
        if not isinstance(times, (int, np.integer)):
            raise self.refuse("its number of repetitions is a parameter", operation, "resolve it first")
        moments = abs(int(times)) * count_moments(operation.circuit, {})
        check("expansion_nodes", len(self.items) + moments, "a CircuitOperation")
        for moment in operation.mapped_circuit().moments:
            self.add_all(moment.operations)

    # -- gates -------------------------------------------------------------------------------------------------------

    def _control(self, operation: cirq.Operation) -> None:
        """A gate under controls, by its own steps, whose phase is physics here."""
        gate: Any = operation.gate or operation
        if isinstance(gate, cirq.ControlledGate):
            inner: Any = gate.sub_gate
            count = gate.num_controls()
        else:
            inner, count = gate.sub_operation, len(gate.controls)
        phase = global_phase(inner)
        steps = Steps((), phase) if phase is not None else self._steps_of(inner, operation)
        if steps is None:
            self._decompose(operation)
            return
        qubits = self.numbers(operation)
        for numbers, values in control_terms(gate.control_values, qubits[:count]):
            for step in steps.steps:
                self.items += items(step, qubits[count:], numbers, values)
            self._add_controlled_phase(steps.phase, numbers, values)

    def _add_controlled_phase(self, phase: Angle, numbers: tuple[int, ...], values: str) -> None:
        if values:
            self.items += phase_items(phase, numbers, values)
        else:
            self.add_phase(phase)

    def _steps_of(self, inner: Any, operation: cirq.Operation) -> Steps | None:
        """The steps of a gate or an operation under controls; None where its controlled form has to be decomposed."""
        gate = inner if isinstance(inner, cirq.Gate) else inner.without_classical_controls().untagged.gate
        found = None if gate is None else self.find(gate)
        if type(found) is tuple:
            name, angles = found
            return Steps(((name, angles, tuple(range(cirq.num_qubits(gate)))),))
        if found is not None:
            return cast("Steps", found)
        if cirq.num_qubits(inner) <= ROOT_QUBITS and cirq.has_unitary(inner):
            made = items_of(synthesise(matrix_rows(cirq.unitary(inner))), range(cirq.num_qubits(inner)))
            plain = [each for each in made if type(each) is tuple and len(each) == 3]
            if len(plain) == len(made):
                phase = sum(cast("float", each[1][0]) for each in plain if each[0] == "gphase")
                return Steps(tuple(each for each in plain if each[0] != "gphase"), phase)  # type: ignore[arg-type]
        return None

    def _phasor(self, operation: cirq.Operation) -> None:
        gate: Any = operation.gate
        paulis = "".join("IXYZ"[k] for k in gate.dense_pauli_string.pauli_mask)
        low, high = gate.exponent_pos, gate.exponent_neg
        on = [k for k, pauli in enumerate(paulis) if pauli != "I"]
        qubits = self.numbers(operation)
        if on:
            args = {"paulis": "".join(paulis[k] for k in on), "theta": angle(high - low, 1)}
            self.items.append(Step("core.paulirot", args, tuple(qubits[k] for k in on)))
            self.add_phase(angle(high + low, 0.5))
        else:
            self.add_phase(angle(low, 1))

    def _gate(self, operation: cirq.Operation) -> None:
        gate: Any = operation.gate
        native = channels.NATIVE.get(type(gate))
        if isinstance(gate, cirq.MeasurementGate):
            self._measure(gate, self.numbers(operation))
        elif isinstance(gate, cirq.PauliMeasurementGate):
            self._measure_pauli(gate, self.numbers(operation))
        elif isinstance(gate, cirq.ResetChannel):
            self.items += [Step("core.reset", {}, (qubit,)) for qubit in self.numbers(operation)]
        elif (phase := global_phase(gate if gate is not None else operation)) is not None:
            self.add_phase(phase)
        elif cirq.measurement_key_objs(operation):
            fix = "leave out its key: what a channel did is not recorded"
            raise self.refuse("it is a channel that writes a measurement key", operation, fix)
        elif native is not None and (made := native(gate)) is not None:
            self.items.append(Step(*made, self.numbers(operation)))
        elif isinstance(gate, cirq.MatrixGate) and gate.num_qubits() <= ROOT_QUBITS:
            self._unitary(operation)
        else:
            self._decompose(operation)

    def _unitary(self, operation: cirq.Operation) -> None:
        for each in items_of(synthesise(matrix_rows(cirq.unitary(operation))), self.numbers(operation)):
            if type(each) is tuple and each[0] == "gphase":
                self.add_phase(each[1][0])
            else:
                self.items.append(each)

    def _decompose(self, operation: cirq.Operation) -> None:
        parts = cirq.decompose_once(operation, None) if self.depth < _DEEPEST else None
        if parts is not None and list(parts) != [operation]:
            self.depth += 1
            self.add_all(parts)
            self.depth -= 1
        elif cirq.has_unitary(operation) and cirq.num_qubits(operation) <= LARGEST_MATRIX:
            if cirq.num_qubits(operation) <= ROOT_QUBITS:
                self._unitary(operation)
            else:
                self.add_all(cirq.quantum_shannon_decomposition(list(operation.qubits), cirq.unitary(operation)))
        elif (made := channels.kraus(operation)) is not None:
            self.items.append(Step(*made, self.numbers(operation)))
        else:
            fix = "decompose it into gates on fewer qubits, and channels on one or two; QMK reads these"
            raise self.refuse("neither a gate of QMK's, nor decomposed by Cirq, nor small", operation, fix)

    # -- measurements ------------------------------------------------------------------------------------------------

    def _new_bits(self, key: str, count: int) -> tuple[int, ...]:
        bits = tuple(range(self.n_bits, self.n_bits + count))
        self.n_bits += count
        known = self.records.setdefault(key, [])
        if known and len(known[0]) != count:
            fix = "measure the same number of qubits each time, or take two keys"
            raise cannot(
                "cirq",
                f"key '{key}' is measured on {count} qubits and on {len(known[0])}",
                f"moment {self.moment}",
                fix,
            )
        known.append(bits)
        return bits

    def _measure(self, gate: cirq.MeasurementGate, qubits: tuple[int, ...]) -> None:
        bits = self._new_bits(gate.key, len(qubits))
        self.items += [Step("core.mz", {}, (q,), (), (bit,)) for q, bit in zip(qubits, bits, strict=True)]
        for places, matrix in (gate.confusion_map or {}).items():
            if len(places) != 1:
                fix = "give a matrix for each qubit"
                raise cannot(
                    "cirq",
                    f"key '{gate.key}' has a confusion matrix on {len(places)} qubits",
                    f"moment {self.moment}",
                    fix,
                )
            chances = {"p01": float(matrix[0, 1]), "p10": float(matrix[1, 0])}
            bit = bits[places[0]]
            self.items.append(Step("noise.readout", chances, (), (bit,), (bit,)))
        self._invert(bit for bit, flips in zip(bits, gate.full_invert_mask(), strict=True) if flips)

    def _measure_pauli(self, gate: cirq.PauliMeasurementGate, qubits: tuple[int, ...]) -> None:
        string = gate.observable()
        paulis = "".join("IXYZ"[k] for k in string.pauli_mask)
        bits = self._new_bits(gate.key, 1)
        self.items.append(Step("core.mpauli", {"paulis": paulis}, qubits, (), bits))
        self._invert(bits if complex(string.coefficient).real < 0 else ())

    def _invert(self, bits: Iterable[int]) -> None:
        self.items += [Assign(bit, Condition("not", (Condition("bit", (bit,)),))) for bit in bits]

    # -- the end -----------------------------------------------------------------------------------------------------

    def _finish(self) -> Circuit:
        made, taken, source = Circuit(), set[str](), dict[str, Any]()
        keys = self._key_names(taken, source)
        if is_line(self.qubits):
            if self.qubits:
                made.add_qubits(len(self.qubits), free_name("q", taken, LIMITS.name_chars // 2))
        else:
            for qubit in self.qubits:
                name = free_name(register_name(qubit), taken, LIMITS.name_chars // 2)
                made.add_qubits(None, name)
                if qubit_named(name) != qubit:
                    source.setdefault("qubits", {})[name] = str(qubit)
        into = [0] * self.n_bits
        for key in reversed(keys):
            own = [bit for record in self.records[key] for bit in record]
            single = len(own) == 1
            for bit, here in zip(reversed(own), made.add_bits(None if single else len(own), keys[key]), strict=True):
                into[bit] = here.index
        items = self.items
        if self.n_bits:
            items = [each if type(each) is tuple else move(each, int, into.__getitem__) for each in items]
        items += [("gphase", (phase,), ()) for phase in self._phases()]
        check("expansion_nodes", len(items), "the circuit")
        return whole.append(made, items, {"source": {"format": "cirq", **source}})

    def _key_names(self, taken: set[str], source: dict[str, Any]) -> dict[str, str]:
        keys: dict[str, str] = {}
        for key in self.records:
            keys[key] = free_name(key, taken, LIMITS.name_chars // 2)
            if keys[key] != key:
                source.setdefault("keys", {})[keys[key]] = key
        return keys

    def _phases(self) -> list[Angle]:
        known = cast("float", angle(self.phase % (2 * np.pi)))
        return [*([known] if known else []), *(count * phase for phase, count in self.open_phases.items())]
