"""Checks of methods that run evolutions (families ``analog`` and ``dynamics``): ends, values, and what they refuse.

Values of an exact method may be off by ``TOLERANCE``. One that is not states in its notes how far its state may be from
the exact one, as the sum of what ends in ``_error``: at most ``LARGEST_ERROR``, and it is held to it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
from msgspec.structs import replace

from qmk.base.errors import QmkError
from qmk.ir import bits
from qmk.ir.lower import lower
from qmk.ir.program import Gate, Measure, Program, Register
from qmk.qvm.outputs import Outputs
from qmk.sdk.engine import DensityObserver, FollowingEngine, Observer, ObservingEngine, Unsupported
from qmk.sdk.kit.dynamics_programs import skew
from qmk.sdk.kit.evolutions import Array, Evolution
from qmk.sdk.kit.evolving import LARGEST_ERROR, every_evolution, fitting, opening
from qmk.sdk.kit.honesty import check_refusal
from qmk.sdk.kit.report import Check
from qmk.sdk.kit.statistics import check
from qmk.sdk.kit.subject import Subject
from qmk.worker.observed import final_state

TOLERANCE = 1e-6
"""Of values of an exact method."""
EXACT = 1e-5
"""The largest error that a method may state which calls itself exact."""
SIGMAS = 7.0
"""Standard errors that a sampled value may be off by: a correct engine's is, with a probability of 3e-12."""
_OF_END = frozenset({"expectation", "probabilities", "density", "state", "amplitudes"})
SPREAD = 1.5
"""No observable of the kit's programs has a larger standard deviation."""
SEED = 20_242


def evolution_checks(subject: Subject, false_failure: float) -> Iterator[Check]:
    """``false_failure``: the probability at most that a correct engine fails one of them by chance."""
    evolutions = every_evolution()
    rate = false_failure / len(evolutions)
    for evolution in evolutions:
        skipped = subject.lacks(evolution.case)
        yield Check(evolution.name, lambda evolution=evolution: _compare(subject, evolution, rate), skipped)
    yield from _output_checks(subject)
    yield from _refusal_checks(subject)


def _compare(subject: Subject, evolution: Evolution, rate: float) -> str:
    program = subject.lower(evolution.case)
    samples = subject.sample(program, subject.shots, SEED)
    wrong = _wrong_statement(subject, samples.notes)
    if wrong:
        return wrong
    seen = bits.counts(program.registers, bits.finish(program, samples.bits, SEED))
    slack = 0.0 if subject.can.exact else _error_in(samples.notes)
    return check(seen, evolution.distribution(), rate, slack)


def _error_in(notes: dict[str, Any]) -> float:
    """The distance from the exact state that the notes of a run allow for."""
    return float(sum(value for name, value in notes.items() if name.endswith("_error") and value is not None))


def _wrong_statement(subject: Subject, notes: dict[str, Any]) -> str:
    stated = _error_in(notes)
    if subject.can.exact:
        return "" if stated <= EXACT else f"an exact method states an error of {stated:.1e}"
    if not any(name.endswith("_error") for name in notes):
        return "an approximation states its error in its notes, under a name that ends in _error"
    return "" if stated <= LARGEST_ERROR else f"it states an error of {stated:.2g}; at most {LARGEST_ERROR} is of use"


# -- values ----------------------------------------------------------------------------------------------------------


def _output_checks(subject: Subject) -> Iterator[Check]:
    can, found = subject.can, fitting(subject)
    pure = [evolution for evolution in found if evolution.is_pure]
    seen = found if "noisy" in can.outputs else pure
    ways: dict[str, tuple[list[Evolution], Callable[[Observer, Evolution, float], str]]] = {
        "expectation": (seen, _expectation),
        "probabilities": (seen, _probabilities),
        "density": (seen, _density),
        "state": (pure, _state),
        "amplitudes": (pure, _amplitudes),
    }
    for name, (programs, compare) in ways.items():
        skipped = "" if name in can.outputs and programs else f"does not declare {name}"
        yield Check(
            f"output {name} of evolutions",
            lambda programs=programs, compare=compare: _each(subject, programs, compare),
            skipped,
        )
    followed = [evolution for evolution in found if evolution.values]
    skipped = "" if "trajectory" in can.outputs and followed else "does not declare trajectory"
    yield Check("output trajectory", lambda: _trajectories(subject, followed), skipped)
    undeclared = sorted({"state", "amplitudes", "density", "trajectory"} - can.outputs)
    yield Check("refuses outputs that it does not declare", lambda: _find_undeclared(subject, found, undeclared))


def _each(subject: Subject, programs: list[Evolution], compare: Callable[[Observer, Evolution, float], str]) -> str:
    for evolution in programs:
        notes = subject.sample(subject.lower(evolution.case), 1, SEED).notes
        program = final_state(evolution.graph(), subject.can)
        observer = cast("ObservingEngine", subject.engine).observe(program, subject.method)
        if wrong := compare(observer, evolution, TOLERANCE + 2 * _error_in(notes)):
            return f"{evolution.name}: {wrong}"
    return ""


