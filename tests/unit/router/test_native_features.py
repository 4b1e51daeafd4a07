"""Features of graphs, counted by the native core, against what follows from their definitions: matrices say which gates
are Clifford, sets say what is joined, Schmidt ranks bound bonds."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from qmk_native import Declined, read_qvm

from qmk.base.errors import QmkError
from qmk.frontends import load
from qmk.ir.clifford import tableau
from qmk.ir.summary import _ops, count, summarise
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node, pack
from qmk.qvm.verify import verify
from qmk.router.features import features
from qmk.sdk.kit.builder import Builder
from qmk.sdk.kit.random_programs import random_case
from tests.unit.native.qasm_programs import program
from tests.unit.native.test_readers_qvm import graph_of

BASES = ("z", "t", "x", "y", "h", "cnot", "cz", "ch", "cy", "crx", "rxx", "ryy", "swap", "toffoli", "ccz", "cswap")


def wide_graph(seed: int) -> Graph:
    """Gates of every basis on more qubits than a word has cuts, some of them freed and taken again."""
    dice = Random(seed)
    b = Builder(dice.randrange(21, 150))
    live = list(b.qubits)
    for _ in range(dice.randrange(20, 200)):
        name = dice.choice(BASES)
        count = {"toffoli": 3, "ccz": 3, "cswap": 3}.get(name, 1 if name in ("z", "t", "x", "y", "h") else 2)
        args: dict[str, Any] = {"theta": dice.uniform(-4, 4)} if name in ("crx", "rxx", "ryy") else {}
        near = dice.randrange(len(live) - 8)
        b.op(name, *dice.sample(live if dice.random() < 0.3 else live[near : near + 8], count), **args)
        if dice.random() < 0.05:
            b.op("free", live.pop(dice.randrange(len(live))))
            live += b.alloc(1)
    for q in live[: dice.randrange(len(live))]:
        b.measure(q)
    return b.graph()


def is_clifford(node: Node) -> bool:
    """By the matrix of a unitary op; a measurement at an angle is one when a turn by that angle is."""
    if node.op == "core.mangle":
        return tableau(OPS["core.ry"].matrix(node.args)) is not None
    if node.op == "core.teleport_cnot" or OPS[node.op].op_class not in ("unitary", "composite"):
        return True
    return node.op != "magic.inject_t" and tableau(OPS[node.op].matrix(node.args)) is not None


def joined(graph: Graph) -> int:
    """Most qubits that ops of the core have joined, every allocation a qubit of its own."""
    number: dict[str, int] = {}
    sets: dict[int, set[int]] = {}
    for node in graph.nodes:
        if node.op == "core.alloc":
            for name in node.vqs:
                number[name] = len(sets)
                sets[len(sets)] = {len(sets)}
        elif OPS[node.op].entangling and len(node.vqs) > 1:
            union = set[int]().union(*(sets[number[name]] for name in node.vqs))
            sets.update(dict.fromkeys(union, union))
    return max(map(len, sets.values()), default=0)


def layers(graph: Graph) -> int:
    """Longest chain of ops that wait for each other through qubits and events."""
    ready: dict[str, int] = {}
    floor = 0
    for node in graph.nodes:
        op = OPS[node.op]
        own = [f"q {name}" for name in node.vqs]
        if op.op_class == "lifecycle":
            ready.update(dict.fromkeys(own, 0))
        elif op.op_class == "fence" or (op.op_class == "hint" and not own):
            floor = max(ready.values(), default=0)
        elif op.op_class == "hint":
            ready.update(dict.fromkeys(own, max(ready[key] for key in own)))
        elif own or node.produces:
            reads = (*node.inputs, *(node.guard.events() if node.guard else ()))
            keys = [*own, *(f"e {name}" for name in node.produces)]
            level = 1 + max(floor, *(ready.get(key, 0) for key in [*own, *(f"e {name}" for name in reads)]), 0)
            ready.update(dict.fromkeys(keys, level))
            ready["deepest"] = max(ready.get("deepest", 0), level)
    return ready.get("deepest", 0)


def check(graph: Graph) -> None:
    found, facts = features(graph, "d"), summarise(graph)
    gates = [node for node in graph.nodes if OPS[node.op].op_class in ("unitary", "composite")]
    magic = [node for node in graph.nodes if not is_clifford(node)]
    assert found.n_non_clifford == facts.non_clifford == len(magic)
    assert facts.unitaries == len(gates)
    assert found.n_two_qubit == sum(len(n.vqs) == 2 for n in gates) + 3 * sum(len(n.vqs) > 2 for n in gates)
    assert found.depth == facts.depth == layers(graph)
    assert found.entangling_width == facts.entangling_width == joined(graph)
    assert (found.n_measure, found.mid_circuit) == (facts.measurements, facts.mid_circuit)
    assert sum(facts.ops.values()) == len(graph.nodes)


@pytest.mark.parametrize("first", range(0, 1000, 250))
def test_random_graphs(first: int) -> None:
    taken = 0
    for seed in range(first, first + 250):
        graph = graph_of(seed)
        if verify(graph).error() is not None:
            continue
        check(graph)
        taken += 1
    assert taken > 100


@pytest.mark.parametrize("seed", range(60))
def test_random_cases(seed: int) -> None:
    check(random_case(seed, clifford=seed % 2 == 0, dynamic=seed % 3 > 0).graph)


@pytest.mark.parametrize("seed", range(40))
def test_wide_graphs(seed: int) -> None:
    graph = wide_graph(seed)
    check(graph)
    assert features(graph).max_bond_log2 <= summarise(graph).max_bond_log2


def test_programs_in_openqasm() -> None:
    for seed in range(100):
        try:
            graph = load(program(seed).encode()).graph
        except QmkError:
            continue
        check(graph)


@pytest.mark.parametrize("near", [0.0, 1e-10, 1e-8, -3e-10])
def test_angles_near_quarter_turns(near: float) -> None:
    b = Builder(2)
    for k in range(-9, 10):
        angle = k * 1.5707963267948966 + near
        for name in ("rx", "ry", "rz"):
            b.op(name, 0, theta=angle)
        for name in ("crx", "cry", "crz", "rxx", "ryy", "rzz"):
            b.op(name, 0, 1, theta=angle)
        b.op("p", 0, lam=angle).op("cp", 0, 1, lam=angle)
        b.op("u", 0, theta=angle, phi=0.0, lam=-angle).op("u", 1, theta=0.3, phi=angle, lam=0.0)
        b.op("paulirot", 0, 1, paulis="XI", theta=angle).op("paulirot", 0, 1, paulis="II", theta=0.3)
    check(b.measure_all().graph())


def test_damaged_bytes_are_declined_or_read() -> None:
    dice = Random(5)
    data = pack(graph_of(7))
    for _ in range(2000):
        damaged = bytearray(data)
        for _ in range(dice.randrange(1, 4)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        cut = bytes(damaged[: dice.randrange(len(damaged))]) if dice.random() < 0.3 else bytes(damaged)
        for read in (lambda data: _ops().look(data, b"", True, True), read_qvm):
            try:
                read(cut)
            except Declined:
                continue


def test_resets_of_untouched_qubits_and_late_reads_are_told_apart() -> None:
    """What decides whether there is a second pass over the nodes: none, a reset, a later use, a read event."""
    plain = Builder(3).op("h", 0).op("cnot", 0, 1).measure_all()
    idle = Builder(2).op("reset", 0).op("h", 0).measure_all()
    late = Builder(2).op("h", 0).op("reset", 0).measure_all()
    used = Builder(2)
    used.measure(0)
    used.op("h", 0).measure(1)
    again = Builder(2)
    again.op("h", 0)
    again.measure(0)
    again.op("free", 0)
    again.alloc(1)
    for b, branches, resets in ((plain, 0, False), (idle, 0, False), (late, 1, True), (used, 1, False)):
        found = features(b.graph())
        assert (found.n_branch, found.has_reset) == (branches, resets)
        check(b.graph())
    check(again.graph())


def test_uses_of_channels() -> None:
    graph = Builder(2).op("x", 0).channel(0, 1).use().close().measure_all().graph()
    found, facts = features(graph), summarise(graph)
    assert (found.n_channel_ops, found.n_measure, found.n_qubits) == (3, 4, 3)
    assert (facts.channels, facts.measurements, facts.depth, facts.entangling_width) == (1, 2, 3, 2)


def test_errors_on_qubits_join_them_and_readings_take_a_qubit() -> None:
    b = Builder(3).op("h", 0).op("depolarize", 0, 1, family="noise", p=0.1).op("pauli", 2, family="noise", px=0.0)
    found = features(b.measure_all().graph())
    assert (found.n_noise, found.noise, found.entangling_width, found.depth) == (1, {"pauli"}, 2, 2)
    b = Builder(2).op("amplitude_damping", 0, family="noise", gamma=0.1).op("loss", 0, 1, family="noise", p=0.5)
    found = features(b.measure_all().graph())
    assert (found.n_noise, found.noise, found.entangling_width) == (2, {"kraus", "loss"}, 1)


def test_what_is_told_of_errors_has_to_fit() -> None:
    graph = Builder(1).op("depolarize", 0, family="noise", p=0.1).measure_all().graph()
    for told in (b"", b"\x01\x01"):
        with pytest.raises(Declined, match="error channels"):
            _ops().look(pack(graph), told)
    assert count(graph, pack(graph))[0].noise == ("pauli",)


def test_ops_of_one_make_are_told_apart_by_their_names() -> None:
    b = Builder(2).op("fsim", 0, 1, theta=0.3, phi=0.2).op("xx_plus_yy", 0, 1, theta=0.3, beta=0.2)
    b.op("fsim", 0, 1, theta=0.0, phi=0.0).op("xx_plus_yy", 0, 1, theta=0.0, beta=0.2)
    assert features(b.measure_all().graph()).n_non_clifford == 2
