"""The gates that "qelib1.inc" and "stdgates.inc" declare, and the built-in ones, as core ops with exact phases.

Sources: OpenQASM 2 paper (arXiv:1707.03429) and Qiskit's extension of its qelib1.inc; OpenQASM 3.1's stdgates.inc and
its U, whose matrix is ``1/2 [[1+e^{it}, -i e^{il}(1-e^{it})], [i e^{ip}(1-e^{it}), e^{i(p+l)}(1+e^{it})]]``: the core
gate u times ``e^{i theta/2}``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

from qmk.frontends.openqasm.unitary import Prim, Unitary, prim
from qmk.ir.names import spellings
from qmk.qvm.families.gates import FIXED_SIZE

Make = Callable[..., Unitary]


class Gate(msgspec.Struct, frozen=True):
    """``direct``: the short core name when the gate is one core op (parameters in declaration order ``names``)."""

    name: str
    params: int
    qubits: int
    make: Make
    direct: str = ""
    names: tuple[str, ...] = ()


def direct(name: str, qubits: int, core: str = "", names: tuple[str, ...] = ()) -> Gate:
    """A gate that is the core op ``core``, with that op's parameter ``names`` in order."""
    core = core or name
    operands = tuple(range(qubits))

    def make(*values: float) -> Unitary:
        return Unitary((prim(core, operands, dict(zip(names, values, strict=True))),))

    return Gate(name, len(names), qubits, make, core, names)


_U = ("theta", "phi", "lam")


def _u(theta: float, phi: float, lam: float, operands: tuple[int, ...] = (0,), controls: str = "") -> Prim:
    return Prim("u", operands, {"theta": theta, "phi": phi, "lam": lam}, controls)


def _p(lam: float, qubit: int) -> Prim:
    return Prim("p", (qubit,), {"lam": lam})


def _steps(*steps: tuple[str, tuple[int, ...]]) -> Make:
    """A fixed list of gates without parameters."""
    found = Unitary(tuple(prim(op, operands, {}) for op, operands in steps))
    return lambda: found


def _declared_gates(*libraries: str) -> tuple[Gate, ...]:
    """The gates of family ``core`` by their names in these libraries."""
    rows = ((name, FIXED_SIZE[short]) for name, short in spellings(libraries))
    return tuple(direct(name, op.vqs.low, op.short, tuple(p.name for p in op.params)) for name, op in rows)


def _cu(theta: float, phi: float, lam: float, gamma: float) -> Unitary:
    controlled = _u(theta, phi, lam, (0, 1), "1")
    return Unitary((_p(gamma, 0), controlled) if gamma else (controlled,))


_CU = Gate("cu", 4, 2, _cu)


def _u2(phi: float, lam: float) -> Unitary:
    return Unitary((_u(math.pi / 2, phi, lam),))


def _u0(_length: float) -> Unitary:
    return Unitary((Prim("id", (0,)),))


def _cu3(theta: float, phi: float, lam: float) -> Unitary:
    return Unitary((_u(theta, phi, lam, (0, 1), "1"),))


_PAPER = (Gate("u2", 2, 1, _u2), Gate("u0", 1, 1, _u0), Gate("cu3", 3, 2, _cu3))

_RELATIVE_TOFFOLI = _steps(
    ("h", (2,)), ("t", (2,)), ("cnot", (1, 2)), ("tdg", (2,)), ("cnot", (0, 2)), ("t", (2,)), ("cnot", (1, 2)),
    ("tdg", (2,)), ("h", (2,)),
)  # fmt: skip
_RELATIVE_TOFFOLI_3 = _steps(
    ("h", (3,)), ("t", (3,)), ("cnot", (2, 3)), ("tdg", (3,)), ("h", (3,)), ("cnot", (0, 3)), ("t", (3,)),
    ("cnot", (1, 3)), ("tdg", (3,)), ("cnot", (0, 3)), ("t", (3,)), ("cnot", (1, 3)), ("tdg", (3,)), ("h", (3,)),
    ("t", (3,)), ("cnot", (2, 3)), ("tdg", (3,)), ("h", (3,)),
)  # fmt: skip


def _control(name: str, base: str, controls: int) -> Gate:
    found = Unitary((Prim(base, tuple(range(controls + 1)), {}, "1" * controls),))
    return Gate(name, 0, controls + 1, lambda: found)


_LEGACY = (
    _CU,
    _control("csx", "sx", 1),
    _control("c3x", "x", 3),
    _control("c4x", "x", 4),
    _control("c3sqrtx", "sx", 3),
    Gate("rccx", 0, 3, _RELATIVE_TOFFOLI),
    Gate("rc3x", 0, 4, _RELATIVE_TOFFOLI_3),
)


def _symmetric_u3(theta: float, phi: float, lam: float) -> Unitary:
    return Unitary((_u(theta, phi, lam),), -(phi + lam) / 2)


def _symmetric_u2(phi: float, lam: float) -> Unitary:
    return _symmetric_u3(math.pi / 2, phi, lam)


_STANDARD_3 = (_CU, Gate("u2", 2, 1, _symmetric_u2), Gate("u3", 3, 1, _symmetric_u3))


def _table(*groups: tuple[Gate, ...]) -> dict[str, Gate]:
    return {gate.name: gate for group in groups for gate in group}


QELIB1 = _table(_declared_gates("qasm", "qelib1"), _PAPER, _LEGACY)
"""``qelib1.inc`` with the gates that Qiskit reads besides. Phases are those of Qiskit's gates."""

STDGATES = _table(_declared_gates("qasm", "stdgates"), _STANDARD_3)
"""``stdgates.inc`` of OpenQASM 3."""

BUILTIN_2 = _table((direct("U", 1, "u", _U), direct("CX", 2, "cnot")))


def _builtin_u(theta: float, phi: float, lam: float) -> Unitary:
    return Unitary((_u(theta, phi, lam),), theta / 2)


BUILTIN_3 = _table((Gate("U", 3, 1, _builtin_u),))
"""``gphase`` is the interpreter's own."""

RESERVED = frozenset(("U", "CX", "gphase"))

LIBRARIES = {"qelib1.inc": QELIB1, "stdgates.inc": STDGATES}
