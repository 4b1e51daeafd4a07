"""Choosing an engine: capability first, then cost; every refusal names what is missing and how much is needed."""

from __future__ import annotations

import math

import msgspec
import pytest
from msgspec.structs import replace

from qmk.base.errors import QmkError
from qmk.engines import aer, reference, stabilizer
from qmk.ir.resolver import ALL_GATES
from qmk.models.noise import apply, resolve
from qmk.qvm.graph import Graph, Node
from qmk.router import Decision, choose, explain
from qmk.router.features import features
from qmk.sdk.discovery import engines
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features
from qmk.sdk.kit.builder import Builder, all_of, when

GIB = 1 << 30
SHIPPED = {d.name: d for d in (reference.DECLARATION, stabilizer.DECLARATION, aer.DECLARATION)}


def pick(graph: Graph, engine: str | None = None, memory: int = 16 * GIB, shots: int = 1000) -> Decision:
    return choose(features(graph), shots, engine=engine, memory_bytes=memory, declarations=SHIPPED)


def refusal(graph: Graph, engine: str | None = None, memory: int = 16 * GIB) -> QmkError:
    with pytest.raises(QmkError) as refused:
        pick(graph, engine, memory)
    return refused.value


def ghz(qubits: int, twist: str = "") -> Graph:
    b = Builder(qubits).op("h", 0)
    if twist:
        b.op(twist, 0)
    for q in range(qubits - 1):
        b.op("cnot", q, q + 1)
    return b.measure_all().graph()


