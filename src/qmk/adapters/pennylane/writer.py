"""Circuits as PennyLane's tapes.

Qubits are the wires 0, 1, ... where they are one register q, else they go by their names. Each printed register becomes
``qml.counts``, the last first, as they are printed: of wires where its bits are the last thing that happens to them,
else of measurements on the way. Those have one value each, so that conditions of any form are kept.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, cast

from qmk.adapters.pennylane.gates import CLASSES, INVERSES
from qmk.adapters.pennylane.library import qml
from qmk.circuit.building import PARAMS
from qmk.circuit.circuit import Circuit
from qmk.circuit.items import Assign, Else, End, If, Item, ModifiedGate, Step
from qmk.circuit.operands import Condition
from qmk.frontends.openqasm.unitary import Prim, Unitary, matrix_of
from qmk.ir.parameters import Expression
from qmk.qvm.families import OPS
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.qvm.matrices import pauli_string
from qmk.qvm.op import KrausChannel
from qmk.sdk.adapter import cannot

# A writer reads a circuit as its own methods do.
# pyright: reportPrivateUsage=false

Make = Callable[[tuple[Any, ...], list[Any]], list[Any]]

_ADJOINTS = {inverse: short for short, inverse in INVERSES.items()}

FORMS: dict[str, Make] = {
    "id": lambda _, wires: [qml.Identity(wires)],
    "gphase": lambda angles, _: [qml.GlobalPhase(-angles[0])],
    "qasm_u": lambda angles, wires: [qml.GlobalPhase(-angles[0] / 2), qml.U3(*angles, wires)],
    "rzx": lambda angles, wires: [qml.PauliRot(angles[0], "ZX", wires)],
    "fsim": lambda angles, wires: [
        qml.IsingXX(angles[0], wires), qml.IsingYY(angles[0], wires), qml.ControlledPhaseShift(-angles[1], wires)
    ],
    "xx_plus_yy": lambda angles, wires: [
        qml.RZ(angles[1], wires[0]), qml.IsingXY(-angles[0], wires), qml.RZ(-angles[1], wires[0])
    ],
}  # fmt: skip
"""Gates that are several of PennyLane's, or one of another form."""


def _undo_s(wire: Any) -> Any:
    return qml.adjoint(qml.S(wire))


_TURNS: dict[str, tuple[tuple[Callable[[Any], Any], ...], tuple[Callable[[Any], Any], ...]]] = {
    "core.mx": ((qml.Hadamard,), (qml.Hadamard,)),
    "core.my": ((_undo_s, qml.Hadamard), (qml.Hadamard, qml.S)),
}
"""Gates before and behind a measurement in another basis."""


def write(circuit: Circuit) -> Any:
    """The circuit as a tape. Raises UNSUPPORTED naming what PennyLane cannot say and where it stands."""
    writer = _Writer(circuit)
    with qml.QueuingManager.stop_recording():
        for at, item in enumerate(circuit._items):
            writer.place = f"op {at}"
            writer.write(item, at)
        return qml.tape.QuantumScript(writer.operators, writer.processes(), shots=circuit._shots)


