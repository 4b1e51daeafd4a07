"""Checks of the engine protocol: shapes, seeds, progress, pickling; on a GHZ state, or the most random state of three
qubits that the engine's gates can make, or the kit's first evolution that the engine runs."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import numpy as np

from qmk.ir import bits
from qmk.ir.program import Program
from qmk.sdk.engine import Plan
from qmk.sdk.kit.builder import Builder
from qmk.sdk.kit.evolving import LARGEST_ERROR, opening, probe, runs_nothing_else
from qmk.sdk.kit.programs import Case
from qmk.sdk.kit.report import Check
from qmk.sdk.kit.statistics import check
from qmk.sdk.kit.subject import Subject

MANY = 50_000
"""Shots of the large run, for engines that are exact."""


def protocol_checks(subject: Subject) -> Iterator[Check]:
    yield Check("shape and type of samples", lambda: _shapes(subject))
    yield Check("many shots", lambda: _many_shots(subject))
    yield Check("same seed, same bits", lambda: _same_seed(subject))
    certain = "" if len(_probe(subject).exact) > 1 else "no program of the declared gates has a random outcome"
    yield Check("other seed, other bits", lambda: _other_seed(subject), certain)
    yield Check("progress", lambda: _progress(subject))
    yield Check("plan pickles", lambda: _pickles(subject))
    yield Check("program without bits", lambda: _no_bits(subject))
    yield Check("version", lambda: _version(subject))
    yield Check("per-shot events agree with counts", lambda: _events(subject))


class _Probe(NamedTuple):
    """A program of three measured qubits, and its exact distribution."""

    case: Case
    exact: dict[str, float]


def _probes(subject: Subject) -> Iterator[_Probe]:
    evolution = probe(subject)
    if evolution is not None:
        yield _Probe(evolution.case, evolution.distribution())
    ghz = Builder(3).op("h", 0).op("cnot", 0, 1).op("cnot", 1, 2).measure_all().graph()
    yield _Probe(Case("GHZ", ghz, clifford=True), {"000": 0.5, "111": 0.5})
    coin = Builder(3).op("h", 0).op("x", 2).measure_all().graph()
    yield _Probe(Case("a coin", coin, clifford=True), {"001": 0.5, "101": 0.5})
    flipped = Builder(3).op("x", 2).measure_all().graph()
    yield _Probe(Case("a flipped bit", flipped, clifford=True), {"001": 1.0})
    yield _Probe(Case("no gates", Builder(3).measure_all().graph(), clifford=True), {"000": 1.0})


def _probe(subject: Subject) -> _Probe:
    """Choose the first that the engine's gates can make."""
    return next(found for found in _probes(subject) if not subject.lacks(found.case))


def _program(subject: Subject) -> Program:
    return subject.lower(_probe(subject).case)


def _plan(subject: Subject) -> Plan:
    return subject.engine.prepare(_program(subject), subject.method)


def _shapes(subject: Subject) -> str:
    for shots in (1, 2, 257):
        got = _plan(subject).run(shots, 7).bits
        if got.shape != (shots, 3) or got.dtype != np.uint8:
            return f"{shots} shots of 3 bits gave shape {got.shape} of {got.dtype}, not ({shots}, 3) of uint8"
        if got.max() > 1:
            return "a bit is neither 0 nor 1"
    return ""


def _many_shots(subject: Subject) -> str:
    got = _plan(subject).run(MANY if subject.can.exact else subject.shots, 7)
    slack = 0.0 if subject.can.exact or probe(subject) is None else LARGEST_ERROR
    return check(bits.counts(_program(subject).registers, got.bits), _probe(subject).exact, 1e-9, slack)


def _same_seed(subject: Subject) -> str:
    plan = _plan(subject)
    first, again, other = plan.run(200, 3).bits, plan.run(200, 3).bits, _plan(subject).run(200, 3).bits
    if not np.array_equal(first, again):
        return "one plan gave different bits for the same seed"
    return "" if np.array_equal(first, other) else "two plans of one program gave different bits for the same seed"


def _other_seed(subject: Subject) -> str:
    drawn = {_plan(subject).run(200, seed).bits.tobytes() for seed in (0, 1, 2, (1 << 63) - 1)}
    return "" if len(drawn) == 4 else "two seeds gave the same 200 shots (chance 2^-200)"


def _progress(subject: Subject) -> str:
    done: list[int] = []
    shown: list[Any] = []

    def hear(shots_done: int, bits: Any = None) -> None:
        done.append(shots_done)
        if bits is not None:
            shown.append(bits[:shots_done].copy())

    found = _plan(subject).run(300, 5, hear).bits
    if not done or done[-1] != 300 or done != sorted(done):
        return f"progress must rise to the number of shots (300) and end there; got {done[-5:]}"
    if any(rows.shape[1:] != found.shape[1:] for rows in shown):
        return "progress was given rows of bits that do not have the columns of the samples"
    return ""


def _pickles(subject: Subject) -> str:
    plan = _plan(subject)
    kept = pickle.loads(pickle.dumps(plan))  # noqa: S301 our own bytes of a moment ago
    same = np.array_equal(plan.run(100, 9).bits, kept.run(100, 9).bits)
    return "" if same else "a pickled plan gave different bits"


def _no_bits(subject: Subject) -> str:
    first = opening(subject) if runs_nothing_else(subject) else None
    got = subject.sample(Program(3, 0, () if first is None else (first,), (), {}), 5, 1).bits
    return "" if got.shape == (5, 0) else f"a program without bits gave shape {got.shape}, not (5, 0)"


def _version(subject: Subject) -> str:
    version = cast("object", subject.engine.version)  # a stranger's
    return "" if isinstance(version, str) and version else "the version is empty"


def _events(subject: Subject) -> str:
    """Through ``execute``: names, widths and bits of events tell the same as the counts."""
    turned = Builder(3).op("x", 0).op("h", 1).measure_all().graph()
    graph = _probe(subject).case.graph if subject.lacks(Case("turned", turned, clifford=True)) else turned
    done = subject.runner.execute(graph, subject.method, 50, 1)
    rows = np.unpackbits(np.frombuffer(done.event_bits, dtype=np.uint8).reshape(50, -1), axis=1)[:, :3]
    if done.event_names != ["e0", "e1", "e2"] or done.event_widths != [1, 1, 1]:
        return f"events are {done.event_names} of widths {done.event_widths}"
    tally: dict[str, int] = {}
    for row in rows.tolist():
        key = "".join(map(str, row))
        tally[key] = tally.get(key, 0) + 1
    return "" if tally == done.counts else f"per-shot events give {tally}, counts are {done.counts}"
