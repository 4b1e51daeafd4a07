"""Circuits of codes in Stim: memory, stability and growth, without noise or with a model of it. One file a family."""

from __future__ import annotations

from collections.abc import Callable

import stim

from qmk.base.errors import QmkError
from qmk.models.noise import NoiseLike, on_stim, resolve
from qmk.models.qec.circuits import assemble, bicycle, honeycomb, phases, repetition, surface
from qmk.models.qec.circuits import growth as enlarged
from qmk.models.qec.circuits.plan import Plan
from qmk.models.qec.code import Code

MAX_ROUNDS = 1_000_000

PLANS: dict[str, Callable[[Code], Plan]] = {
    "surface": surface.plan,
    "bacon_shor": phases.bacon_shor,
    "shyps": phases.shyps,
    "color": phases.color,
    "bicycle": bicycle.plan,
    "repetition": repetition.plan,
}
"""The plan of one round, for each family of static codes."""


def memory(
    code: Code, rounds: int, basis: str = "Z", noise: NoiseLike | None = None, *, both: bool = True
) -> stim.Circuit:
    """Prepare the logical qubits in ``basis``, run ``rounds`` rounds of syndrome extraction, read them out. Observable
    i is logical qubit i. All detectors there are; with ``both`` False those of the other basis, which say nothing of
    the observables but through correlated errors, are left out. Raises INVALID_PARAMS."""
    _check(rounds, basis)
    if code.family == "repetition" and basis == "X":
        raise QmkError(
            "INVALID_PARAMS", f"{code.spec} has no checks of X", field="basis", help="--basis Z, the one that it keeps"
        )
    if code.family == "honeycomb":
        return _noisy(honeycomb.memory(code, rounds, basis), noise)
    return _noisy(assemble.memory(PLANS[code.family](code), rounds, basis, both), noise)


def stability(code: Code, rounds: int, basis: str = "Z", noise: NoiseLike | None = None) -> stim.Circuit:
    """Products of checks of ``basis`` that are +1 whatever the state: observables protected by ``rounds`` as those of
    ``memory`` are by the distance; what a lattice surgery measures is protected so. Raises UNSUPPORTED for a code whose
    checks have no such relation."""
    _check(rounds, basis)
    plan = surface.stability_plan(code, basis) if code.family == "surface" else None
    if code.family == "bicycle":
        plan = bicycle.plan(code)
    if plan is None:
        raise QmkError(
            "UNSUPPORTED",
            f"a stability circuit of {code.spec} in {basis}: no product of its checks is the identity",
            help="take a surface code, or one on a torus",
        )
    return _noisy(assemble.stability(plan, rounds, basis), noise)


def growth(
    code: Code, to: Code, before: int, after: int, basis: str = "Z", noise: NoiseLike | None = None
) -> stim.Circuit:
    """Memory of a surface code that grows: ``before`` rounds of ``code``, then ``after`` rounds of ``to``, its larger
    kind, read in the ``basis`` in which it was prepared. Raises INVALID_PARAMS for codes that are not that."""
    _check(before, basis)
    _check(after, basis)
    if (code.family, to.family) != ("surface", "surface") or not code.distance < to.distance:
        raise QmkError(
            "INVALID_PARAMS",
            f"{code.spec} does not grow to {to.spec}",
            field="to",
            help="take two surface codes, the second of a larger distance: surface(d=3), surface(d=5)",
        )
    return _noisy(enlarged.circuit(code, to, before, after, basis), noise)


def _check(rounds: int, basis: str) -> None:
    if not 1 <= rounds <= MAX_ROUNDS:
        raise QmkError("INVALID_PARAMS", f"{rounds} rounds", field="rounds", help=f"1 to {MAX_ROUNDS}")
    if basis not in ("X", "Z"):
        raise QmkError("INVALID_PARAMS", f"there is no basis '{basis}'", field="basis", help="X or Z")


def _noisy(circuit: stim.Circuit, noise: NoiseLike | None) -> stim.Circuit:
    return circuit if noise is None else on_stim(circuit, resolve(noise))
