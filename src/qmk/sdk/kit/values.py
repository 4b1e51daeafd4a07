"""Checks of outputs beyond counts: whatever a method declares, on random programs, against state vectors in numpy."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import cast

import numpy as np

from qmk.exact.simulator import exact_distribution
from qmk.exact.statevector import StateVector
from qmk.ir.program import Gate, KrausNoise, PauliNoise, PauliNoise2, Program, Reset
from qmk.ir.shifts import shifts_of
from qmk.sdk.engine import FastObserver, Observer, ObservingEngine
from qmk.sdk.kit.random_programs import random_case
from qmk.sdk.kit.report import Check
from qmk.sdk.kit.subject import Subject
from qmk.worker.observed import final_state, gates_only, measure_in_bases, part

QUBITS = 3
TOLERANCE = 1e-8
"""Of values in double precision."""

STRINGS = tuple(map("".join, itertools.product("IXYZ", repeat=QUBITS)))
BITSTRINGS = tuple(map("".join, itertools.product("01", repeat=QUBITS)))
GROUPS = ((), (1,), (2, 0), (0, 1, 2))
_SCALED_ID = tuple(tuple(0.6 * (row == column) for column in range(4)) for row in range(4))
_SCALED_CNOT = tuple(tuple(0.8 * (row ^ row >> 1 == column) for column in range(4)) for row in range(4))
OBSERVABLE = (("ZZI", 0.5), ("XIY", -1.0), ("IYX", 2.0))

Compare = Callable[[Observer, StateVector, Program], str]


def value_checks(subject: Subject, programs: int) -> Iterator[Check]:
    """``programs``: random programs for each output."""
    ways: dict[str, Compare] = {
        "expectation": _expectation,
        "state": _state,
        "amplitudes": _amplitudes,
        "probabilities": _probabilities,
        "gradient": _gradient,
        "sweep": _sweep,
    }
    for name, compare in ways.items():
        skipped = "" if name in subject.can.outputs else f"does not declare {name}"
        yield Check(f"output {name}", lambda compare=compare: _each(subject, programs, compare), skipped)
    skipped = "" if "noisy" in subject.can.outputs else "does not declare noisy"
    yield Check("output noisy", lambda: _noisy(subject), skipped)


def _each(subject: Subject, programs: int, compare: Compare) -> str:
    for seed in range(programs):
        among = None if subject.is_complete else subject.expressible
        case = random_case(seed, clifford=subject.can.clifford, dynamic=False, qubits=QUBITS, among=among)
        whole = final_state(case.graph, subject.can)
        program = part(whole, gates_only(whole), range(QUBITS))
        engine = cast("ObservingEngine", subject.engine)
        if wrong := compare(engine.observe(program, subject.method), StateVector.of(program), program):
            return f"program {seed}: {wrong}"
    return ""


def _noisy(subject: Subject) -> str:
    """Compares expectation values and probabilities after gates, error channels that treat the qubits differently, and
    a reset, against the distribution in each string's own basis; each of these strings in one of the programs."""
    decay = KrausNoise((1,), (((1, 0), (0, 0.8)), ((0, 0.6), (0, 0))))
    swaps = KrausNoise((2, 0), (_SCALED_CNOT, _SCALED_ID))
    pair = PauliNoise2((0, 2), (0.05, *(0.0,) * 4, 0.1, *(0.0,) * 9))
    noise = (decay, PauliNoise(0, 0.1, 0.0, 0.05), pair, swaps)
    kinds: dict[str, tuple[type, ...]] = {"kraus": (KrausNoise,), "pauli": (PauliNoise, PauliNoise2)}
    runs = tuple(kind for name in subject.can.noise for kind in kinds[name])
    for seed in range(3):
        among = None if subject.is_complete else subject.expressible
        case = random_case(seed, clifford=subject.can.clifford, dynamic=False, qubits=QUBITS, among=among)
        gates = gates_only(final_state(case.graph, subject.can))
        middle = (*(item for item in noise if isinstance(item, runs)), Reset(2 * seed % QUBITS))
        program = Program(QUBITS, 0, (*gates[: len(gates) // 2], *middle, *gates[len(gates) // 2 :]), (), {})
        observer = cast("ObservingEngine", subject.engine).observe(program, subject.method)
        strings = [text for text in STRINGS if "I" not in text and sum(map("XYZ".index, text)) % 3 == seed]
        for text, theirs in zip(strings, observer.expectation(strings), strict=True):
            letters = dict(enumerate(text))
            chances = exact_distribution(measure_in_bases(program, letters, subject.can)[0])
            ours = sum(p * (-1) ** bits.count("1") for bits, p in chances.items())
            if abs(theirs - ours) > TOLERANCE:
                return f"program {seed}: <{text}> is {theirs}, not {ours}"
        ours = exact_distribution(measure_in_bases(program, dict.fromkeys(range(QUBITS), "Z"), subject.can)[0])
        theirs = dict(zip(BITSTRINGS, observer.probabilities(range(QUBITS)), strict=True))
        if any(abs(chance - ours.get(bits, 0.0)) > TOLERANCE for bits, chance in theirs.items()):
            return f"program {seed}: probabilities {theirs}, not {ours}"
    return ""


def _expectation(found: Observer, exact: StateVector, _program: Program) -> str:
    pairs = zip(STRINGS, found.expectation(STRINGS), exact.expectation(STRINGS), strict=True)
    wrong = [f"<{text}> is {theirs}, not {ours}" for text, theirs, ours in pairs if abs(theirs - ours) > TOLERANCE]
    return "; ".join(wrong[:3])


def _state(found: Observer, exact: StateVector, _program: Program) -> str:
    overlap = abs(np.vdot(found.state(), exact.state()))
    return "" if abs(overlap - 1) < TOLERANCE else f"the overlap with the state is {overlap}"


def _amplitudes(found: Observer, exact: StateVector, _program: Program) -> str:
    overlap = abs(np.vdot(np.array(found.amplitudes(BITSTRINGS)), exact.state()))
    return "" if abs(overlap - 1) < TOLERANCE else f"the overlap with the state is {overlap}"


def _probabilities(found: Observer, exact: StateVector, _program: Program) -> str:
    for group in GROUPS:
        theirs, ours = found.probabilities(group), exact.probabilities(group) if group else [1.0]
        if not np.allclose(theirs, ours, rtol=0, atol=TOLERANCE):
            return f"qubits {group}: {theirs}, not {ours}"
    return ""


def _gradient(found: Observer, exact: StateVector, program: Program) -> str:
    def value(at: StateVector) -> float:
        return sum(c * e for (_, c), e in zip(OBSERVABLE, at.expectation([t for t, _ in OBSERVABLE]), strict=True))

    theirs, slopes = cast("FastObserver", found).gradient(OBSERVABLE)
    if abs(theirs - value(exact)) > TOLERANCE:
        return f"the value is {theirs}, not {value(exact)}"
    ours: list[float] = []
    for at, item in enumerate(program.instructions):
        for k in range(len(item.params) if isinstance(item, Gate) else 0):
            name = item.name if isinstance(item, Gate) else ""
            turns = shifts_of(f"core.{name}", name)
            states = ((factor, StateVector.of(_turn_angle(program, at, k, shift))) for shift, factor in turns)
            ours.append(sum(factor * value(state) for factor, state in states))
    same = len(ours) == len(slopes) and np.allclose(slopes, ours, rtol=0, atol=TOLERANCE)
    return "" if same else f"derivatives {slopes}, not {ours}"


def _sweep(found: Observer, _exact_state: StateVector, program: Program) -> str:
    gates = [item for item in program.instructions if isinstance(item, Gate)]
    angles = [angle for gate in gates for angle in gate.params]
    points = [angles, [angle + 0.3 for angle in angles], [-2 * angle for angle in angles]]
    rows = cast("FastObserver", found).sweep(points, STRINGS)
    for point, row in zip(points, rows, strict=True):
        if not np.allclose(
            row, StateVector.of(_with_angles(program, point)).expectation(STRINGS), rtol=0, atol=TOLERANCE
        ):
            return f"wrong values at angles {point}"
    return ""


def _turn_angle(program: Program, at: int, which: int, shift: float) -> Program:
    place = sum(len(item.params) for item in program.instructions[:at] if isinstance(item, Gate)) + which
    angles = [angle for item in program.instructions if isinstance(item, Gate) for angle in item.params]
    angles[place] += shift
    return _with_angles(program, angles)


def _with_angles(program: Program, angles: list[float]) -> Program:
    left = iter(angles)
    gates = [
        Gate(item.name, item.qubits, tuple(next(left) for _ in item.params), None, item.args)
        for item in program.instructions
        if isinstance(item, Gate)
    ]
    return part(program, gates, range(program.n_qubits))
