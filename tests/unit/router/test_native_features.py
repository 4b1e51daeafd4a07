"""Features by the native core against those in Python: the same numbers for every graph that the core takes."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from qmk_native import Declined, encode_qvm, look_qvm, read_qvm

from qmk.base.errors import QmkError
from qmk.formats.binary import encode
from qmk.frontends import load
from qmk.qvm.graph import Graph, pack
from qmk.qvm.verify import verify
from qmk.router.bond import bond_log2
from qmk.router.features import features, reference
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
        args = {"theta": dice.uniform(-4, 4)} if name in ("crx", "rxx", "ryy") else {}
        near = dice.randrange(len(live) - 8)
        b.op(name, *dice.sample(live if dice.random() < 0.3 else live[near : near + 8], count), **args)
        if dice.random() < 0.05:
            b.op("free", live.pop(dice.randrange(len(live))))
            live += b.alloc(1)
    for q in live[: dice.randrange(len(live))]:
        b.measure(q)
    return b.graph()


def same(graph: Graph) -> None:
    got, want = features(graph, "d"), reference(graph, "d")
    assert got == want


@pytest.mark.parametrize("first", range(0, 1000, 250))
def test_random_graphs(first: int) -> None:
    taken = 0
    for seed in range(first, first + 250):
        graph = graph_of(seed)
        if verify(graph).error() is not None:
            continue
        look_qvm(pack(graph))  # not declined
        same(graph)
        taken += 1
    assert taken > 100


@pytest.mark.parametrize("seed", range(60))
def test_random_cases(seed: int) -> None:
    same(random_case(seed, clifford=seed % 2 == 0, dynamic=seed % 3 > 0).graph)


@pytest.mark.parametrize("seed", range(40))
def test_wide_graphs_have_the_same_bond(seed: int) -> None:
    graph = wide_graph(seed)
    same(graph)
    found, _ = look_qvm(pack(graph))
    if found["tight_bond"] is not None:
        assert found["tight_bond"] == bond_log2(graph)


def test_programs_in_openqasm() -> None:
    for seed in range(100):
        try:
            graph = load(program(seed).encode()).graph
        except QmkError:
            continue
        same(graph)


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
    same(b.measure_all().graph())


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_packed_graphs_become_the_same_binary(first: int) -> None:
    for seed in range(first, first + 100):
        graph = graph_of(seed)
        assert encode_qvm(pack(graph)) == encode(graph)
        if verify(graph).error() is None:
            assert outcome(pack(graph)) == outcome(encode(graph))


def outcome(data: bytes) -> object:
    try:
        return read_qvm(data)
    except Declined as refused:
        return str(refused)


def test_long_columns_and_texts_become_the_same_binary() -> None:
    b = Builder(300)
    for q in range(300):
        b.op("rz", q, theta=float(q)).op("mz", q, produces=(f"a_rather_long_name_of_an_event_{q}",))
        b.events.append(f"a_rather_long_name_of_an_event_{q}")
    graph = msgspec.structs.replace(b.graph(), metadata={"note": "x" * 70_000, "n": [1, None, {"k": True}]}, shots=5)
    assert encode_qvm(pack(graph)) == encode(graph)


def test_damaged_bytes_are_declined_or_read() -> None:
    dice = Random(5)
    data = pack(graph_of(7))
    for _ in range(2000):
        damaged = bytearray(data)
        for _ in range(dice.randrange(1, 4)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        cut = bytes(damaged[: dice.randrange(len(damaged))]) if dice.random() < 0.3 else bytes(damaged)
        for read in (look_qvm, read_qvm, encode_qvm):
            try:
                read(cut)
            except Declined:
                continue


def looked(data: bytes) -> object:
    try:
        return look_qvm(data)[0]
    except Declined:
        return None


def test_damaged_graphs_are_read_as_their_binary_is() -> None:
    """A packed graph is read in place; whatever is wrong with it, its binary would be declined for as well."""
    dice = Random(6)
    read = declined = 0
    for _ in range(4000):
        data = pack(graph_of(dice.randrange(40)))
        damaged = bytearray(data)
        for _ in range(dice.randrange(3)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        try:
            binary = encode_qvm(bytes(damaged))
        except Declined:
            assert looked(bytes(damaged)) is None
            continue
        found = looked(bytes(damaged))
        assert found == looked(binary)
        read, declined = read + (found is not None), declined + (found is None)
    assert read > 1000
    assert declined > 100


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
        same(b.graph())
    same(again.graph())


def test_graphs_with_channels_are_left_to_python() -> None:
    graph = Builder(2).op("x", 0).channel(0, 1).use().close().measure_all().graph()
    with pytest.raises(Declined):
        look_qvm(pack(graph))
    same(graph)
    assert features(graph).n_channel_ops == 3
