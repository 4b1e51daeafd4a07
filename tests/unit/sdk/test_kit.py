"""The kits find faults: each broken engine or front-end below fails the check that names its fault."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from qmk.base.errors import Finding, QmkError, invalid_graph
from qmk.engines import reference
from qmk.exact.branching import BranchingPlan
from qmk.exact.dense import DenseBackend, NumpyCircuit
from qmk.ir.program import Barrier, Gate, Instruction, Measure, Program, Reset
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.graph import Graph
from qmk.sdk.engine import Capabilities, Declaration, Plan, Progress, Samples
from qmk.sdk.frontend import Frontend, Source
from qmk.sdk.kit import engine_kit, frontend_kit
from qmk.sdk.kit.builder import Builder
from qmk.sdk.kit.report import run_checks
from qmk.sdk.kit.statistics import check, entropy
from qmk.worker.runner import Runner

Rewrite = Callable[[Instruction], Instruction | None]


@dataclass(frozen=True)
class BrokenPlan:
    inner: Plan
    fault: str

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        told = None if self.fault == "silent" else progress
        samples = self.inner.run(shots, 1 if self.fault == "seed" else seed, told)
        if self.fault == "restless":
            samples.bits = np.roll(samples.bits, np.random.default_rng().integers(1000), axis=0)
        if self.fault == "mirrored":
            samples.bits = samples.bits[:, ::-1]
        if self.fault == "floats":
            samples.bits = samples.bits.astype(float)
        return samples


class BrokenEngine:
    """The reference engine with one fault."""

    version = "1"

    def __init__(self, fault: str) -> None:
        self.fault = fault

    def prepare(self, program: Program, method: str) -> BrokenPlan:
        if self.fault == "crashes":
            raise ZeroDivisionError("inside the engine")
        changed = [self._change(item) for item in program.instructions]
        kept = tuple(item for item in changed if item is not None)
        backend = DenseBackend(program.n_qubits, NumpyCircuit)
        return BrokenPlan(BranchingPlan(replace(program, instructions=kept), backend, "reference"), self.fault)

    def _change(self, item: Instruction) -> Instruction | None:
        match self.fault, item:
            case "drops conditions", Gate() | Measure() | Reset():
                return replace(item, cond=None)
            case "skips guarded", Gate() | Measure() | Reset() if item.cond is not None:
                return None
            case "skips resets", Reset():
                return None
            case "swaps operands", Gate("cnot", (a, b)):
                return replace(item, qubits=(b, a))
            case "wrong sign", Gate("rz", _, (theta,)):
                return replace(item, params=(-theta,))
            case "slightly off", Gate("t"):
                return Gate("p", item.qubits, (math.pi / 4 + 0.3,), item.cond)
            case "ignores unknown", Gate() if item.name not in ALL_GATES:
                return Barrier()
        return item


def declare(fault: str, **changes: Any) -> Declaration:
    return replace(reference.DECLARATION, name=f"broken-{fault}", **changes)


def failures(fault: str, monkeypatch: pytest.MonkeyPatch, only: str = "", **changes: Any) -> set[str]:
    """Names of the checks that fail, of those that are named ``only`` where it is given."""
    engine = BrokenEngine(fault)
    monkeypatch.setattr(Runner, "engine", property(lambda _self: engine))
    checks = engine_kit.checks(declare(fault, **changes), programs=2)
    report = run_checks(f"broken-{fault}", [row for row in checks if only in ("", row.name)])
    assert not report.ok
    assert all(row.name in report.text() for row in report.failures)
    return {row.name for row in report.failures}


@pytest.mark.parametrize(
    ("fault", "found_by"),
    [
        ("drops conditions", "compound guards"),
        ("skips guarded", "teleported T state in my"),
        ("skips resets", "reset and reuse"),
        ("swaps operands", "gate cnot mz"),
        ("wrong sign", "gate rz my"),
        ("slightly off", "gate t mx"),
        ("mirrored", "order of bits"),
        ("restless", "same seed, same bits"),
        ("seed", "other seed, other bits"),
        ("silent", "progress"),
        ("floats", "shape and type of samples"),
        ("ignores unknown", "refuses an unknown gate"),
        ("crashes", "GHZ"),
        ("any", "refuses an unknown method"),
        ("any", "refuses too many qubits"),
    ],
)
def test_a_broken_engine_is_found(fault: str, found_by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found_by in failures(fault, monkeypatch, only=found_by)


def test_undeclared_capabilities_must_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that runs what it does not declare is as dishonest as one that ignores it."""
    less = Capabilities(gates=ALL_GATES, mid_circuit=False, reset=False, feed_forward="none", logic=False)
    found = failures("any", monkeypatch, methods={"": less})
    for what in ("a reset", "a condition on a Pauli gate", "a gate after measurement", "event logic"):
        assert f"refuses {what}" in found
    assert "compound guards" not in found


