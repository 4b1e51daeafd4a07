"""``qmk.compile``: the same distribution in the gates of the target, and what its report says."""

from __future__ import annotations

import random

import msgspec
import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.compiling.lowering import circuit_from, graph_from
from qmk.compiling.order import order, steps
from qmk.compiling.run import compile_circuit
from qmk.compiling.straight import rows_of
from qmk.compiling.target import goal_of
from qmk.exact.simulator import exact_distribution
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.models.devices import Target, target_named
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph
from qmk.qvm.verify import verify
from qmk.sdk import discovery
from qmk.sdk.kit.random_programs import random_cases
from qmk.sdk.passes import Work

SETS = (
    ("cz", "rz", "sx", "x"),
    ("cx", "u"),
    ("ecr", "rz", "sx", "x"),
    ("iswap", "u"),
    ("rzz", "rz", "rx"),
    ("rxx", "rz", "ry"),
)
NAMES = {"cx": "cnot"}


def names_of(graph: Graph) -> set[str]:
    return {node.op.removeprefix("core.") for node in graph.nodes if OPS[node.op].op_class == "unitary"}


@pytest.mark.parametrize("gates", SETS, ids=lambda gates: gates[0])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_random_programs_keep_their_distribution(gates: tuple[str, ...], level: int) -> None:
    allowed = {NAMES.get(name, name) for name in gates}
    for case in random_cases(6):
        made = qmk.compile(case.graph, "all:12", gates=gates, level=level)
        assert verify(made.program).ok
        assert names_of(made.program) <= allowed, case.name
        before, after = (dict(exact_distribution(lower(graph, ALL_GATES))) for graph in (case.graph, made.program))
        for key in {*before, *after}:
            assert abs(before.get(key, 0.0) - after.get(key, 0.0)) < 1e-9, case.name


ONE_WAY = tuple((k + 1, k) if k % 3 == 0 else (k, k + 1) for k in range(11))


@pytest.mark.parametrize("gates", [("ecr", "rz", "sx", "x"), ("cnot", "rz", "sx"), ("cnot", "u")], ids=str)
def test_gates_of_one_direction_keep_it_and_the_distribution(gates: tuple[str, ...]) -> None:
    target = Target("one_way", 12, couplings=ONE_WAY, directed=True, gates=gates)
    for case in random_cases(6):
        made = qmk.compile(case.graph, target)
        assert names_of(made.program) <= set(gates), case.name
        pairs = [node.vqs for node in made.program.nodes if OPS[node.op].op_class == "unitary" and len(node.vqs) == 2]
        assert {(int(a[1:]), int(b[1:])) for a, b in pairs} <= set(ONE_WAY)
        assert made.report["after"]["two_qubit_gates"] == len(pairs)
        before, after = (dict(exact_distribution(lower(graph, ALL_GATES))) for graph in (case.graph, made.program))
        for key in {*before, *after}:
            assert abs(before.get(key, 0.0) - after.get(key, 0.0)) < 1e-9, case.name


def test_a_gate_of_one_direction_needs_turns() -> None:
    target = Target("bare", 2, couplings=((1, 0),), directed=True, gates=("cnot", "rz"))
    with pytest.raises(QmkError, match="these gates make no gate on one qubit: add u, or rz with one of sx, rx and ry"):
        qmk.compile(qmk.Circuit(2).cx(0, 1).measure_all(), target)


def test_a_program_without_measurements_keeps_its_state() -> None:
    rng = random.Random(5)
    circuit = qmk.Circuit(4)
    for _ in range(40):
        a, b = rng.sample(range(4), 2)
        circuit.cx(a, b).rx(rng.uniform(-3, 3), a).swap(b, a)
    made = qmk.compile(circuit, "all:4")
    assert made.report["last"] == [0, 1, 2, 3]
    overlap = np.vdot(np.asarray(qmk.state(circuit)), np.asarray(qmk.state(made.program)))
    assert abs(abs(overlap) - 1) < 1e-9


def test_exchanges_cost_nothing_before_measurement() -> None:
    circuit = qmk.Circuit(3).h(0).cx(0, 1).swap(1, 2).cx(0, 1).swap(0, 2).measure_all()
    report = qmk.compile(circuit, "all:3").report
    assert report["before"]["two_qubit_gates"] == 8
    assert report["after"]["two_qubit_gates"] == 2
    assert sorted(report["last"]) == [0, 1, 2]


def test_the_report_has_every_figure() -> None:
    report = qmk.compile("examples/ghz.qasm", "all:16").report
    figures = {
        *("two_qubit_gates", "two_qubit_depth", "depth", "t_count", "t_depth", "gates", "qubits", "predicted_error"),
    }
    assert figures <= report["before"].keys()
    assert figures <= report["after"].keys()
    assert 0 < report["after"]["predicted_error"] < 1
    assert [row["name"] for row in report["passes"] if row["kept"]][-1] == "synthesis"
    assert report["seconds"] >= 0


