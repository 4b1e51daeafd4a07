"""Amazon Braket's gates as core gates with exact phases.

Source: the matrices of ``braket.circuits.gates`` (Amazon Braket SDK 1.127); angles in radians.
"""

from __future__ import annotations

# the arguments of the lambdas below are numbers or expressions
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false
from collections.abc import Callable, Iterable
from math import pi
from typing import Any

from qmk.frontends.openqasm.defined import definitions
from qmk.frontends.openqasm.library import Gate, direct
from qmk.frontends.openqasm.unitary import Prim, Unitary, ops_of
from qmk.frontends.qasm3.text import write_modified
from qmk.ir.names import names
from qmk.ir.parameters import Parameter
from qmk.qvm.families.gates import FIXED_SIZE

CORE: dict[str, str] = {
    **{name: short for short, name in names("braket").items()},
    "i": "id",
    "v": "sx",
    "vi": "sxdg",
    "si": "sdg",
    "ti": "tdg",
    "phaseshift": "p",
    "cnot": "cnot",
    "ccnot": "toffoli",
    "cphaseshift": "cp",
    "iswap": "iswap",
    "xx": "rxx",
    "yy": "ryy",
    "zz": "rzz",
    "ecr": "ecr",
}
"""The core gate that each of Braket's is, by Braket's name."""

_A, _B, _BOTH = (0,), (1,), (0, 1)


def _x(qubit: tuple[int, ...]) -> Prim:
    return Prim("x", qubit)


def _rz(angle: Any, qubit: tuple[int, ...]) -> Prim:
    return Prim("rz", qubit, {"theta": angle})


def _phase(angle: Any, state: str) -> Prim:
    """A phase where qubit 0 holds ``state`` and qubit 1 holds 1."""
    return Prim("p", _BOTH, {"lam": angle}, state)


def _steps(qubits: int, params: int, make: Callable[..., tuple[Prim, ...]]) -> tuple[int, int, Any]:
    return params, qubits, lambda *angles: Unitary(make(*angles))


_COMPOSED = {
    "prx": _steps(1, 2, lambda t, f: (_rz(-f, _A), Prim("rx", _A, {"theta": t}), _rz(f, _A))),
    "gpi": _steps(1, 1, lambda f: (_x(_A), _rz(2 * f, _A))),
    "gpi2": _steps(1, 1, lambda f: (_rz(-f, _A), Prim("rx", _A, {"theta": pi / 2}), _rz(f, _A))),
    "cv": _steps(2, 0, lambda: (Prim("sx", _BOTH, {}, "1"),)),
    "cphaseshift00": _steps(2, 1, lambda t: (_x(_B), _phase(t, "0"), _x(_B))),
    "cphaseshift01": _steps(2, 1, lambda t: (_phase(t, "0"),)),
    "cphaseshift10": _steps(2, 1, lambda t: (_x(_B), _phase(t, "1"), _x(_B))),
    "xy": _steps(2, 1, lambda t: tuple(Prim(name, _BOTH, {"theta": -t / 2}) for name in ("rxx", "ryy"))),
    "pswap": _steps(2, 1, lambda t: (Prim("swap", _BOTH), _phase(t, "0"), _x(_B), _phase(t, "1"), _x(_B))),
    "ms": _steps(
        2,
        3,
        lambda f, g, t: (_rz(-f, _A), _rz(-g, _B), Prim("rxx", _BOTH, {"theta": t}), _rz(f, _A), _rz(g, _B)),
    ),
}
"""Number of parameters, of qubits, and the steps of each other gate."""

GATES: dict[str, Gate] = {
    name: direct(name, op.vqs.low, short, tuple(param.name for param in op.params))
    for name, short in CORE.items()
    if (op := FIXED_SIZE[short]).short != "gphase"
} | {name: Gate(name, params, qubits, make) for name, (params, qubits, make) in _COMPOSED.items()}
"""All gates of Braket's programs but gphase, which has no qubits."""


def prelude(wanted: Iterable[str]) -> str:
    """Definitions in OpenQASM 3 with stdgates.inc of these of Braket's gates, and of the core gates that they need."""
    core: dict[str, None] = {}
    texts: list[str] = []
    for name in wanted:
        gate = GATES[name]
        angles = [Parameter(each) for each in "tuv"[: gate.params]]
        body = ""
        for short, args, operands in (step for prim in gate.make(*angles).prims for step in ops_of(prim)):
            call, needs = write_modified(args if short == "mod" else {"gate": short, "params": args})
            body += f" {call} {', '.join('abc'[k] for k in operands)};"
            core.update({needs: None} if needs else {})
        head = f"({', '.join(each.name for each in angles)})" if angles else ""
        texts.append(f"gate {name}{head} {', '.join('abc'[: gate.qubits])} {{{body} }}")
    return " ".join([*(definitions()[short] for short in core), *texts])
