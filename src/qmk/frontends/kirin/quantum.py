"""Squin's statements: gates, noise, qubits, measurements, annotations. Angles of statements are in turns there, in
radians in the graph; lists broadcast element by element."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from qmk.frontends.kirin.run import Frame, Run
from qmk.frontends.kirin.units import Statement
from qmk.frontends.kirin.values import Measured, Parity, Qubit, is_list, number, sequence, show, to_value
from qmk.frontends.openqasm import logic as lg
from qmk.qvm.families.noise import PAIRS
from qmk.sdk.frontend import Refused

TURN = 2 * math.pi
GATES, QUBITS = "bloqade.squin.gate.stmts", "bloqade.qubit.stmts"
NOISE, ANNOTATE = "bloqade.squin.noise.stmts", "bloqade.decoders.dialects.annotate.stmts"

Angles = tuple[float, ...]
Made = tuple[str, dict[str, float]]

LISTS = {
    "CX": ("controls", "targets"), "CY": ("controls", "targets"), "CZ": ("controls", "targets"),
    "CCZ": ("controls1", "controls2", "targets"), "Swap": ("qubits1", "qubits2"),
}  # fmt: skip
ANGLES = {
    "Rx": ("angle",), "Ry": ("angle",), "Rz": ("angle",), "U3": ("theta", "phi", "lam"),
    "PhasedXZ": ("x_exponent", "z_exponent", "axis_phase_exponent"),
}  # fmt: skip


def _itself(gate: str) -> tuple[Made, Made]:
    return (gate, {}), (gate, {})


FIXED: dict[str, tuple[Made, Made]] = {
    **{name: _itself(name.lower()) for name in ("X", "Y", "Z", "H", "CY", "CZ", "CCZ", "Swap")},
    "CX": _itself("cnot"),
    "S": (("s", {}), ("sdg", {})),
    "T": (("t", {}), ("tdg", {})),
    "SqrtX": (("sx", {}), ("sxdg", {})),
    "SqrtY": (("ry", {"theta": math.pi / 2}), ("ry", {"theta": -math.pi / 2})),
}
"""Classes of gates without angles: what each is, and what its adjoint is."""


def rotation_gate(gate: str, turns: Angles) -> Made:
    """The ``core`` gate that equals squin's up to a global phase. PhasedXZ(x, z, a) is Rz(a + z) Rx(x) Rz(-a)."""
    if gate in ("Rx", "Ry", "Rz"):
        return gate.lower(), {"theta": turns[0] * TURN}
    if gate == "U3":
        theta, phi, lam = (turn * TURN for turn in turns)
        return "u", {"theta": theta, "phi": phi, "lam": lam}
    x, z, axis = (turn * TURN for turn in turns)
    return "u", {"theta": x, "phi": axis + z - math.pi / 2, "lam": math.pi / 2 - axis}


def handles(value: Any, what: str) -> list[str]:
    """The qubits of a list."""
    found = sequence(value, what)
    for item in found:
        if not isinstance(item, Qubit):
            raise Refused("KIRIN-04", f"{what} holds {show(item)}, not a qubit")
    return [item.handle for item in found if isinstance(item, Qubit)]


