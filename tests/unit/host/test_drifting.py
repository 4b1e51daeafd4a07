"""Whether a calibration has come into force since, and who hears of the program written anew."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from qmk.abi.shapes import Footprint, Qec
from qmk.base.errors import QmkError
from qmk.host.drifting import Drifting, times_of
from qmk.host.patches import Then, Wish, Written
from qmk.kernel.effects import Recalibrate
from qmk.kernel.rewriting import Recalibrated
from qmk.qvm.graph import Graph, digest, pack

BEGAN = 1000.0
QEC = Qec(
    machine="surface(d=3)", noise='{"points":[{"time_s":0},{"time_s":10.5,"circuit":2e-3}]}', began=BEGAN, target=1e-4
)
FOOTPRINT = Footprint(
    machine="surface(d=3)",
    noise="lab",
    distance=3,
    physical_qubits=9,
    patch_qubits=9,
    patches=1,
    tiles=1,
    factory_qubits=0,
    cycles=2,
    rounds=6,
    epoch_rounds=[3, 3],
    calibrated_s=0.0,
)


class Office:
    """Plays the translator; ``now_s`` is the clock."""

    def __init__(self) -> None:
        self.now_s = BEGAN
        self.wishes: list[tuple[Wish, Then]] = []
        self.heard: list[Any] = []
        self.broken = False
        self.drifting = Drifting(self.graph, self, self.heard.append, lambda: int(self.now_s * 1e9))

    def graph(self, job: str) -> bytes:
        if self.broken:
            raise QmkError("INTERNAL_ERROR", "the graph is not in the journal")
        return job.encode()

    def write(self, wish: Wish, then: Then) -> None:
        self.wishes.append((wish, then))

    def look(self, epoch: int = 1, fence: int = 7, **changed: Any) -> None:
        asked = Recalibrate("job_a", fence, epoch, QEC, FOOTPRINT, 0.0, "lab")
        self.drifting.look(msgspec.structs.replace(asked, **changed))

    def answer(self, error: QmkError | None = None) -> None:
        _, then = self.wishes.pop()
        made = Written(Graph(), pack(Graph()), digest(Graph()), FOOTPRINT, "grow: it errs")
        then(None if error else made, error)


@pytest.fixture
def office() -> Office:
    return Office()


def test_nothing_is_written_before_a_point_comes_into_force(office: Office) -> None:
    for now_s in (BEGAN - 5, BEGAN, BEGAN + 10.4):
        office.now_s = now_s
        office.look()
    assert office.wishes == []


def test_the_rest_is_written_for_the_point_that_is_in_force(office: Office) -> None:
    office.now_s = BEGAN + 99
    office.look(epoch=2)
    ((wish, _),) = office.wishes
    assert (wish.packed, wish.qec, wish.owner) == (b"job_a", QEC, "lab")
    assert wish.rewrite is not None
    assert (wish.rewrite.epoch, wish.rewrite.before, wish.rewrite.calibrated_s) == (2, FOOTPRINT, 10.5)
    office.answer()
    (event,) = office.heard
    assert isinstance(event, Recalibrated)
    assert (event.job, event.fence, event.epoch, event.calibrated_s) == ("job_a", 7, 2, 10.5)
    assert (event.graph, event.footprint, event.reason) == (Graph(), FOOTPRINT, "grow: it errs")


def test_a_point_that_the_job_has_followed_is_not_asked_for_again(office: Office) -> None:
    office.now_s = BEGAN + 99
    office.look(since_s=10.5)
    assert office.wishes == []


def test_without_room_the_same_point_is_taken_at_the_same_distance(office: Office) -> None:
    office.look(since_s=10.5, keep=True)
    ((wish, _),) = office.wishes
    assert wish.rewrite is not None
    assert (wish.rewrite.calibrated_s, wish.rewrite.keep) == (10.5, True)


def test_one_program_of_a_launch_is_written_at_a_time(office: Office) -> None:
    office.now_s = BEGAN + 99
    office.look(epoch=1)
    office.look(epoch=2)
    assert len(office.wishes) == 1
    office.look(epoch=1, fence=8)
    assert len(office.wishes) == 2
    office.answer()
    office.answer(QmkError("UNSUPPORTED", "the table has no rows"))
    assert [event.graph is None for event in office.heard] == [False, True]
    assert office.heard[1].reason == "the table has no rows"
    office.look(epoch=3)
    assert len(office.wishes) == 1


def test_a_graph_that_cannot_be_read_leaves_the_job_as_it_is(office: Office) -> None:
    office.now_s, office.broken = BEGAN + 99, True
    office.look()
    assert office.heard == []
    office.broken = False
    office.look()
    assert len(office.wishes) == 1


def test_only_the_times_of_a_calibration_are_read() -> None:
    assert times_of(QEC.noise) == (0.0, 10.5)
