"""Circuits from which the error rates of single operations are measured."""

from __future__ import annotations

import stim

from qmk.models.noise import NoiseLike
from qmk.models.qec.surgery.circuit import circuit
from qmk.models.qec.surgery.floor import Floor, Patch, wrong
from qmk.models.qec.surgery.program import Basis, Idle, Inject, Measure, Merge, Op, Prepare, Program

KINDS = ("memory", "prepare", "measure", "idle", "merge_xx", "merge_zz", "inject_t")
IDLE_CYCLES = 3


def calibration_program(kind: str, basis: Basis = "Z") -> Program:
    """The program whose circuit shows the errors of one kind of operation, to states of this basis.

    ``memory``, ``prepare``, ``measure``: one patch for one cycle. What preparing and measuring add to the rounds
    between is the difference to ``idle``, three cycles; only their sum is observable. ``merge_xx``, ``merge_zz``: two
    patches, a cycle, the merge, a cycle; in the basis of the merge the outcome and both patches are observables, in
    the other one the product of the patches. ``inject_t``: an injected ``+`` (X) or ``0`` (Z), which suffers what a T
    suffers.
    """
    if kind in ("memory", "prepare", "measure", "idle"):
        cycles = IDLE_CYCLES if kind == "idle" else 1
        ops: tuple[Op, ...] = (Prepare("a", basis), Idle("a", cycles), Measure("a", basis, "m_a"))
        return Program(f"{kind}_{basis}", Floor(1, 1, {"a": Patch(0, 0)}), ops)
    if kind == "inject_t":
        ops = (Inject("a", "+" if basis == "X" else "0"), Idle("a"), Measure("a", basis, "m_a"))
        return Program(f"inject_t_{basis}", Floor(1, 1, {"a": Patch(0, 0)}), ops)
    if kind not in ("merge_xx", "merge_zz"):
        raise wrong(f"no circuit of kind '{kind}'", f"the kinds are {', '.join(KINDS)}; a distilled T is in magic")
    pauli: Basis = "X" if kind == "merge_xx" else "Z"
    return Program(f"{kind}_{basis}", row_of_two(pauli), merge_ops(pauli, basis))


def row_of_two(pauli: Basis, apart: int = 1) -> Floor:
    """Patches "a" and "b" so that products of this Pauli are measured between them; ``apart``: in tiles."""
    if pauli == "X":
        return Floor(1, 1 + apart, {"a": Patch(0, 0), "b": Patch(0, apart)})
    return Floor(1 + apart, 1, {"a": Patch(0, 0), "b": Patch(apart, 0)})


def merge_ops(pauli: Basis, basis: Basis, seen: Basis | None = None) -> tuple[Op, ...]:
    """Two patches in ``basis``, a cycle, their product, a cycle, both measured; at once in ``seen`` where given."""
    return (
        *(Prepare(name, basis) for name in "ab"),
        *(Idle(name) for name in "ab"),
        Merge({"a": pauli, "b": pauli}, "product"),
        *(() if seen else (Idle(name) for name in "ab")),
        *(Measure(name, seen or basis, f"m_{name}") for name in "ab"),
    )


def calibration(
    kind: str, d: int, noise: NoiseLike | None, rounds: int | None = None, basis: Basis = "Z"
) -> stim.Circuit:
    """The circuit of ``calibration_program`` with ``rounds`` a cycle; its observables are those of
    ``logical.certain``."""
    return circuit(calibration_program(kind, basis), d, noise, rounds)
