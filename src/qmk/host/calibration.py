"""``qmk calibrate``: small programs on every engine, and the rates that explain what they took.

Each program runs in the engine's worker process, one thread, twice with different angles (an engine keeps the plan of a
program it has seen); the shorter time counts. The rates are fitted together for an engine: factors on them bring the
logarithm of measured over predicted to zero, and a small weight keeps a factor at one where nothing measures it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from qmk.base.errors import QmkError
from qmk.host import machine
from qmk.host.calibration_programs import SIZES, Size, program
from qmk.host.isolated import Isolated
from qmk.qvm.graph import digest, pack
from qmk.router import rates as stored
from qmk.router.features import features
from qmk.router.score import candidate
from qmk.sdk import discovery
from qmk.sdk.engine import Declaration, Features
from qmk.worker.messages import Run

HOLD = 0.02
"""The weight that holds a rate's factor at one, compared with one measurement that is off by the same factor."""
FAR = 0.4
"""Logarithm of a factor; what a model is off by more than this pulls no harder: one program that it does not describe
must not spoil the others"""
ROUNDS = 40
FACTOR_MAX = 100.0
SURE = 1.3
"""Least factor of doubt: what a shared machine varies by"""
MARGIN = 1.25
"""The margin on the largest error of the fit."""
REPEATS = 2
GIVE_UP = 20.0
"""A run is stopped when it takes this many times as long as the longest one planned."""


