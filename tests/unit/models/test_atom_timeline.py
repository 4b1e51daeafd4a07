"""Programs on devices in time: what runs when, who moves where, what goes wrong meanwhile, and that the program means
what it meant."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qmk
from qmk.base.errors import QmkError
from qmk.models.atoms import Configuration, Geometry, Lattice, Profile, Zone, profile
from qmk.models.atoms.clock import Clock
from qmk.models.atoms.device_errors import idle_errors
from qmk.models.atoms.layers import layers
from qmk.models.atoms.machine import Blockade, DeviceErrors, Idle, Lane, NativeGate, Timing, Transport
from qmk.models.atoms.motion import move_us, travel_us
from qmk.models.atoms.nearby import Busy, Cells, Neighbours
from qmk.models.atoms.on_device import OnDevice, check_program, on_device, timeline
from qmk.models.atoms.timeline import check_timeline
from qmk.qvm.graph import Graph, Guard, Node
from qmk.qvm.verify import verify

ZONED = profile("zoned")
QUIET = msgspec.structs.replace(ZONED, mishaps=DeviceErrors(), shots=(0, 0))
CHAIN = profile("ideal_small_array")


def program(*ops: tuple[Any, ...], qubits: int = 4) -> Graph:
    """``ops``: (name, operands, arguments, events, guard)."""
    names = tuple(f"q{k}" for k in range(qubits))
    nodes = [Node("load", "core.alloc", vqs=names)]
    for at, (op, operands, *rest) in enumerate(ops):
        parts: tuple[Any, ...] = (*rest, *({}, (), None)[len(rest) :])
        args, events, guard = parts
        nodes.append(Node(f"n{at}", op, args, tuple(f"q{k}" for k in operands), produces=tuple(events), guard=guard))
    events = tuple(event for node in nodes for event in node.produces)
    return Graph(nodes=tuple(nodes), vqs=names, events=events, caps=("CAP_ALLOC",))


def starts(made: OnDevice) -> dict[str, float]:
    return {row.node: row.start_us for row in made.timeline.timeline}


def waits(made: OnDevice, atom: str) -> list[float]:
    return [row.duration_us for row in made.timeline.timeline if row.op == "atoms.wait" and atom in row.atoms]


def timed(**timing: Any) -> Profile:
    return msgspec.structs.replace(CHAIN, timing=Timing(**timing))


# -- time


def test_ops_start_as_soon_as_their_atoms_are_ready() -> None:
    """The origin adds durations one after the other: three parallel H end at 1.5 us there."""
    made = on_device(program(*[("core.h", [k]) for k in range(3)], ("core.cnot", [0, 1])), CHAIN)
    assert starts(made) == {"n0": 0.0, "n1": 0.0, "n2": 0.0, "n3": 0.5}
    assert made.timeline.duration_us == 1.5


def test_what_waits_is_written_out_split_and_padded() -> None:
    busy = [("core.h", [0])] * 5
    made = on_device(program(*busy, ("core.cnot", [0, 1])), timed(max_wait=1.0))
    assert waits(made, "q1") == pytest.approx([2.5 / 3] * 3)
    padded = on_device(program(("core.h", [0]), ("core.cnot", [0, 1])), timed(min_wait=0.8))
    assert waits(padded, "q1") == [pytest.approx(1.3)]
    assert starts(padded)["n1"] == pytest.approx(1.3), "q0, which would wait 0.3 us, waits 0.8 us too"
    assert waits(padded, "q0") == [0.8]
    assert not check_timeline(padded.graph, timed(min_wait=0.8))


def test_measured_atoms_cool_down_and_events_are_there_before() -> None:
    guard = Guard(event="m", value=1)
    ops = [("core.mz", [0], {}, ["m"]), ("core.x", [1], {}, [], guard), ("core.h", [0])]
    made = on_device(program(*ops), CHAIN)
    assert starts(made)["n1"] == 50.0
    assert starts(made)["n2"] == 100.0
    assert waits(made, "q0") == [50.0]


def test_limits_of_what_runs_at_once_are_kept() -> None:
    ops = [("core.h", [k]) for k in range(6)]
    assert on_device(program(*ops, qubits=6), timed(one_qubit=4)).timeline.duration_us == 1.0
    assert on_device(program(*ops, qubits=6), timed(per_zone=2)).timeline.duration_us == 1.5


def test_gates_within_the_radius_of_each_other_take_turns() -> None:
    pairs = [("core.cnot", [0, 1]), ("core.cnot", [2, 3]), ("core.cnot", [6, 7])]
    found = starts(on_device(program(*pairs, qubits=8), CHAIN))
    assert (found["n0"], found["n1"], found["n2"]) == (0.0, 1.0, 0.0)


def test_barriers_hold_back_and_atoms_are_used_again() -> None:
    nodes = [
        Node("a", "core.alloc", vqs=("x", "y")),
        Node("h", "core.h", vqs=("x",)),
        Node("bar", "core.barrier"),
        Node("late", "core.h", vqs=("y",)),
        Node("m", "core.mz", vqs=("x",), produces=("e",)),
        Node("f", "core.free", vqs=("x",)),
        Node("b", "core.alloc", vqs=("z",)),
        Node("hz", "core.h", vqs=("z",)),
    ]
    graph = Graph(nodes=tuple(nodes), vqs=("x", "y", "z"), events=("e",), caps=("CAP_ALLOC",))
    two = msgspec.structs.replace(CHAIN, geometry=Geometry(lattices=(Lattice(2),)))
    made = on_device(graph, two)
    assert starts(made)["late"] == 0.5
    assert made.timeline.sites == {"x": 0, "y": 1, "z": 0}


def test_layers_keep_the_order_of_every_qubit_and_event() -> None:
    ops = [("core.h", [0]), ("core.cz", [0, 1]), ("core.cz", [2, 3]), ("core.mz", [3], {}, ["m"]), ("core.cz", [1, 2])]
    found = [([n.id for n in gates], [n.id for n in rest]) for gates, rest in layers(program(*ops).nodes)]
    assert found == [([], ["load", "n0"]), (["n1", "n2"], ["n3"]), (["n4"], [])]


# -- moves


def rode(transport: Transport, us: float, steps: int = 200_000) -> float:
    """um that the fastest ride of ``us`` covers, integrated from jerk, acceleration and speed alone: the first half by
    pushing as hard as each bound allows and easing off in time, the second half mirrored."""
    dt = us / 2 / steps
    a = v = x = 0.0
    for step in range(steps):
        easing = a * a / (2 * transport.jerk)
        left = us / 2 - (step + 1) * dt
        must_ease = a > 0 and (left <= a / transport.jerk or (transport.speed and v + easing >= transport.speed))
        a += -transport.jerk * dt if must_ease else transport.jerk * dt
        a = max(0.0, min(a, transport.acceleration or a))
        v += a * dt
        x += v * dt
    return 2 * x


@pytest.mark.parametrize("distance", [0.02, 2.0, 20.0, 100.0])
@pytest.mark.parametrize("speed", [0.0, 0.15])
def test_the_time_of_a_move_is_that_of_the_fastest_ride(distance: float, speed: float) -> None:
    transport = Transport(jerk=4e-4, acceleration=1.5e-3, speed=speed)
    assert rode(transport, travel_us(transport, distance), 20_000) == pytest.approx(distance, rel=4e-3)


def test_the_time_of_a_move_agrees_with_bloqade_lanes() -> None:
    """Measured with bloqade-lanes 0.11.9: 2, 10, 20, 50 and 100 um take 77, 167, 235, 369 and 520 us."""
    law = ZONED.transport
    assert law is not None
    assert [round(travel_us(law, um)) for um in (2, 10, 20, 50, 100)] == [77, 167, 235, 369, 520]
    assert move_us(law, 10.0) == travel_us(law, 10.0) + 10.0
    assert travel_us(Transport(jerk=32.0), 1.0) == 1.0
    assert travel_us(Transport(acceleration=4.0), 1.0) == 1.0
    assert travel_us(Transport(speed=2.0), 1.0) == 0.5
    assert travel_us(Transport(), 1.0) == 0.0


def test_pairs_are_brought_together_in_one_move_and_run_in_one_pulse() -> None:
    made = on_device(program(("core.cz", [0, 1]), ("core.cz", [2, 3])), QUIET)
    first, *rest = made.timeline.timeline
    assert (first.op, first.atoms, [row.op for row in rest]) == (
        "atoms.move",
        ("q0", "q1", "q2", "q3"),
        ["core.cz"] * 2,
    )
    assert len({row.start_us for row in rest}) == 1
    node = next(node for node in made.graph.nodes if node.op == "atoms.move")
    to = dict(zip(node.vqs, node.args["to"], strict=True))
    assert math.dist(to["q0"], to["q1"]) == math.dist(to["q2"], to["q3"]) == 2.0
    assert math.dist(to["q1"], to["q2"]) > 4.0
    assert node.args["duration"] == pytest.approx(first.duration_us)


def test_gates_of_two_kinds_never_share_the_light() -> None:
    gates = (*ZONED.gates, NativeGate("cp", 2, 0.3))
    both = msgspec.structs.replace(QUIET, gates=gates)
    made = on_device(program(("core.cz", [0, 1]), ("core.cp", [2, 3], {"lam": 1.0})), both)
    ops = [row.op for row in made.timeline.timeline if row.op != "atoms.wait"]
    assert ops.index("core.cp") > ops.index("core.cz") + 1, "a move lies between"
    assert not check_timeline(made.graph, both)


def test_more_pairs_than_places_go_one_after_the_other() -> None:
    crowded = msgspec.structs.replace(
        QUIET,
        geometry=Geometry(
            lattices=(
                Lattice(4, spacing=(10.0, 10.0, 10.0), zone="s"),
                Lattice(2, 1, 1, (2.0, 2.0, 2.0), (0.0, 40.0, 0.0), 10, "e"),
            ),
            zones=(Zone("s", entangles=False), Zone("e")),
            configurations=(Configuration("all", (0, 1, 2, 3)),),
        ),
    )
    made = on_device(program(("core.cz", [0, 1]), ("core.cz", [2, 3])), crowded)
    found = starts(made)
    assert found["n0"] != found["n1"]
    assert not check_timeline(made.graph, crowded)


def test_atoms_go_along_lanes_where_there_are_lanes() -> None:
    """Of a row of three only the outer two have lanes to the pair of sites above."""
    lanes = tuple(Lane(ends, bus=bus) for ends, bus in (((0, 10), "in"), ((2, 11), "in")))
    law = msgspec.structs.replace(QUIET.transport, lanes=lanes)  # pyright: ignore[reportArgumentType]
    laned = msgspec.structs.replace(
        QUIET,
        geometry=Geometry(
            lattices=(
                Lattice(3, spacing=(10.0, 10.0, 10.0), zone="s"),
                Lattice(2, spacing=(2.0, 2.0, 2.0), corner=(0.0, 40.0, 0.0), first=10, zone="e"),
            ),
            zones=(Zone("s", entangles=False), Zone("e")),
            configurations=(Configuration("all", (0, 1, 2)),),
        ),
        transport=law,
    )
    made = on_device(program(("core.cz", [0, 2]), qubits=3), laned)
    assert [row.op for row in made.timeline.timeline] == ["atoms.move", "core.cz"]
    assert not check_timeline(made.graph, laned)
    assert {row.rule for row in check_program(program(("core.cz", [0, 1]), qubits=3), laned)} == {"ATOM-38"}


def test_a_timeline_follows_atoms_that_are_used_again() -> None:
    nodes = [
        Node("a", "core.alloc", vqs=("x", "y")),
        Node("g", "core.cz", vqs=("x", "y")),
        Node("f", "core.free", vqs=("x",)),
        Node("b", "core.alloc", vqs=("z",)),
        Node("h", "core.cz", vqs=("z", "y")),
    ]
    graph = Graph(nodes=tuple(nodes), vqs=("x", "y", "z"), caps=("CAP_ALLOC",))
    two = msgspec.structs.replace(
        QUIET,
        geometry=Geometry(lattices=(Lattice(2, spacing=(2.0, 2.0, 2.0)),)),
        transport=None,
    )
    made = on_device(graph, two)
    assert made.timeline.sites["x"] == made.timeline.sites["z"] == 0
    assert not check_timeline(made.graph, two)


CLIFFORD = ("h", "s", "x")


@st.composite
def circuits(draw: st.DrawFn) -> Graph:
    ops: list[tuple[Any, ...]] = []
    for _ in range(draw(st.integers(1, 14))):
        a, b = draw(st.permutations(range(5)))[:2]
        if draw(st.booleans()):
            ops.append((f"core.{draw(st.sampled_from(('cz', 'cnot')))}", [a, b]))
        elif draw(st.integers(0, 3)):
            ops.append((f"core.{draw(st.sampled_from(CLIFFORD))}", [a]))
        else:
            ops.append(("core.rz", [a], {"theta": draw(st.sampled_from((0.3, 2.0, -1.1)))}))
    return program(*ops, qubits=5)


GRID = profile("ideal_grid")
SLOW = msgspec.structs.replace(
    GRID,
    gates=(NativeGate("u", 1, 1.0), NativeGate("cz", 2, 2.0)),
    timing=Timing(min_wait=0.5, max_wait=40.0, one_qubit=2, two_qubit=1, measurement=5.0),
)


@settings(max_examples=25, deadline=None)
@given(circuits(), st.sampled_from((QUIET, GRID, SLOW)))
def test_on_a_device_a_program_means_the_same_and_keeps_every_rule(graph: Graph, device: Profile) -> None:
    made = on_device(graph, device)
    assert verify(made.graph).ok
    assert not check_timeline(made.graph, device)
    before, after = (qmk.probabilities(each).values for each in (graph, made.graph))
    assert np.allclose(before, after, atol=1e-9)


# -- what goes wrong


def test_rates_are_per_second_and_times_microseconds() -> None:
    """The origin multiplies a rate per second by nanoseconds: 200/s flips surely within 1 us there, 2e-4 here; and it
    lets the chance grow to 1, where a phase that is forgotten has 1/2."""
    ((op, args),) = idle_errors(Idle(dephasing=200.0), 1.0)
    assert op == "noise.pauli"
    assert args["pz"] == pytest.approx(2e-4, rel=1e-3)
    ((_, args),) = idle_errors(Idle(dephasing=200.0), 1e9)
    assert args["pz"] == pytest.approx(0.5)
    found = dict(idle_errors(Idle(decay=5.0, loss=3.0), 1e6))
    assert found == {
        "noise.amplitude_damping": {"gamma": pytest.approx(1 - math.exp(-5))},
        "noise.loss": {"p": pytest.approx(1 - math.exp(-3))},
    }
    assert not list(idle_errors(Idle(), 1e6))


def test_a_kick_is_the_average_of_turns_about_z() -> None:
    kick = 0.7
    angles = np.linspace(-kick, kick, 20_001)
    ((_, args),) = idle_errors(Idle(kick=kick), 1.0)
    assert args["pz"] == pytest.approx(float(np.mean(np.sin(angles / 2) ** 2)), rel=2e-4)


def test_spectators_suffer_as_long_as_they_wait_and_no_longer() -> None:
    """Also while others are gated and measured, which the origin leaves out."""
    idle = msgspec.structs.replace(CHAIN, mishaps=DeviceErrors(idle=Idle(dephasing=1000.0)))
    ops = [("core.h", [1]), ("core.mz", [0], {}, ["m"]), ("core.x", [1], {}, [], Guard(event="m", value=0))]
    made = on_device(program(*ops, qubits=2), idle)
    errors = [node for node in made.graph.nodes if node.op == "noise.pauli"]
    assert [node.vqs for node in errors] == [("q1",)]
    assert errors[0].args["pz"] == pytest.approx((1 - math.exp(-2 * 1000.0 * 49.5e-6)) / 2)
    order = [node.id for node in made.graph.nodes]
    assert order.index("n0") < order.index(errors[0].id) < order.index("n2")


def test_each_mishap_stands_where_it_happens() -> None:
    lossy = msgspec.structs.replace(
        QUIET,
        mishaps=msgspec.structs.replace(ZONED.mishaps, idle=Idle(), load_loss=0.01, gate_loss=0.02, move_loss=0.03),
    )
    made = on_device(program(("core.cz", [0, 1]), qubits=3), lossy)
    rows = [(node.op, *node.args.values(), node.vqs) for node in made.graph.nodes if node.op.startswith("noise.")]
    assert rows[:3] == [("noise.loss", 0.01, (f"q{k}",)) for k in range(3)]
    assert rows[3:8] == [
        ("noise.pauli", 3.1e-4, 3.1e-4, 4.6e-4, ("q2",)),
        ("noise.pauli", 8.1e-4, 8.1e-4, 2.5e-3, ("q0",)),
        ("noise.pauli", 8.1e-4, 8.1e-4, 2.5e-3, ("q1",)),
        ("noise.loss", 0.03, ("q0",)),
        ("noise.loss", 0.03, ("q1",)),
    ]
    assert rows[8][0] == "noise.pauli2"
    assert rows[8][-1] == ("q0", "q1")
    assert rows[9:] == [("noise.loss", 0.02, ("q0",)), ("noise.loss", 0.02, ("q1",))]


def test_errors_of_the_zoned_cz_are_one_correlated_table() -> None:
    """It is symmetric, leaves the pair alone with 0.99349, and what it does to one atom alone are about the rates that
    are published for one. Two independent errors would flip both phases a hundred times less often."""
    made = on_device(program(("core.cz", [0, 1]), qubits=2), ZONED)
    (node,) = [node for node in made.graph.nodes if node.op == "noise.pauli2"]
    chance = {name[1:].upper(): value for name, value in node.args.items()}
    assert len(chance) == 15
    assert all(chance[a + b] == chance[b + a] for a, b in chance)
    assert 1 - sum(chance.values()) == pytest.approx(0.993492628, abs=1e-9)
    alone = {p: sum(value for name, value in chance.items() if name[0] == p) for p in "XYZ"}
    assert alone == pytest.approx({"X": 6.5e-4, "Y": 6.5e-4, "Z": 3.18e-3}, rel=0.02)
    assert chance["ZZ"] > 100 * alone["Z"] ** 2


def test_who_is_in_the_light_unpaired_suffers() -> None:
    """An atom that begins in the lit zone, further away than the radius."""
    lit = Profile(
        name="lit",
        doc="three atoms",
        sources=("made up",),
        geometry=Geometry(lattices=(Lattice(2, spacing=(2.0, 2.0, 2.0)), Lattice(1, corner=(20.0, 0.0, 0.0), first=5))),
        blockade=Blockade(radius=4.0, light="zone"),
        mishaps=DeviceErrors(unpaired=ZONED.mishaps.unpaired),
    )
    made = on_device(program(("core.cz", [0, 1]), qubits=3), lit)
    assert [node.vqs for node in made.graph.nodes if node.op == "noise.pauli"] == [("q2",)]


def test_presets_err_as_they_say() -> None:
    """readout_stress, whose only errors here are of reading: an atom in |0> that is not gated reads 1 with 0.03."""
    quiet = profile("readout_stress")
    quiet = msgspec.structs.replace(quiet, mishaps=DeviceErrors(model=quiet.mishaps.model))
    made = on_device(program(("core.mz", [0], {}, ["m"]), qubits=1), quiet)
    counts = qmk.run(made.graph, shots=40_000, seed=5).counts
    assert counts["1"] / 40_000 == pytest.approx(0.03, abs=6 * math.sqrt(0.03 / 40_000))


# -- neighbours


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(*[st.floats(-20, 20)] * 3), min_size=1, max_size=30, unique=True), st.floats(0.5, 15.0))
def test_neighbours_are_those_that_looking_at_all_finds(points: list[Any], radius: float) -> None:
    named = dict(enumerate(points))
    cells: Cells[int] = Cells(radius)
    for key, point in named.items():
        cells.put(key, point)
    lines = Neighbours(named)
    for point in points[:4]:
        near = sorted(
            (math.dist(point, other), key) for key, other in named.items() if math.dist(point, other) <= radius
        )
        assert sorted(cells.near(point, radius)) == near
        others = [row for row in near if row[0] > 0]
        assert [row[0] for row in lines.nearest(point, 3, 0.0, radius)] == [row[0] for row in others[:3]]
    cells.drop(0)
    assert 0 not in [key for _, key in cells.near(points[0], radius)]


def test_a_crowded_cell_counts_as_a_whole() -> None:
    busy = Busy(10.0)
    for k in range(100):
        busy.put(k, (k / 50, 0.0, 0.0), 7.0)
    busy.put(200, (12.0, 0.0, 0.0), 9.0)
    assert sorted(busy.near((1.0, 0.0, 0.0), 0.0), key=str) == [(200, 9.0), (None, 7.0)]
    assert not list(busy.near((1.0, 0.0, 0.0), 9.0))


def test_a_clock_gives_out_what_there_is() -> None:
    clock = Clock(Timing())
    clock.begin(("a", "b", "c"))
    demand = {"gates": (2, 1)}
    for atom, start in (("a", 0.0), ("b", 0.0), ("c", 3.0)):
        assert clock.earliest((atom,), demand=demand) == start
        clock.take((atom,), start, 3.0, demand)
    assert clock.end == 6.0


def test_a_timeline_alone_has_no_noise_and_the_same_times() -> None:
    made = program(("core.h", [0]), ("core.cz", [0, 3]), ("core.mz", [0], {}, ["e"]))
    whole, bare = on_device(made, ZONED), timeline(made, ZONED)
    assert bare.timeline == whole.timeline
    assert not any(node.op.startswith("noise.") for node in bare.graph.nodes)
    assert any(node.op.startswith("noise.") for node in whole.graph.nodes)
    wrong = msgspec.structs.replace(ZONED, mishaps=DeviceErrors(move_loss=2.0))
    with pytest.raises(QmkError, match="ATOM-26"):
        timeline(made, wrong)
