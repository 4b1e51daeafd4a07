"""Another compiler's text for zoned atoms as a program that one model scores."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest

from benchmarks.naviz import read_naviz
from qmk.models import atoms
from qmk.models.atoms.motion import travel_us
from qmk.models.atoms.on_device import timeline
from qmk.models.atoms.predicted import predict

MACHINE = atoms.load(Path(__file__).parents[3] / "benchmarks" / "zoned_architecture.json")

TEXT = """
atom (0.000, 57.000) atom0
atom (3.000, 57.000) atom1
@+ u 1.57080 0.00000 3.14159 atom0
@+ rz 0.50000 atom1
@+ load [
    atom0
    atom1
]
@+ move [
    (1.000, 58.000) atom0
    (4.000, 58.000) atom1
]
@+ move [
    (35.000, 67.000) atom0
    (37.000, 67.000) atom1
]
@+ store [
    atom0
    atom1
]
@+ cz zone_cz0
@+ load atom0
@+ move (0.000, 57.000) atom0
@+ store atom0
"""


def test_a_wave_is_one_move_and_pairs_are_read_from_places() -> None:
    graph = read_naviz(TEXT, MACHINE)
    assert [node.op for node in graph.nodes[2:]] == ["core.u", "core.rz", "atoms.move", "core.cz"]
    assert graph.nodes[-1].vqs == ("atom0", "atom1")
    law = MACHINE.transport
    assert law is not None
    whole = math.dist((0, 57), (1, 58)) + math.dist((1, 58), (35, 67))
    assert graph.nodes[-2].args["duration"] == pytest.approx(30 + travel_us(law, whole))
    stops = read_naviz(TEXT, MACHINE, merge=False).nodes[-2].args["duration"]
    assert stops == pytest.approx(30 + travel_us(law, 2**0.5) + travel_us(law, whole - 2**0.5))


def test_it_is_scored_as_any_program() -> None:
    assert MACHINE.transport is not None
    free = msgspec.structs.replace(MACHINE.transport, crossing=True, separation=0.0)
    made = timeline(read_naviz(TEXT, MACHINE), msgspec.structs.replace(MACHINE, transport=free))
    row = predict(made, MACHINE)
    assert (row.gates_1q, row.gates_2q, row.moves, row.rides) == (2, 1, 2, 1)
    assert row.time_us == pytest.approx(made.timeline.duration_us, abs=1e-5)
