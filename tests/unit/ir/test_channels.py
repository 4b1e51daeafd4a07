"""Channels as physics: what teleporting and swapping through a pair of fidelity F does to a state."""

from __future__ import annotations

import math
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.exact.simulator import exact_distribution
from qmk.ir import channels
from qmk.ir.lower import lower
from qmk.ir.program import PauliNoise
from qmk.ir.resolver import ALL_GATES
from qmk.qvm import link
from qmk.qvm.graph import Node
from qmk.sdk.kit.builder import Builder, when
from qmk.sdk.kit.statistics import entropy
from qmk.worker.runner import Runner

# six states that average like all pure states (a 2-design), as gates from |0>, and where each is read as 0
CARDINAL: dict[str, tuple[tuple[str, ...], str]] = {
    "0": ((), "mz"),
    "1": (("x",), "mz"),
    "+": (("h",), "mx"),
    "-": (("x", "h"), "mx"),
    "+i": (("h", "s"), "my"),
    "-i": (("x", "h", "s"), "my"),
}
RATE = 1e-8
"""false-failure rate of each statistical test"""


def teleported(name: str, semantic: str = "teleport", **args: Any) -> Builder:
    gates, basis = CARDINAL[name]
    b = Builder(2)
    for gate in gates:
        b.op(gate, 0)
    b.channel(0, 1, **args).use(semantic).close()
    b.measure(1, basis=basis)
    return b


def chance_of_the_state(b: Builder, name: str) -> float:
    right = "1" if name in ("1", "-", "-i") else "0"
    return exact_distribution(lower(b.graph(), ALL_GATES)).get(right, 0.0)


@pytest.mark.parametrize("semantic", ["teleport", "swap"])
@pytest.mark.parametrize("raw", [0.25, 0.5, 0.8, 0.95, 1.0])
def test_average_fidelity_is_the_formula(raw: float, semantic: str) -> None:
    """(2F + 1)/3, exactly."""
    average = sum(chance_of_the_state(teleported(name, semantic, raw=raw), name) for name in CARDINAL) / 6
    assert average == pytest.approx((2 * raw + 1) / 3, abs=1e-12)


@pytest.mark.parametrize("asked", [0.97, 0.999])
def test_purified_channels_reach_the_formula_too(asked: float) -> None:
    reached = link.delivery(link.Link(), asked).fidelity
    assert reached > asked
    average = sum(chance_of_the_state(teleported(name, fidelity=asked), name) for name in CARDINAL) / 6
    assert average == pytest.approx((2 * reached + 1) / 3, abs=1e-12)


@pytest.mark.parametrize("engine", ["reference", "stabilizer"])
def test_tomography_of_the_samples_finds_the_fidelity(engine: str) -> None:
    """Fails by chance with probability at most ``RATE``: Chernoff's bound on a fraction of 6 N coins."""
    shots, right = 4000, 0
    runner = Runner(engine)
    for seed, name in enumerate(CARDINAL):
        counts = runner.execute(teleported(name, raw=0.85).graph(), "", shots, seed).counts
        right += counts.get("1" if name in ("1", "-", "-i") else "0", 0)
    expected = (2 * 0.85 + 1) / 3
    assert 6 * shots * entropy(right / (6 * shots), expected) < math.log(2 / RATE)


def test_a_perfect_channel_moves_any_state_exactly_with_its_entanglement() -> None:
    def program(through: bool) -> Builder:
        b = Builder(3).op("u", 0, theta=1.1, phi=0.7, lam=0.3).op("cnot", 0, 2).op("t", 2)
        if through:
            b.channel(0, 1, raw=1.0).use().close()
        else:
            b.op("swap", 0, 1)
        for q, basis in ((1, "mx"), (2, "my"), (0, "mz")):
            b.measure(q, basis=basis)
        return b

    found = exact_distribution(lower(program(True).graph(), ALL_GATES))
    wanted = exact_distribution(lower(program(False).graph(), ALL_GATES))
    assert found == pytest.approx(wanted, abs=1e-12)
    assert not [item for item in lower(program(True).graph(), ALL_GATES).instructions if isinstance(item, PauliNoise)]