def zip_operands(run: Run, frame: Frame, of: Statement, names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The operands of each application of a broadcast."""
    lists = [handles(run.arg(frame, of, name), name) for name in names]
    if len({len(one) for one in lists}) > 1:
        sizes = ", ".join(f"{len(one)} {name}" for one, name in zip(lists, names, strict=True))
        raise Refused("KIRIN-04", f"the lists have different lengths: {sizes}")
    rows = list(zip(*lists, strict=True))
    for row in rows:
        if len(set(row)) < len(row):
            raise Refused("KIRIN-04", "one operation names a qubit twice")
    return rows


def gate(run: Run, frame: Frame, of: Statement) -> tuple[Any, ...]:
    name = of.name[1]
    if name in ANGLES:
        made = rotation_gate(name, tuple(number(run.arg(frame, of, angle), angle) for angle in ANGLES[name]))
    else:
        adjoint = run.attribute(of, "adjoint", False)
        made = FIXED[name][bool(adjoint)]
    for row in zip_operands(run, frame, of, LISTS.get(name, ("qubits",))):
        run.builder.add(f"core.{made[0]}", row, dict(made[1]))
    return ()


def chances(run: Run, frame: Frame, of: Statement, *names: str) -> dict[str, float]:
    found = {name: number(run.arg(frame, of, name), name) for name in names}
    for name, value in found.items():
        if not 0 <= value <= 1:
            raise Refused("KIRIN-04", f"{name} is {value:g}, not a probability")
    return found


def noise(run: Run, frame: Frame, of: Statement) -> tuple[Any, ...]:
    name, rows = of.name[1], None
    if run.builder.guard is not None:
        raise Refused("KIRIN-05", f"{name} stands in an if on a measurement", "put noise outside of the if")
    if name == "SingleQubitPauliChannel":
        op, args = "pauli", chances(run, frame, of, "px", "py", "pz")
    elif name == "TwoQubitPauliChannel":
        given = sequence(run.arg(frame, of, "probabilities"), "probabilities")
        if len(given) != len(PAIRS):
            raise Refused("KIRIN-04", f"{len(given)} probabilities of Pauli products on two qubits, not 15")
        rows = zip_operands(run, frame, of, ("controls", "targets"))
        found = [number(value, "a probability") for value in given]
        op, args = "pauli2", {f"p{pair.lower()}": value for pair, value in zip(PAIRS, found, strict=True)}
    elif name == "QubitLeakage":
        op, args = "leak", chances(run, frame, of, "p0", "p1")
    else:
        op, args = ("loss" if "Loss" in name else "depolarize"), chances(run, frame, of, "p")
    if name == "Depolarize2":
        rows = zip_operands(run, frame, of, ("controls", "targets"))
    elif name == "CorrelatedQubitLoss":
        groups = sequence(run.arg(frame, of, "qubits"), "qubits")
        rows = [tuple(dict.fromkeys(handles(group, "a group of qubits"))) for group in groups]
    for row in rows if rows is not None else zip_operands(run, frame, of, ("qubits",)):
        if row:
            run.builder.add(f"noise.{op}", row, dict(args))
    return ()


def new(run: Run, frame: Frame, of: Statement) -> tuple[Any, ...]:
    return (Qubit(run.builder.allocate(f"q{len(run.builder.vqs)}", None)[0]),)


def measure(run: Run, frame: Frame, of: Statement) -> tuple[Any, ...]:
    return (_measure_all(run, run.arg(frame, of, "qubits")),)


def _measure_all(run: Run, value: Any) -> Any:
    """Results in the shape of the qubits: clients also measure a register with the function for one qubit, which puts
    it into a list once more."""
    if is_list(value):
        return [_measure_all(run, part) for part in value]
    if not isinstance(value, Qubit):
        raise Refused("KIRIN-04", f"{show(value)} is measured, not a qubit")
    return run.measure(value.handle)


def reset(run: Run, frame: Frame, of: Statement) -> tuple[Any, ...]:
    for handle in handles(run.arg(frame, of, "qubits"), "qubits"):
        run.builder.add("core.reset", (handle,))
    return ()


def measurements(value: Any) -> list[Measured]:
    found = sequence(value, "measurements")
    for item in found:
        if not isinstance(item, Measured):
            raise Refused("KIRIN-04", f"measurements hold {show(item)}")
    return [item for item in found if isinstance(item, Measured)]


def predicate(run: Run, frame: Frame, of: Statement) -> tuple[Any, ...]:
    """A lost atom is neither zero nor one."""
    found = measurements(run.arg(frame, of, "measurements"))
    if of.name[1] == "IsOne":
        return ([to_value(one.bit) for one in found],)
    if of.name[1] == "IsLost":
        return ([to_value(one.lost) for one in found],)
    both = run.builder.logic.both
    return ([to_value(both(lg.negate(one.bit), lg.negate(one.lost))) for one in found],)


def parity(run: Run, frame: Frame, of: Statement) -> tuple[Any, ...]:
    bit = lg.FALSE
    for one in measurements(run.arg(frame, of, "measurements")):
        bit = run.builder.logic.differ(bit, one.bit)
    made = Parity(bit)
    if of.name[1] == "SetObservable":
        run.observables.append(made)
    else:
        coordinates = sequence(run.arg(frame, of, "coordinates"), "coordinates")
        run.detectors.append((made, [number(value, "a coordinate") for value in coordinates]))
    return (made,)


Handler = Callable[[Run, Frame, Statement], tuple[Any, ...]]
HANDLERS: dict[tuple[str, str], Handler] = {
    **{(GATES, name): gate for name in (*FIXED, *ANGLES)},
    **{
        (NOISE, name): noise
        for name in (
            "SingleQubitPauliChannel", "TwoQubitPauliChannel", "Depolarize", "Depolarize2", "QubitLoss",
            "CorrelatedQubitLoss", "QubitLeakage",
        )
    },
    (QUBITS, "New"): new,
    (QUBITS, "Measure"): measure,
    (QUBITS, "Reset"): reset,
    **{(QUBITS, name): predicate for name in ("IsZero", "IsOne", "IsLost")},
    (ANNOTATE, "SetDetector"): parity,
    (ANNOTATE, "SetObservable"): parity,
}  # fmt: skip
LOSSY = frozenset(
    {(QUBITS, "IsLost")} | {(NOISE, name) for name in ("QubitLoss", "CorrelatedQubitLoss", "QubitLeakage")}
)
"""A program with one of these measures with atoms.mz, which says whether the atom was there."""