class _Writer:
    def __init__(self, circuit: Circuit) -> None:
        circuit._require_finished()
        self.circuit = circuit
        plain = [register.name for register in circuit._qubit_registers] in ([], ["q"])
        self.wires: list[Any] = list(range(circuit.n_qubits)) if plain else list(circuit._qubit_names)
        self.operators: list[Any] = []
        self.place = ""
        self.last_use = _find_last_uses(circuit._items)
        self.values: dict[int, Any] = {}
        self.measured: dict[int, Any] = {}
        """Bits that are of a wire's last measurement."""
        self.branches: list[Any] = []
        self.read = {bit for item in circuit._items for bit in _bits_read(item)}

    def refuse(self, what: str, fix: str) -> NoReturn:
        raise cannot("pennylane", what, self.place, fix)

    def write(self, item: Item, at: int) -> None:
        match item:
            case Step():
                self._step(item, at)
            case Assign():
                new = self._value(item.value)
                if self.branches:
                    old = self.values.get(item.bit)
                    if old is None:
                        self.refuse("a bit is set under a condition alone", "set it before the branch too")
                    inside = self._condition()
                    new = (inside & new) | (_negate(inside) & old)
                self.values[item.bit] = new
            case If():
                self.branches.append(self._value(item.condition))
            case Else():
                self.branches[-1] = _negate(self.branches[-1])
            case End():
                self.branches.pop()
            case _:
                for op in self._gate(*cast("ModifiedGate", (*item, "", 1.0)[:5])):
                    self._add(op)

    def _add(self, op: Any) -> None:
        self.operators.append(qml.ops.Conditional(self._condition(), op) if self.branches else op)

    def _condition(self) -> Any:
        found = self.branches[0]
        for each in self.branches[1:]:
            found = found & each
        return found

    # -- gates ---------------------------------------------------------------------------------------------------------

    def _gate(
        self, name: str, angles: tuple[Any, ...], qubits: tuple[int, ...], controls: str, power: float
    ) -> list[Any]:
        if any(isinstance(angle, Expression) for angle in angles):
            self.refuse("an angle has no value yet", "give parameters values first: circuit.bind(...)")
        wires = [self.wires[k] for k in qubits]
        control, targets = wires[: len(controls)], wires[len(controls) :]
        if name == "gphase":
            angles, power = (angles[0] * power,), 1.0
        if power in (1.0, -1.0):
            made = _plain(name, angles, targets)
        else:
            made = [qml.QubitUnitary(_matrix(name, angles, power), targets)]
        if power == -1.0:
            made = [qml.adjoint(op, lazy=False) for op in reversed(made)]
        if control:
            values = [digit == "1" for digit in controls]
            made = [qml.ctrl(op, control, control_values=values) for op in made]
        return made

    # -- other ops -----------------------------------------------------------------------------------------------------

    def _step(self, step: Step, at: int) -> None:
        wires = [self.wires[k] for k in step.qubits]
        op = OPS[step.op]
        short = step.op.partition(".")[2]
        if step.op in ("core.mz", "core.mx", "core.my", "core.mpauli"):
            self._measure(step, wires, at)
        elif step.op == "core.reset":
            self._reset(wires)
        elif step.op == "core.barrier":
            self._add(qml.Barrier(wires))
        elif step.op == "core.paulirot":
            if isinstance(step.args["theta"], Expression):
                self.refuse("an angle has no value yet", "give parameters values first: circuit.bind(...)")
            self._add(qml.PauliRot(step.args["theta"], step.args["paulis"], wires))
        elif op.channel is not None and not self.branches:
            self._channel(step, wires)
        else:
            self.refuse(f"{short} has no form in PennyLane", "leave it out, or run the circuit with qmk.run")

    def _measure(self, step: Step, wires: list[Any], at: int) -> None:
        (bit,) = step.writes
        if self.branches:
            self.refuse("a measurement under a condition", "measure outside of the branch")
        before, behind = _TURNS.get(step.op, ((), ()))
        ends = step.op != "core.mpauli" and self.last_use[step.qubits[0]] == at and bit not in self.read
        self.operators += [make(wires[0]) for make in before]
        if ends:
            self.measured[bit] = wires[0]
            self.values.pop(bit, None)
            return
        self.measured.pop(bit, None)
        if step.op == "core.mpauli":
            value = qml.pauli_measure(step.args["paulis"], wires)
        else:
            value = qml.measure(wires[0])
        self.operators += value.measurements
        self.values[bit] = value
        self.operators += [make(wires[0]) for make in behind]

    def _reset(self, wires: list[Any]) -> None:
        for wire in wires:
            if self.branches:
                self.refuse("a reset under a condition", "reset outside of the branch")
            self.operators += qml.measure(wire, reset=True).measurements

    def _channel(self, step: Step, wires: list[Any]) -> None:
        assert OPS[step.op].channel is not None, "it is a channel"
        if any(isinstance(value, Expression) for value in step.args.values()):
            self.refuse("a probability has no value yet", "give parameters values first: circuit.bind(...)")
        made = _known_channel(step, wires)
        if made is None:
            found: Any = OPS[step.op].channel
            channel = found(step.args, len(wires))
            if isinstance(channel, KrausChannel):
                made = qml.QubitChannel([qml.math.array(each, dtype=complex) for each in channel.operators], wires)
            else:
                made = _pauli_channel(channel.chances, wires)
        self.operators.append(made)

    # -- bits ----------------------------------------------------------------------------------------------------------

    def _value(self, condition: Condition) -> Any:
        match condition.op, condition.args:
            case "bit", (int(index), *_):
                found = self.values.get(index)
                if found is None:
                    self.refuse(f"bit {index} is read before anything has written it", "measure into it first")
                return found
            case "not", (one,):
                return _negate(self._value(one))
            case "equal", (value, *bits):
                wanted = tuple(value >> k & 1 for k in range(len(bits)))
                return self._join(bits, lambda *held: held == wanted)
            case "table", (table, *bits):
                if not bits:
                    self.refuse("a condition that is known before the run", "leave it out, or what it guards")
                return self._join(bits, lambda *held: bool(table >> sum(b << k for k, b in enumerate(held)) & 1))
            case op, (left, right):
                a, b = self._value(left), self._value(right)
                return {"and": lambda: a & b, "or": lambda: a | b, "xor": lambda: a ^ b}[op]()
            case _:
                raise AssertionError(condition.op)

    def _join(self, bits: Iterable[Condition], combine: Callable[..., bool]) -> Any:
        """A function of several bits; one may be of the same measurements as another."""
        values = [self._value(bit) for bit in bits]
        found = values[0]._apply(_start)
        for value in values[1:]:
            found = found._merge(value)._apply(_append)

        def apply(held: tuple[Any, ...]) -> bool:
            return combine(*(int(bool(each)) for each in held))

        return found._apply(apply)

    def processes(self) -> list[Any]:
        """A measurement process for each printed register."""
        found: list[Any] = []
        for register in reversed(self.circuit._bit_registers):
            bits = [bit for bit in reversed(register.bits) if bit in self.measured or bit in self.values]
            if not register.shown or not bits:
                continue
            self.place = f"register {register.name}"
            if len(bits) < len(register.bits):
                self.refuse("some of its bits are never written", "measure into all of them, or leave them out")
            if all(bit in self.measured for bit in bits):
                found.append(qml.counts(wires=[self.measured[bit] for bit in bits]))
                continue
            values = [self._late_value(bit) for bit in bits]
            if len(values) == 1:
                found.append(qml.counts(values[0]))
            elif any(value.has_processing for value in values):
                self.refuse("a bit that is a function of measurements, beside others", "give it a register of its own")
            else:
                found.append(qml.counts(values))
        return found

    def _late_value(self, bit: int) -> Any:
        if bit in self.measured:  # a wire's last measurement, printed beside one on the way
            value = qml.measure(self.measured[bit])
            self.operators += value.measurements
            self.values[bit] = value
        return self.values[bit]


