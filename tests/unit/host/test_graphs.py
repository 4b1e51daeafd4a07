"""Graphs in memory stay within their bound; what was let go is read back."""

from __future__ import annotations

import pytest

from qmk.base.errors import QmkError
from qmk.host.graphs import Graphs
from qmk.host.journal import no_graph


def test_the_oldest_are_let_go_and_read_again():
    stored = {f"job_{number}": bytes([number]) * 40 for number in range(4)}
    read: list[str] = []

    def from_journal(job: str) -> bytes:
        read.append(job)
        return stored[job]

    graphs = Graphs(from_journal, limit_bytes=100)
    for job, graph in stored.items():
        graphs.put(job, graph)
        assert graphs.held_bytes <= 100
    assert [graphs.get(job) for job in stored] == list(stored.values())
    assert read == ["job_0", "job_1"]
    graphs.drop("job_3")
    graphs.drop("job_3")
    assert graphs.held_bytes == 40


def test_one_that_is_larger_than_the_bound_is_kept_while_it_is_the_only_one():
    graphs = Graphs(lambda job: b"", limit_bytes=10)
    graphs.put("job_a", b"x" * 100)
    assert graphs.get("job_a") == b"x" * 100


def test_a_graph_that_is_nowhere_is_an_error():
    def nowhere(job: str) -> bytes:
        raise no_graph(job)

    with pytest.raises(QmkError, match="the graph of job_x is not in the journal"):
        Graphs(nowhere).get("job_x")
