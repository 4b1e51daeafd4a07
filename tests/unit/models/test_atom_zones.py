"""Moves on zoned devices: what stays, what goes together, what is predicted, and that programs mean what they meant."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qmk
from qmk.base.errors import QmkError
from qmk.models import atoms
from qmk.models.atoms import profile
from qmk.models.atoms.architecture import from_architecture
from qmk.models.atoms.array import Array
from qmk.models.atoms.carrying import Carrier
from qmk.models.atoms.layers import alike, late_turns, layers
from qmk.models.atoms.machine import DeviceErrors, Transport
from qmk.models.atoms.motion import travel_us
from qmk.models.atoms.on_device import OnDevice, on_device, timeline
from qmk.models.atoms.plans import STYLES, best_plan, plan
from qmk.models.atoms.predicted import loss_of, predict, worth_of
from qmk.models.atoms.rounds import Round
from qmk.models.atoms.timeline import KEY, check_timeline
from qmk.models.atoms.zoning import fits, mates
from qmk.models.noise.errors import AmplitudeDamping, Depolarize, Pauli
from qmk.qvm.graph import Graph, Node

ZONED = profile("zoned")
PATH = Path(__file__).parents[3] / "benchmarks" / "zoned_architecture.json"
MACHINE = atoms.load(PATH)


def program(*ops: tuple[Any, ...], qubits: int = 4) -> Graph:
    names = tuple(f"q{k}" for k in range(qubits))
    nodes = [Node("load", "core.alloc", vqs=names)]
    nodes += [
        Node(f"n{at}", f"core.{op}", rest[0] if rest else {}, tuple(f"q{k}" for k in operands))
        for at, (op, operands, *rest) in enumerate(ops)
    ]
    return Graph(nodes=tuple(nodes), vqs=names, caps=("CAP_ALLOC",))


def ghz(n: int) -> Graph:
    return program(("h", [0]), *(("cnot", [k, k + 1]) for k in range(n - 1)), qubits=n)


def rides(made: OnDevice) -> list[tuple[str, ...]]:
    return [row.atoms for row in made.timeline.timeline if row.op == "atoms.move"]


# -- the machine of an architecture's file


def test_an_architecture_is_a_device_with_the_numbers_of_its_file() -> None:
    assert MACHINE.geometry is not None
    assert MACHINE.transport is not None
    assert len(MACHINE.geometry.sites) == 20 * 100 + 2 * 7 * 20
    assert [(gate.name, gate.duration) for gate in MACHINE.gates] == [("u", 52), ("rz", 52), ("cz", 0.36)]
    assert travel_us(MACHINE.transport, 110.0) == pytest.approx(200.0), "110 um in 200 us"
    assert travel_us(MACHINE.transport, 27.5) == pytest.approx(100.0), "half the time for a quarter of the way"
    worth = worth_of(MACHINE.mishaps)
    assert math.exp(-worth.gates[1]) == pytest.approx(0.9997)
    assert math.exp(-worth.gates[2]) == pytest.approx(0.995)
    assert math.exp(-worth.move) == pytest.approx(0.999**2), "picked up and dropped"
    assert math.exp(-worth.unpaired) == pytest.approx(0.9975)
    assert worth.wait_us == pytest.approx(1 / 1.5e6)
    array = Array(MACHINE)
    assert fits(array)
    assert all(math.dist(array.sites[a].point, array.sites[b].point) == 2.0 for a, b in mates(array).items())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"operation_fidelity": {"rydberg_gate": 2, "single_qubit_gate": 1, "atom_transfer": 1}}, "from 0 to 1"),
        ({"operation_duration": {"rydberg_gate": -1, "single_qubit_gate": 1, "atom_transfer": 1}}, "below 0"),
        ({"qubit_spec": {"T": 0}}, "qubit_spec.T"),
        ({"storage_zones": 3}, "storage_zones"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_place(change: dict[str, Any], told: str) -> None:
    with pytest.raises(QmkError, match=told.replace(".", r"\.")):
        from_architecture(json.dumps({**json.loads(PATH.read_bytes()), **change}))
    zones = json.loads(PATH.read_bytes())
    zones["entanglement_zones"][0]["slms"][1]["location"] = [45, 67]
    with pytest.raises(QmkError, match="sites of a pair"):
        from_architecture(json.dumps(zones))


# -- rounds


def test_tweezers_keep_their_distance_and_catch_nobody() -> None:
    round = Round()
    round.add("a", 0, ((0.0, 0.0), (0.0, 10.0)))
    assert round.keeps(((3.0, 0.0), (2.0, 10.0)), 2.0)
    assert not round.keeps(((1.0, 0.0), (4.0, 10.0)), 2.0), "1 um apart when they pick up"
    assert not round.keeps(((3.0, 0.0), (1.0, 10.0)), 2.0), "1 um apart when they drop"
    array = Array(MACHINE)
    site = {p.point: p.id for p in array.sites.values()}
    array.begin({"a": site[36, 57, 0], "b": site[39, 54, 0], "c": site[36, 54, 0]})
    moves = {"a": site[35, 77, 0], "b": site[47, 67, 0]}
    faults = [fault.rule for fault in Carrier(array).faults(moves)]
    assert faults == ["ATOM-45"], "column 36 and row 54 cross at c, which stays"
    groups: list[dict[str, int]] = []
    for group in Carrier(array).groups(moves):
        assert array.put(group) is None
        groups.append(group)
    assert groups == [{"a": moves["a"]}, {"b": moves["b"]}]


# -- plans


def test_an_atom_that_is_needed_again_stays() -> None:
    made = timeline(program(("cz", [0, 1]), ("h", [1]), ("cz", [1, 2])), MACHINE)
    assert sum("q1" in ride for ride in rides(made)) == 1
    old = timeline(program(("cz", [0, 1]), ("h", [1]), ("cz", [1, 2])), MACHINE, style=None)
    assert sum("q1" in ride for ride in rides(old)) == 3


def test_neighbours_on_a_line_change_partners_in_few_moves() -> None:
    even, odd = [("cz", [k, k + 1]) for k in range(0, 10, 2)], [("cz", [k, k + 1]) for k in range(1, 9, 2)]
    turn = [("h", [k]) for k in range(10)]
    made = best_plan(program(*even, *turn, *odd, *turn, *even, qubits=10), MACHINE)
    assert made.prediction.pulses == 3
    assert made.prediction.rides <= 6


def test_plans_of_ghz_states_are_faster_than_going_home() -> None:
    graph = ghz(16)
    for device in (ZONED, MACHINE):
        old, new = plan(graph, device, style=None), best_plan(graph, device)
        assert new.prediction.time_us < 0.85 * old.prediction.time_us
        assert new.prediction.fidelity / new.prediction.time_us > old.prediction.fidelity / old.prediction.time_us
        assert new.prediction.moves < old.prediction.moves
        assert new.prediction.gates_2q == old.prediction.gates_2q == 15
    fast, faithful = (best_plan(graph, MACHINE, optimize=what).prediction for what in ("depth", "error"))
    assert fast.time_us <= best_plan(graph, MACHINE).prediction.time_us
    assert faithful.fidelity >= best_plan(graph, MACHINE).prediction.fidelity


def test_a_plan_runs_again_as_it_is() -> None:
    made = best_plan(ghz(6), MACHINE).made
    again = on_device(made.graph, MACHINE)
    assert again.timeline.duration_us == pytest.approx(made.timeline.duration_us, rel=0.02)
    assert rides(again) == rides(made)


@st.composite
def circuits(draw: st.DrawFn) -> Graph:
    ops: list[tuple[Any, ...]] = []
    for _ in range(draw(st.integers(1, 20))):
        a, b = draw(st.permutations(range(7)))[:2]
        if draw(st.integers(0, 2)):
            ops.append(("cz", [a, b]))
        else:
            ops.append((draw(st.sampled_from(("h", "s", "x"))), [a]))
    return program(*ops, qubits=7)


@given(circuits(), st.sampled_from(STYLES), st.sampled_from((ZONED, MACHINE)))
@settings(max_examples=25, deadline=None)
def test_every_plan_keeps_every_rule_and_the_state(graph: Graph, style: Any, device: Any) -> None:
    made = timeline(graph, device, style=style)
    assert not check_timeline(made.graph, device)
    before, after = (qmk.probabilities(each).values for each in (graph, made.graph))
    assert before == pytest.approx(after, abs=1e-9)


# -- gates on one qubit under one light


def test_equal_gates_on_one_qubit_run_together_and_others_do_not() -> None:
    graph = program(("h", [0]), ("x", [1]), ("h", [2]), ("x", [3]), qubits=4)
    made = timeline(graph, MACHINE)
    starts = {row.node: row.start_us for row in made.timeline.timeline if row.op == "core.u"}
    assert starts["n0"] == starts["n2"]
    assert starts["n1"] == starts["n3"]
    assert abs(starts["n0"] - starts["n1"]) == 52
    rows = made.graph.metadata[KEY]["timeline"]
    moved = [{**row, "start_us": 0.0} for row in rows if row["op"] == "core.u"]
    forged = msgspec.structs.replace(made.graph, metadata={KEY: {**made.graph.metadata[KEY], "timeline": moved}})
    assert {row.rule for row in check_timeline(forged, MACHINE)} == {"ATOM-53"}


def test_gates_wait_for_equal_ones_before_the_next_pulse() -> None:
    ops = [("h", [0]), ("cz", [1, 2]), ("h", [1]), ("cz", [0, 1])]
    found = late_turns(layers(program(*ops).nodes))
    assert [[node.id for node in rest] for _, rest in found] == [["load"], ["n0", "n2"], []]
    assert [[n.id for n in group] for group in alike(found[1][1])] == [["n0", "n2"]]


# -- what is predicted


def test_a_prediction_counts_what_happened() -> None:
    made = timeline(program(("h", [0]), ("cz", [0, 1]), qubits=3), MACHINE)
    row = predict(made, MACHINE)
    assert (row.gates_1q, row.gates_2q, row.pulses, row.moves, row.rides, row.idle) == (1, 1, 1, 2, 1, 0)
    waiting = 3 * row.time_us - 52 - 2 * 0.36
    expected = 0.9997 * 0.995 * 0.999**4 * math.exp(-waiting / 1.5e6)
    assert row.fidelity == pytest.approx(expected, rel=1e-9)
    assert row.time_us == pytest.approx(made.timeline.duration_us, abs=1e-5)


def test_losses_are_those_of_entanglement_fidelity() -> None:
    assert math.exp(-loss_of([Pauli(0.1, 0.05, 0.05)], 1)) == pytest.approx(0.8)
    assert math.exp(-loss_of([Depolarize(0.01, each=True)], 2)) == pytest.approx(0.99**2)
    gamma = 0.2
    stays = (1 + math.sqrt(1 - gamma)) ** 2 / 4
    assert math.exp(-loss_of([AmplitudeDamping(gamma)], 1)) == pytest.approx(stays)
    assert worth_of(DeviceErrors()).wait_us == 0.0


def test_only_devices_with_pairs_in_the_light_and_room_in_the_dark_have_plans() -> None:
    assert fits(Array(ZONED))
    assert not fits(Array(profile("ideal_grid")))
    still = msgspec.structs.replace(ZONED, transport=None)
    assert not fits(Array(still))
    lit = msgspec.structs.replace(
        ZONED, transport=Transport(), blockade=msgspec.structs.replace(ZONED.blockade, light="pair")
    )
    assert not fits(Array(lit))
