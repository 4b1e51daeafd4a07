"""Jobs whose state moves from a vector to a matrix product state and back, by ``qmk.run`` and on a daemon that is
disturbed: the bits are those of a run that stays with one kind and that nobody disturbs.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import qmk
from qmk.client import Client
from qmk.qvm.graph import Graph
from qmk.sdk.kit.builder import Builder, when
from tests.integration.test_checkpoints import SEED, SHOTS, Desk

WIDE, DEEP, ROUNDS = 24, 8, 60
KINDS = ["vector", "vector", "chain", "chain", "chain", "vector", "vector"]
"""Of each epoch, as the plan has it."""


@pytest.fixture
def desk(make_daemon: Callable[..., Any], tmp_path: Path) -> Iterator[Desk]:
    found = Desk(make_daemon, tmp_path)
    yield found
    found.client.close()


def program() -> Graph:
    """Many gates on a few qubits, then a few on many, then, all having been measured, many on a few again. Each part
    depends on outcomes of those before it, and has fences of its own."""
    rnd, b = random.Random(5), Builder(WIDE)

    def block() -> None:
        for _ in range(ROUNDS):
            x, y = rnd.sample(range(DEEP), 2)
            b.op("ry", x, theta=rnd.random()).op("t", y).op("cnot", x, y)
        b.op("cnot", 0, 1, guard=when(b.measure(0))).op("fence")

    block()
    block()
    for sweep in (range(WIDE - 1), range(WIDE - 2, -1, -1)):
        for k in sweep:
            b.op("ry", k, theta=rnd.random()).op("cnot", k, k + 1).op("rz", k + 1, theta=0.3)
            b.op("cnot", k, k + 1).op("ry", k + 1, theta=0.4)
        b.op("fence")
    events = [b.measure(k) for k in range(WIDE)]
    b.op("h", 0, guard=when(events[7])).op("fence")
    block()
    block()
    b.nodes.pop()  # nothing but the read-out is behind the last fence
    return b.measure_all().graph()


def test_a_job_that_changes_engines_twice_gives_the_bits_of_the_undisturbed_one(
    desk: Desk, eventually: Callable[..., None]
) -> None:
    graph = program()
    undisturbed = list(qmk.run(graph, shots=SHOTS, seed=SEED, engine="segments:chain").rows())
    assert len(set(undisturbed)) > SHOTS // 2, "the bits are worth comparing"
    moved = qmk.run(graph, shots=SHOTS, seed=SEED, engine="segments")
    assert [row["kind"] for row in moved.provenance.notes["segments"]] == KINDS
    assert list(moved.rows()) == undisturbed

    job = desk.submit("segments", graph)
    saved = desk.meanwhile(lambda client: client.checkpoint(job), upto=2)
    assert 0 < saved.epoch <= 3
    before = set(desk.daemon.children())
    region = desk.meanwhile(lambda client: client.migrate(job, "r1"), pace=saved.epoch + 1, upto=5)
    assert region.region == "r1"
    eventually(lambda: bool(set(desk.daemon.children()) - before), "the start of another worker")
    for pid in desk.daemon.children():
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: desk.client.status(job).attempts >= 1, "the loss of the worker")
    desk.restart()
    again = desk.client.restore(saved.checkpoint_id).job_id
    assert desk.rows(job) == undisturbed
    assert desk.rows(again) == undisturbed
    for each in (job, again):
        notes = desk.client.result(each).provenance.notes
        assert [row["kind"] for row in notes["segments"]] == KINDS
        assert 0 <= notes["infidelity_bound"] < 1e-9


def test_a_daemon_runs_the_engine_by_its_name_with_the_same_bits(daemon: Any) -> None:
    graph = program()
    expected = list(qmk.run(graph, shots=SHOTS, seed=SEED, engine="segments").rows())
    with Client(daemon.socket) as client:
        for engine in ("segments", "segments:chain"):
            assert list(client.run(graph, engine=engine, shots=SHOTS, seed=SEED).rows()) == expected
