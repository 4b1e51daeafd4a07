"""Graph to program: indexes, reuse, guards, rewriting, refusals, and linear cost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qmk.base.errors import QmkError
from qmk.exact.simulator import exact_distribution
from qmk.ir.liveness import observable
from qmk.ir.lower import lower, without_logic
from qmk.ir.program import Barrier, Fence, Gate, Instruction, Logic, Measure, Noise, Program, Reset
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.graph import Graph, Guard, Node, Output
from qmk.sdk.kit.builder import Builder, all_of, any_of, when
from qmk.sdk.kit.random_programs import random_case

SMALL = frozenset({"h", "rz", "cnot"})
CLIFFORD = frozenset({"h", "s", "sdg", "x", "y", "z", "cnot", "cz", "swap"})


def gates(program: Program) -> list[tuple[str, tuple[int, ...]]]:
    return [(item.name, item.qubits) for item in program.instructions if isinstance(item, Gate)]


def conditions(program: Program) -> list[object]:
    return [item.cond for item in program.instructions if not isinstance(item, Barrier | Noise)]


def test_native_gates_keep_their_angles_in_declared_order() -> None:
    b = Builder(2).op("u", 1, lam=0.3, theta=0.1, phi=0.2).op("cp", 1, 0, lam=0.5).measure_all()
    first, second, *_ = lower(b.graph(), ALL_GATES).instructions
    assert first == Gate("u", (1,), (0.1, 0.2, 0.3))
    assert second == Gate("cp", (1, 0), (0.5,))


def test_freed_index_is_reused_after_a_reset() -> None:
    b = Builder(2).op("x", 0).op("h", 1)
    b.measure(0)
    b.op("free", 0)
    b.alloc(2)
    b.op("h", "q2").op("h", "q3")
    b.measure("q2")
    b.measure("q3")
    program = lower(b.graph(), ALL_GATES)
    assert program.n_qubits == 3
    assert program.instructions[2:4] == (Reset(0), Gate("h", (0,)))


def test_guarded_free_leaves_the_index_alone() -> None:
    b = Builder(2)
    event = b.measure(0)
    b.op("free", 1, guard=when(event))
    b.alloc(1)
    b.measure("q2")
    assert lower(b.graph(), ALL_GATES).n_qubits == 3


def test_guards_become_conditions() -> None:
    b = Builder(2)
    x, y = b.measure(0), b.measure(1)
    for guard in (when(x), when(y, 0), all_of(when(x), any_of(when(y), when(x, 0)))):
        b.op("h", 0, guard=guard)
    b.measure(0)
    found = conditions(lower(b.graph(), ALL_GATES))
    bits = ("bit", 0), ("bit", 1)
    assert found[2:5] == [bits[0], ("not", bits[1]), ("and", bits[0], ("or", bits[1], ("not", bits[0])))]


def test_guard_on_a_two_bit_event_compares_both_bits() -> None:
    b = Builder(3)
    event = b.measure(0, 1, basis="mbell")
    for value in range(5):
        b.op("h", 2, guard=when(event, value))
    b.measure(2)
    program = lower(b.graph(), ALL_GATES)
    assert program.events[event] == (0, 1)
    phase, parity = ("bit", 0), ("bit", 1)
    wanted = [
        ("and", ("not", phase), ("not", parity)),
        ("and", ("not", phase), parity),
        ("and", phase, ("not", parity)),
        ("and", phase, parity),
    ]
    assert [c for c in conditions(program) if c is not None] == wanted  # a value of 4 is never reached


def test_event_that_nothing_writes_reads_zero() -> None:
    nodes = (
        Node(id="a", op="core.alloc", vqs=("q",)),
        Node(id="x", op="core.x", vqs=("q",), guard=Guard(event="ghost")),
        Node(id="y", op="core.h", vqs=("q",), guard=Guard(event="ghost", value=0)),
        Node(id="m", op="core.mz", vqs=("q",), produces=("m",), guard=Guard(event="ghost")),
        Node(id="n", op="core.mz", vqs=("q",), produces=("n",), guard=Guard(event="m", value=0)),
    )
    graph = Graph(nodes=nodes, vqs=("q",), events=("ghost", "m", "n"), outputs=(Output("", ("ghost", "m", "n")),))
    program = lower(graph, ALL_GATES)
    assert program.instructions == (Gate("h", (0,)), Measure(0, 1))
    assert program.registers[0].cbits == (-1, 0, 1)


def test_conditional_pauli_reads_a_parity() -> None:
    b = Builder(3)
    x, y = b.measure(0), b.measure(1)
    b.op("condpauli", 0, 1, 2, inputs=(x, y), paulis="XIZ", guard=when(x)).measure_all()
    program = lower(b.graph(), ALL_GATES)
    cond = ("and", ("xor", ("bit", 0), ("bit", 1)), ("bit", 0))
    assert program.instructions[2:4] == (Gate("x", (0,), (), cond), Gate("z", (2,), (), cond))


def test_guarded_composite_measurement_runs_wholly_or_not_at_all() -> None:
    b = Builder(2)
    event = b.measure(0)
    b.op("mpauli", 0, 1, produces=("m",), paulis="XY", guard=when(event))
    b.events.append("m")
    b.op("h", 1)
    b.measure(1)
    program = lower(b.graph(), ALL_GATES)
    inner = program.instructions[1:-2]
    assert len(inner) > 3
    assert all(item.cond == ("bit", 0) for item in inner if not isinstance(item, Barrier | Noise))


def test_identity_product_reads_zero_without_touching_a_qubit() -> None:
    b = Builder(2).op("h", 0).op("mpauli", 0, 1, produces=("m",), paulis="II")
    b.events.append("m")
    assert lower(b.graph(), ALL_GATES).instructions == (Logic(0, (), 0),)


def test_what_no_bit_sees_is_dropped_and_final_measurements_come_last() -> None:
    h0, h1, m0, m1 = Gate("h", (0,)), Gate("h", (1,)), Measure(0, 0), Measure(1, 1)
    cases: list[tuple[list[Instruction], list[Instruction]]] = [
        ([h0, m0, h0], [h0, m0]),
        ([h0, m0, h1, m1], [h0, h1, m0, m1]),
        ([h0, Reset(0), m0], [Reset(0), m0]),
        ([h0, m0, Reset(0), h0, Measure(0, 1)], [h0, m0, Reset(0), h0, Measure(0, 1)]),
        ([m0, Reset(0)], [m0]),
        ([h0, m0, Gate("x", (1,), (), ("bit", 0)), m1], [h0, m0, Gate("x", (1,), (), ("bit", 0)), m1]),
        ([h0, Gate("cnot", (0, 1)), m1], [h0, Gate("cnot", (0, 1)), m1]),
        ([h0, Reset(0, ("bit", 1)), m0], [h0, Reset(0, ("bit", 1)), m0]),
    ]
    for given, kept in cases:
        assert observable(given) == kept


@pytest.mark.parametrize("seed", range(30))
def test_rewriting_keeps_the_distribution(seed: int) -> None:
    """Over a small gate set, with logic moved out of the program: the same exact distribution as with every gate."""
    graph = random_case(seed, clifford=False, dynamic=True, qubits=3).graph
    whole, small = lower(graph, ALL_GATES), lower(graph, SMALL, inline_logic=True)
    assert {name for name, _ in gates(small)} <= SMALL
    assert not any(isinstance(item, Logic) for item in small.instructions)
    assert exact_distribution(small) == pytest.approx(exact_distribution(whole), abs=1e-9)


@pytest.mark.parametrize("seed", range(15))
def test_clifford_rewriting_keeps_the_distribution(seed: int) -> None:
    graph = random_case(seed, clifford=True, dynamic=True, qubits=3).graph
    program = lower(graph, CLIFFORD, clifford=True)
    assert {name for name, _ in gates(program)} <= CLIFFORD
    assert exact_distribution(program) == pytest.approx(exact_distribution(lower(graph, ALL_GATES)), abs=1e-9)


def test_clifford_angles_are_rewritten() -> None:
    b = Builder(2)
    for k in range(-3, 6):
        b.op("rz", 0, theta=k * 1.5707963267948966).op("ry", 1, theta=k * 1.5707963267948966)
    b.op("cp", 0, 1, lam=3.141592653589793).op("mod", 0, 1, gate="y", controls=1).measure_all()
    program = lower(b.graph(), CLIFFORD, clifford=True)
    assert {name for name, _ in gates(program)} <= CLIFFORD


def test_logic_read_by_logic_is_substituted() -> None:
    b = Builder(3)
    x, y = b.measure(0), b.measure(1)
    b.op("lut", produces=("both",), inputs=(x, y), table=0b1000)
    b.op("lut", produces=("neither",), inputs=("both",), table=0b01, guard=when(x))
    b.op("x", 2, guard=when("neither"))
    b.events += ["both", "neither"]
    b.measure(2)
    program = without_logic(lower(b.graph(), ALL_GATES))
    gate = next(item for item in program.instructions if isinstance(item, Gate))
    assert gate.cond is not None
    assert {bit[1] for bit in _bits(gate.cond)} == {0, 1}
    assert len(program.post) == 2


def _bits(cond: tuple) -> list[tuple]:
    return [cond] if cond[0] == "bit" else [bit for part in cond[1:] for bit in _bits(part)]


def test_policy_and_profiles_are_noted_not_run() -> None:
    b = Builder()
    b.qubits.append("q0")
    b.op("alloc", "q0", profile="logical:shyps(d=9)").op("set", family="policy", priority=7)
    b.measure(0)
    program = lower(b.graph(), ALL_GATES)
    assert program.notes["policy"] == {"priority": 7}
    assert "[[961,25,16]]" in program.notes["profiles"]["logical:shyps(d=9)"]
    assert len(program.instructions) == 1


def test_registers_print_as_declared() -> None:
    b = Builder(2)
    b.measure(0, 1, basis="mbell", event="b")
    b.measure(0, event="m")
    graph = b.graph((Output("r", ("m", None, "b"), descending=True), Output("s", ("ghost",))))
    registers = lower(graph, ALL_GATES).registers
    assert registers[0].cbits == (2, -1, 0, 1)
    assert registers[0].descending
    assert registers[1].cbits == (-1,)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda b: b.op("t", 0, guard=None), "not a Clifford operation"),
        (lambda b: b.op("toffoli", 0, 1, 2), "not a Clifford operation"),
        (lambda b: b.op("rz", 0, theta=0.3), "not a Clifford operation"),
    ],
)
def test_a_clifford_engine_refuses_other_gates(build: object, words: str) -> None:
    b = Builder(3)
    build(b)  # type: ignore[operator]
    b.measure_all()
    with pytest.raises(QmkError, match=words) as refused:
        lower(b.graph(), CLIFFORD, clifford=True)
    assert refused.value.kind.name == "UNSUPPORTED"
    assert refused.value.fields["node"] == "n1"


def test_a_two_bit_event_is_no_operand_of_logic() -> None:
    b = Builder(2)
    event = b.measure(0, 1, basis="mbell")
    b.op("condpauli", 0, inputs=(event,), paulis="X")
    b.measure(0)
    with pytest.raises(QmkError, match="holds two bits"):
        lower(b.graph(), ALL_GATES)


def test_unverified_graph_is_refused_with_the_node() -> None:
    with pytest.raises(QmkError, match=r"node 'n0'.*not allocated"):
        lower(Graph(nodes=(Node(id="n0", op="core.h", vqs=("q",)),)), ALL_GATES)


def _ladder(nodes: int) -> Graph:
    b = Builder(100)
    for k in range(nodes):
        b.op("h", k % 100) if k % 3 else b.op("cp", k % 100, (k + 7) % 100, lam=0.1 * k)
    return b.measure_all().graph()


@pytest.mark.parametrize("native", [ALL_GATES, SMALL], ids=["native", "rewritten"])
def test_cost_is_linear(native: frozenset[str], calls: Callable[[Callable[[], object]], int]) -> None:
    """Ten times the nodes cost at most eleven times the calls."""
    small, large = _ladder(2_000), _ladder(20_000)
    assert calls(lambda: lower(large, native)) < 11 * calls(lambda: lower(small, native))


def test_fences_are_numbered_and_stay_where_they_are() -> None:
    """Also under a guard that never holds; measurements that nothing reads afterwards move behind the last one."""
    b = Builder(2).op("h", 0)
    b.op("fence").op("cnot", 0, 1)
    b.measure(0)
    b.op("fence", guard=when("nothing"))
    b.op("h", 1).measure(1)
    program = lower(b.op("fence").graph(), ALL_GATES)
    assert [type(item).__name__ for item in program.instructions] == [
        "Gate", "Fence", "Gate", "Fence", "Gate", "Fence", "Measure", "Measure",
    ]  # fmt: skip
    fences = [item for item in program.instructions if isinstance(item, Fence)]
    assert [fence.epoch for fence in fences] == [1, 2, 3]
    assert all(isinstance(fence, Barrier) for fence in fences), "to an engine without fences they are barriers"
