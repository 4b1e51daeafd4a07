"""Front-end ``lanes``: both forms, places, lanes and durations as in bloqade-lanes, gates, and what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qmk import frontends
from qmk.base.errors import QmkError
from qmk.exact.simulator import exact_distribution
from qmk.frontends.lanes import FRONTEND, LANES_RULES
from qmk.frontends.lanes.arch import arch, shipped_archs
from qmk.frontends.lanes.code import decode, lane
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node
from qmk.qvm.verify import verify
from qmk.sdk.kit import frontend_kit

DATA = Path(__file__).resolve().parents[2] / "data" / "atoms" / "lanes"
EXPECTED: dict[str, Any] = json.loads((DATA / "expected.json").read_text())


def text(name: str) -> bytes:
    return (DATA / f"{name}.sst").read_bytes()


def binary(name: str) -> bytes:
    return bytes.fromhex((DATA / f"{name}.lanes.hex").read_text())


def program(*rows: str) -> bytes:
    return "\n".join(["version 1.0;", "fn @main() {", *rows, "}"]).encode()


def read(data: bytes, **params: Any) -> Graph:
    return FRONTEND.parse(frontends.Source(data, "p.sst", {"arch": "gemini-logical", **params}))


def nodes(graph: Graph, op: str) -> list[Node]:
    return [node for node in graph.nodes if node.op == op]


# -- forms, places, lanes ---------------------------------------------------------------------------------------------


def test_both_forms_are_one_program() -> None:
    for name in ("bell_like", "bell_move"):
        assert read(text(name)) == read(binary(name))
        assert verify(read(text(name))).ok
        assert [frontends.recognise(data) for data in (binary(name), text(name))] == ["lanes", "lanes"]


def test_every_instruction_has_both_forms() -> None:
    one, two = (decode(data) for data in (EXPECTED["every"]["text"].encode(), bytes.fromhex(EXPECTED["every"]["hex"])))
    assert [item[:2] for item in one] == [item[:2] for item in two]
    assert len(one) == 24
    assert lane(int(one[3].numbers[0])) == (True, 2, 1, 2, 3, 4)


@pytest.mark.parametrize("name", ["gemini-logical", "gemini-physical"])
def test_lanes_lead_where_bloqade_says_and_take_as_long(name: str) -> None:
    found = shipped_archs()[name]
    assert len(EXPECTED["lanes"][name]) == 25
    for text_, start, at, end, to, duration in EXPECTED["lanes"][name]:
        bits = int(text_, 16)
        ends = found.ends(lane(bits))
        assert [list(one) for one in ends] == [start, end]
        assert [list(found.point(one)) for one in ends] == [at, to]
        assert found.duration(bits) == pytest.approx(duration, abs=1e-5)


def test_a_bell_pair_is_carried_together() -> None:
    """The second atom comes from word 4 to word 1, 2 um beside the first; they are |00> + |11> up to signs."""
    graph = read(text("bell_move"))
    assert nodes(graph, "atoms.place")[0].args == {"positions": [[0.0, 0.0], [0.0, 10.0]]}
    move = nodes(graph, "atoms.move")[0]
    assert (move.vqs, move.args["to"]) == (("a1",), [[2.0, 0.0]])
    assert move.args["duration"] == pytest.approx(shipped_archs()["gemini-logical"].duration(0x2000000A00040000))
    assert nodes(graph, "core.cz")[0].vqs == ("a0", "a1")
    assert graph.outputs is not None
    assert [(row.name, len(row.bits)) for row in graph.outputs] == [("result", 2), ("detectors", 1), ("observables", 1)]
    assert exact_distribution(lower(graph, ALL_GATES)) == pytest.approx({"00 0 0": 0.5, "11 1 1": 0.5})
    assert graph.metadata["lanes"]["measured"] == [[0, 0, 0], [0, 1, 0]]


# -- gates ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("axis", "angle"), [(0.0, 0.3), (0.25, 0.1), (0.1, -0.7), (-0.4, 0.25)])
@pytest.mark.parametrize("units", ["turns", "radians"])
def test_r_turns_about_an_axis_of_the_plane(axis: float, angle: float, units: str) -> None:
    rows = ("const_loc 0x0", "initial_fill 1", f"const.f64 {angle}", f"const.f64 {axis}", "global_r")
    node = read(program(*rows), angles=units).nodes[2]
    turn = 2 * math.pi if units == "turns" else 1.0
    x, y = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]])
    around = math.cos(axis * turn) * x + math.sin(axis * turn) * y
    want = math.cos(angle * turn / 2) * np.eye(2) - 1j * math.sin(angle * turn / 2) * around
    made = OPS[node.op].matrix
    assert made is not None
    assert abs(abs(np.trace(np.array(made(node.args)).conj().T @ want)) - 2) < 1e-12


def test_cz_joins_only_entangling_pairs_with_both_atoms() -> None:
    """Words 0 and 1 are a pair; words 1 and 2 are none; word 6 has no partner here."""
    fill = [f"const_loc 0x{word << 40:016x}" for word in (0, 1, 2, 6)]
    graph = read(program(*fill, "initial_fill 4", "const_zone 0x0", "cz"))
    assert [node.vqs for node in nodes(graph, "core.cz")] == [("a0", "a1")]


def test_lanes_of_one_move_are_used_at_once() -> None:
    """Two atoms go on in a chain: the second leaves the site that the first comes to."""
    rows = [f"const_loc 0x{word << 40:016x}" for word in (4, 1)]
    go = "const_lane 0x2000000a00040000"  # word 4 to word 1
    away = "const_lane 0xa000000000000000"  # word 1 back to word 0
    moved = nodes(read(program(*rows, "initial_fill 2", go, away, "move 2")), "atoms.move")[0]
    assert dict(zip(moved.vqs, moved.args["to"], strict=True)) == {"a0": [2.0, 0.0], "a1": [0.0, 0.0]}
    empty = read(program("const_loc 0x0", "initial_fill 1", go, "move 1"))
    assert not nodes(empty, "atoms.move")


def test_a_specification_of_ones_own() -> None:
    spec = {
        "version": "2.0", "words": [{"sites": [[0, 0], [1, 0]]}, {"sites": [[0, 1], [1, 1]]}],
        "zones": [{"name": "z", "grid": {"x_start": 1.0, "y_start": 2.0, "x_spacing": [3.0], "y_spacing": [4.0]},
                   "site_buses": [], "word_buses": [], "words_with_site_buses": [], "sites_with_word_buses": [],
                   "entangling_pairs": [[0, 1]]}],
        "zone_buses": [], "modes": [], "feed_forward": True, "atom_reloading": True, "blockade_radius": 3.5,
    }  # fmt: skip
    measure = ("const_zone 0x0", "measure 1", "await_measure")
    rows = ("const_loc 0x1000000", "initial_fill 1", *measure, "pop", "const_loc 0x0", "fill 1", *measure, "return")
    graph = read(program(*rows), arch=json.dumps(spec))
    assert [node.args["positions"] for node in nodes(graph, "atoms.place")] == [[[4.0, 2.0]], [[1.0, 2.0]]]
    assert graph.outputs is not None
    assert graph.outputs[0].bits == ("m1", "m2")  # site 0, then site 1, though site 1 was filled first
    both = ("const_loc 0x0", "const_loc 0x10000000000", "initial_fill 2", "const_zone 0x0", "cz")
    with pytest.raises(QmkError, match=r"4 um apart, beyond 3.5 um.*LANES-08"):
        read(program(*both), arch=json.dumps(spec))
    assert arch(json.dumps(spec)).spec.feed_forward


# -- what it refuses --------------------------------------------------------------------------------------------------

FILL = ("const_loc 0x0", "initial_fill 1")


@pytest.mark.parametrize(
    ("rule", "line", "data"),
    [
        ("LANES-01", 1, b"version 1.0;\nfn main() {\n}\n"),
        ("LANES-01", 3, b"version 1.0;\nfn @main() {\n halt\n"),
        ("LANES-01", 0, b"version 2.0;\nfn @main() {\n}\n"),
        ("LANES-01", 0, bytes.fromhex("4c414e4553000001000b")),
        ("LANES-01", 0, bytes.fromhex("4c414e4553")),
        ("LANES-01", 1, bytes.fromhex("4c414e455300000100" + "02" + "ff" * 16)),
        ("LANES-02", 1, bytes.fromhex("4c414e455300000100" + "ee" + "00" * 16)),
        ("LANES-02", 3, program("explode 3")),
        ("LANES-02", 3, program("fill")),
        ("LANES-02", 3, program("const.f64 inf")),
        ("LANES-02", 3, program("const_loc -1")),
        ("LANES-02", 3, program("fill 4294967296")),
        ("LANES-03", 3, program("pop")),
        ("LANES-03", 4, program("const.i64 1", "initial_fill 1")),
        ("LANES-03", 3, program("initial_fill 4294967295")),
        ("LANES-03", 4, program("const_zone 0x0", "cz")),
        ("LANES-03", 6, program(*FILL, "halt", "halt")),
        ("LANES-03", 5, program(*FILL, "new_array 1 4000000000 4000000000")),
        ("LANES-03", 7, program(*FILL, "const_loc 0x0", "return", "pop")),
        ("LANES-06", 8, program(*FILL, "const_zone 0x0", "measure 1", "await_measure", "set_detector")),
        ("LANES-05", 4, program("const_loc 0x0100000000000000", "initial_fill 1")),
        ("LANES-05", 4, program("const_loc 0x0000000000000001", "initial_fill 1")),
        ("LANES-05", 6, program(*FILL, "const_lane 0x2000ffff00000000", "move 1")),
        ("LANES-05", 6, program(*FILL, "const_lane 0x6000000000000000", "move 1")),
        ("LANES-05", 6, program(*FILL, "const_zone 0x7", "cz")),
        ("LANES-06", 5, program("const_loc 0x0", "const_loc 0x0", "initial_fill 2")),
        ("LANES-06", 7, program(*FILL, "const_loc 0x10000000000", "const.f64 1", "local_rz 1")),
        ("LANES-07", 7, program("const_loc 0x0", "const_loc 0x10000000000", "initial_fill 2",
                                "const_lane 0x2000000000000000", "move 1")),
        ("LANES-07", 7, program(*FILL, "const_lane 0x2000000000000000", "const_lane 0x2000000000000000", "move 2")),
        ("LANES-08", 6, program(*FILL, "const_loc 0x10000000000", "fill 1")),
        ("LANES-08", 8, program(*FILL, "const_zone 0x0", "measure 1", "const_zone 0x0", "measure 1")),
    ],
)  # fmt: skip
def test_programs_that_break_a_rule(rule: str, line: int, data: bytes) -> None:
    with pytest.raises(QmkError) as caught:
        read(data)
    finding = caught.value.findings[0]
    assert (finding.rule, finding.line, finding.file) == (rule, line, "p.sst"), finding
    assert finding.help


def test_architectures_that_do_not_fit() -> None:
    good: dict[str, Any] = {
        "version": "2.0", "words": [{"sites": [[0, 0]]}],
        "zones": [{"grid": {"x_start": 0.0, "y_start": 0.0, "x_spacing": [], "y_spacing": []}}],
    }  # fmt: skip
    assert arch(json.dumps(good)).point(next(arch(json.dumps(good)).locations(0))) == (0.0, 0.0)
    bad: list[Any] = [
        {**good, "version": "3.0"},
        {**good, "surprise": 1},
        {**good, "words": [{"sites": [[1, 0]]}]},
        {**good, "zones": [{**good["zones"][0], "entangling_pairs": [[0, 1]]}]},
        {**good, "zones": [{**good["zones"][0], "word_buses": [{"src": [0], "dst": []}]}]},
        {**good, "zones": [{"grid": {"x_start": 1e9, "y_start": 0.0, "x_spacing": [], "y_spacing": []}}]},
        {**good, "zone_buses": [{"src": [[0, 5]], "dst": [[0, 0]]}]},
        {**good, "paths": [{"lane": "zero", "waypoints": []}]},
    ]
    for given in (*map(json.dumps, bad), "nowhere", "{" + "[" * 5000, "../../etc/passwd"):
        with pytest.raises(QmkError, match="LANES-04"):
            read(program(*FILL), arch=given)


def test_parameters() -> None:
    for params in ({"angles": "degrees"}, {"arch": 3}, {"n": 1}):
        with pytest.raises(QmkError, match="LANES-10"):
            read(program(*FILL), **params)
    assert list(LANES_RULES) == [f"LANES-{k:02d}" for k in range(1, 11)]


SAMPLES = frontend_kit.Samples(
    valid={"text": (text("bell_like"), None), "binary": (binary("bell_like"), None)},
    invalid={"cut": (binary("bell_like")[:-1], 0), "unknown": (program("explode"), 3)},
    foreign=[b"OPENQASM 3;\nqubit q;\n", b"H 0\nM 0\n", b'{"version": "1.0"}'],
)
CHECKS = frontend_kit.checks(FRONTEND, SAMPLES)


@pytest.mark.parametrize("check", CHECKS, ids=[check.name for check in CHECKS])
def test_conformance(check: Any) -> None:
    if check.skipped:
        pytest.skip(check.skipped)
    assert check.run() == ""
