"""IonQ's engine against its recorded server: what is sent, what comes back, what is refused."""

from __future__ import annotations

import pytest

import qmk
from qmk.base.errors import QmkError
from tests.cloud.ionq import IonqServer
from tests.cloud.recorded import Fault


def bell() -> qmk.Circuit:
    return qmk.Circuit(3, 2).h(2).cx(2, 0).measure([2, 0], [0, 1])


def test_a_simulator_draws_from_its_probabilities(ionq: IonqServer) -> None:
    found = qmk.run(bell(), engine="ionq:simulator", shots=400, seed=5)
    assert set(found.counts) == {"00", "11"}
    assert sum(found.counts.values()) == 400
    assert found.counts == qmk.run(bell(), engine="ionq:simulator", shots=400, seed=5).counts
    assert len(ionq.asked("POST")) == 1, "the same seed is the same task"
    assert qmk.run(bell(), engine="ionq:simulator", shots=400, seed=6).counts != found.counts
    assert len(ionq.asked("POST")) == 2
