"""Checks that an engine refuses what it does not declare, instead of ignoring it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from qmk.base.errors import QmkError
from qmk.ir.program import (
    Gate,
    KrausNoise,
    Logic,
    LossEvent,
    Measure,
    NoisyEvolution,
    PauliNoise,
    PauliNoise2,
    Program,
    Register,
    Reset,
)
from qmk.qvm.families import OPS
from qmk.sdk.engine import Unsupported
from qmk.sdk.kit.evolving import opening, runs_nothing_else
from qmk.sdk.kit.report import Check
from qmk.sdk.kit.subject import Subject

_Item = Gate | NoisyEvolution | Measure | Reset | Logic | PauliNoise | PauliNoise2 | KrausNoise | LossEvent

_PAULIS = ("x", "y", "z")
_FIXED = frozenset(
    op.short for op in OPS.values() if op.family == "core" and op.op_class == "unitary" and not op.params and op.vqs.low
)
"""Gates without angles."""

DAMPING = (((1, 0), (0, 0.6)), ((0, 0.8), (0, 0)))
"""Kraus operators of an amplitude damping."""


def check_refusal(subject: Subject, program: Program, method: str | None = None) -> str:
    """Gives "" when ``prepare`` refuses the program, else a complaint."""
    try:
        subject.engine.prepare(program, subject.method if method is None else method)
    except Unsupported as why:
        return "" if str(why) else "Unsupported was raised without saying what"
    except QmkError as why:
        return "" if why.kind.name == "UNSUPPORTED" else f"refused with {why.kind.name}, not with Unsupported"
    return "prepare accepted it; an engine refuses what it does not declare"


def honesty_checks(subject: Subject) -> Iterator[Check]:
    """What is not declared must be refused, never ignored."""
    can = subject.can
    plain = _choose_declared(can.gates, ("h", *_PAULIS))
    pauli_name, other_name = _choose_declared(can.gates, _PAULIS), _choose_declared(can.gates, ("h", "s", "sx"))
    evolution = opening(subject) if runs_nothing_else(subject) else None
    h, read = evolution or Gate(plain, (0,)), Measure(0, 0)
    cond = ("bit", 0)
    pauli = Gate(pauli_name, (1,), (), cond)
    both = Gate(pauli_name, (2,), (), ("and", ("bit", 0), ("bit", 1)))
    limited = can.feed_forward != "full"
    undeclared: list[tuple[str, bool, tuple[_Item, ...]]] = [
        ("a T gate", can.clifford, (Gate("t", (0,)), read)),
        ("a condition on a Pauli gate", can.feed_forward == "none", (h, read, pauli, Measure(1, 1))),
        ("a condition on another gate", limited, (h, read, Gate(other_name, (1,), (), cond), Measure(1, 1))),
        ("a measurement under a condition", limited, (h, read, Measure(1, 1, cond))),
        ("a condition that is not a parity", limited, (h, read, Measure(1, 1), both, Measure(2, 2))),
        ("a reset", not can.reset, (h, Reset(0), read)),
        ("a gate after measurement", not can.mid_circuit, (h, read, h, Measure(0, 1))),
        ("random Pauli errors", "pauli" not in can.noise, (h, PauliNoise(0, 0.1, 0.2, 0.3), read)),
        ("random Pauli products", "pauli" not in can.noise, (h, PauliNoise2((0, 1), (0.01,) * 15), read)),
        ("a loss event", "loss" not in can.noise, (h, LossEvent((1,), 0.5), read)),
        ("a general error channel", "kraus" not in can.noise, (h, KrausNoise((0,), DAMPING), read)),
        ("event logic", not can.logic, (h, read, Logic(0b01, (0,), 1))),
    ]

    def refusing(program: Program) -> Callable[[], str]:
        return lambda: check_refusal(subject, program)

    yield Check("refuses an unknown gate", refusing(_program(2, (Gate("no_such_gate", (0,)), read))))
    any_name = "its methods are devices" if subject.runner.declaration.devices is not None else ""
    yield Check(
        "refuses an unknown method",
        lambda: check_refusal(subject, _program(3, (h, read)), "no_such_method"),
        any_name,
    )
    for name, applies, instructions in undeclared:
        skipped = "" if applies else "declared"
        yield Check(f"refuses {name}", refusing(_program(3, instructions)), skipped)
    undeclared_gates = sorted(_FIXED - can.gates)
    yield Check(
        "refuses gates that it does not declare",
        lambda: next((wrong for name in undeclared_gates if (wrong := _refused_gate(subject, name))), ""),
        "the declared gates suffice for every program" if subject.is_complete else "",
    )
    limit = can.max_qubits
    last = limit or 0
    first = Gate(plain, (last,)) if evolution is None else _move(evolution, last)
    wide = _program(max(last + 1, 3), (first, Measure(last, 0)))
    yield Check("refuses too many qubits", refusing(wide), "" if limit else "no limit declared")


def _refused_gate(subject: Subject, name: str) -> str:
    """Check that ``prepare`` refuses a gate without angles."""
    qubits = OPS[f"core.{name}"].vqs.low
    wrong = check_refusal(subject, _program(qubits, (Gate(name, tuple(range(qubits))), Measure(0, 0))))
    return f"gate {name}: {wrong}" if wrong else ""


def _move(evolution: Gate | NoisyEvolution, last: int) -> Gate | NoisyEvolution:
    """The same on the qubits that end with ``last``."""
    qubits = tuple(range(last - len(evolution.qubits) + 1, last + 1))
    return replace(evolution, qubits=qubits) if isinstance(evolution, Gate) else replace(evolution, on=qubits)


def _choose_declared(gates: frozenset[str], wanted: tuple[str, ...]) -> str:
    """Chooses the first wanted gate that the engine declares, so that it refuses something else in the program."""
    return next((name for name in wanted if name in gates), wanted[0])


def _program(qubits: int, instructions: Iterable[_Item]) -> Program:
    items = tuple(instructions)
    written = [item.cbit for item in items if isinstance(item, Measure | Logic)]
    written += [cbit for item in items if isinstance(item, LossEvent) for cbit in item.cbits]
    width = max(written, default=-1) + 1
    registers = (Register("", tuple(range(width))),)
    return Program(qubits, width, items, registers, {f"e{k}": (k,) for k in range(width)})
