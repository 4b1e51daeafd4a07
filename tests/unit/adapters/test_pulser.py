"""Adapter ``pulser``: sequences go wherever a program goes, variables by name."""

from __future__ import annotations

from typing import Any

import pulser
import pytest
from pulser import AnalogDevice, MockDevice, Pulse, Register, Sequence
from pulser.register import Register3D
from pulser.register.mappable_reg import MappableRegister

import qmk
from qmk.base.errors import QmkError
from qmk.request.program import to_graph

PLACE = Register.from_coordinates([(0, 0), (8, 0)], prefix="q")


def a_sequence() -> Sequence:
    """A sequence with the variables ``t`` and ``d``."""
    made = Sequence(PLACE, AnalogDevice)
    made.declare_channel("light", "rydberg_global")
    t = made.declare_variable("t", dtype=int)
    d = made.declare_variable("d", size=2)
    made.add(Pulse.ConstantPulse(t, 3.0, d[0], d[1]), "light")
    made.measure()
    return made


def test_a_sequence_is_its_abstract_representation() -> None:
    sequence = a_sequence()
    values = {"t": 500, "d": [0.5, 0.1]}
    built = sequence.build(**values)
    graphs = [to_graph(sequence, params=values), to_graph(built), to_graph(built.to_abstract_repr())]
    assert len({qmk.Program.from_graph(graph).digest for graph in graphs}) == 1
    counts = [qmk.run(sequence, shots=50, seed=1, params=values).counts, qmk.run(built, shots=50, seed=1).counts]
    assert counts[0] == counts[1]
    assert "drive 1" in qmk.draw(built).text()
    held = qmk.run(sequence, shots=50, seed=1, params={**values, "samples": "hold"})
    assert held.shots == 50


def test_points_set_variables() -> None:
    found = qmk.run(a_sequence(), [{"t": 100, "d": [0, 0]}, {"t": 1000, "d": [0, 0]}], shots=200, seed=1)
    assert found.counts[0]["00"] > found.counts[1]["00"]


def test_a_register_may_be_mapped_later() -> None:
    layout = pulser.register.RegisterLayout([(0, 0), (8, 0), (16, 0), (24, 0)])
    place = MappableRegister(layout, "a", "b")
    sequence = Sequence(place, MockDevice)
    sequence.declare_channel("light", "rydberg_global")
    sequence.add(Pulse.ConstantPulse(200, 3.0, 0.0, 0.0), "light")
    sequence.measure()
    assert qmk.run(sequence, shots=9, params={"qubits": [0, 2]}).counts.width == 2
    with pytest.raises(QmkError, match="qubits"):
        qmk.run(sequence, shots=9)


def test_what_is_no_sequence_is_refused() -> None:
    place: Any = PLACE
    with pytest.raises(QmkError, match=r"pulser: .*: a Register is not a program"):
        qmk.run(place)
    with pytest.raises(QmkError, match="variable 't' has no value"):
        qmk.run(a_sequence(), params={"d": [0, 0]})
    microwave = Sequence(PLACE, MockDevice)
    microwave.declare_channel("light", "mw_global")
    microwave.add(Pulse.ConstantPulse(100, 1, 0, 0), "light")
    with pytest.raises(QmkError, match="that of the XY basis"):
        qmk.run(microwave)
    space = Sequence(Register3D.from_coordinates([(0, 0, 0), (8, 0, 4)], prefix="q"), MockDevice)
    space.declare_channel("light", "rydberg_global")
    space.add(Pulse.ConstantPulse(100, 1, 0, 0), "light")
    assert qmk.run(space, shots=3).shots == 3


def test_a_sequence_that_pulser_cannot_write_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object) -> str:
        raise TypeError("an argument cannot be written")

    monkeypatch.setattr(Sequence, "to_abstract_repr", fail)
    with pytest.raises(QmkError, match="no abstract representation: an argument cannot be written"):
        qmk.run(a_sequence())
