"""Real worker processes: a run that one begins is taken up by another, also after the first was killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from qmk.qvm.graph import Graph, digest, pack
from qmk.sdk.kit.builder import Builder, when
from qmk.worker.messages import Ask, Done, FromWorker, Ready, Run, RunProgress, StateSaved
from qmk.worker.runner import execute
from qmk.worker.wire import Channel, frame

SHOTS, SEED = 300, 21
METHODS = {"reference": "", "stabilizer": "", "aer": "statevector", "segments": ""}


def program() -> Graph:
    b = Builder(3)
    for epoch in range(6):
        b.op("h", 0).op("cnot", 0, 1).op("cnot", 1, 2)
        if epoch % 2:
            event = b.measure(1)
            b.op("s", 2, guard=when(event)).op("h", 2)
        b.op("fence")
    return b.measure_all().graph()


class Worker:
    """A worker of ``engine`` at the other end of a socket pair."""

    def __init__(self, engine: str) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "qmk.worker.main", "--engine", engine, "--fd", str(theirs.fileno())]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment)
        theirs.close()
        ours.settimeout(60)
        self.channel: Channel[FromWorker] = Channel(ours, FromWorker)
        self.engine = engine
        assert isinstance(self.next(), Ready)

    def next(self) -> FromWorker | None:
        """The next message that is not about progress; None when the worker is gone."""
        while isinstance(message := self.channel.receive(), RunProgress):
            pass
        return message

    def run(self, fence: int, *behind: Ask, **fields: object) -> None:
        """Send a run, and in the same breath what is to be read at its first fence."""
        graph = program()
        run = Run(fence, digest(graph), pack(graph), METHODS[self.engine], SHOTS, SEED, **fields)  # type: ignore[arg-type]
        self.channel.sock.sendall(b"".join(frame(message) for message in (run, *behind)))

    def close(self) -> None:
        self.channel.sock.close()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def worker() -> Iterator[Callable[[str], Worker]]:
    made: list[Worker] = []

    def make(engine: str) -> Worker:
        made.append(Worker(engine))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("engine", METHODS)
def test_a_run_moves_from_worker_to_worker(engine: str, worker: Callable[[str], Worker]) -> None:
    want = execute(engine, program(), METHODS[engine], SHOTS, SEED)
    workers = [worker(engine), worker(engine)]
    state: bytes | None = None
    for fence in range(1, 6):
        at = workers[fence % 2]
        at.run(fence, Ask(fence, f"c{fence}", "yield"), start=state)
        saved = at.next()
        assert isinstance(saved, StateSaved)
        assert (saved.fence, saved.ref, saved.stopped) == (fence, f"c{fence}", True)
        assert saved.epoch >= fence, "each launch passes a fence at least"
        state = saved.state
        if saved.epoch >= 5:
            break
    workers[0].run(9, start=state)
    done = workers[0].next()
    assert isinstance(done, Done)
    assert (done.counts, done.event_bits) == (want.counts, want.event_bits)


def test_a_killed_worker_loses_no_more_than_what_followed_its_last_state(worker: Callable[[str], Worker]) -> None:
    want = execute("stabilizer", program(), "", SHOTS, SEED)
    first = worker("stabilizer")
    first.run(1, save_fences=True)
    saved = first.next()
    assert isinstance(saved, StateSaved)
    assert saved.ref == ""
    first.process.send_signal(signal.SIGKILL)
    second = worker("stabilizer")
    second.run(2, start=saved.state)
    done = second.next()
    assert isinstance(done, Done)
    assert (done.counts, done.event_bits) == (want.counts, want.event_bits)
