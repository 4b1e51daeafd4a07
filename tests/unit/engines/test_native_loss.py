"""Lost atoms on the native engine, against the walk of ``tests.unit.ir.test_loss``.

A test of samples fails by chance with probability at most 1e-8 (``FALSE_FAILURE``); there are some forty.
"""

from __future__ import annotations

import hashlib
import itertools
import pickle
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from qmk.base.errors import QmkError
from qmk.engines.native import DECLARATION
from qmk.engines.native.engine import NativeEngine
from qmk.exact.simulator import exact_distribution
from qmk.ir import bits, patterns
from qmk.ir.lower import lower
from qmk.ir.program import LossEvent, Register
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.graph import Output
from qmk.qvm.verify import verify
from qmk.sdk.engine import Unsupported
from qmk.sdk.kit.statistics import check
from qmk.worker.runner import Runner
from tests.unit.ir.test_loss import Walk, graph, numbered, random_graph

FALSE_FAILURE = 1e-8
SHOTS = 20_000

RUNNER = Runner(DECLARATION)


@pytest.mark.parametrize("method", ["tableau", "auto"])
@pytest.mark.parametrize("seed", range(8))
def test_samples_of_random_programs_with_losses_fit_the_walk(seed, method):
    program = random_graph(seed, 3, leaks=False)
    done = RUNNER.execute(program, method, SHOTS if method == "tableau" else 2000, seed + 1)
    assert check(done.counts, Walk(program, 3).found, FALSE_FAILURE) == ""


@pytest.mark.parametrize("seed", range(6))
def test_programs_folded_by_pattern_make_up_the_walk(seed):
    program = random_graph(40 + seed, 3, leaks=False)
    lowered = lower(program, ALL_GATES, loss_events=True)
    loss_events = patterns.loss_events_of(lowered)
    found = {}
    for fell in itertools.product((0, 1), repeat=len(loss_events)):
        weight = np.prod([toss.p if bit else 1 - toss.p for bit, toss in zip(fell, loss_events, strict=True)])
        left = patterns.fold(lowered, tuple(k for k, bit in enumerate(fell) if bit))
        assert not any(isinstance(item, LossEvent) for item in left.program.instructions)
        for row, share in rows(lowered, left).items():
            found[row] = found.get(row, 0.0) + weight * share
    expected = Walk(program, 3).found
    assert max(abs(found.get(key, 0.0) - expected.get(key, 0.0)) for key in {*found, *expected}) < 1e-9


def rows(program, left):
    """The distribution of all events of ``program``, a pattern of which is ``left``."""
    every = (Register("", tuple(range(program.n_cbits))),)
    exact = exact_distribution(replace(left.program, registers=every))
    matrix = np.array([[int(bit) for bit in key] for key in exact], dtype=np.uint8)
    for cbit, value in left.constants.items():
        matrix[:, cbit] = value
    matrix = bits.finish(program, matrix)
    events = [cbit for cbits in program.events.values() for cbit in cbits]
    found = {}
    for row, share in zip(matrix[:, events], exact.values(), strict=True):
        key = "".join(map(str, row))
        found[key] = found.get(key, 0.0) + share
    return found


def ghz(qubits, p, at):
    rows: list[Any] = [("core.h", {}, (0,), ())]
    for qubit in range(1, qubits):
        rows.append(("core.cnot", {}, (qubit - 1, qubit), ()))
        rows += [("noise.loss", {"p": p}, (qubit,), ())] if qubit == at else []
    rows += [("atoms.mz", {}, (qubit,), (f"b{qubit}", f"l{qubit}")) for qubit in range(qubits)]
    return graph(numbered(*rows), qubits, (Output("c", tuple(f"b{qubit}" for qubit in range(qubits))),))


@pytest.mark.parametrize("qubits", [60, 100, 200, 300, 600])
@pytest.mark.parametrize("method", ["tableau", "auto"])
def test_a_chain_ends_where_an_atom_is_lost_at_every_width_of_words(qubits, method):
    at = qubits // 2
    if method == "auto" and qubits > 100:
        pytest.skip("patterns of one program are enough")
    counts = RUNNER.execute(ghz(qubits, 0.4, at), method, 400, 3).counts
    whole = {digit * qubits: 0.3 for digit in "01"}
    broken = {digit * at + "L" + "0" * (qubits - at - 1): 0.2 for digit in "01"}
    assert check(counts, {**whole, **broken}, FALSE_FAILURE) == ""


