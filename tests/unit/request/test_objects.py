"""Programs that are objects of other frameworks go wherever a program goes."""

from __future__ import annotations

from typing import Any

import pytest
import stim

import qmk
from qmk.base.errors import QmkError
from qmk.circuit import objects

BELL = stim.Circuit("H 0\nCNOT 0 1\nM 0 1")


def test_every_call_takes_one() -> None:
    assert set(qmk.run(BELL, shots=100, seed=1).counts) == {"00", "11"}
    assert qmk.sample(BELL, shots=100, seed=1).counts == qmk.run(BELL, shots=100, seed=1).counts
    assert qmk.expectation(BELL, "ZZ").value == pytest.approx(1)
    assert [len(found.counts) for found in qmk.run([BELL, BELL], shots=100, seed=1)] == [2, 2]
    assert qmk.estimate(BELL)
    assert "H" in qmk.draw(BELL).text()
    assert abs(qmk.state(stim.Circuit("H 0\nCNOT 0 1"))[0]) ** 2 == pytest.approx(0.5)


def test_there_and_back() -> None:
    circuit = qmk.Circuit.from_object(BELL)
    assert circuit.count_ops() == {"mz": 2, "h": 1, "cnot": 1}
    assert stim.Circuit(str(circuit.to("stim"))).num_measurements == 2


def test_a_type_that_derives_from_a_frameworks_is_read() -> None:
    class Mine(list[int]):
        pass

    assert objects.adapter_of(Mine()) is None
    Mine.__module__ = "stim.mine"
    assert objects.adapter_of(Mine()) is not None


def test_what_is_no_program_is_refused() -> None:
    wrong: Any = stim.PauliString("XX")
    number: Any = 3
    with pytest.raises(QmkError, match=r"stim: .*: a PauliString is not a program"):
        qmk.run(wrong)
    with pytest.raises(QmkError, match="is not a program of another framework") as refused:
        qmk.Circuit.from_object(3)
    assert "stim" in refused.value.fields["help"]
    with pytest.raises(QmkError, match="must be a program"):
        qmk.run(number)
