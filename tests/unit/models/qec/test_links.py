"""Pairs over a link against enumerated errors, and programs that are cut over two modules."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from qmk.base.errors import QmkError
from qmk.models.noise import resolve
from qmk.models.qec.logical import costs
from qmk.models.qec.logical.cuts import REMOTE, gates_by_stretch, share_pairs
from qmk.models.qec.logical.links import Link, Links, levels_for, purify
from qmk.models.qec.logical.patches import write_patches
from qmk.models.qec.tables import channels, default
from qmk.models.qec.tables.channels import BASES
from qmk.qvm.graph import Graph, Node

RATES = channels(default(), "surface", 5, "p=1e-3")
MODEL = resolve("p=1e-3")


def enumerate_pairs(fidelity: float) -> tuple[float, float]:
    """One step from the 16 Paulis on two pairs: CNOTs from the first to the second, whose two bits must agree."""
    wrong = (1 - fidelity) / 3
    chance = {(0, 0): fidelity, (1, 0): wrong, (1, 1): wrong, (0, 1): wrong}
    passes = good = 0.0
    for (x1, z1), (x2, z2) in itertools.product(chance, repeat=2):
        if x1 == x2:
            passes += chance[x1, z1] * chance[x2, z2]
            good += chance[x1, z1] * chance[x2, z2] * (x1 == 0 and z1 == z2)
    return good / passes, passes


@pytest.mark.parametrize("fidelity", [0.55, 0.8, 0.93, 0.999, 1.0])
def test_a_step_of_purification_is_that_of_enumerated_errors(fidelity: float) -> None:
    expected, passes = enumerate_pairs(fidelity)
    made = purify(fidelity, 1)
    assert math.isclose(made.fidelity, expected, rel_tol=1e-12)
    assert math.isclose(made.pairs, 2 / passes, rel_tol=1e-12)
    twice = purify(fidelity, 2)
    assert math.isclose(twice.fidelity, enumerate_pairs(expected)[0], rel_tol=1e-12)
    assert math.isclose(twice.pairs, 2 * made.pairs / enumerate_pairs(expected)[1], rel_tol=1e-12)


def test_the_fewest_steps_that_reach_a_fidelity() -> None:
    for asked in (0.9, 0.95, 0.97, 0.98):
        levels = levels_for(0.9, asked)
        assert purify(0.9, levels).fidelity >= asked
        assert levels == 0 or purify(0.9, levels - 1).fidelity < asked
    with pytest.raises(QmkError, match=r"do not reach 0\.999 in"):
        levels_for(0.6, 0.999)
    with pytest.raises(QmkError, match=r"above 0\.5"):
        Link(1.0, 0.5)


def effect(errors: dict[str, str]) -> str:
    """Of Paulis on control c, halves a and b, target t after both CNOTs: what is left on c and t once a is read in Z,
    b in X, and both are corrected for."""
    x = {name: int(pauli in "XY") for name, pauli in errors.items()}
    z = {name: int(pauli in "ZY") for name, pauli in errors.items()}
    control = x.get("c", 0), z.get("c", 0) ^ z.get("b", 0)
    target = x.get("t", 0) ^ x.get("a", 0), z.get("t", 0)
    return "".join({(0, 0): "I", (1, 0): "X", (0, 1): "Z", (1, 1): "Y"}[each] for each in (control, target))


def test_a_remote_cnot_errs_as_its_two_cnots_and_its_pair() -> None:
    near = costs.gate(RATES, "cnot", 0.0)
    seen: dict[str, float] = dict.fromkeys(("XI", "ZI", "IX", "IZ", "XX", "ZZ"), 0.0)
    for first, second in (("c", "a"), ("b", "t")):
        for at, name in enumerate((first, second)):
            for pauli, strength in near.one[at].items():
                left = effect({name: pauli})
                if left != "II":
                    seen[left] += strength
        for pauli, strength in near.two.items():
            seen[effect({first: pauli[0], second: pauli[1]})] += strength
    found = costs.remote(RATES, "cnot", 0.0)
    told = {"XI": found.one[0]["X"], "ZI": found.one[0]["Z"], "IX": found.one[1]["X"], "IZ": found.one[1]["Z"]}
    told |= found.two
    assert told == pytest.approx(seen, rel=1e-12)
    with_pair = costs.remote(RATES, "cnot", 0.03)
    assert with_pair.total() - found.total() == pytest.approx(4 * 0.03 / 3)
    turned = costs.remote(RATES, "cz", 0.03)
    assert turned.one[1] == {"X": with_pair.one[1]["Z"], "Z": with_pair.one[1]["X"]}
    assert turned.total() == pytest.approx(with_pair.total())


def chain(gates: int) -> Graph:
    nodes = [Node("new", "core.alloc", {}, ("a", "b"), caps=("CAP_ALLOC",))]
    nodes += [Node(f"g{at}", "core.cnot", {}, ("a", "b")) for at in range(gates)]
    return Graph(nodes=tuple(nodes), vqs=("a", "b"), caps=("CAP_ALLOC",))


def test_gates_over_a_link_wait_for_pairs() -> None:
    places = {"a": "A", "b": "B"}
    apart = Links(places, Link(40.0, 1.0), 0, 5)
    _, used = write_patches(chain(6), RATES, None, "cut", MODEL, links=apart)
    assert (used.pairs, used.gates["cnot"]) == (6, 0)
    assert used.cycles == 6 * 40 // 5 + 2  # the last pair comes at round 240
    together = Links({"a": "A", "b": "A"}, Link(40.0, 1.0), 0, 5)
    _, near = write_patches(chain(6), RATES, None, "one", MODEL, links=together)
    assert (near.pairs, near.gates["cnot"], near.cycles) == (0, 6, 12)


def test_purified_pairs_come_as_often_as_raw_ones_allow() -> None:
    links = Links({}, Link(2.0, 0.8), 2, 5, seed=3)
    supply, count = links.supply(), 20_000
    last = 0.0
    for _ in range(count):
        last = supply.take(last)
    expected = purify(0.8, 2).pairs * 2.0
    assert abs(last / count / expected - 1) < 0.05  # 6 standard deviations: geometric, 1 / sqrt(20000) = 0.7 %


def random_program(dice: random.Random, qubits: int, gates: int) -> tuple[Node, ...]:
    names = [f"q{at}" for at in range(qubits)]
    made: list[Node] = []
    for at in range(gates):
        op = dice.choice(("core.cnot", "core.cnot", "core.cz", "core.h", "core.s"))
        made.append(Node(f"n{at}", op, {}, tuple(dice.sample(names, 2 if op in REMOTE else 1))))
    return tuple(made)


@pytest.mark.parametrize("seed", range(60))
def test_no_choice_of_copies_takes_fewer_pairs(seed: int) -> None:
    """Against every choice: each gate over the cut is served by a copy of one of its two qubits."""
    dice = random.Random(seed)
    nodes = random_program(dice, 5, 16)
    places = {f"q{at}": "AB"[at % 2] for at in range(5)}
    links = Links(places, Link(1.0, 1.0), 0, 5)
    plan = share_pairs(nodes, links.parts, places)
    gates = gates_by_stretch(nodes, links.parts)
    assert plan.keys() == gates.keys()
    assert all(plan[name] in gates[name] for name in gates)
    fewest = min((len(set(choice)) for choice in itertools.product(*gates.values())), default=0)
    assert len(set(plan.values())) == fewest


def test_a_copy_serves_until_something_acts_along_another_axis() -> None:
    def fewest(*ops: tuple[str, str]) -> int:
        nodes = [Node(f"n{at}", f"core.{op}", {}, tuple(on)) for at, (op, on) in enumerate(ops)]
        places = {"a": "A", "b": "B", "c": "B", "d": "A"}
        return len(set(share_pairs(nodes, Links(places, Link(1.0, 1.0), 0, 5).parts, places).values()))

    assert fewest(("cnot", "ab"), ("s", "a"), ("cnot", "ac")) == 1
    assert fewest(("cnot", "ab"), ("h", "a"), ("cnot", "ac")) == 2
    assert fewest(("cnot", "ab"), ("cnot", "db")) == 1  # by a copy of the target, along X
    assert fewest(("cnot", "ab"), ("s", "b"), ("cnot", "db")) == 2
    assert fewest(("cnot", "ab"), ("fence", ""), ("cnot", "ac")) == 2


def test_a_star_over_a_link_takes_one_pair() -> None:
    nodes = [Node("new", "core.alloc", {}, tuple("abcd"), caps=("CAP_ALLOC",))]
    nodes += [Node(f"g{at}", "core.cnot", {}, ("a", other)) for at, other in enumerate("bcd")]
    graph = Graph(nodes=tuple(nodes), vqs=tuple("abcd"), caps=("CAP_ALLOC",))
    places = {"a": "A"} | dict.fromkeys("bcd", "B")
    found = {}
    for shared in (False, True):
        links = Links(places, Link(100.0, 0.99), 0, 5, shared=shared)
        found[shared] = write_patches(graph, RATES, None, "cut", MODEL, links=links)[1]
    assert (found[False].pairs, found[True].pairs) == (3, 1)
    assert (found[False].cycles, found[True].cycles) == (3 * 20 + 2, 20 + 6)
    assert found[True].changes < found[False].changes


@pytest.mark.parametrize("copied", [0, 1])
def test_a_shared_gate_errs_as_its_cnot_and_its_copy_that_waits(copied: int) -> None:
    near = costs.gate(RATES, "cnot", 0.0)
    kind = BASES[1 - copied]  # of a copy: that along its axis goes to the qubit itself
    whole = costs.share(RATES, "cnot", copied, 7).total()  # XX on copy and target is a flip of the target, and counts
    assert whole == pytest.approx(near.total() + 7 * sum(RATES.cycle.values()))
    own, other = costs.share(RATES, "cnot", copied, 7).one[:: 1 - 2 * copied]
    assert own[kind] == pytest.approx(near.one[copied][kind] + 7 * RATES.cycle[kind])
    assert own["XZ"[copied]] == 0.0
    assert other[kind] == pytest.approx(near.one[1 - copied][kind])
    turned = costs.share(RATES, "cz", copied, 7)
    assert turned.total() == pytest.approx(whole)