def _plain(name: str, angles: tuple[Any, ...], wires: list[Any]) -> list[Any]:
    if name in FORMS:
        return FORMS[name](angles, wires)
    if name in _ADJOINTS:
        return [qml.adjoint(CLASSES[_ADJOINTS[name]](wires=wires))]
    return [CLASSES[name](*angles, wires=wires)]


def _matrix(name: str, angles: tuple[float, ...], power: float) -> Any:
    """The matrix of a gate to a power."""
    size = FIXED_SIZE[name].vqs.low
    prim = Prim(name, tuple(range(size)), dict(zip(PARAMS[name], angles, strict=True)), "", power)
    return qml.math.array(matrix_of(Unitary((prim,)), size))


def _negate(value: Any) -> Any:
    return value._apply(operator.not_)


def _start(held: Any) -> tuple[Any, ...]:
    return (held,)


def _append(pair: tuple[tuple[Any, ...], Any]) -> tuple[Any, ...]:
    return (*pair[0], pair[1])


def _find_last_uses(items: list[Item]) -> dict[int, int]:
    """The place of the last item on each qubit."""
    found: dict[int, int] = {}
    for at, item in enumerate(items):
        qubits = item.qubits if isinstance(item, Step) else item[2] if type(item) is tuple else ()
        if not (isinstance(item, Step) and item.op == "core.barrier"):
            found.update(dict.fromkeys(qubits, at))
    return found


def _bits_read(item: Item) -> Iterable[int]:
    if isinstance(item, If):
        return item.condition.bits()
    if isinstance(item, Assign):
        return (*item.value.bits(), item.bit)
    return item.reads if isinstance(item, Step) else ()


def _known_channel(step: Step, wires: list[Any]) -> Any:
    """The channel of PennyLane that is one of ours."""
    args: dict[str, float] = {name: float(x) for name, x in step.args.items() if isinstance(x, (int, float))}
    match step.op, args:
        case "noise.depolarize", {"p": p} if len(wires) == 1:
            return qml.DepolarizingChannel(p, wires)
        case "noise.amplitude_damping", {"gamma": gamma}:
            return qml.AmplitudeDamping(gamma, wires)
        case "noise.phase_damping", {"lam": lam}:
            return qml.PhaseDamping(lam, wires)
        case _:
            return None


def _pauli_channel(chances: tuple[float, ...], wires: list[Any]) -> Any:
    """A mixture of Pauli products, in the order II, IX, .. ZZ."""
    words = map("".join, itertools.product("IXYZ", repeat=len(wires)))
    pairs = [(word, chance) for word, chance in zip(words, chances, strict=True) if chance > 0]
    matrices = [math.sqrt(chance) * qml.math.array(pauli_string(word), dtype=complex) for word, chance in pairs]
    return qml.QubitChannel(matrices, wires)
