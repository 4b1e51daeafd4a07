"""The distance of a job changes at a fence as its noise drifts, on a real daemon; its bits are those of one program.

The engine is the real one, held at its fences, and the noise drifts while it is held.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import qmk
from qmk.abi.shapes import Qec
from qmk.client import Client, Drift, Operator
from qmk.host import ledger
from qmk.host.store import JOURNAL_NAME
from qmk.models.noise.calibration import Calibration, Point
from qmk.models.qec.logical import place_program, rewritten
from qmk.qvm.graph import Graph, Node, digest
from qmk.worker.messages import Rewrite

EPOCHS = 6
SHOTS, SEED = 512, 11
FAR = 1_000_000
LATER_S = 2.0
"""from the beginning of the calibration, by which the job is accepted, to its second point"""
CALM, ROUGH = 1e-3, 2e-3
TARGET = 6e-4
"""between the errors a round of distance 3 under either noise; distance 5 keeps it under both"""


def program() -> Graph:
    """Each epoch measures one qubit of an entangled pair, with a random outcome, and the other at the end."""
    nodes = [Node("alloc", "core.alloc", vqs=("a", "b"))]
    for epoch in range(EPOCHS):
        nodes += [
            Node(f"h{epoch}", "core.h", vqs=("a",)),
            Node(f"x{epoch}", "core.cnot", vqs=("a", "b")),
            Node(f"m{epoch}", "core.mz", vqs=("a",), produces=(f"m{epoch}",)),
        ]
        if epoch < EPOCHS - 1:
            nodes.append(Node(f"f{epoch}", "core.fence"))
    nodes.append(Node("end", "core.mz", vqs=("b",), produces=("mb",)))
    return Graph(nodes=tuple(nodes), vqs=("a", "b"), events=(*(f"m{epoch}" for epoch in range(EPOCHS)), "mb"))


def calibration() -> Calibration:
    return Calibration(points=(Point(time_s=0.0, circuit=CALM), Point(time_s=LATER_S, circuit=ROUGH)), name="lab")


class Desk:
    """A daemon whose engine is held, and a client of it."""

    def __init__(self, make_daemon: Callable[..., Any], folder: Path) -> None:
        self.pace_file = folder / "gated" / "pace"
        self.pace_file.parent.mkdir()
        shutil.copy(Path(__file__).parents[1] / "engines" / "gated_engines.py", self.pace_file.parent)
        self.pace(0)
        gated = {"gated_stabilizer": ("gated_engines:GATED_STABILIZER", str(self.pace_file.parent))}
        self.daemon = make_daemon(engines=gated)
        self.client = Client(self.daemon.socket)
        self.client.estimate(program(), qec="surface(d=3)", noise="p=1e-3")  # its translator is there
        self.began = 0.0

    def pace(self, epoch: int) -> None:
        """Let runs pass ``epoch`` fences."""
        beside = self.pace_file.with_suffix(".new")
        beside.write_text(str(epoch))
        beside.replace(self.pace_file)

    def submit(self) -> str:
        """A job whose noise will drift, before any of its epochs."""
        self.began = time.time()
        drift = Drift(calibration(), TARGET, self.began)
        wish: dict[str, Any] = {"engine": "gated_stabilizer", "shots": SHOTS, "seed": SEED}
        job = self.client.submit(program(), qec="surface(d=3)", noise=drift, **wish).job_id
        assert time.time() < self.began + LATER_S, "the machine is too slow for this test"
        return job

    def changed(self, job: str, eventually: Callable[..., None]) -> None:
        """The second calibration comes into force, and the job is let past its fences until it has followed."""
        eventually(lambda: time.time() > self.began + LATER_S, "the second calibration")
        eventually(lambda: self.client.status(job).state == "RUNNING", "the start")
        for epoch in range(1, EPOCHS):
            self.pace(epoch)
            until = time.monotonic() + (0.15 if epoch < EPOCHS - 1 else 30.0)
            while time.monotonic() < until:
                if self.client.wait(job, timeout_ms=20).changes:
                    return
        raise AssertionError("the program was not written anew")

    def restart(self) -> None:
        self.client.close()
        self.daemon.kill()
        self.daemon.start()
        self.client = Client(self.daemon.socket)

    def rows(self, job: str) -> list[str]:
        """Every bit of the job, which may now run to its end."""
        self.pace(FAR)
        assert self.client.wait(job).state == "COMPLETED", self.client.status(job).error
        return list(self.client.result(job).rows())


@pytest.fixture
def desk(make_daemon: Callable[..., Any], tmp_path: Path) -> Iterator[Desk]:
    found = Desk(make_daemon, tmp_path)
    yield found
    found.client.close()


def both(epoch: int) -> tuple[Graph, Graph]:
    """The program as it was accepted, and as it is after a change at the end of ``epoch``."""
    qec = Qec(machine="surface(d=3)", noise=calibration_text(), began=0.0, target=TARGET)
    first = place_program(program(), qec)
    return first.graph, rewritten(first.graph, qec, Rewrite(epoch, first.footprint, LATER_S)).graph


def calibration_text() -> str:
    import msgspec

    return msgspec.json.encode(calibration()).decode()


def test_the_distance_grows_at_the_fence_that_the_drift_meets(desk: Desk, eventually: Callable[..., None]) -> None:
    job = desk.submit()
    desk.changed(job, eventually)
    rows = desk.rows(job)
    told = desk.client.result(job).provenance
    (change,) = told.changes
    assert (change.from_distance, change.to_distance, change.made, change.calibrated_s) == (3, 5, True, LATER_S)
    assert 1 <= change.epoch < EPOCHS
    before, after = both(change.epoch)
    assert told.digest == digest(after) != digest(before)

    footprint = told.footprint
    assert footprint is not None
    assert (footprint.distance, footprint.physical_qubits) == (5, 9 * 49)
    assert [(stage.last_epoch, stage.distance) for stage in footprint.stages] == [(change.epoch, 3)]
    first = desk.client.estimate(program(), qec="surface(d=3)", noise="p=1e-3").footprint
    assert first is not None
    assert footprint.epoch_rounds[: change.epoch] == first.epoch_rounds[: change.epoch]
    assert [rounds % 5 for rounds in footprint.epoch_rounds[change.epoch :]] == [0] * (EPOCHS - change.epoch)

    alone = qmk.run(after, shots=SHOTS, seed=SEED, engine="stabilizer")
    assert rows == list(alone.rows()), "the bits are those of the last program"
    undisturbed = list(qmk.run(before, shots=SHOTS, seed=SEED, engine="stabilizer").rows())
    kept = change.epoch
    assert [row[:kept] for row in rows] == [row[:kept] for row in undisturbed], "what was before the fence is as it was"
    assert rows != undisturbed

    charged = [row for row in ledger.read(desk.daemon.folder / "state" / JOURNAL_NAME) if row.job == job]
    assert [row.outcome for row in charged] == ["rewritten", "completed"]
    assert [row.rounds for row in charged] == [0, SHOTS * footprint.rounds]


def test_a_replay_asks_nobody_and_gives_the_bits_after_a_restart(desk: Desk, eventually: Callable[..., None]) -> None:
    job = desk.submit()
    desk.changed(job, eventually)
    desk.restart()  # between the record and the end of the launch that follows it
    rows = desk.rows(job)
    first = desk.client.result(job).provenance
    assert first.footprint is not None
    assert first.footprint.distance == 5
    desk.restart()
    again = desk.client.replay(job).job_id
    assert desk.rows(again) == rows
    told = desk.client.result(again).provenance
    assert (told.digest, told.footprint, told.changes) == (first.digest, first.footprint, [])


def test_a_quota_refuses_the_growth_and_the_rest_has_the_new_rates(desk: Desk, eventually: Callable[..., None]) -> None:
    Operator(desk.daemon.folder / "state").call("op_tenant_set", tenant="local", quotas={"physical_qubits": 200})
    job = desk.submit()
    desk.changed(job, eventually)
    desk.rows(job)
    told = desk.client.result(job).provenance
    refused, made = told.changes
    assert (refused.made, refused.to_distance, refused.epoch) == (False, 5, made.epoch)
    assert "441" in refused.reason
    assert "physical_qubits" in refused.reason
    assert (made.made, made.from_distance, made.to_distance) == (True, 3, 3)
    assert told.footprint is not None
    assert (told.footprint.distance, told.footprint.calibrated_s) == (3, LATER_S)
