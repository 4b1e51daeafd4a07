"""The daemon and its database: one leader, an end that says why, a release before this one, blobs that are damaged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.client import Client
from qmk.qvm.graph import Graph, Node
from tools.throwaway_postgres import Cluster

Make = Callable[..., Any]
GOLDEN = Path(__file__).parents[1] / "golden" / "journal"


def program(n_qubits: int = 1) -> Graph:
    qubits = tuple(f"q{i}" for i in range(n_qubits))
    nodes = [Node("a", "core.alloc", {"n": n_qubits}, qubits, caps=("CAP_ALLOC",)), Node("h", "core.h", {}, ("q0",))]
    nodes += [Node(f"m{i}", "core.mz", {}, (qubit,), produces=(f"e{i}",)) for i, qubit in enumerate(qubits)]
    nodes.append(Node("f", "core.free", {}, qubits))
    events = tuple(f"e{i}" for i in range(n_qubits))
    return Graph(nodes=tuple(nodes), vqs=qubits, events=events, caps=("CAP_ALLOC",))


def test_a_second_daemon_on_one_database_is_refused(make_daemon: Make, postgres_url: str):
    make_daemon("one", database=postgres_url)
    with pytest.raises(AssertionError, match=r"another daemon \(qmk .*:\d+\) uses the database"):
        make_daemon("two", database=postgres_url)


def test_a_database_that_goes_for_good_ends_the_daemon_with_an_error(make_daemon: Make):
    cluster = Cluster.start()
    try:
        daemon = make_daemon(database=cluster.new_schema(), database_patience_s=0.5)
        with Client(daemon.socket) as client:
            client.run(program(), shots=10)
            cluster.stop("immediate")
            with pytest.raises(QmkError) as caught:
                client.submit(program(), shots=10)
        assert "the journal cannot be written" in caught.value.message
        assert caught.value.fields["journal"] is True
        daemon.process.wait(30)
        assert daemon.process.returncode != 0
        assert "the journal cannot be written" in daemon.log.read_text()
        cluster.resume()
    finally:
        cluster.remove()


def test_the_first_releases_journal_goes_on(make_daemon: Make, tmp_path: Path):
    (tmp_path / "d" / "state").mkdir(parents=True)
    shutil.copy(GOLDEN / "v1.sqlite", tmp_path / "d" / "state" / "journal.sqlite")
    expected = json.loads((GOLDEN / "v1.json").read_text())
    daemon = make_daemon()
    with Client(daemon.socket) as client:
        for job, counts in expected["counts"].items():
            assert client.result(job).counts == counts
        client.cancel(expected["running"])
        queued = client.wait(expected["queued"])
        assert queued.state == "COMPLETED"
        assert sum(queued.result.counts.values()) == 50  # type: ignore[union-attr]


def test_a_damaged_blob_costs_one_job_only(make_daemon: Make, tmp_path: Path, database_url: str):
    daemon = make_daemon(database=database_url)
    with Client(daemon.socket) as client:
        job = client.submit(program(64), shots=10_000, seed=1).job_id
        client.wait(job)
        small = client.run(program(), shots=10, seed=2)
    daemon.kill()
    blobs = [path for path in (tmp_path / "d" / "state" / "blobs").rglob("*") if path.is_file()]
    assert blobs
    for path in blobs:
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    daemon.start()
    with Client(daemon.socket) as client:
        with pytest.raises(QmkError, match=r"the blob [0-9a-f]{64} in .* is damaged") as caught:
            client.result(job)
        assert "backup" in caught.value.fields["help"]
        assert client.result(small.job_id).counts == small.counts
        assert sum(client.run(program(), shots=10).counts.values()) == 10