def scrambled(qubits: int, layers: int = 12) -> Graph:
    """No structure that a short bond could hold."""
    b = Builder(qubits)
    for layer in range(layers):
        for q in range(qubits):
            b.op("ry", q, theta=0.3 + layer + q)
        for q in range(qubits // 2):
            b.op("swap" if layer % 2 else "iswap", q, qubits - 1 - q)
            b.op("rxx", q, (q + layer + 1) % qubits, theta=0.7)
    return b.measure_all().graph()


@pytest.mark.parametrize(
    ("graph", "chosen"),
    [
        (ghz(3), "stabilizer"),
        (ghz(500), "stabilizer"),
        (ghz(3, "t"), "reference"),
        (scrambled(16), "aer:statevector"),
        (ghz(60, "t"), "aer:matrix_product_state"),
    ],
    ids=["small Clifford", "wide Clifford", "small", "dense", "wide chain"],
)
def test_the_right_engine_for_each_kind(graph: Graph, chosen: str) -> None:
    decision = pick(graph)
    first = decision.candidates[0]
    assert first.name == chosen
    assert first.chosen
    assert not first.gaps
    assert decision.cost == Cost(seconds=first.seconds, memory_bytes=first.memory_bytes, note=first.reason)  # pyright: ignore[reportArgumentType]
    assert sum(candidate.chosen for candidate in decision.candidates) == 1


def test_every_candidate_is_told_with_its_reason() -> None:
    decision = pick(ghz(30, "t"))
    found = {c.name: c for c in decision.candidates}
    assert set(found) == {
        "reference", "stabilizer", "aer:statevector", "aer:density_matrix", "aer:matrix_product_state",
        "aer:small_bond", "aer:extended_stabilizer",
    }  # fmt: skip
    assert found["reference"].gaps[0].detail == "30 qubits, at most 12"
    assert found["stabilizer"].gaps[0].detail == "1 of its gates are not Clifford gates"
    assert found["aer:extended_stabilizer"].gaps[0].need == "exactness"
    assert found["aer:statevector"].gaps[0].detail == "needs 16.0 GiB, 16.0 GiB are available"
    assert msgspec.to_builtins(decision.candidates)[0]["chosen"] is True


@pytest.mark.parametrize("qubits", [20, 28, 30, 33])
def test_state_vector_memory_is_sixteen_bytes_an_amplitude(qubits: int) -> None:
    cost = aer.cost("statevector", features(scrambled(qubits)), 1)
    assert 0 <= cost.memory_bytes - (16 << qubits) < 1 << 23
    half = qubits // 2
    cost = aer.cost("density_matrix", features(scrambled(half)), 1)
    assert 0 <= cost.memory_bytes - 16 * 4**half < 1 << 23


def test_too_little_memory_is_refused_with_the_number() -> None:
    error = refusal(scrambled(26), "aer:statevector", memory=1 * GIB)
    assert error.kind.name == "RESOURCE_EXHAUSTED"
    assert error.fields["needed_bytes"] >= 16 << 26
    assert error.fields["available_bytes"] == 1 * GIB
    assert "26 qubits need 1.0 GiB, 1.0 GiB are available" in error.message
    assert msgspec.json.encode(error.to_dict())  # the gaps travel over the socket


def test_what_no_engine_can_hold_is_refused_by_memory() -> None:
    error = refusal(scrambled(300, layers=40))
    assert error.kind.name == "RESOURCE_EXHAUSTED"
    assert {gap.engine for gap in error.fields["gaps"]} >= {"stabilizer", "aer:statevector", "aer:matrix_product_state"}


@pytest.mark.parametrize("qubits", [1_000, 1_024, 5_000, 100_000])
def test_every_engine_has_an_answer_for_any_number_of_qubits(qubits: int) -> None:
    """The amplitudes of a thousand qubits are no floating-point number any more."""
    wide = msgspec.structs.replace(
        features(scrambled(8)), n_qubits=qubits, entangling_width=qubits, max_bond_log2=qubits / 2
    )
    found = explain(wide, 1000, memory_bytes=16 * GIB)
    assert {c.engine for c in found} >= {"aer", "ddsim", "native", "stabilizer"}
    assert all(math.isfinite(c.seconds or 0.0) for c in found)
    details = [gap.detail for c in found if c.engine == "native" for gap in c.gaps if gap.need == "memory"]
    assert details
    assert set(details) == {"needs more than 4096.0 PiB, 16.0 GiB are available"}


def test_a_forced_engine_that_cannot_is_refused_with_its_gap() -> None:
    error = refusal(ghz(3, "t"), "stabilizer")
    assert error.kind.name == "UNSUPPORTED"
    assert error.message == (
        "engine 'stabilizer' cannot run this program: stabilizer: 1 of its gates are not Clifford gates"
    )


def damped(qubits: int) -> Graph:
    return apply(resolve("amplitude_damping=0.01"), ghz(qubits, "t"))


def test_a_refusal_tells_the_nearest_fix_first_and_few_reasons() -> None:
    """A program of no engine but Aer, which is not here: it is to be installed. Without Aer, Pauli errors would do."""
    known = {name: each for name, each in engines().items() if name not in ("aer", "clifft")}
    absent = replace(aer.DECLARATION, requires=("no_such_library",))
    graph = damped(14)
    for more, begins in (
        (
            {"aer": absent},
            "no engine can run this program: aer:density_matrix: no_such_library not installed: pip install",
        ),
        ({}, "no engine can run this program; it runs with Pauli errors, as qmk.models.noise.pauli_twirl"),
    ):
        with pytest.raises(QmkError) as refused:
            choose(features(graph, native="auto"), 1000, memory_bytes=GIB, declarations={**known, **more})
        error = refused.value
        assert error.message.startswith(begins)
        assert len(error.message) < 500
        assert error.message.endswith(f"; and {len(error.fields['gaps']) - 3} more reasons, in the field 'gaps'")


def test_a_program_of_too_many_atoms_is_told_how_many_engines_of_atoms_hold() -> None:
    """Not that engines of circuits know no such evolution, though they lack no more."""
    atoms = tuple(f"q{k}" for k in range(300))
    drive = {"amplitude": {"times": [0, 1], "values": [3.0, 3.0]}}
    place = [[6.0 * (k % 20), 6.0 * (k // 20)] for k in range(300)]
    args = {"positions": place, "c6": 5.42e6, "duration": 1.0, "drives": [drive]}
    graph = Graph(
        nodes=(Node(id="a", op="core.alloc", vqs=atoms), Node(id="e", op="analog.rydberg", vqs=atoms, args=args))
    )
    with pytest.raises(QmkError) as refused:
        choose(features(graph), 10, memory_bytes=GIB, declarations=engines())
    assert refused.value.message.startswith("no engine can run this program: rydberg: 300 qubits, at most 40; rydberg")


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        ("nope", "no engine 'nope'; there are aer, reference, stabilizer"),
        ("aer:nope", "there are aer:statevector, aer:matrix_product_state"),
        ("reference:x", "it has no methods to choose from"),
    ],
)
def test_unknown_engines_and_methods_name_the_known_ones(engine: str, words: str) -> None:
    error = refusal(ghz(2), engine)
    assert error.kind.name == "UNSUPPORTED"
    assert words in error.message


def test_forcing_reaches_a_method_and_an_approximation() -> None:
    assert pick(ghz(3), "aer").method != ""
    assert pick(ghz(3), "aer:density_matrix").method == "density_matrix"
    assert pick(ghz(3, "t"), "aer:extended_stabilizer").method == "extended_stabilizer"
    assert refusal(ghz(50, "t"), "aer", memory=1000).kind.name == "RESOURCE_EXHAUSTED"


def test_a_short_attempt_comes_after_what_cannot_fail() -> None:
    """Bonds without a bound: the state vector where it fits, the attempt where nothing else does."""
    assert pick(scrambled(24, layers=6)).candidates[0].name == "aer:statevector"
    decision = pick(scrambled(60, layers=2))
    assert decision.candidates[0].name == "aer:small_bond"
    assert decision.candidates[0].may_fail


def test_noisy_channels_go_to_engines_with_noise() -> None:
    noisy = Builder(2).op("h", 0).channel(0, 1).use().measure_all().graph()
    assert pick(noisy).engine == "stabilizer"
    rows = explain(features(noisy), 10, memory_bytes=GIB, declarations={"tiny": tiny(gates=ALL_GATES)})
    assert [gap.need for gap in rows[0].gaps] == ["noise"]
    assert "Bell pairs of its channels" in rows[0].gaps[0].detail
    perfect = Builder(2).op("h", 0).channel(0, 1, raw=1.0).use().measure_all().graph()
    assert not explain(features(perfect), 10, memory_bytes=GIB, declarations={"tiny": tiny(gates=ALL_GATES)})[0].gaps
    idle = Builder(2).channel(0, 1).close().measure_all().graph()
    assert not features(idle).noise
    assert not features(idle).mid_circuit


def test_a_use_of_a_channel_needs_feed_forward_and_reset() -> None:
    graph = Builder(2).op("h", 0).channel(0, 1, raw=1.0).use().measure_all().graph()
    found = {
        gap.need for row in explain(features(graph), 10, engine="aer:small_bond", memory_bytes=GIB) for gap in row.gaps
    }
    assert {"mid_circuit", "reset", "feed_forward"} <= found


def test_an_unreachable_fidelity_is_refused_with_its_node() -> None:
    graph = Builder(2).channel(0, 1, fidelity=1.0).use().graph()
    with pytest.raises(QmkError, match="node 'n1': the link cannot deliver pairs of fidelity 1") as refused:
        features(graph)
    assert refused.value.kind.name == "UNSUPPORTED"
    assert refused.value.fields["node"] == "n1"


def test_an_absent_library_is_a_gap_with_its_hint() -> None:
    absent = replace(stabilizer.DECLARATION, requires=("no_such_module",))
    rows = explain(features(ghz(3)), 10, memory_bytes=GIB, declarations={"stabilizer": absent})
    assert rows[0].gaps[0].need == "library"
    assert "no_such_module not installed: pip install" in rows[0].gaps[0].detail


def test_explain_never_raises_for_a_gap_but_names_an_unknown_engine() -> None:
    rows = explain(features(scrambled(40)), 10, engine="aer:statevector", memory_bytes=GIB, declarations=SHIPPED)
    assert [row.chosen for row in rows] == [False]
    assert rows[0].memory_bytes >= 16 << 40
    with pytest.raises(QmkError, match="no engine 'nope'"):
        explain(features(ghz(2)), 10, engine="nope", memory_bytes=GIB, declarations=SHIPPED)


def tiny(**changes: object) -> Declaration:
    """An engine of a stranger with few capabilities."""
    can = msgspec.structs.replace(Capabilities(gates=frozenset({"h", "rz", "cnot"})), **changes)
    return Declaration("tiny", "for this test", "nowhere:X", {"": can}, lambda *_: Cost(seconds=1, memory_bytes=1))


def dynamic() -> Graph:
    b = Builder(2)
    x, y = b.measure(0), b.measure(1)
    b.op("x", 0, guard=all_of(when(x), when(y)))
    b.op("reset", 1).op("h", 1)
    return b.measure_all().graph()


@pytest.mark.parametrize(
    ("changes", "graph", "need"),
    [
        ({"feed_forward": "none"}, dynamic(), "feed_forward"),
        ({"feed_forward": "pauli"}, dynamic(), "feed_forward"),
        ({"mid_circuit": False}, dynamic(), "mid_circuit"),
        ({"reset": False}, dynamic(), "reset"),
        ({"max_qubits": 1}, ghz(2), "qubits"),
        ({"gates": frozenset({"h", "t", "cnot"})}, scrambled(2), "gates"),
        ({"clifford": True}, ghz(2, "t"), "gates"),
    ],
)
def test_each_capability_is_a_filter(changes: dict[str, object], graph: Graph, need: str) -> None:
    rows = explain(features(graph), 10, memory_bytes=GIB, declarations={"tiny": tiny(**changes)})
    assert need in {gap.need for gap in rows[0].gaps}
    able = explain(features(graph), 10, memory_bytes=GIB, declarations={"tiny": tiny(gates=ALL_GATES)})
    assert not able[0].gaps


@pytest.mark.parametrize("declaration", SHIPPED.values(), ids=lambda d: d.name)
@pytest.mark.parametrize("shots", [1, 1000, 1_000_000])
def test_costs_are_finite_and_grow(declaration: Declaration, shots: int) -> None:
    small, large = features(scrambled(4)), features(scrambled(10))
    extreme = Features(
        n_qubits=100_000, n_ops=1_000_000, n_two_qubit=1_000_000, n_non_clifford=1_000_000, depth=1_000_000,
        n_measure=1_000_000, mid_circuit=True, has_reset=True, feed_forward="full", has_logic=True,
        n_events=1_000_000, gates=frozenset({"u"}), entangling_width=100_000, max_bond_log2=math.inf, n_branch=10**6,
    )  # fmt: skip
    for method in declaration.methods:
        costs = [declaration.cost(method, facts, shots) for facts in (small, large)]
        assert all(cost.seconds > 0 and cost.memory_bytes > 0 for cost in costs)
        if not costs[1].may_fail:  # an attempt spends the same time on everything
            assert costs[0].seconds <= costs[1].seconds
            assert costs[0].memory_bytes <= costs[1].memory_bytes
        limit = declaration.methods[method].max_qubits
        for fences in (0, 1000):
            wide = msgspec.structs.replace(extreme, n_qubits=limit or extreme.n_qubits, n_fences=fences)
            assert math.isfinite(declaration.cost(method, wide, shots).seconds)


def epochs(qubits: int, rounds: int, measured: int, *, non_clifford: bool = False, when_one: str = "") -> Graph:
    """Rounds that end in ``measured`` mid-circuit measurements and a fence; ``when_one`` is a gate under their bits."""
    b = Builder(qubits)
    for _ in range(rounds):
        for q in range(qubits):
            b.op("h", q)
            if non_clifford:
                b.op("t", q)
        for q in range(qubits - 1):
            b.op("cnot", q, q + 1)
        for q in range(measured):
            event = b.measure(q)
            if when_one:
                b.op(when_one, q, guard=when(event))
        b.op("fence")
    return b.measure_all().graph()


def cost_of(graph: Graph, engine: str, shots: int) -> Cost:
    name, _, method = engine.partition(":")
    return SHIPPED[name].cost(method, features(graph), shots)


def test_fences_are_counted() -> None:
    assert features(epochs(2, 3, 0)).n_fences == 3
    assert features(ghz(3)).n_fences == 0


def test_a_fenced_program_of_many_parities_runs_on_frames_at_the_cost_of_frames() -> None:
    """Thousands of random measurements: no branch is followed, so shots stay cheap."""
    graph = epochs(100, 40, 50)
    found = choose(features(graph), 10_000, memory_bytes=GIB, declarations=SHIPPED)
    assert (found.engine, found.cost.seconds < 10) == ("stabilizer", True)


def test_a_fenced_walk_costs_its_branches() -> None:
    """Each shot of a program with many branch points is a branch; with few, branches are as many as outcomes."""
    many, few = epochs(30, 10, 5, when_one="h"), epochs(30, 10, 0)
    assert cost_of(many, "stabilizer", 2000).seconds > 100 * cost_of(few, "stabilizer", 2000).seconds
    assert cost_of(many, "stabilizer", 2000).seconds > 5 * cost_of(many, "stabilizer", 200).seconds
    two = epochs(10, 2, 1, non_clifford=True, when_one="h")
    assert cost_of(two, "aer:statevector", 100_000).seconds < 20 * cost_of(two, "aer:statevector", 4).seconds


def test_branches_of_a_fenced_state_vector_count_as_memory_up_to_a_chunk() -> None:
    state = 16 << 20
    plain, walked = epochs(20, 2, 0, non_clifford=True), epochs(20, 8, 1, non_clifford=True)
    assert state <= cost_of(plain, "aer:statevector", 100).memory_bytes < 4 * state
    assert 16 * state <= cost_of(walked, "aer:statevector", 100).memory_bytes < 20 * state
    wide = epochs(24, 2, 1, non_clifford=True)
    assert cost_of(wide, "aer:statevector", 100).memory_bytes < 4 * (16 << 24), "one branch at a time"
    with pytest.raises(QmkError) as refused:
        choose(features(wide), 100, engine="aer:statevector", memory_bytes=GIB // 4, declarations=SHIPPED)
    assert refused.value.kind.name == "RESOURCE_EXHAUSTED"