def test_fewer_qubits_are_had_by_using_them_again() -> None:
    wide = qmk.Circuit(6)
    for q in range(5):
        wide.h(q).cx(q, q + 1)
    wide.measure_all()
    made = qmk.compile(wide, "all:6", optimize="qubits")
    assert made.report["after"]["qubits"] < 6


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"target": "moon"}, "there is no target 'moon'"),
        ({"target": "all:1"}, "has 2 qubits and target 'all:1' has 1"),
        ({"gates": ("cz", "banana")}, "gate 'banana'"),
        ({"gates": ("cz", "rz")}, "make no gate on one qubit"),
        ({"gates": ("u",)}, "join no two qubits"),
        ({"optimize": "taste"}, "nothing is optimised for 'taste'"),
        ({"level": 4}, "level must be at most 3"),
    ],
)
def test_wrong_calls_are_told(given: dict[str, object], said: str) -> None:
    with pytest.raises(QmkError) as caught:
        qmk.compile("examples/bell.qasm", **{"target": "all:2", **given})  # type: ignore[arg-type]
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["qiskit-transpiler", "pytket-peephole"])
def test_the_highest_level_is_never_worse_than_others(name: str) -> None:
    step = discovery.passes()[name].step
    assert step is not None
    assert step.whole
    pytest.importorskip(step.needs, reason=f"pip install {step.needs}")
    for case in random_cases(3):
        low, high = (qmk.compile(case.graph, "all:12", level=level) for level in (2, 3))
        weighed = [made.report["after"] for made in (high, low)]
        assert weighed[0]["two_qubit_gates"] <= weighed[1]["two_qubit_gates"] + 1


@pytest.mark.parametrize("target", ["line:8", "grid:3x3", "ring:7"])
@pytest.mark.parametrize("level", [0, 2])
def test_gates_join_coupled_sites_only(target: str, level: int) -> None:
    pairs = {frozenset(pair) for pair in target_named(target).pairs()}
    rng = random.Random(11)
    circuit = qmk.Circuit(6)
    for _ in range(30):
        a, b, c = rng.sample(range(6), 3)
        circuit.ccx(a, b, c).ry(rng.uniform(-3, 3), a).cp(0.3, a, b)
    circuit.measure_all()
    start = circuit_from(circuit.to_graph(), "test")
    made = compile_circuit(start.circuit, msgspec.structs.replace(goal_of(target), level=level)).work.circuit
    joined = {frozenset(qubits) for _, qubits, *_ in made.rows()[0] if len(qubits) == 2}
    assert joined
    assert joined <= pairs
    raised_again = graph_from(made, circuit.to_graph(), start)
    before, after = (exact_distribution(lower(graph, ALL_GATES)) for graph in (circuit.to_graph(), raised_again))
    assert all(abs(before.get(key, 0.0) - after.get(key, 0.0)) < 1e-8 for key in {*before, *after})


@pytest.mark.parametrize("gates", [("ecr", "rz", "sx", "x"), ("cx", "rz", "sx", "x")])
def test_a_pair_of_one_direction_has_its_gate_in_that(gates: tuple[str, ...]) -> None:
    ways = ((1, 0), (1, 2), (3, 2), (2, 3), (3, 4))
    goal = goal_of(Target("old", 5, couplings=ways, directed=True), gates)
    assert goal.one_way == ((1, 0), (1, 2), (3, 4))
    rng = random.Random(4)
    circuit = qmk.Circuit(5)
    for _ in range(20):
        a, b = rng.sample(range(5), 2)
        circuit.cx(a, b).ry(rng.uniform(-3, 3), b).cp(0.4, a, b)
    circuit.measure_all()
    start = circuit_from(circuit.to_graph(), "test")
    made = compile_circuit(start.circuit, goal).work.circuit
    joined = {tuple(qubits) for _, qubits, *_ in made.rows()[0] if len(qubits) == 2}
    assert joined
    assert joined <= set(ways)
    raised_again = graph_from(made, circuit.to_graph(), start, ecr="ecr" in gates)
    before, after = (exact_distribution(lower(graph, ALL_GATES)) for graph in (circuit.to_graph(), raised_again))
    assert all(abs(before.get(key, 0.0) - after.get(key, 0.0)) < 1e-8 for key in {*before, *after})


@pytest.mark.parametrize("target", ["line:6", "all:5"])
@pytest.mark.parametrize("name", ["qiskit-transpiler", "pytket-peephole"])
def test_compilers_of_others_say_where_qubits_end(name: str, target: str) -> None:
    step = discovery.passes()[name].step
    assert step is not None
    pytest.importorskip(step.needs, reason=f"pip install {step.needs}")
    circuit = qmk.Circuit(5)
    for a, b in ((0, 3), (1, 4), (2, 0), (3, 1), (4, 2)):
        circuit.h(a).cx(a, b).swap(b, (b + 1) % 5).t(b)
    circuit.measure_all()
    start = circuit_from(circuit.to_graph(), "test").circuit
    made = step.run(Work(start, goal_of(target, ("cx", "u")), tuple(range(5))))
    assert made is not None
    read = [{row[3]: row[1][0] for row in rows_of(each) or () if row[0] == "measure"} for each in (start, made.circuit)]
    assert {qubit: read[1][cbit] for cbit, qubit in read[0].items()} == dict(enumerate(made.last))


def test_passes_run_in_the_order_that_their_facts_ask_for() -> None:
    goal = goal_of("line:5")
    names = [name for name, _ in order(steps(discovery.passes(), goal), goal)]
    assert names == ["dead", "numbering", "placement", "synthesis"]
    narrow = msgspec.structs.replace(goal, objective="qubits")
    narrowed = [name for name, _ in order(steps(discovery.passes(), narrow), narrow)]
    assert narrowed.index("schedule") < narrowed.index("numbering")


def test_a_fact_that_no_pass_ensures_is_named() -> None:
    goal = goal_of("line:5")
    kept = [pick for pick in steps(discovery.passes(), goal) if pick[0] != "placement"]
    with pytest.raises(QmkError, match="no installed pass ensures 'placed'"):
        order(kept, goal)