def test_swap_exchanges_both_states() -> None:
    def program(through: bool) -> Builder:
        b = Builder(4).op("ry", 0, theta=0.4).op("rx", 1, theta=1.3).op("cnot", 0, 2).op("cnot", 1, 3)
        b.channel(0, 1, raw=1.0).use("swap") if through else b.op("swap", 0, 1)
        for q, basis in enumerate(("mx", "my", "mx", "mz")):
            b.measure(q, basis=basis)
        return b

    found = exact_distribution(lower(program(True).graph(), ALL_GATES))
    assert found == pytest.approx(exact_distribution(lower(program(False).graph(), ALL_GATES)), abs=1e-12)


def test_the_receiver_loses_what_it_held_and_the_sender_is_left_in_zero() -> None:
    b = Builder(3).op("h", 1).op("cnot", 1, 2).op("x", 0).channel(0, 1, raw=1.0).use()
    b.measure_all()
    assert exact_distribution(lower(b.graph(), ALL_GATES)) == pytest.approx({"010": 0.5, "011": 0.5})


def test_link_qubits_stand_behind_the_programs_own() -> None:
    b = Builder(2).op("h", 0).channel(0, 1, raw=1.0).use("swap").close()
    b.alloc(3)
    b.op("x", 4).channel(2, 4, raw=1.0).use()
    b.measure_all()
    program = lower(b.graph(), ALL_GATES)
    assert program.n_qubits == 7
    assert program.n_cbits == 5 + 6
    assert list(program.events.values()) == [(0,), (1,), (2,), (3,), (4,)]
    assert exact_distribution(program) == pytest.approx({"00000": 0.5, "01000": 0.5})


def test_a_condition_may_follow_a_channel() -> None:
    b = Builder(3).op("x", 0).channel(0, 1, raw=1.0).use()
    e = b.measure(1)
    b.op("x", 2, guard=when(e))
    b.measure(2)
    assert exact_distribution(lower(b.graph(), ALL_GATES)) == pytest.approx({"11": 1.0})


def test_pairs_are_accounted_and_raw_pairs_drawn() -> None:
    """The draw is a sum of 2 * 50,000 independent costs; 2 % is about 20 standard deviations."""
    shots = 50_000
    b = Builder(3).op("h", 0).channel(0, 1, fidelity=0.99).use("swap").close().channel(1, 2, "d").use(name="d")
    b.measure(1)
    done = Runner("stabilizer").execute(b.graph(), "", shots, 7)
    first, second = done.notes[channels.NOTE]
    assert (first["channel"], first["asked"], first["rounds"], first["pairs"]) == ("c", 0.99, 2, 2)
    assert first["fidelity"] == pytest.approx(0.99750154878)
    assert first["pairs_total"] == 2 * shots
    assert first["raw_pairs"] == pytest.approx(2 * shots * first["raw_pairs_expected"], rel=0.02)
    assert first["raw_pairs"] != 2 * shots * first["raw_pairs_expected"]
    assert (second["asked"], second["rounds"], second["raw_pairs"], second["pairs_total"]) == (None, 0, shots, shots)
    assert Runner("stabilizer").execute(b.graph(), "", shots, 7).notes == done.notes


def test_an_unreachable_fidelity_is_refused_with_its_node() -> None:
    b = Builder(2).channel(0, 1, fidelity=1.0).use().measure_all()
    with pytest.raises(QmkError, match="node 'n1': the link cannot deliver pairs of fidelity 1") as refused:
        lower(b.graph(), ALL_GATES)
    assert refused.value.kind.name == "UNSUPPORTED"


def test_teleport_cnot_is_a_cnot() -> None:
    b = Builder(2).op("h", 0)
    b.nodes.append(Node(id="t", op="core.teleport_cnot", vqs=("q0", "q1")))
    b.measure_all()
    assert exact_distribution(lower(b.graph(), ALL_GATES)) == pytest.approx({"00": 0.5, "11": 0.5})
