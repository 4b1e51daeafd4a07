"""Programs written anew at a fence: the same before it, other errors after it, at the distance of the target."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

import qmk
from qmk.abi.shapes import Qec
from qmk.base.errors import QmkError
from qmk.models.noise import NoiseModel
from qmk.models.noise.calibration import Calibration, Point
from qmk.models.qec.logical import Machine, Placed, place_program, rewritten
from qmk.models.qec.logical.drifting import decide, flips_of, rates
from qmk.models.qec.logical.machine import lower_on_machine
from qmk.models.qec.tables import channels, default
from qmk.qvm.graph import Graph, Node
from qmk.qvm.verify import verify
from qmk.worker.messages import Rewrite

HOUR = 3600.0
CALIBRATION = Calibration(
    name="lab",
    points=(
        Point(time_s=0.0, circuit=1e-3),
        Point(time_s=HOUR, circuit=2e-3),
        Point(time_s=2 * HOUR, circuit=3e-3),
        Point(time_s=3 * HOUR, circuit=1e-3),
    ),
)
QEC = Qec(machine="surface(d=3)", noise=msgspec.json.encode(CALIBRATION).decode(), began=0.0, target=6e-4)


def program(gate: str = "core.s") -> Graph:
    """Four epochs on two qubits, with feedback over a fence."""
    nodes = [Node("a", "core.alloc", vqs=("q0", "q1")), Node("h", "core.h", vqs=("q0",))]
    for epoch in range(4):
        nodes += [Node(f"c{epoch}", "core.cnot", vqs=("q0", "q1")), Node(f"g{epoch}", gate, vqs=("q1",))]
        if epoch < 3:
            nodes += [
                Node(f"m{epoch}", "core.mz", vqs=("q0",), produces=(f"m{epoch}",)),
                Node(f"f{epoch}", "core.fence"),
            ]
    nodes.append(Node("end", "core.mz", vqs=("q1",), produces=("end",)))
    return Graph(nodes=tuple(nodes), vqs=("q0", "q1"), events=("m0", "m1", "m2", "end"))


@pytest.fixture(scope="module")
def first() -> Placed:
    return place_program(program(), QEC)


def end_of(graph: Graph, epoch: int) -> int:
    return [at for at, node in enumerate(graph.nodes) if node.op == "core.fence"][epoch - 1] + 1


def test_the_point_in_force_is_the_one_before(first: Placed) -> None:
    assert first.footprint.calibrated_s == 0.0
    assert place_program(program(), QEC, 1.9 * HOUR).footprint.calibrated_s == HOUR
    assert place_program(program(), QEC, 99 * HOUR).footprint.calibrated_s == 3 * HOUR


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_what_lies_before_the_fence_stays_node_for_node(first: Placed, epoch: int) -> None:
    later = rewritten(first.graph, QEC, Rewrite(epoch, first.footprint, HOUR))
    at = end_of(first.graph, epoch)
    assert later.graph.nodes[:at] == first.graph.nodes[:at]
    assert later.graph.nodes[at:] != first.graph.nodes[at:]
    assert verify(later.graph).ok
    assert later.reason.startswith("grow")
    assert later.footprint.distance == 5
    rounds = [
        *first.footprint.epoch_rounds[:epoch],
        *(count // 3 * 5 for count in first.footprint.epoch_rounds[epoch:]),
    ]
    rounds[epoch] += 5  # in which the patches grow
    assert later.footprint.epoch_rounds == rounds
    assert later.footprint.rounds == sum(later.footprint.epoch_rounds)
    assert later.footprint.cycles == first.footprint.cycles + 1


@pytest.mark.parametrize("to", [5, 3])
def test_patches_that_change_their_distance_err_in_it(to: int) -> None:
    """Four rounds of the smaller distance and a cycle of the new one, on both patches."""
    qec = msgspec.structs.replace(QEC, machine=f"surface(d={8 - to})", target=6e-4 if to == 5 else 1e-2)
    first = place_program(program(), qec)
    later = rewritten(first.graph, qec, Rewrite(2, first.footprint, HOUR if to == 5 else 3 * HOUR))
    assert later.footprint.distance == to
    model = NoiseModel.circuit(2e-3 if to == 5 else 1e-3)
    rest, _, used = lower_on_machine(f"surface(d={to})", model, program())
    assert used.changes == 0
    small, new = (channels(default(), "surface", d, model) for d in (3, to))
    one = sum(small.cycle.values()) * 4 / 3 + sum(new.cycle.values())
    at = end_of(first.graph, 2)
    added = flips_of(later.graph.nodes[at:]) - flips_of(rest.nodes[end_of(rest, 2) :])
    assert added == pytest.approx(2 * one, rel=1e-9)


def test_the_bits_before_the_fence_are_the_same(first: Placed) -> None:
    later = rewritten(first.graph, QEC, Rewrite(2, first.footprint, HOUR))
    before, after = (qmk.run(made.graph, shots=4000, seed=5, engine="stabilizer").rows() for made in (first, later))
    pairs = list(zip(before, after, strict=True))
    assert all(old[:2] == new[:2] for old, new in pairs)
    assert any(old != new for old, new in pairs)


def test_written_anew_under_the_same_rates_it_is_what_it_was(first: Placed) -> None:
    """But for the ids of what the machine adds, which say when it was written."""
    later = rewritten(first.graph, QEC, Rewrite(2, first.footprint, 3 * HOUR, keep=True))
    ops = [[(node.op, node.args, node.vqs) for node in made.graph.nodes] for made in (first, later)]
    assert ops[0] == ops[1]
    told = [made.graph.metadata["qec"]["report"]["logical_error_per_shot"] for made in (first, later)]
    assert told[0] == pytest.approx(told[1], rel=1e-9)
    assert later.footprint.rounds == first.footprint.rounds


def test_a_change_after_a_change_keeps_all_that_came_before(first: Placed) -> None:
    second = rewritten(first.graph, QEC, Rewrite(1, first.footprint, HOUR))
    third = rewritten(second.graph, QEC, Rewrite(2, second.footprint, 2 * HOUR))
    at = end_of(second.graph, 2)
    assert third.graph.nodes[:at] == second.graph.nodes[:at]
    assert [(stage.last_epoch, stage.distance) for stage in third.footprint.stages] == [(1, 3), (2, 5)]
    assert third.footprint.distance == 7
    assert len({node.id for node in third.graph.nodes}) == len(third.graph.nodes)
    assert sum(third.footprint.epoch_rounds) == third.footprint.rounds
    lines = third.graph.metadata["qec"]["lines"]
    assert "from epoch 3 on surface(d=7)" in lines[0]
    assert any(f"{third.footprint.rounds} rounds" in line for line in lines)


def test_the_errors_told_are_those_of_both_parts(first: Placed) -> None:
    later = rewritten(first.graph, QEC, Rewrite(2, first.footprint, HOUR))
    report = later.graph.metadata["qec"]["report"]
    assert report["logical_error_per_shot"] == pytest.approx(-np.expm1(-flips_of(later.graph.nodes)), rel=1e-9)
    low, high = report["interval_per_shot"]
    assert low < report["logical_error_per_shot"] < high


@pytest.mark.parametrize(
    ("p", "d", "target", "action", "wanted"),
    [
        (1e-3, 3, 6e-4, "keep", 3),
        (2e-3, 3, 6e-4, "grow", 5),
        (2e-3, 3, 1.5e-4, "grow", 7),
        (1e-3, 7, 6e-4, "shrink", 5),
    ],
)
def test_the_target_says_which_distance(p: float, d: int, target: float, action: str, wanted: int) -> None:
    found = decide(Machine.parse(f"surface(d={d})"), NoiseModel.circuit(p), target, default(), False)
    assert (found.action, found.d) == (action, wanted)


def test_a_point_that_the_table_does_not_know_is_refused(first: Placed) -> None:
    strange = Calibration(points=(Point(time_s=0.0, circuit=1e-3), Point(time_s=HOUR, circuit=1.7e-3)))
    qec = msgspec.structs.replace(QEC, noise=msgspec.json.encode(strange).decode())
    with pytest.raises(QmkError) as caught:
        rewritten(first.graph, qec, Rewrite(1, first.footprint, HOUR))
    assert caught.value.kind.name in ("UNSUPPORTED", "INVALID_PARAMS")
    assert caught.value.message


def test_t_gates_wait_for_factories_that_begin_anew() -> None:
    qec = msgspec.structs.replace(QEC, machine="surface(d=5),factories=1")
    made = place_program(program("core.t"), qec)
    later = rewritten(made.graph, qec, Rewrite(2, made.footprint, 3 * HOUR, keep=True))
    assert later.footprint.epoch_rounds[2] > made.footprint.epoch_rounds[2], "the store is empty after the change"


def test_a_distance_whose_factories_reject_everything_is_no_choice() -> None:
    machine, noise = Machine.parse("surface(d=5),factories=1"), NoiseModel.circuit(2e-3)
    assert rates(machine, noise, 3, default(), has_t=False) is not None
    assert rates(machine, noise, 3, default(), has_t=True) is None
    assert rates(machine, noise, 7, default(), has_t=True) is not None


@pytest.mark.parametrize("left_out", ["began", "target"])
def test_began_and_target_come_together(left_out: str) -> None:
    with pytest.raises(QmkError) as caught:
        place_program(program(), msgspec.structs.replace(QEC, **{left_out: None}))
    assert caught.value.fields["field"] == f"qec.{left_out}"


def test_circuit_stands_alone_in_a_calibration() -> None:
    assert CALIBRATION.at(HOUR).hash == NoiseModel.circuit(2e-3).hash
    with pytest.raises(QmkError, match="circuit"):
        Calibration(points=(Point(time_s=0.0, circuit=1e-3, readout=1e-3),))
