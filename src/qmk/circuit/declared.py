"""The methods of a circuit that stand for ops, from the declarations of the ops.

Each gate of family ``core`` is one, by its name there and by every name that qelib1.inc and stdgates.inc give it, and
each gate that those libraries define from others. Each error channel of family ``noise`` is one too.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import NamedTuple

from qmk.frontends.openqasm.library import QELIB1, STDGATES, Gate, direct
from qmk.qvm.families import OPS, noise
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.qvm.op import Op, Param


class GateMethod(NamedTuple):
    """``gate`` says what it does; ``params`` and ``operands`` are the names of its angles and qubits in order."""

    name: str
    gate: Gate
    params: tuple[str, ...]
    operands: tuple[str, ...]
    doc: str

    @property
    def usage(self) -> str:
        return f"{self.name}({', '.join((*self.params, *self.operands))})"


class OpMethod(NamedTuple):
    """An op that is not a gate of fixed size. Arguments: ``params``, then the qubits, then ``options`` by keyword."""

    name: str
    op: Op
    params: tuple[Param, ...]
    options: tuple[Param, ...]
    doc: str

    @property
    def usage(self) -> str:
        qubits = "qubit" if self.op.vqs.high == 1 else "*qubits"
        return f"{self.name}({', '.join((*(param.name for param in self.params), qubits))})"


@cache
def gate_methods() -> dict[str, GateMethod]:
    """The gates by the names of their methods."""
    core = {short: _direct(op) for short, op in FIXED_SIZE.items()}
    named = {name: gate for name, gate in {**STDGATES, **QELIB1}.items() if name.islower()}
    return {name: _gate(name, gate) for name, gate in {**named, **core}.items()}


@cache
def op_methods() -> dict[str, OpMethod]:
    """The other ops by the names of their methods."""
    ops = [OPS["core.paulirot"], *(op for op in noise.FAMILY.ops if op.vqs.low)]
    return {op.short: _op(op) for op in ops}


def _direct(op: Op) -> Gate:
    return direct(op.short, op.vqs.low, op.short, tuple(param.name for param in op.params))


def _gate(name: str, gate: Gate) -> GateMethod:
    params = gate.names or tuple(each.strip("_") for each in inspect.signature(gate.make).parameters)
    if gate.direct:
        op = FIXED_SIZE[gate.direct]
        also = "" if name == op.short else f"; {op.short} in the bytecode"
        return GateMethod(name, gate, params if gate.params else (), _operands(gate.qubits, op.controls), op.doc + also)
    made = gate.make(*[1.0] * gate.params)
    last = made.prims[-1]
    controls = len(last.controls) if len(last.operands) == gate.qubits else 0
    doc = f"gate {name} of qelib1.inc" if name in QELIB1 else f"gate {name} of stdgates.inc"
    return GateMethod(name, gate, params if gate.params else (), _operands(gate.qubits, controls), doc)


def _operands(qubits: int, controls: int) -> tuple[str, ...]:
    """Names for a gate's qubits: control, target; qubit1, qubit2 where none is a control."""
    if not controls:
        return _number("qubit", qubits)
    return (*_number("control", controls), *_number("target", qubits - controls))


def _number(word: str, count: int) -> tuple[str, ...]:
    return (word,) if count == 1 else tuple(f"{word}{k + 1}" for k in range(count))


def _op(op: Op) -> OpMethod:
    params = tuple(param for param in op.params if param.required)
    options = tuple(param for param in op.params if not param.required)
    return OpMethod(op.short, op, params, options, op.doc)


_LONGEST = 40
"""Most characters of a name that is compared with those of gates."""


def suggest(name: object) -> str:
    """What a caller who asked for the gate ``name`` may have meant."""
    from qmk.frontends.openqasm.calls import OTHER_NAMES
    from qmk.frontends.openqasm.scope import nearest

    if not isinstance(name, str) or len(name) > _LONGEST:
        return "give the name of a gate, such as 'h'"
    known = {*gate_methods(), *op_methods()}
    near = OTHER_NAMES.get(name.lower()) or nearest(name, known)
    return f"did you mean '{near}'?" if near else "dir(qmk.Circuit) lists the gates"
