"""Tapes and QNodes as circuits: operators, and measurements of wires and of values measured on the way as bits.

What PennyLane prints of counts and samples is what a run prints: a register for each measurement process that gives
bits, the first wire leftmost. Where there is none, the bits of ``qml.measure`` are printed, registers m0, m1, ...
Measurement processes for values and states leave no bits: they are asked of ``qmk.expectation`` and ``qmk.state``.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from qmk.adapters.pennylane.gates import labels_of
from qmk.adapters.pennylane.library import mp, qml
from qmk.adapters.pennylane.reader import Reader, named_registers
from qmk.circuit import whole
from qmk.circuit.circuit import Circuit
from qmk.circuit.items import Assign, Step
from qmk.circuit.objects import not_a_program
from qmk.circuit.operands import Condition
from qmk.sdk.adapter import cannot
from qmk.sdk.collection import no_collection

# A reader fills a circuit as its own methods do.
# pyright: reportPrivateUsage=false

_BITS = (mp.CountsMP, mp.SampleMP, mp.ProbabilityMP)


def read(program: Any, params: Mapping[Any, Any] | None) -> Circuit:
    """A tape, or a QNode with ``params`` as its arguments by name, as a circuit."""
    if isinstance(program, qml.tape.QuantumScript):
        return read_tape(program)
    if isinstance(program, qml.QNode):
        return _read_qnode(program, params or {})
    fix = "give a qml.tape.QuantumScript, a QuantumTape or a QNode; an observable goes to qmk.Observable"
    raise not_a_program("pennylane", program, fix)


def _read_qnode(node: Any, params: Mapping[Any, Any]) -> Circuit:
    arguments = {str(name): _array(value) for name, value in params.items()}
    name = getattr(node.func, "__name__", "QNode")
    try:
        tapes, _ = qml.workflow.construct_batch(node, level="user")(**arguments)
    except TypeError as error:
        raise cannot("pennylane", str(error), name, "give the QNode's arguments by name: params={...}") from error
    if len(tapes) != 1:
        what = f"its transforms make {len(tapes)} tapes"
        raise cannot("pennylane", what, name, "leave the transforms out, or give the tapes one by one")
    return read_tape(tapes[0], node.device.wires)


def _array(value: Any) -> Any:
    return qml.numpy.array(value) if isinstance(value, (list, tuple)) else value


def wires_of(tape: Any, device_wires: Any = None) -> tuple[Any, ...]:
    """The wires in the order in which PennyLane prints them: the device's, else 0, 1, ... where they are these numbers,
    else as they come on the tape."""
    labels = tuple(dict.fromkeys(itertools.chain.from_iterable(map(labels_of, tape))))
    if device_wires:
        order = tuple(device_wires.labels)
        return order + tuple(label for label in labels if label not in order)
    if all(type(label) is int for label in labels) and set(labels) == set(range(len(labels))):
        return tuple(range(len(labels)))
    return labels


def read_tape(tape: Any, device_wires: Any = None) -> Circuit:
    """A tape as a circuit."""
    kinds = {op.__class__ for op in tape.operations}
    if any(issubclass(kind, (qml.allocation.Allocate, qml.allocation.Deallocate)) for kind in kinds):
        (tape,), _ = qml.transforms.resolve_dynamic_wires(tape, min_int=_free_wire(tape))
    wires = wires_of(tape, device_wires)
    made = Circuit(named_registers(wires))
    reader = Reader(wires)
    with no_collection():
        whole.append(made, reader.read(tape.operations))
    if reader.postselected:
        at = next(k for k, op in enumerate(tape.operations) if getattr(op, "postselect", None) is not None)
        fix = "leave postselect out, and take the counts that have the wanted bit; or run it on qml.device('qmk')"
        raise cannot("pennylane", "postselection has no form in a circuit", f"operator {at} (measure)", fix)
    printed = [process for process in tape.measurements if isinstance(process, _BITS)]
    for at in range(len(reader.bits)):
        made.add_bit(_free_name(made, f"m{at}"))
        if printed:
            made._bit_registers[-1] = made._bit_registers[-1]._replace(shown=False)
    for at, process in enumerate(tape.measurements):
        if isinstance(process, (mp.ClassicalShadowMP, mp.ShadowExpvalMP)):
            fix = "measure in the bases that you choose, or run it on qml.device('qmk')"
            raise cannot("pennylane", "shadows have no form in a circuit", f"measurement {at}", fix)
    _add_printed(made, reader, printed)
    if tape.shots.total_shots is not None:
        made._shots = tape.shots.total_shots
    return made


def _free_wire(tape: Any) -> int:
    return max((label for label in tape.wires if isinstance(label, int)), default=-1) + 1


def _free_name(circuit: Circuit, name: str) -> str:
    taken = {register.name for register in (*circuit._qubit_registers, *circuit._bit_registers)}
    return name if name not in taken else f"{name}_{len(taken)}"


def _add_printed(circuit: Circuit, reader: Reader, processes: list[Any]) -> None:
    """The bits that measurement processes give, the last process first: results print the last register leftmost."""
    measured: dict[int, int] = {}
    rotated: dict[int, str] = {}
    for at, process in reversed(list(enumerate(processes))):
        place = f"measurement {at} ({type(process).__name__})"
        name = _free_name(circuit, f"c{at or ''}")
        values = _values(process)
        if values is not None:
            register = circuit.add_bits(len(values), name)
            for bit, value in zip(reversed(list(register)), values, strict=True):
                whole.append(circuit, [Assign(bit.index, reader.condition(value))])
            continue
        letters = _letters(process, circuit, reader, place)
        register = circuit.add_bits(len(letters), name)
        for bit, (qubit, letter) in zip(reversed(list(register)), letters, strict=True):
            if rotated.setdefault(qubit, letter) != letter:
                fix = "split it first with qml.transforms.split_non_commuting"
                raise cannot("pennylane", "a wire is measured in two bases", place, fix)
            if qubit in measured:
                whole.append(circuit, [Assign(bit.index, Condition("bit", (measured[qubit],)))])
            else:
                op = {"X": "core.mx", "Y": "core.my"}.get(letter, "core.mz")
                whole.append(circuit, [Step(op, {}, (qubit,), (), (bit.index,))])
                measured[qubit] = bit.index


def _values(process: Any) -> list[Any] | None:
    """The measurement values that a process gives."""
    if process.mv is None:
        return None
    given: Any = process.mv
    return [given] if isinstance(given, qml.ops.MeasurementValue) else list(given)


def _letters(process: Any, circuit: Circuit, reader: Reader, place: str) -> list[tuple[int, str]]:
    """The qubits that a process measures and in which basis."""
    if process.obs is None:
        labels = process.wires.labels or tuple(reader.number)
        return [(reader.number[label], "Z") for label in labels]
    words: list[Any] = list(process.obs.pauli_rep or ())
    if len(words) != 1 or not words[0]:
        fix = "measure wires, or one product of X, Y and Z"
        raise cannot("pennylane", f"{process.obs} is not a product of Paulis", place, fix)
    return [(reader.number[label], letter) for label, letter in words[0].items()]
