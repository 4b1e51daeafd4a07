"""Answers that are made beside the daemon's loop are those that it would have given."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from qmk.client import Client
from qmk.host.results import LARGE_BYTES
from qmk.sdk.kit.builder import Builder

SHOTS = 10_000


def coins(qubits: int) -> Any:
    b = Builder(qubits)
    for qubit in range(qubits):
        b.op("h", qubit)
    return b.measure_all().graph()


def ask(lines: Any, *calls: Any) -> list[Any]:
    """Sends frames, and reads as many."""
    for call in calls:
        lines.write(json.dumps(call).encode() + b"\n")
    lines.flush()
    return [json.loads(lines.readline()) for _ in calls]


@pytest.mark.parametrize("durability", ["process", "power"])
def test_large_results_reach_each_who_asks(make_daemon: Callable[..., Any], durability: str) -> None:
    """By wait and by result, alone and in batches, of whoever asks for what is not there too."""
    daemon = make_daemon(durability=durability)
    with Client(daemon.socket) as client:
        job = client.submit(coins(60), shots=SHOTS, seed=5, keep_events=True)
        waited = client.wait(job.job_id).result
        assert waited is not None
        assert len(waited.counts) == sum(waited.counts.values()) == SHOTS
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(daemon.socket))
            lines = sock.makefile("rwb")
            call = {"jsonrpc": "2.0", "method": "q_negotiate_caps", "params": {"requested": ["CAP_RESULT"]}, "id": 0}
            (opened,) = ask(lines, call)
            params = {"session_id": opened["result"]["session_id"], "job_id": job.job_id}

            def result(id: int, **more: Any) -> dict[str, Any]:
                return {"jsonrpc": "2.0", "id": id, "method": "q_result", "params": {**params, **more}}

            frames = [result(1), [result(2), result(3, from_shot=SHOTS + 1), result(4)], result(5, from_shot=SHOTS - 3)]
            replies = {}
            for frame in ask(lines, *frames):
                replies.update({reply["id"]: reply for reply in (frame if isinstance(frame, list) else [frame])})
    assert sorted(replies) == [1, 2, 3, 4, 5]
    assert replies[3]["error"]["data"]["field"] == "from_shot"
    for number in (1, 2, 4, 5):
        assert replies[number]["result"]["counts"] == waited.counts
        assert len(json.dumps(replies[number])) > LARGE_BYTES
    page, rest = replies[1]["result"]["events"], replies[5]["result"]["events"]
    assert (page["from_shot"], rest["from_shot"], rest["next_shot"]) == (0, SHOTS - 3, None)
    assert page["rows"][SHOTS - 3 :] == rest["rows"]
    assert set(page["rows"]) == set(waited.counts)
