"""The methods of circuits and programs that stand for ops, from the declarations of the ops.

Each gate of family ``core`` is one, by its name there and by every name that qelib1.inc and stdgates.inc give it, and
each gate that those libraries define from others. Each error channel of family ``noise`` is one too. A program has what
no method of a circuit writes beside them.
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
    """An op that is not a gate of fixed size. Its arguments are the channel's name where it takes one and ``params``
    (``before`` has the names of all these), then qubits (``operands``), ``options`` by keyword, and the bits that it
    ``writes``."""

    name: str
    op: Op
    params: tuple[Param, ...]
    options: tuple[Param, ...]
    before: tuple[str, ...]
    operands: tuple[str, ...]
    writes: tuple[str, ...]
    doc: str

    @property
    def usage(self) -> str:
        needed = (f"{param.name}=..." for param in self.options if param.required)
        return f"{self.name}({', '.join((*self.before, *self.operands, *needed, *self.writes))})"


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


_WRITES = {"atoms.mz": ("bits", "lost")}
"""Keywords of the bits that an op writes, where it writes more than ``bits``."""

_NAMES = {"core.mangle": "measure_angle", "atoms.mz": "measure_atoms"}
_NOUNS = {"channel": "channel", "atoms": "atoms", "policy": "policy"}
"""Ops of these families are called after what they are about: ``open_channel``."""

_BY_OTHER_MEANS = frozenset(
    f"core.{short}"
    for short in ("fence", "barrier", "mod", "mz", "mx", "my", "mbell", "mpauli", "reset", "condpauli", "lut")
) | {"noise.readout", "script.python"}
"""What a circuit has a method of its own for, or a keyword, or conditions; and scripts."""


@cache
def program_methods() -> dict[str, OpMethod]:
    """What a program has beside a circuit, by the names of its methods."""
    known = {each.op.name for each in op_methods().values()} | {op.name for op in FIXED_SIZE.values()}
    ops = [op for name, op in OPS.items() if name not in known | _BY_OTHER_MEANS]
    return {method.name: method for method in map(_op, ops)}


@cache
def all_ops() -> dict[str, OpMethod]:
    """Every op that is not a gate of fixed size, by its name in the bytecode: for ``Program.apply``."""
    return {name: _op(op) for name, op in OPS.items() if op.short not in FIXED_SIZE or op.family != "core"}


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


FEW = 2
"""An op that needs more arguments than this takes them by keyword."""

_FOLLOWS = frozenset((("core.alloc", "n"), ("channel.open", "opts")))
"""Arguments that say again what others say."""


def _op(op: Op) -> OpMethod:
    given = tuple(param for param in op.params if (op.name, param.name) not in _FOLLOWS)
    params = tuple(param for param in given if param.required)
    params = params if len(params) <= FEW else ()
    noun = _NOUNS.get(op.family)
    name = _NAMES.get(op.name) or (f"{op.short}_{noun}" if noun else op.short)
    before = (*("channel",) * (op.chs.high != 0), *(param.name for param in params))
    word = "mode" if op.family == "photonic" else "qubit"
    operands = _number(word, op.vqs.low) if op.vqs.low == op.vqs.high else (f"*{word}s",)
    writes = _WRITES.get(op.name, ("bits",) if op.produces.high else ())
    options = tuple(param for param in given if param not in params)
    return OpMethod(name, op, params, options, before, operands, writes, op.doc)


_LONGEST = 40
"""Most characters of a name that is compared with those of gates."""


def suggest(name: object) -> str:
    """What a caller who asked for the gate ``name`` may have meant."""
    from qmk.frontends.openqasm.calls import OTHER_NAMES
    from qmk.frontends.openqasm.scope import nearest

    if not isinstance(name, str) or len(name) > _LONGEST:
        return "give the name of a gate, such as 'h'"
    known = {*gate_methods(), *op_methods()}
    if name in program_methods():
        return f"a qmk.Program has '{name}'; give it a circuit with Program(...).add(circuit)"
    near = OTHER_NAMES.get(name.lower()) or nearest(name, known)
    return f"did you mean '{near}'?" if near else "dir(qmk.Circuit) lists the gates"