def test_statistics_state_their_rates() -> None:
    fair = {"0": 0.5, "1": 0.5}
    assert check({"0": 1000, "1": 1050}, fair) == ""
    assert "probability is 0.5" in check({"0": 1000, "1": 1500}, fair)
    assert "probability 0" in check({"0": 999, "1": 1}, {"0": 1.0})
    assert "no shots" in check({}, fair)
    assert check({"0": 560, "1": 440}, fair, 0.05) != ""
    assert check({"0": 560, "1": 440}, fair, 0.05, slack=0.1) == ""
    assert entropy(0.5, 0.5) == 0
    assert entropy(1.0, 0.5) == pytest.approx(math.log(2))
    assert entropy(0.1, 0.0) == math.inf


def test_statistics_fail_rarely_and_notice_small_errors() -> None:
    """Of 2000 fair trials at a rate of 1/20 at most 5 % fail (six-sigma allowance); a bias of 6 % is always seen."""
    dice = np.random.Generator(np.random.PCG64(3))
    fair = {"0": 0.5, "1": 0.5}
    ones = dice.binomial(500, 0.5, size=2000)
    failed = sum(bool(check({"0": 500 - int(k), "1": int(k)}, fair, 0.05)) for k in ones)
    assert failed < 2000 * 0.05 + 6 * math.sqrt(2000 * 0.05)
    biased = dice.binomial(20_000, 0.56, size=20)
    assert all(check({"0": 20_000 - int(k), "1": int(k)}, fair, 1e-9) for k in biased)


def test_small_errors_spread_over_many_outcomes_are_seen_in_a_marginal() -> None:
    """Sixty-four outcomes, each off by little: only the bit's marginal shows it."""
    words = [format(k, "06b") for k in range(64)]
    exact = dict.fromkeys(words, 1 / 64)
    counts = {word: 1000 + (60 if word[0] == "1" else -60) for word in words}
    assert "a 1 at place 0" in check(counts, exact, 1e-9)


def one_bit(source: Source) -> Graph:
    """A format of one character, 0 or 1."""
    if source.data not in (b"0", b"1"):
        raise invalid_graph([Finding("ONE-1", "write 0 or 1", line=1)])
    b = Builder(1)
    if source.data == b"1":
        b.op("x", 0)
    return b.measure_all().graph()


def emit_bit(graph: Graph) -> bytes:
    return b"1" if any(node.op == "core.x" for node in graph.nodes) else b"0"


GOOD = Frontend("one-bit", "one bit", (".bit",), lambda data: 90 if data in (b"0", b"1") else 0, one_bit, emit_bit)
SAMPLES = frontend_kit.Samples(
    valid={"zero": (b"0", {"0": 1.0}), "one": (b"1", {"1": 1.0})}, invalid={"two": (b"2", 1)}, foreign=[b"OPENQASM 3;"]
)


def test_a_correct_front_end_passes() -> None:
    report = frontend_kit.run(GOOD, SAMPLES)
    assert report.ok, report.text()


def crash(_source: Source) -> Graph:
    raise QmkError("INTERNAL_ERROR", "crashed")


@pytest.mark.parametrize(
    ("change", "found_by"),
    [
        ({"emit": lambda _graph: b"0"}, "round trip of one"),
        ({"recognise": lambda _data: 0}, "recognises zero"),
        ({"recognise": lambda _data: 100}, "leaves foreign program 0"),
        ({"parse": lambda _source: one_bit(Source(b"0"))}, "refuses two"),
        ({"parse": lambda _source: one_bit(Source(b"1"))}, "reads zero"),
    ],
)
def test_a_broken_front_end_is_found(change: dict[str, Any], found_by: str) -> None:
    report = frontend_kit.run(replace(GOOD, **change), SAMPLES)
    assert found_by in {row.name for row in report.failures}


def test_a_front_end_that_fails_without_findings_is_found() -> None:
    only_invalid = frontend_kit.Samples(valid={}, invalid={"two": (b"2", 1)})
    report = frontend_kit.run(replace(GOOD, parse=crash), only_invalid)
    assert "refuses two" in {row.name for row in report.failures}


TWO_CHECKS = [engine_kit.Check("a", lambda: ""), engine_kit.Check("b", lambda: "wrong", skipped="not declared")]


@engine_kit.as_tests(TWO_CHECKS)
def test_adapter_leaves_out_what_does_not_apply(check: engine_kit.Check) -> None:
    assert check.name == "a"
