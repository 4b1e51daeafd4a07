"""The daemon from outside: programs run, and whatever ends it, it keeps what it promised and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import qmk
from qmk.abi.calls import q_estimate, q_submit
from qmk.abi.shapes import Program
from qmk.base.errors import QmkError
from qmk.client import AsyncClient, Client
from qmk.client.drive import drive
from qmk.qvm.graph import Graph, Node
from qmk.request.options import RunOptions

Make = Callable[..., Any]
Eventually = Callable[[Callable[[], bool], str], None]


def bell(extra_rounds: int = 0) -> Graph:
    """A Bell pair, measured; ``extra_rounds`` of X X make other programs with the same result."""
    nodes = [Node("a", "core.alloc", {"n": 2}, ("q0", "q1"), caps=("CAP_ALLOC",)), Node("h", "core.h", {}, ("q0",))]
    for number in range(2 * extra_rounds):
        nodes.append(Node(f"x{number}", "core.x", {}, ("q1",)))
    nodes += [
        Node("c", "core.cnot", {}, ("q0", "q1")),
        Node("m0", "core.mz", {}, ("q0",), produces=("e0",)),
        Node("m1", "core.mz", {}, ("q1",), produces=("e1",)),
        Node("f", "core.free", {}, ("q0", "q1")),
    ]
    return Graph(nodes=tuple(nodes), vqs=("q0", "q1"), events=("e0", "e1"), caps=("CAP_ALLOC",))


def pids(folder: Path, name: str) -> list[int]:
    """The processes that left a mark."""
    file = folder / f"{name}.pids"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def test_a_bell_pair_from_end_to_end(daemon: Any):
    with Client(daemon.socket) as client:
        job = client.submit(bell(), shots=1000, seed=7)
        assert (job.shots, job.seed) == (1000, 7)
        done = client.wait(job.job_id)
        assert done.state == "COMPLETED"
        result = client.result(job.job_id)
    assert result.counts == done.result.counts  # type: ignore[union-attr]
    assert set(result.counts) == {"00", "11"}
    assert sum(result.counts.values()) == 1000
    rows = list(result.rows())
    assert {key: rows.count(key) for key in result.counts} == result.counts
    assert all(shot["e0"] == shot["e1"] for shot in result.events())


def test_a_program_is_named_by_its_hash_by_those_of_its_tenant_once_it_was_sent(daemon: Any):
    text = "OPENQASM 2.0; qreg q[2]; creg c[2];" + "U(0.1,0,0) q[0];" * 50 + "measure q -> c;"
    with Client(daemon.socket) as client, Client(daemon.socket) as other:
        first, again = (client.run(text, shots=500, seed=5, cache=False) for _ in range(2))
        assert (first.counts, first.provenance.digest) == (again.counts, again.provenance.digest)
        named = client._core._graphs.write(text, RunOptions()).sha256  # pyright: ignore[reportPrivateUsage]
        assert named
        ask = other._core._ask  # pyright: ignore[reportPrivateUsage]
        assert drive(ask(q_estimate.CALL, graph_sha256=named, shots=500)).digest == first.provenance.digest
        with pytest.raises(QmkError, match="has no graph with SHA-256 0000") as caught:
            drive(ask(q_submit.CALL, graph_sha256="0" * 64))
        assert caught.value.kind.name == "GRAPH_NOT_FOUND"
        with pytest.raises(QmkError, match="both 'graph_sha256' and 'program' are given"):
            drive(ask(q_submit.CALL, graph_sha256="0" * 64, program=Program(text=text)))


def test_the_same_bits_through_client_asyncio_socket_and_in_process_with_other_jobs_beside(daemon: Any):
    graph, wishes = bell(), {"shots": 500, "seed": 12345, "engine": "stabilizer"}

    async def crowd() -> list[list[str]]:
        async with AsyncClient(daemon.socket) as client:
            others = [client.run(bell(number % 5), shots=200 + number, seed=number) for number in range(30)]
            mine = [client.submit(graph, **wishes) for _ in range(3)]
            jobs = [job.job_id for job in await asyncio.gather(*mine)]
            await asyncio.gather(*others, *(client.wait(job) for job in jobs))
            return [[row async for row in client.rows(job)] for job in jobs]

    with Client(daemon.socket) as client:
        expected = list(client.run(graph, **wishes).rows())
    assert len(expected) == 500
    assert asyncio.run(crowd()) == [expected] * 3
    assert list(qmk.run(graph, **wishes).rows()) == expected
    assert list(qmk.run(graph, isolate=True, **wishes).rows()) == expected


def test_a_program_as_text_is_read_beside_the_daemon(daemon: Any):
    from qmk.abi.calls import METHODS, q_submit
    from qmk.abi.shapes import Policy, Program
    from qmk.formats import json_codec
    from qmk.rpc import frame

    text = json_codec.encode(bell()).decode()
    with Client(daemon.socket) as client, socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(daemon.socket))
        file = raw.makefile("rb")

        def ask(program: Program) -> frame.Answer:
            request = q_submit.Request(session_id=client.session_id, program=program, shots=100, policy=Policy(seed=3))
            raw.sendall(frame.request(1, METHODS["q_submit"].name, request) + b"\n")
            return frame.answers(file.readline())[0]

        good = ask(Program(text=text, format="qvm-json"))
        assert good.error is None, good.error
        wrong = ask(Program(text='{"version": "1.0"'))
        assert wrong.error is not None
        assert wrong.error.kind.blame == "caller"
        both = ask(Program(text=text, base64="eA=="))
        assert both.error is not None
        assert both.error.kind.name == "INVALID_PARAMS"
        assert sum(client.run(bell(), shots=100, seed=3).counts.values()) == 100


def test_pages_of_events_are_fetched_as_they_are_read(daemon: Any):
    with Client(daemon.socket) as client:
        result = client.run(bell(), shots=25_000, seed=1)
        rows = list(result.rows())
        assert len(rows) == 25_000
        assert {key: rows.count(key) for key in result.counts} == result.counts
        assert list(client.result(result.job_id).rows(24_990)) == rows[24_990:]
        assert not client.run(bell(), shots=10, keep_events=False).has_events


def test_invalid_programs_are_refused_with_every_finding(daemon: Any):
    graph = Graph(nodes=(Node("x", "core.h", {}, ("q9",)), Node("x", "core.nonsense")))
    with Client(daemon.socket) as client:
        with pytest.raises(QmkError) as caught:
            client.submit(graph)
        assert caught.value.kind.name == "INVALID_GRAPH"
        assert len(caught.value.findings) >= 2
        assert client.query_resources().queue.queued == 0


def test_the_daemon_itself_stays_light(make_daemon: Make):
    daemon = make_daemon(forked=False)
    with Client(daemon.socket) as client:
        client.run(bell(), shots=10)
        client.query_resources()
        client.estimate(bell())
    assert daemon.stop() == 0
    modules = set(daemon.modules_file.read_text().split())
    assert "qmk.kernel.core" in modules
    assert not modules & {"numpy", "scipy", "stim", "qiskit", "qiskit_aer", "qdk", "rich", "click"}


def test_only_the_owner_can_reach_the_socket(daemon: Any):
    assert stat.S_IMODE(daemon.socket.lstat().st_mode) == 0o600
    assert stat.S_IMODE(daemon.socket.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((daemon.folder / "state").stat().st_mode) == 0o700


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(
    make_daemon: Make,
    odd_engines: Any,
    tmp_path: Path,
    eventually: Eventually,
    alive: Callable[[int], bool],
    number: int,
):
    daemon = make_daemon(engines=odd_engines, prestart=["stabilizer"])
    with Client(daemon.socket) as client:
        client.run(bell(), shots=10)
        job = client.submit(bell(), engine="hang").job_id
        eventually(lambda: len(pids(tmp_path / "odd", "hang")) == 2, "the hanging engine's start")
        started = [*daemon.children(), *pids(tmp_path / "odd", "hang")]
        assert len(started) >= 3
        waiting = asyncio.run(_wait_while(daemon, job, number))
        assert waiting.state in ("QUEUED", "RUNNING")
    assert daemon.stop() == 0
    assert not [pid for pid in started if alive(pid)]
    assert "Traceback" not in daemon.log.read_text()
    assert not daemon.socket.exists()
    assert not (daemon.folder / "state" / "journal.sqlite-wal").exists()


async def _wait_while(daemon: Any, job: str, number: int) -> Any:
    """q_wait is open when the daemon is told to end; its answer."""
    async with AsyncClient(daemon.socket) as client:
        await client.status(job)
        waiting = asyncio.ensure_future(client.wait(job))
        await client.status(job)
        os.kill(daemon.pid, number)
        return await waiting


def test_accepted_jobs_survive_kill_9(
    make_daemon: Make, odd_engines: Any, tmp_path: Path, eventually: Eventually, database_url: str
):
    daemon = make_daemon(engines=odd_engines, workers=1, database=database_url)
    with Client(daemon.socket) as client:
        finished = client.run(bell(), shots=100, seed=5)
        slow = client.submit(bell(), engine="slow", shots=50, idempotency_key="one").job_id
        eventually(lambda: len(pids(tmp_path / "odd", "slow")) == 1, "the slow engine's start")
        queued = [client.submit(bell(), shots=100, seed=5, cache=False).job_id for _ in range(5)]
        (old,) = pids(tmp_path / "odd", "slow")
        daemon.kill()
        eventually(lambda: not Path(f"/proc/{old}").exists(), "the end of the worker with its daemon")
        (tmp_path / "odd" / "go").touch()
        daemon.start()
        assert client.wait(slow).state == "COMPLETED"
        for job in queued:
            assert client.wait(job).state == "COMPLETED"
            assert list(client.result(job).rows()) == list(finished.rows())
        assert client.result(finished.job_id).counts == finished.counts
        assert client.submit(bell(), engine="slow", shots=50, idempotency_key="one").job_id == slow


def test_a_second_daemon_is_refused(make_daemon: Make):
    first = make_daemon("one")
    with pytest.raises(AssertionError, match=rf"another daemon \(process {first.pid}\) uses the data folder"):
        make_daemon("two", data_dir=str(first.folder / "state"))
    with pytest.raises(AssertionError, match="another daemon listens at"):
        make_daemon("three", socket=str(first.socket))
    with Client(first.socket) as client:
        assert client.query_resources().engines


def test_a_dead_daemons_socket_is_replaced_a_file_is_not(make_daemon: Make):
    daemon = make_daemon()
    daemon.kill()
    assert daemon.socket.exists()
    daemon.start()
    daemon.stop()
    daemon.socket.write_text("precious")
    with pytest.raises(AssertionError, match="exists and is not a socket"):
        daemon.start()
    assert daemon.socket.read_text() == "precious"


@pytest.mark.parametrize("durability", ["process", "power"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_answered_was_kept_whenever_it_ends(
    make_daemon: Make, durability: str, number: int, database_url: str
):
    daemon = make_daemon(durability=durability, prestart=["stabilizer"], database=database_url)
    accepted: list[str] = []

    async def crowd() -> None:
        async with AsyncClient(daemon.socket) as client:
            await client.session_id()

            async def submit(seed: int) -> None:
                accepted.append((await client.submit(bell(seed % 3), shots=20, seed=seed)).job_id)
                if len(accepted) == 60:
                    os.kill(daemon.pid, number)

            await asyncio.gather(*(submit(seed) for seed in range(300)), return_exceptions=True)

    asyncio.run(crowd())
    assert len(accepted) >= 60
    daemon.stop()
    daemon.start()
    with Client(daemon.socket) as client:
        for job in accepted:
            assert client.wait(job).state == "COMPLETED"
    assert "Traceback" not in daemon.log.read_text()
