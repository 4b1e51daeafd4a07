"""Operators of PennyLane as a circuit's items.

Gates of ours are taken as they are, also under ``ctrl`` and ``adjoint``; other operators by their decomposition, and
where they have none by their matrix. Phases are exact. ``place`` in errors is the number of the operator on its tape.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn, cast

from qmk.adapters.pennylane.gates import CHANNELS, FORMS, GATES, INVERSES, labels_of
from qmk.adapters.pennylane.library import PAULI_MEASURE, qml
from qmk.base.errors import QmkError
from qmk.circuit import whole
from qmk.circuit.applying import items_of
from qmk.circuit.circuit import Circuit
from qmk.circuit.items import End, If, Item, Step
from qmk.circuit.operands import Condition
from qmk.frontends.openqasm.unitary import control
from qmk.ir.parameters import Expression
from qmk.models.arguments import show, to_plain
from qmk.sdk.adapter import cannot

LARGEST_MATRIX = 3
"""Qubits of a unitary matrix that is written as gates at once; PennyLane decomposes larger ones first."""

MATRIX_WIRES = 6
"""Most wires of an operator that has nothing but a matrix."""

MOST_MEASUREMENTS = 16
"""Measurements that one condition may depend on: it becomes a table of their outcomes."""

DEPTH = 200
"""Decompositions within decompositions."""

_SPLIT = "split it first with qml.transforms.broadcast_expand"

_NO_PROGRAM = {
    qml.Snapshot: "a snapshot has no form in a circuit",
    qml.WireCut: "the place of a cut has no form in a circuit",
}


def has_angles(op: Any) -> bool:
    """Whether all data of an operator are angles of gates, which may be expressions of parameters."""
    kind = op.__class__
    if isinstance(op, qml.ops.Adjoint):
        kind = op.base.__class__
    return kind in GATES or kind in FORMS


def is_gate(op: Any) -> bool:
    """Whether an operator is read as it is: a gate of ours, also undone and under controls."""
    return has_angles(op) or (isinstance(op, (qml.ops.Controlled, qml.ops.Adjoint)) and is_gate(op.base))


def is_matrix(op: Any) -> bool:
    """Whether an operator is read by its matrix, as it has no decomposition."""
    return not op.has_decomposition and op.has_matrix and len(op.wires) <= MATRIX_WIRES


class Reader:
    """``wires``: the label of each qubit, in order. ``bits``: the bit of each measurement on the way, by its id, for
    which ``first_bit`` and those behind it are taken. ``reused``: conditions are on bits that these name."""

    def __init__(self, wires: Sequence[Any], first_bit: int = 0) -> None:
        self.number: dict[Any, int] = {label: k for k, label in enumerate(wires)}
        self.items: list[Item] = []
        self.bits: dict[str, int] = {}
        self.postselected: dict[int, int] = {}
        self._first_bit = first_bit
        self._place = ""

    def read(self, operators: Iterable[Any]) -> list[Item]:
        """The items of operators in order. Raises UNSUPPORTED naming what cannot be carried over and where it is."""
        items, number = self.items, self.number
        for at, op in enumerate(operators):
            short = GATES.get(op.__class__)
            if short is None:
                self._place = f"operator {at} ({op.name})"
                self.apply(op)
                continue
            data = op.data
            try:
                angles = tuple([float(x) for x in data]) if data else ()
            except Exception:  # arrays, and classes of a caller's own
                angles = (math.nan,)
            if angles and not math.isfinite(sum(angles)):
                self._place = f"operator {at} ({op.name})"
                angles = self.angles(op, data)
            items.append((short, angles, tuple([number[label] for label in labels_of(op)])))
        return items

    def apply(self, op: Any, data: tuple[Any, ...] | None = None, depth: int = 0) -> None:
        """Adds one operator. ``data``: what stands for its angles, such as expressions of parameters."""
        kind = op.__class__
        given = op.data if data is None else data
        if kind in GATES:
            self.items.append((GATES[kind], self.angles(op, given), self.qubits(op)))
        elif kind in FORMS:
            self.items += FORMS[kind](self.angles(op, given), self.qubits(op), op)
        elif kind is qml.BasisState:
            ones = [bool(bit) for bit in op.data[0]]
            self.items += [("x", (), (qubit,)) for qubit, bit in zip(self.qubits(op), ones, strict=True) if bit]
        elif isinstance(op, (qml.ops.MidMeasure, PAULI_MEASURE)):
            self._measure(op)
        elif isinstance(op, qml.ops.Conditional):
            self.items.append(If(self.condition(op.meas_val)))
            self.apply(op.base, data, depth)
            self.items.append(End())
        elif isinstance(op, qml.operation.Channel):
            self._channel(op)
        elif not (self._adjoint(op, data, depth) or self._control(op, data, depth)):
            assert not data, "expressions stand only for what has_angles names"
            self._expand(op, depth)

    def qubits(self, op: Any) -> tuple[int, ...]:
        return tuple([self.number[label] for label in labels_of(op)])

    def angles(self, op: Any, data: Sequence[Any]) -> tuple[Any, ...]:
        return tuple([x if isinstance(x, Expression) else self._angle(op, x) for x in data])

    def _angle(self, op: Any, given: Any) -> float:
        if getattr(op, "batch_size", None) is not None or qml.math.ndim(given):
            self.refuse(
                "its angles are a batch of several values", "split it first with qml.transforms.broadcast_expand"
            )
        try:
            found = float(given)
        except Exception:  # a caller's own class may raise anything
            found = math.nan
        if not math.isfinite(found):
            self.refuse(f"its angle {show(given, 40)} is not a finite number", "give numbers")
        return found

    def refuse(self, what: str, fix: str) -> NoReturn:
        raise cannot("pennylane", what, self._place, fix)

    # -- measurements on the way ---------------------------------------------------------------------------------------

    def _measure(self, op: Any) -> None:
        bit = self._first_bit + len(self.bits)
        self.bits[op.meas_uid] = bit
        if op.postselect is not None:
            self.postselected[bit] = int(op.postselect)
        if isinstance(op, PAULI_MEASURE):
            self.items.append(Step("core.mpauli", {"paulis": op.pauli_word}, self.qubits(op), (), (bit,)))
            return
        self.items.append(Step("core.mz", {}, self.qubits(op), (), (bit,)))
        if op.reset:
            self.items.append(Step("core.reset", {}, self.qubits(op)))

    def condition(self, value: Any) -> Condition:
        """The condition that a measurement value holds something else than 0."""
        bits = [self._bit(each) for each in value.measurements]
        if not value.has_processing and len(bits) == 1:
            return bits[0]
        if len(bits) > MOST_MEASUREMENTS:
            what = f"a condition on {len(bits)} measurements"
            self.refuse(what, f"combine at most {MOST_MEASUREMENTS}, or several conditions within each other")
        table = 0
        for row, (_, found) in enumerate(value.items()):  # the first measurement is the highest bit of a row
            table |= bool(found) << row
        return Condition("table", (table, *reversed(bits)))

    def _bit(self, measurement: Any) -> Condition:
        bit = self.bits.get(measurement.meas_uid)
        if bit is None:
            self.refuse("it depends on a measurement that is not on the tape before it", "measure first")
        return Condition("bit", (bit,))

    # -- operators that are made of others -----------------------------------------------------------------------------

    def _channel(self, op: Any) -> None:
        if type(op) in CHANNELS:
            name, args = CHANNELS[type(op)](self.angles(op, op.data))
        else:
            matrices = [qml.math.toarray(qml.math.unwrap(each)) for each in op.kraus_matrices()]
            operators = to_plain(
                [[[[z.real, z.imag] for z in row] for row in each.astype(complex)] for each in matrices]
            )
            if len(op.wires) > 2:
                self.refuse("a channel on more than two qubits", "write it as channels on one or two qubits")
            name, args = "noise.kraus", {"operators": operators}
        self.items.append(Step(name, args, self.qubits(op)))

    def _part(self, op: Any, data: tuple[Any, ...] | None, depth: int) -> Circuit | None:
        """An operator on qubits of its own; None where it is more than gates."""
        inner = Reader(op.wires.labels)
        inner._place = self._place
        inner.apply(op, data, depth + 1)
        made = Circuit(max(len(op.wires), 1))
        whole.append(made, inner.items)
        return made if all(type(each) is tuple or cast("Any", each)[0] in _GATE_STEPS for each in inner.items) else None

    def _adjoint(self, op: Any, data: tuple[Any, ...] | None, depth: int) -> bool:
        """Adds an adjoint; False where it is something else, or is read by its decomposition."""
        if not isinstance(op, qml.ops.Adjoint):
            return False
        base = op.base
        short = INVERSES.get(GATES.get(cast("Any", type(base)), ""))
        if short is not None:
            self.items.append((short, (), self.qubits(base)))
            return True
        if not is_gate(base):
            return False
        part = self._part(base, data, depth)
        if part is not None:
            self.items += items_of(whole.unitary_of(part.inverse()), self.qubits(base))
        return part is not None

    def _control(self, op: Any, data: tuple[Any, ...] | None, depth: int) -> bool:
        """Adds an operator under controls; False where it is something else, or more than gates."""
        if not isinstance(op, qml.ops.Controlled):
            return False
        values = "".join("1" if value else "0" for value in op.control_values)
        operands = (*(self.number[label] for label in op.control_wires), *self.qubits(op.base))
        part = self._part(op.base, data, depth)
        if part is None:
            return False
        self.items += items_of(control(whole.unitary_of(part), values), operands)
        return True

    def _expand(self, op: Any, depth: int) -> None:
        for kind, why in _NO_PROGRAM.items():
            if isinstance(op, kind):
                self.refuse(why, "leave it out")
        if depth > DEPTH:
            self.refuse(f"its decomposition is more than {DEPTH} levels deep", "decompose it first with qml.decompose")
        if is_matrix(op) or (isinstance(op, qml.QubitUnitary) and len(op.wires) <= LARGEST_MATRIX):
            self._matrix(op, depth)
        elif op.has_decomposition:
            with qml.QueuingManager.stop_recording():
                parts = op.decomposition()
            for part in parts:
                self.apply(part, None, depth + 1)
        else:
            what = f"it has neither a decomposition nor a matrix on at most {MATRIX_WIRES} wires"
            self.refuse(what, "write it as gates, such as qml.QubitUnitary or qml.TrotterProduct")

    def _matrix(self, op: Any, depth: int) -> None:
        if getattr(op, "batch_size", None) is not None:
            self.refuse("its matrix is a batch of several", _SPLIT)
        matrix = qml.math.toarray(qml.math.unwrap(qml.matrix(op, wire_order=op.wires)))
        if len(op.wires) > LARGEST_MATRIX:
            with qml.QueuingManager.stop_recording():
                self._expand(qml.QubitUnitary(matrix, op.wires), depth)
            return
        try:
            part = Circuit(len(op.wires)).unitary(matrix, *range(len(op.wires)))
        except QmkError as refused:
            self.refuse(str(refused), "write it as gates; an operator that is not unitary is not a gate")
        self.items += items_of(whole.unitary_of(part), self.qubits(op))


_GATE_STEPS = frozenset({"core.paulirot", "core.barrier"})


def named_registers(wires: Sequence[Any]) -> Mapping[str, int | None]:
    """The registers of a circuit for these wires: q where they are numbered from 0, else one qubit each: by its label
    where that is a name, and w3 for the wire 3."""
    if all(type(label) is int for label in wires) and list(wires) == list(range(len(wires))):
        return {"q": len(wires)} if wires else {}
    found: dict[str, int | None] = {}
    for at, label in enumerate(wires):
        name = label if isinstance(label, str) and label.isidentifier() and label.isascii() else ""
        if isinstance(label, int) and label >= 0:
            name = f"w{int(label)}"
        found[name if name and name not in found else f"wire_{at}"] = None
    return found
