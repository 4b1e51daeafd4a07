"""Target ``clifford+t``: the meaning that is kept, what objectives and options do, and what is refused."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.compiling.logical import GATES
from qmk.exact.simulator import exact_distribution
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph
from qmk.qvm.verify import verify
from qmk.sdk.kit.random_programs import random_cases

ALLOWED = {{"cx": "cnot"}.get(name, name) for name in GATES}


def names_of(graph: Graph) -> set[str]:
    return {node.op.removeprefix("core.") for node in graph.nodes if OPS[node.op].op_class == "unitary"}


def adder(width: int) -> qmk.Circuit:
    """A ripple of Toffoli gates and back, with free inputs."""
    circuit = qmk.Circuit(2 * width + 1)
    for q in range(2 * width):
        circuit.h(q)
    for k in range(width):
        circuit.ccx(2 * k, 2 * k + 1, 2 * k + 2)
    for k in reversed(range(width - 1)):
        circuit.ccx(2 * k, 2 * k + 1, 2 * k + 2)
    return circuit


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_random_programs_keep_their_distribution_within_the_error(level: int) -> None:
    for case in random_cases(3):
        made = qmk.compile(case.graph, "clifford+t", level=level, synthesis_error=1e-6)
        assert verify(made.program).ok
        assert names_of(made.program) <= ALLOWED, case.name
        assert made.report["after"]["rotations"] == 0
        assert made.report["notes"]["clifford-t"]["error"] <= 1e-6
        before, after = (dict(exact_distribution(lower(graph, ALL_GATES))) for graph in (case.graph, made.program))
        off = sum(abs(before.get(key, 0.0) - after.get(key, 0.0)) for key in {*before, *after})
        assert off / 2 <= 1e-6 + 1e-9, case.name


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_program_without_measurements_keeps_its_state_within_the_error(level: int) -> None:
    rng = random.Random(9)
    circuit = qmk.Circuit(4)
    for _ in range(20):
        a, b, c = rng.sample(range(4), 3)
        circuit.ccx(a, b, c).t(a).h(b).cx(b, c).rz(rng.uniform(-3, 3), a)
    made = qmk.compile(circuit, "clifford+t", level=level, synthesis_error=1e-4, ancillae=False)
    wanted, found = (np.asarray(qmk.state(each)) for each in (circuit, made.program))
    # A difference of at most e in norm, up to a phase, leaves an overlap of 1 - e^2 / 2
    assert abs(np.vdot(wanted, found)) >= 1 - 1e-8
    assert (
        made.report["notes"]["clifford-t"]["epsilon_each"] * made.report["notes"]["clifford-t"]["synthesized"] <= 1e-4
    )


def test_ands_take_qubits_and_save_t() -> None:
    circuit = adder(4).measure_all()
    plain, ands = (qmk.compile(circuit, "clifford+t", ancillae=allowed).report["after"] for allowed in (False, True))
    assert plain["qubits"] == 9
    assert ands["qubits"] > 9
    assert ands["t_count"] <= 16 < plain["t_count"]
    narrow = qmk.compile(circuit, "clifford+t:9").report["after"]
    assert narrow["qubits"] == 9
    assert narrow["t_count"] == plain["t_count"]


def test_uncomputation_by_measurement_gives_the_same_distribution() -> None:
    circuit = adder(2).measure_all()
    made = qmk.compile(circuit, "clifford+t")
    assert made.report["notes"]["clifford-t"]["ancillae"] > 0
    before, after = (dict(exact_distribution(lower(g, ALL_GATES))) for g in (circuit.to_graph(), made.program))
    assert max(abs(before.get(key, 0.0) - after.get(key, 0.0)) for key in {*before, *after}) < 1e-9


def test_objectives_are_what_they_say() -> None:
    circuit = adder(4).measure_all()
    made = {
        objective: qmk.compile(circuit, "clifford+t", optimize=objective).report["after"]
        for objective in ("t-count", "depth", "qubits", "error", "gates")
    }
    for objective, figure in (
        ("t-count", "t_count"),
        ("depth", "t_depth"),
        ("qubits", "qubits"),
        ("error", "predicted_error"),
        ("gates", "two_qubit_gates"),
    ):
        assert made[objective][figure] == min(report[figure] for report in made.values()), objective
    assert qmk.compile(circuit, "clifford+t").report["optimize"] == "t-count"


def test_fewer_t_gates_among_those_that_commute() -> None:
    """Each product of five operators once: an even number of them holds any three, so that no T gate is needed."""
    circuit = qmk.Circuit(5)
    for subset in range(1, 32):
        qubits = [q for q in range(5) if subset >> q & 1]
        for q in qubits[:-1]:
            circuit.cx(q, qubits[-1])
        circuit.t(qubits[-1])
        for q in reversed(qubits[:-1]):
            circuit.cx(q, qubits[-1])
    made = qmk.compile(circuit, "clifford+t", level=3)
    assert made.report["before"]["t_count"] == 31
    assert made.report["after"]["t_count"] == 0
    plus = qmk.Circuit(5)
    for q in range(5):
        plus.h(q)
    wanted, found = (np.asarray(qmk.state(plus + each)) for each in (circuit, qmk.Circuit.from_graph(made.program)))
    assert abs(abs(np.vdot(wanted, found)) - 1) < 1e-9


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"target": "clifford+t:0"}, "give a number of qubits from 1 to 1048576"),
        ({"target": "clifford+t:x"}, "give a number of qubits from 1 to 1048576"),
        ({"target": "clifford+t:1"}, "has 2 qubits and target 'clifford+t:1' has 1"),
        ({"gates": ("cz", "u")}, "target 'clifford+t' is its gates"),
        ({"synthesis_error": 0.0}, "must be a number above 0 and below 1"),
        ({"synthesis_error": "small"}, "must be a number above 0 and below 1"),
        ({"synthesis_error": 1e-13, "program": qmk.Circuit(1).rz(0.3, 0)}, "ask for 1e-12 or more"),
        ({"ancillae": 1}, "ancillae"),
        ({"target": "all:2", "synthesis_error": 1e-3}, "is a device, whose rotations are exact"),
        ({"target": "all:2", "ancillae": True}, "ancillae: target 'all:2' is a device"),
    ],
)
def test_wrong_calls_are_told(given: dict[str, Any], said: str) -> None:
    arguments: dict[str, Any] = {"program": "examples/bell.qasm", "target": "clifford+t", **given}
    with pytest.raises(QmkError) as caught:
        qmk.compile(**arguments)
    assert said in str(caught.value)