_PAULIS: dict[str, Array] = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def _expectation(observer: Observer, evolution: Evolution, allowed: float) -> str:
    strings = tuple(map("".join, itertools.product("IXYZ", repeat=evolution.width)))
    for text, theirs in zip(strings, observer.expectation(strings), strict=True):
        matrix = np.ones((1, 1))
        for letter in text:
            matrix = np.kron(matrix, _PAULIS[letter])
        ours = float(np.trace(evolution.density @ matrix).real)
        if not abs(theirs - ours) <= allowed:
            return f"<{text}> is {theirs}, not {ours}"
    return ""


def _probabilities(observer: Observer, evolution: Evolution, allowed: float) -> str:
    chances = evolution.chances.reshape((2,) * evolution.width)
    for order in itertools.permutations(range(evolution.width)):
        theirs = observer.probabilities(order)
        if not np.allclose(theirs, chances.transpose(order).reshape(-1), rtol=0, atol=allowed):
            return f"qubits {order}: {theirs}, not {chances.transpose(order).reshape(-1)}"
    return ""


def _density(observer: Observer, evolution: Evolution, allowed: float) -> str:
    off = np.abs(cast("DensityObserver", observer).density() - evolution.density).max()
    return "" if off <= allowed else f"the density matrix is off by {off:.1e}"


def _state(observer: Observer, evolution: Evolution, allowed: float) -> str:
    return _overlap(observer.state(), evolution, allowed)


def _amplitudes(observer: Observer, evolution: Evolution, allowed: float) -> str:
    names = tuple(map("".join, itertools.product("01", repeat=evolution.width)))
    return _overlap(np.array(observer.amplitudes(names)), evolution, allowed)


def _overlap(theirs: Array, evolution: Evolution, allowed: float) -> str:
    overlap = abs(np.vdot(theirs, evolution.final))
    return "" if abs(overlap - 1) <= allowed else f"the overlap with the state is {overlap}"


def _trajectories(subject: Subject, programs: list[Evolution]) -> str:
    """Exact values within ``TOLERANCE``; sampled ones within ``SIGMAS`` of the errors stated, which may be no larger
    than so many trajectories give."""
    engine = cast("FollowingEngine", subject.engine)
    for evolution in programs:
        program = final_state(evolution.graph(), subject.can)
        times, rows = engine.trajectory(program, subject.method, subject.shots, SEED)
        if list(times) != evolution.parts[-1][1]["times"] or set(rows) != set(evolution.values):
            return f"{evolution.name}: it gives {sorted(rows)} at {times}"
        for name, row in rows.items():
            for at, (found, wanted) in enumerate(zip(row, evolution.values[name], strict=True)):
                error = found.error or 0.0
                if not abs(found.value - wanted) <= TOLERANCE + SIGMAS * error:
                    return f"{evolution.name}: {name} at time {times[at]} is {found.value} +- {error}, not {wanted}"
                if error > SPREAD / subject.shots**0.5:
                    return f"{evolution.name}: {name} has a standard error of {error}, of {subject.shots} trajectories"
    return ""


def _find_undeclared(subject: Subject, found: list[Evolution], names: list[str]) -> str:
    """By QMK, by what is declared; and by ``observe``, for programs whose end the method does not give."""
    observe = getattr(subject.engine, "observe", None)
    for evolution in found if observe is not None else ():
        if subject.can.outputs & _OF_END and (evolution.is_pure or "noisy" in subject.can.outputs):
            continue
        try:
            cast("ObservingEngine", subject.engine).observe(final_state(evolution.graph(), subject.can), subject.method)
        except Unsupported:
            continue
        return f"observe took {evolution.name}, of which the method declares no values"
    for name in names:
        wanted = replace(Outputs(), **{name: ("0" * found[0].width,) if name == "amplitudes" else True})
        try:
            subject.runner.execute(found[0].graph(), subject.method, 10, SEED, outputs=wanted)
        except QmkError as refused:
            if refused.kind.name != "UNSUPPORTED":
                return f"{name} was refused with {refused.kind.name}, not with UNSUPPORTED"
        else:
            return f"{name} was given, and is not declared"
    return ""


# -- refusals --------------------------------------------------------------------------------------------------------


def _refusal_checks(subject: Subject) -> Iterator[Check]:
    def refuses(program: Program) -> str:
        return check_refusal(subject, program)

    for evolution in every_evolution():
        ours = {op for op, _ in evolution.parts} | subject.can.gates
        skipped = "" if subject.lacks(evolution.case) else "declared"
        yield Check(
            f"refuses {evolution.name}",
            lambda evolution=evolution, ours=ours: refuses(lower(evolution.graph(), frozenset(ours))),
            skipped,
        )
    other = "" if "dynamics.evolve" in subject.can.gates else "does not declare dynamics.evolve"
    yield Check(f"refuses {skew().name}", lambda: refuses(lower(skew().graph(), subject.can.gates)), other)
    first = opening(subject)
    fixed = "" if isinstance(first, Gate) and subject.can.feed_forward != "full" else "declared"
    yield Check("refuses an evolution under a condition", lambda: refuses(_conditional(cast("Gate", first))), fixed)


def _conditional(first: Gate) -> Program:
    n = len(first.qubits) + 1
    items = (Measure(n - 1, 0), replace(first, cond=("bit", 0)), Measure(0, 1))
    return Program(n, 2, items, (Register("", (0, 1)),), {"e0": (0,), "e1": (1,)})