class Measured(NamedTuple):
    """One program on one method."""

    method: str
    size: Size
    features: Features
    seconds: float


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one engine, for the table: programs run, the worst factor between predicted and measured with the
    declared rates and with the fitted ones, and of the longest program the times."""

    engine: str
    method: str
    programs: int
    before_s: float
    after_s: float
    measured_s: float
    error_before: float
    error_after: float
    uncertainty: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    calibration: stored.Calibration
    fits: list[Fit]
    skipped: dict[str, str]
    """Engines that were not measured, and why."""


def calibrate(
    names: Sequence[str], budget_s: float, now_s: float, say: Callable[[str], None] = lambda name: None
) -> Report:
    """Measure and fit the engines ``names`` within about ``budget_s``; those that come too late are skipped."""
    ends_s = time.monotonic() + budget_s
    fits: list[Fit] = []
    engines: dict[str, stored.Rated] = {}
    skipped: dict[str, str] = {}
    known = discovery.engines()
    for count, name in enumerate(names):
        declaration = known[name]
        state = discovery.available(declaration)
        left_s = ends_s - time.monotonic()
        if not state.ok:
            skipped[name] = f"{', '.join(state.missing)} not installed"
        elif not declaration.rates:
            skipped[name] = "it declares no rates"
        elif any(all("." in gate for gate in can.gates) for can in declaration.methods.values() if can.gates):
            skipped[name] = "its rates are those of evolutions, and the programs of a calibration are made of gates"
        elif left_s <= 0:
            skipped[name] = "no time was left"
        else:
            say(name)
            try:
                start_s, rows = measure(declaration, left_s / (len(names) - count))
            except QmkError as error:
                skipped[name] = error.message
                continue
            if not rows:
                skipped[name] = "no time was left"
                continue
            found, doubt = fit(declaration, rows)
            engines[name] = stored.Rated(version=state.version, rates=found, uncertainty=doubt, start_s=start_s)
            fits += _fits(declaration, rows, found, doubt)
    made = stored.Calibration(cpu=stored.cpu_model(), made=now_s, engines=engines)
    return Report(calibration=made, fits=fits, skipped=skipped)


def measure(declaration: Declaration, budget_s: float) -> tuple[float, list[Measured]]:
    """Seconds from the start of a worker to its first result, and what ran within the budget, the cheapest first."""
    began = time.monotonic()
    longest_s = budget_s / 20
    rows: list[Measured] = []
    start_s = -1.0
    worker = Isolated(machine.cpus())
    try:
        for method, size, predicted_s in _plan_runs(declaration, longest_s):
            if time.monotonic() - began + 2 * REPEATS * predicted_s > budget_s:
                break
            seconds = math.inf
            for variant in range(REPEATS + (start_s < 0)):
                asked = time.monotonic()
                found = _run(worker, declaration, method, size, variant, GIVE_UP * longest_s)
                if found is None:
                    break
                if start_s < 0:  # the first of all only shows how long a start takes
                    start_s = max(0.0, time.monotonic() - asked - found)
                    continue
                seconds = min(seconds, found)
            if math.isfinite(seconds):
                rows.append(Measured(method, size, _features(declaration, method, size), seconds))
    finally:
        worker.close()
    return max(start_s, 0.0), rows


def _plan_runs(declaration: Declaration, longest_s: float) -> Iterator[tuple[str, Size, float]]:
    """Lists the methods and sizes that the engine can run and should finish in time, the cheapest first."""
    found: list[tuple[float, str, Size]] = []
    memory_bytes = machine.memory_bytes() // 4
    for method in declaration.methods:
        for size in SIZES:
            if size.clifford != declaration.methods[method].clifford and not (size.clifford and size.n_qubits < 3):
                continue
            facts = _features(declaration, method, size)
            row = candidate(declaration, method, facts, size.shots, memory_bytes, forced=True)
            if not row.gaps and row.seconds is not None and row.seconds <= longest_s:
                found.append((row.seconds, method, size))
    found.sort(key=lambda row: row[0])
    return ((method, size, seconds) for seconds, method, size in found)


def _features(declaration: Declaration, method: str, size: Size) -> Features:
    return features(program(size, 0), native=method if declaration.name == "native" else "")


def _run(
    worker: Isolated, declaration: Declaration, method: str, size: Size, variant: int, limit_s: float
) -> float | None:
    """Runs a program once, and gives its engine seconds; None when it failed or took too long."""
    graph = program(size, variant)
    asked = Run(
        fence=variant + 1,
        digest=digest(graph),
        graph=pack(graph),
        method=method,
        shots=size.shots,
        seed=variant + 1,
        keep_events=False,
    )
    try:
        done, _ = worker.run(declaration.name, asked, deadline_s=time.monotonic() + max(1.0, limit_s))
    except QmkError:
        return None
    return max(done.prepare_s + done.run_s, 1e-7)


def fit(declaration: Declaration, rows: Sequence[Measured]) -> tuple[dict[str, float], dict[str, float]]:
    """The rates, and by method the factor within which they predict what was measured."""
    names = list(declaration.rates)
    parts = [_parts(declaration, row) for row in rows]
    logs = [0.0] * len(names)
    for _ in range(ROUNDS):
        normal = [[HOLD * (i == j) for j in range(len(names))] for i in range(len(names))]
        right = [-HOLD * value for value in logs]
        for row, (fixed, shares) in zip(rows, parts, strict=True):
            terms = [share * math.exp(log) for share, log in zip(shares, logs, strict=True)]
            total = fixed + sum(terms)
            slopes = [term / total for term in terms]
            error = math.log(row.seconds / total)
            weight = min(1.0, FAR / abs(error)) if error else 1.0
            for i, slope in enumerate(slopes):
                right[i] += weight * slope * error
                for j, other in enumerate(slopes):
                    normal[i][j] += weight * slope * other
        step = solve(normal, right)
        bound = math.log(FACTOR_MAX)
        logs = [max(-bound, min(bound, log + max(-1.0, min(1.0, by)))) for log, by in zip(logs, step, strict=True)]
    found = {name: declaration.rates[name] * math.exp(log) for name, log in zip(names, logs, strict=True)}
    doubt: dict[str, float] = {}
    for row in rows:
        error = error_factor(declaration.predict(row.method, row.features, row.size.shots, found).seconds, row.seconds)
        doubt[row.method] = max(doubt.get(row.method, SURE), MARGIN * error)
    return found, {method: round(factor, 3) for method, factor in doubt.items()}


def _parts(declaration: Declaration, row: Measured) -> tuple[float, list[float]]:
    """Predicted seconds as a constant and one summand a rate: they are linear in the rates."""
    none = dict.fromkeys(declaration.rates, 0.0)

    def predict_s(rates: dict[str, float]) -> float:
        return declaration.predict(row.method, row.features, row.size.shots, rates).seconds

    fixed = predict_s(none)
    shares = [predict_s({**none, name: rate}) - fixed for name, rate in declaration.rates.items()]
    return max(fixed, 1e-12), [max(share, 0.0) for share in shares]


def solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """The solution of a positive definite system, by elimination."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for k in range(size):
        for i in range(k + 1, size):
            factor = rows[i][k] / rows[k][k]
            if factor:
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    found = [0.0] * size
    for k in reversed(range(size)):
        found[k] = (rows[k][size] - sum(rows[k][j] * found[j] for j in range(k + 1, size))) / rows[k][k]
    return found


def error_factor(predicted_s: float, measured_s: float) -> float:
    """The factor by which the two differ, at least 1."""
    ratio = max(predicted_s, 1e-12) / max(measured_s, 1e-12)
    return max(ratio, 1 / ratio)


def _fits(
    declaration: Declaration, rows: Sequence[Measured], found: dict[str, float], doubt: dict[str, float]
) -> Iterator[Fit]:
    def predict_s(row: Measured, rates: dict[str, float] | None) -> float:
        return declaration.predict(row.method, row.features, row.size.shots, rates).seconds

    for method in dict.fromkeys(row.method for row in rows):
        own = [row for row in rows if row.method == method]
        longest = max(own, key=lambda row: row.seconds)
        yield Fit(
            engine=declaration.name,
            method=method,
            programs=len(own),
            before_s=predict_s(longest, None),
            after_s=predict_s(longest, found),
            measured_s=longest.seconds,
            error_before=max(error_factor(predict_s(row, None), row.seconds) for row in own),
            error_after=max(error_factor(predict_s(row, found), row.seconds) for row in own),
            uncertainty=doubt[method],
        )
