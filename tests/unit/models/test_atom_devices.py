"""Devices for programs of gates: every rule has a program, a device or a timeline that breaks it and no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from qmk.base.errors import QmkError
from qmk.base.limits import TABLE
from qmk.models.atoms import ATOM_RULES, Configuration, Geometry, Lattice, Profile, Site, Zone, load, profile, profiles
from qmk.models.atoms.isa import FEATURES, VERSIONS, check_version, matrix
from qmk.models.atoms.machine import (
    Blockade,
    DeviceErrors,
    Idle,
    Lane,
    MoveLimits,
    NativeGate,
    Pairs,
    Timing,
    Transport,
)
from qmk.models.atoms.on_device import check_program, device, on_device
from qmk.models.atoms.sound import check_device
from qmk.models.atoms.timeline import check_timeline, timeline_of
from qmk.models.noise import NoiseModel, Pauli
from qmk.qvm.graph import Graph, Node

STILL = Profile(
    name="still",
    doc="eight atoms in two rows, two free sites above, one site in the dark",
    sources=("made up",),
    analog=False,
    geometry=Geometry(
        lattices=(Lattice(4, 3, spacing=(5.0, 5.0, 5.0), zone="work"),),
        sites=(Site(100, 0.0, 30.0, zone="store"),),
        zones=(Zone("work"), Zone("store", "storage", entangles=False, measures=False)),
        configurations=(Configuration("full", tuple(range(8))), Configuration("dark", (100, 0))),
    ),
    gates=(
        NativeGate("h", 1, 0.5),
        NativeGate("rz", 1, 0.5, -4.0, 4.0),
        NativeGate("cz", 2, 1.0),
        NativeGate("swap", 2, 1.0, connectivity="chain"),
        NativeGate("cnot", 2, 1.0, connectivity="grid"),
        NativeGate("cp", 2, 1.0),
    ),
    interactions=(Pairs("cp", ((0, 1),)),),
    blockade=Blockade(radius=8.0, spacing=2.0),
    timing=Timing(min_wait=0.1, max_wait=100.0, measurement=10.0, cooldown=5.0, one_qubit=3, two_qubit=2, per_zone=3),
    shots=(1, 100),
    isa=VERSIONS,
)
MOVING = msgspec.structs.replace(STILL, transport=Transport(jerk=4e-4, acceleration=1.5e-3))


def changed(base: Profile, **parts: Any) -> Profile:
    """``base`` with other parts; a dict changes fields of a part."""
    made = {k: msgspec.structs.replace(getattr(base, k), **v) if isinstance(v, dict) else v for k, v in parts.items()}
    return msgspec.structs.replace(base, **made)


def program(*ops: tuple[Any, ...], qubits: int = 8) -> Graph:
    """``ops``: (name, operands, arguments, events)."""
    names = tuple(f"q{k}" for k in range(qubits))
    nodes = [Node("load", "core.alloc", vqs=names)]
    for at, (op, operands, *rest) in enumerate(ops):
        args = rest[0] if rest else {}
        events = tuple(rest[1]) if len(rest) > 1 else ()
        nodes.append(Node(f"n{at}", op, args, tuple(f"q{k}" for k in operands), produces=events))
    events = tuple(event for node in nodes for event in node.produces)
    return Graph(nodes=tuple(nodes), vqs=names, events=events, caps=("CAP_ALLOC",))


def move(qubits: list[int], to: list[list[float]], duration: float = 0.0) -> tuple[Any, ...]:
    return "atoms.move", qubits, {"to": to, "duration": duration}


UP, UP_TOO = [0.0, 10.0], [5.0, 10.0]
LEVEL = {"times": [0.0, 1.0], "values": [1.0, 1.0]}
PULSE = {"positions": [[0.0, 0.0]], "c6": 1.0, "duration": 1.0, "drives": [{"amplitude": LEVEL}]}
LIMITED: Callable[..., Profile] = lambda **limits: changed(MOVING, transport={"limits": MoveLimits(**limits)})  # noqa: E731

BREAKING: dict[str, tuple[Profile, Graph]] = {
    "ATOM-27": (STILL, program(("analog.rydberg", [0], PULSE))),
    "ATOM-28": (STILL, program(qubits=9)),
    "ATOM-29": (STILL, program(("atoms.place", [0], {"positions": [[1.0, 1.0]]}))),
    "ATOM-30": (STILL, program(("atoms.place", [0], {"positions": [[5.0, 0.0]]}))),
    "ATOM-31": (changed(STILL, blockade={"spacing": 6.0}), program(qubits=2)),
    "ATOM-32": (changed(STILL, gates=STILL.gates[:2], interactions=()), program(("core.cy", [0, 1]))),
    "ATOM-33": (STILL, program(("core.rz", [0], {"theta": 4.5}))),
    "ATOM-34": (STILL, program(("core.swap", [0, 4]))),
    "ATOM-35": (STILL, program(("core.cp", [1, 2], {"lam": 1.0}))),
    "ATOM-36": (STILL, program(("core.cz", [0, 3]))),
    "ATOM-37": (changed(STILL, blockade={"light": "zone"}), program(("core.cz", [0, 1]))),
    "ATOM-39": (STILL, program(("atoms.wait", [0], {"duration": 0.05}))),
    "ATOM-40": (STILL, program(move([0], [UP]))),
    "ATOM-41": (MOVING, program(move([0], [UP], 1.0))),
    "ATOM-42": (LIMITED(per_atom=1), program(move([0], [UP]), move([0], [[0.0, 0.0]]))),
    "ATOM-43": (LIMITED(distance=9.0), program(move([0], [UP]))),
    "ATOM-44": (LIMITED(until=5.0), program(("atoms.wait", [0], {"duration": 6.0}), move([0], [UP]))),
    "ATOM-45": (MOVING, program(move([0, 1], [UP_TOO, UP]))),
}
OTHER_WAYS: list[tuple[str, Profile, Graph]] = [
    ("ATOM-27", profile("aquila"), program(("core.h", [0]))),
    ("ATOM-29", MOVING, program(move([0], [[1.0, 11.0]]))),
    ("ATOM-30", MOVING, program(move([0], [[5.0, 0.0]]))),
    ("ATOM-34", STILL, program(("core.cnot", [0, 5]))),
    ("ATOM-36", changed(STILL, blockade={"axes": (6.0, 4.0, 0.0)}), program(("core.cz", [0, 4]))),
    ("ATOM-36", changed(STILL, blockade={"zones": {"work": 4.0}}), program(("core.cz", [0, 1]))),
    ("ATOM-39", STILL, program(("atoms.wait", [0], {"duration": 101.0}))),
    ("ATOM-40", changed(MOVING, transport={"lanes": (Lane((1, 9)),)}), program(move([0], [UP]))),
    (
        "ATOM-40",
        changed(MOVING, transport={"lanes": (Lane((0, 8), bus="a"), Lane((1, 9), bus="b"))}),
        program(move([0, 1], [UP, UP_TOO])),
    ),
    ("ATOM-42", LIMITED(per_shot=1), program(move([0], [UP]), move([1], [UP_TOO]))),
    ("ATOM-42", LIMITED(at_once=1), program(move([0, 1], [UP, UP_TOO]))),
]


@pytest.mark.parametrize("rule", sorted(BREAKING))
def test_a_program_breaks_this_rule_and_no_other(rule: str) -> None:
    made, graph = BREAKING[rule]
    found = check_program(graph, made)
    assert {row.rule for row in found} == {rule}
    assert all(row.message and row.help == ATOM_RULES[rule].help for row in found)
    with pytest.raises(QmkError) as refused:
        on_device(graph, made)
    assert refused.value.findings == found


@pytest.mark.parametrize(
    ("rule", "made", "graph"), OTHER_WAYS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_other_ways_to_break_a_rule(rule: str, made: Profile, graph: Graph) -> None:
    assert {row.rule for row in check_program(graph, made)} == {rule}


def test_zones_say_what_is_done_there() -> None:
    """Rule ATOM-38, on the configuration whose first atom is in the dark."""
    measured = program(("core.mz", [0], {}, ["m"]), qubits=2)
    assert {row.rule for row in check_program(measured, STILL, "dark")} == {"ATOM-38"}
    assert {row.rule for row in check_program(program(("core.cz", [0, 1]), qubits=2), STILL, "dark")} == {"ATOM-38"}
    assert not check_program(measured, STILL)


def test_shots_and_versions_are_checked() -> None:
    """Rules ATOM-21, ATOM-46 and ATOM-47."""
    plain = program(("core.h", [0]))
    assert {row.rule for row in check_program(plain, STILL, shots=101)} == {"ATOM-21"}
    assert not check_program(plain, STILL, shots=100, isa="1.1")
    assert {row.rule for row in check_program(program(("core.reset", [0])), STILL, isa="1.1")} == {"ATOM-46"}
    assert {row.rule for row in check_program(plain, changed(STILL, isa=("2.0",)), isa="1.1")} == {"ATOM-47"}
    assert {row.rule for row in check_version(plain, "3.0")} == {"ATOM-47"}
    assert {row.rule for row in check_program(plain, STILL, isa="1.0")} == {"ATOM-46"}


USING: dict[str, tuple[Any, ...]] = {
    "gates": ("core.h", [0]),
    "measure": ("core.mz", [0], {}, ["m"]),
    "wait": ("atoms.wait", [0], {"duration": 1.0}),
    "line": move([0], [[5.0, 0.0]]),
    "plane": move([0], [UP]),
    "reset": ("core.reset", [0]),
    "feedback": ("core.condpauli", [0], {"paulis": "X"}),
    "loss": ("atoms.check", [0], {}, ["m"]),
    "evolution": ("analog.rydberg", [0], PULSE),
    "noise": ("noise.pauli", [0], {"px": 0.1}),
    "fences": ("core.fence", []),
}


@pytest.mark.parametrize("feature", [row for row in FEATURES if row.name in USING], ids=lambda row: row.name)
def test_the_matrix_is_what_versions_are_checked_against(feature: Any) -> None:
    for version in VERSIONS:
        found = check_version(program(USING[feature.name]), version)
        assert {row.rule for row in found} == (set() if matrix()[feature.name][version] else {"ATOM-46"})


def wrong_geometry(**parts: Any) -> Profile:
    return msgspec.structs.replace(STILL, geometry=msgspec.structs.replace(STILL.geometry, **parts))  # pyright: ignore[reportArgumentType]


BROKEN_DEVICES: list[tuple[str, Profile]] = [
    ("ATOM-23", wrong_geometry(zones=())),
    ("ATOM-23", wrong_geometry(configurations=(Configuration("a", (0, 0)),))),
    ("ATOM-23", wrong_geometry(configurations=(Configuration("a", (55,)),))),
    ("ATOM-23", changed(STILL, interactions=(Pairs("cz", ((0, 55),)),))),
    ("ATOM-23", changed(MOVING, transport={"lanes": (Lane((0, 55)),)})),
    ("ATOM-24", wrong_geometry(sites=(Site(0, 1.0), Site(1, 1.0)), configurations=())),
    ("ATOM-25", changed(STILL, gates=(NativeGate("nonsense", 1),))),
    ("ATOM-25", changed(STILL, gates=(NativeGate("cz", 3),))),
    ("ATOM-25", changed(STILL, gates=(NativeGate("rz", 1, 0.5, 1.0, -1.0),))),
    ("ATOM-26", changed(STILL, timing={"cooldown": -1.0})),
    ("ATOM-26", changed(STILL, timing={"min_wait": 60.0})),
    ("ATOM-26", changed(STILL, mishaps=DeviceErrors(load_loss=1.5))),
    ("ATOM-26", changed(STILL, mishaps=DeviceErrors(idle=Idle(dephasing=float("nan"))))),
    ("ATOM-26", changed(STILL, mishaps=DeviceErrors(model=NoiseModel.uniform(0.1)))),
    ("ATOM-26", changed(STILL, gates=(NativeGate("h", 1, -0.5),))),
]


@pytest.mark.parametrize(("rule", "made"), BROKEN_DEVICES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_device_whose_parts_do_not_fit_is_refused(rule: str, made: Profile) -> None:
    assert {row.rule for row in check_device(made)} == {rule}
    assert {row.rule for row in check_program(program(), made)} == {rule}


TIMED = on_device(
    program(("core.h", [0]), ("core.cz", [0, 1]), ("core.mz", [0], {}, ["m"]), ("core.h", [0]), ("core.cz", [2, 6])),
    STILL,
).graph


def altered(**starts: float) -> Graph:
    """``TIMED`` with other times for some nodes, without its waits."""
    atoms = dict(TIMED.metadata["atoms"])
    rows = [row for row in atoms["timeline"] if row["op"] != "atoms.wait"]
    atoms["timeline"] = [{**row, "start_us": starts.get(row["node"], row["start_us"])} for row in rows]
    return msgspec.structs.replace(TIMED, metadata={"atoms": atoms})


def test_a_timeline_that_was_made_keeps_every_rule() -> None:
    assert not check_timeline(TIMED, STILL)
    assert not check_timeline(altered(), STILL)


@pytest.mark.parametrize(
    ("rule", "graph"),
    [
        ("ATOM-48", altered(n1=0.2)),
        ("ATOM-49", altered(n3=12.0)),
        ("ATOM-51", altered(n4=1.0)),
        ("ATOM-52", msgspec.structs.replace(TIMED, nodes=TIMED.nodes[:2])),
        ("ATOM-52", program()),
        ("ATOM-52", msgspec.structs.replace(TIMED, metadata={"atoms": {**TIMED.metadata["atoms"], "sites": {}}})),
    ],
)
def test_a_timeline_that_breaks_a_rule_is_found_out(rule: str, graph: Graph) -> None:
    assert {row.rule for row in check_timeline(graph, STILL)} == {rule}


def test_a_timeline_with_too_much_at_once_is_found_out() -> None:
    """Rule ATOM-50, for the device and for a zone."""
    four = program(*[("core.h", [k]) for k in range(4)])
    free = on_device(four, changed(STILL, timing=Timing()))
    assert free.timeline.duration_us == 0.5
    for limits in (Timing(one_qubit=3), Timing(per_zone=3)):
        assert {row.rule for row in check_timeline(free.graph, changed(STILL, timing=limits))} == {"ATOM-50"}
        assert on_device(four, changed(STILL, timing=limits)).timeline.duration_us == 1.0


def test_every_rule_of_gates_and_devices_is_broken_somewhere() -> None:
    """By the tables here, and by the tests that name it."""
    text = Path(__file__).read_text() + Path(__file__).with_name("test_atom_zones.py").read_text()
    assert [rule for rule in sorted(ATOM_RULES)[22:] if f'"{rule}"' not in text] == []


def test_all_findings_come_in_one_answer_in_order() -> None:
    graph = program(("core.cz", [0, 3]), ("atoms.wait", [0], {"duration": 0.05}), ("core.rz", [0], {"theta": 9.0}))
    assert [row.rule for row in check_program(graph, STILL, shots=0)] == ["ATOM-21", "ATOM-33", "ATOM-36", "ATOM-39"]


def test_the_profiles_that_ship_are_sound_and_run_a_program() -> None:
    pair = program(("core.h", [0]), ("core.cnot", [0, 1]), ("core.mz", [0], {}, ["m"]), qubits=2)
    for name, row in profiles().items():
        assert not check_device(row), name
        if row.geometry is not None:
            made = on_device(pair, row)
            assert not check_timeline(made.graph, row), name
            assert timeline_of(made.graph) == made.timeline


def test_lattices_are_written_out_and_bounded() -> None:
    block = profile("lossy_block").geometry
    assert block is not None
    assert [site.point for site in block.sites[:2]] == [(0.0, 0.0, 0.0), (1.5, 0.0, 0.0)]
    assert block.sites[8].point == (0.0, 0.0, 1.0)
    assert msgspec.json.decode(msgspec.json.encode(block), type=Geometry) == block
    with pytest.raises(QmkError, match="10000 sites"):
        Geometry(lattices=(Lattice(1000, 1000),))
    with pytest.raises(QmkError, match="10000 sites"):
        Geometry(lattices=(Lattice(100, 100), Lattice(1, 1, first=10_000, corner=(-5.0, 0.0, 0.0))))
    with pytest.raises(QmkError, match="0 columns"):
        Lattice(0).sites()


def test_devices_have_names_configurations_and_files(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(msgspec.json.encode(STILL))
    assert device(str(path)) == (STILL, "")
    assert device(f"{path}:dark") == (STILL, "dark")
    assert device("zoned:lower") == (profile("zoned"), "lower")
    assert load(path) == STILL
    for text in ("nonsense", f"{tmp_path}/absent.json"):
        with pytest.raises(QmkError):
            device(text)
    with pytest.raises(QmkError, match="no configuration 'x'; there are full, dark"):
        check_program(program(), STILL, "x")
    for text, way in (("zond", "did you mean 'zoned'?"), ("zond:lower", "'zoned'"), ("-", "qmk atoms devices")):
        with pytest.raises(QmkError, match="there is no device") as caught:
            device(text)
        assert way in caught.value.fields["help"]
    with pytest.raises(QmkError, match="no configuration 'nope'; there are storage, lower") as caught:
        profile("zoned").geometry.occupied_sites("nope")  # type: ignore[union-attr]
    assert "DEVICE:CONFIGURATION" in caught.value.fields["help"]
    path.write_text(json.dumps({"name": "a", "doc": "", "sources": [], "geometri": {}}))
    with pytest.raises(QmkError, match="geometri"):
        load(path)


def test_noise_and_waits_make_no_graph_longer_than_graphs_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TABLE, "nodes", TABLE["nodes"]._replace(value=60))
    noisy = changed(MOVING, mishaps=DeviceErrors(stay=(Pauli(px=0.1),)))
    there_and_back = [move([0], [to]) for to in (UP, [0.0, 0.0])]
    assert len(on_device(program(*there_and_back * 2), noisy).graph.nodes) < 60
    with pytest.raises(QmkError, match="limit 'nodes' of 60"):
        on_device(program(*there_and_back * 10), noisy)


def test_huge_arrays_are_checked_in_linear_time() -> None:
    """Ten thousand atoms with a radius over all of them, and neighbours among ten thousand: seconds, were it quadratic
    it would be many minutes."""
    big = Profile(
        name="big",
        doc="a hundred by a hundred",
        sources=("made up",),
        geometry=Geometry(lattices=(Lattice(100, 100, spacing=(5.0, 5.0, 5.0)),)),
        gates=(NativeGate("cz", 2, 1.0),),
        blockade=Blockade(radius=6.0, spacing=2.0),
    )
    rows = program(*[("core.cz", [k, k + 1]) for k in range(0, 10_000, 2)], qubits=10_000)
    assert on_device(rows, big).timeline.duration_us >= 1.0
    serial = on_device(
        program(*[("core.cz", [k, k + 1]) for k in range(0, 200, 2)], qubits=10_000),
        changed(big, blockade={"radius": 5000.0}),
    )
    assert serial.timeline.duration_us == 100.0
