"""The programs of the engine kit whose atoms can be lost. Their exact distributions come from ``exact.simulator``."""

from __future__ import annotations

from typing import Any

from qmk.sdk.kit.builder import Builder, when
from qmk.sdk.kit.programs import Case

LOSSES, LEAKS = frozenset({"losses"}), frozenset({"losses", "leaks"})


def _lose(b: Builder, p: float, *qubits: int) -> Builder:
    return b.op("loss", *qubits, family="noise", p=p)


def _look(b: Builder, qubit: int, short: str = "mz", **args: Any) -> str:
    """Measures an atom. Gives the event that says whether it is lost."""
    number = len(b.events)
    produced = (f"b{number}", f"l{number}") if short == "mz" else (f"l{number}",)
    b.op(short, qubit, family="atoms", produces=produced, **args)
    b.events += produced
    return produced[-1]


def _chain() -> Case:
    b = Builder(3).op("h", 0)
    _lose(_lose(b, 0.3, 0).op("cnot", 0, 1), 0.2, 1)
    _lose(b.op("cz", 1, 2).op("h", 2).op("cnot", 1, 2), 0.25, 0, 2).op("h", 1)
    for qubit in range(3):
        _look(b, qubit)
    return Case("a chain that loses atoms", b.graph(), LOSSES, clifford=True)


def _rotations() -> Case:
    b = Builder(3).op("u", 0, theta=1.1, phi=0.3, lam=0.0)
    _lose(b.op("cnot", 0, 1), 0.3, 1).op("rxx", 1, 2, theta=0.7)
    _lose(b.op("ry", 0, theta=0.4).op("toffoli", 0, 1, 2), 0.2, 0, 2).op("crx", 0, 1, theta=1.3)
    for qubit in range(3):
        _look(b, qubit, lost_as=qubit % 2)
    return Case("rotations of atoms that may be lost", b.graph(), LOSSES)


def _acted_on() -> Case:
    b = Builder(3).op("h", 0).op("cnot", 0, 1)
    lost = _look(_lose(b, 0.4, 1), 1, "check")
    b.op("x", 2, guard=when(lost)).op("reload", 1, family="atoms", guard=when(lost))
    _lose(b, 0.3, 0).op("cnot", 0, 1)
    b.op("depolarize", 0, 1, family="noise", p=0.2).op("cnot", 1, 2)
    for qubit in range(3):
        _look(b, qubit, lost_as=1)
    return Case("losses that are noticed and acted on", b.graph(), LOSSES | {"full", "mid_circuit"}, clifford=True)


def _ordinary() -> Case:
    b = _lose(Builder(2).op("x", 0), 0.3, 0).op("reset", 0).op("x", 0)
    b.op("cnot", 0, 1)
    b.measure(0)
    b.measure(1, basis="mx")
    needs = LOSSES | {"reset", "mid_circuit"}
    return Case("a lost atom that is reset and measured as any qubit", b.graph(), needs, clifford=True)


def _leaking() -> Case:
    b = Builder(2).op("h", 0).op("cnot", 0, 1)
    b.op("leak", 0, family="noise", p0=0.1, p1=0.6)
    b.op("h", 1).op("cnot", 1, 0)
    b.op("leak", 0, family="noise", p0=0.3, p1=0.0).op("h", 0)
    for qubit in range(2):
        _look(b, qubit)
    return Case("atoms that leave their levels", b.graph(), LEAKS)


def loss_cases() -> list[Case]:
    return [_chain(), _rotations(), _acted_on(), _ordinary(), _leaking()]
