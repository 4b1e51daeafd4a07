"""A long frame is read in another process, and answered like a short one."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qmk.client import Client
from qmk.formats import json_codec
from qmk.host.transport import LONG_FRAME_BYTES
from qmk.sdk.kit.builder import Builder

PAD = b" " * (LONG_FRAME_BYTES + 1)
BELL = json.loads(json_codec.encode(Builder(2).op("h", 0).op("cnot", 0, 1).measure_all().graph()))
TEXT = {"text": "OPENQASM 3.0;\nqubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;\n"}
WRONG = {**BELL, "program": {"nodes": [*BELL["program"]["nodes"], {"id": "z", "op": "no.such"}]}}


def call(method: str, id: Any = 1, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


def submit(id: Any = 1, **program: Any) -> dict[str, Any]:
    return call("q_submit", id, session_id="SESSION", shots=100, policy={"seed": 7}, **program)


FRAMES: dict[str, Any] = {
    "graph": submit(graph=BELL),
    "text": submit(program=TEXT),
    "base64": submit(program={"base64": "!", "format": "qasm3"}),
    "estimate": call("q_estimate", session_id="SESSION", graph=BELL, shots=5),
    "estimate of text": call("q_estimate", session_id="SESSION", program=TEXT, shots=5),
    "findings": submit(graph=WRONG),
    "unreadable graph": submit(graph={"program": 7}),
    "unreadable text": submit(program={"text": "OPENQASM 3.0;\nqubit q\n", "format": "qasm3"}),
    "both": submit(graph=BELL, program=TEXT),
    "unknown hash": submit(graph_sha256="0" * 64),
    "no program": submit(),
    "other session": call("q_submit", session_id="ses_none", graph=BELL),
    "unknown field": submit(graph=BELL, colour="red"),
    "unknown method": call("q_sumbit", graph=BELL),
    "resources": call("q_query_resources"),
    "positional": {"jsonrpc": "2.0", "id": 1, "method": "q_status", "params": [1]},
    "text id": submit("a\u00e9", graph=BELL),
    "bad id": {"jsonrpc": "2.0", "id": [1], "method": "q_query_resources"},
    "empty batch": [],
    "batch": [submit(1, graph=BELL), call("q_query_resources", 2), submit(3, program=TEXT), submit(4, graph=WRONG), 5],
    "twins": [submit(1, graph=BELL), submit(2, graph=BELL)],
}
BYTES = {
    "no json": b"{no",
    "no utf-8": b'{"jsonrpc":"2.0","id":"\xff"}',
    "twice": b'{"jsonrpc":"2.0","id":1,"method":"q_status","params":{"session_id":"a","session_id":"b"}}',
    "deep": b"[" * 5000,
}


@pytest.fixture
def talk(daemon: Any) -> Iterator[tuple[socket.socket, Any, str]]:
    with Client(daemon.socket) as client, socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(30)
        sock.connect(str(daemon.socket))
        yield sock, sock.makefile("rb"), client.session_id


def pad(data: bytes) -> bytes:
    """The same frame, too long to be read at once."""
    return data + PAD


def reply_of(talk: tuple[socket.socket, Any, str], data: bytes) -> Any:
    sock, file, session = talk
    sock.sendall(data.replace(b"SESSION", session.encode()) + b"\n")
    return without_names(json.loads(file.readline()))


def without_names(reply: Any) -> Any:
    """A reply without what differs from one call to the next; those of a batch in order of their ids."""
    if isinstance(reply, list):
        return sorted((without_names(each) for each in reply), key=lambda each: str(each["id"]))
    for name in ("job_id", "state", "trace_id", "estimated_start", "place_in_queue", "others_before", "warnings",
                 "queue", "capacity"):  # fmt: skip
        reply.get("result", {}).pop(name, None)
    reply.get("error", {}).get("data", {}).pop("trace", None)
    return reply


@pytest.mark.parametrize("name", [*FRAMES, *BYTES])
def test_a_long_frame_is_answered_like_a_short_one(talk: tuple[socket.socket, Any, str], name: str) -> None:
    data = BYTES[name] if name in BYTES else json.dumps(FRAMES[name]).encode()
    short = reply_of(talk, data)
    assert reply_of(talk, pad(data)) == short
    assert reply_of(talk, pad(data)) == short, "also when its program is known"


def test_long_and_short_frames_are_taken_in_order(talk: tuple[socket.socket, Any, str]) -> None:
    sock, file, _ = talk
    opened = json.dumps(call("q_query_resources", "short")).encode() + b"\n"
    long = pad(json.dumps(call("q_query_resources", "long")).encode()) + b"\n"
    sock.sendall(long + opened + long + opened)
    assert [json.loads(file.readline())["id"] for _ in range(4)] == ["long", "short"] * 2


def test_a_job_of_a_long_program_has_its_result(daemon: Any, tmp_path: Path) -> None:
    b = Builder(8)
    for number in range(2000):
        b.op("x", number % 8)
    with Client(daemon.socket) as client:
        job = client.submit(b.op("x", 0).measure_all().graph(), shots=50)
        client.wait(job.job_id)
        assert client.result(job.job_id).counts == {"10000000": 50}