def test_rare_losses_are_run_beside_the_shots_without():
    program = ghz(40, 0.02, 20)
    plan = RUNNER.prepare(program, "tableau").plan
    assert plan._rest is not None  # pyright: ignore[reportAttributeAccessIssue]
    counts = RUNNER.execute(program, "tableau", SHOTS, 4).counts
    exact = {digit * 40: 0.49 for digit in "01"} | {digit * 20 + "L" + "0" * 19: 0.01 for digit in "01"}
    assert check(counts, exact, FALSE_FAILURE) == ""


@pytest.mark.parametrize("method", ["tableau", "auto"])
@pytest.mark.parametrize("p", [0.01, 0.5])
def test_a_seed_gives_the_same_bits_also_from_a_pickled_plan(method, p):
    program = lower(ghz(10, p, 4), DECLARATION.methods[method].gates, loss_events=True)
    plan = NativeEngine().prepare(program, method)
    again = pickle.loads(pickle.dumps(plan))
    assert np.array_equal(plan.run(200, 5).bits, again.run(200, 5).bits)
    assert not np.array_equal(plan.run(200, 5).bits, plan.run(200, 6).bits)


def test_a_seed_gives_the_bits_that_it_gave_before_tableaus_left_gates_out():
    found = hashlib.sha256()
    programs = [
        random_graph(37, 3, leaks=False),
        *(random_graph(seed, 5, leaks=False) for seed in range(4)),
        ghz(70, 0.9, 5),
    ]
    for program in programs:
        lowered = lower(program, DECLARATION.methods["tableau"].gates, loss_events=True)
        found.update(NativeEngine().prepare(lowered, "tableau").run(100, 5).bits.tobytes())
    assert found.hexdigest() == "6a7d43e0d67013b43a61a73dfea4a8b79d216972fc94177cc30af354276e259f"


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_a_loss_that_never_or_always_happens(p):
    counts = RUNNER.execute(ghz(5, p, 2), "tableau", 300, 3).counts
    assert set(counts) == ({"00L00", "11L00"} if p else {"00000", "11111"})


def test_no_shots_are_no_counts():
    assert RUNNER.execute(ghz(5, 0.5, 2), "tableau", 0, 3).counts == {}


def test_more_atoms_than_a_tableau_holds_are_refused():
    program = lower(ghz(2049, 0.1, 5), DECLARATION.methods["tableau"].gates, loss_events=True)
    with pytest.raises(Unsupported, match="2049 qubits: method tableau holds at most 2048"):
        NativeEngine().prepare(program, "tableau")


def test_gates_that_are_not_clifford_are_refused():
    program = lower(
        graph(numbered(("core.t", {}, (0,), ()), ("core.h", {}, (0,), ()), ("core.mz", {}, (0,), ("b",))), 1), ALL_GATES
    )
    with pytest.raises(Unsupported, match="no Clifford gate"):
        NativeEngine().prepare(program, "tableau")


@pytest.mark.parametrize("p", [-0.1, 1.5])
def test_a_chance_out_of_range_is_a_finding(p):
    report = verify(ghz(3, p, 1))
    assert any("p' of noise.loss" in finding.message and "0 to 1" in finding.message for finding in report.findings)
    with pytest.raises(QmkError):
        raise report.error()  # pyright: ignore[reportGeneralTypeIssues]


def test_how_many_patterns_there_are_is_bounded_by_the_shots():
    loss_events = [LossEvent((k,), 0.5) for k in range(2000)]
    found = patterns.patterns(loss_events, 50, 1)
    assert sum(len(where) for _, where in found) == 50
    assert len(found) <= 50
    fell = np.mean([len(pattern) for pattern, _ in found])
    assert abs(fell - 1000) < 6 * (500 / 50) ** 0.5  # six standard deviations of the mean
