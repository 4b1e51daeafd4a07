"""The socket against whoever is at the other end: every input gets an answer or a closed connection, and nobody else
is kept waiting."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qmk.base.limits import LIMITS
from qmk.client import Client
from qmk.sdk.kit.builder import Builder

ONE = Builder(1).op("h", 0).measure_all()
WIDE = Builder(60)
for qubit in range(60):
    WIDE.op("h", qubit)
WIDE.measure_all()
QUERY = b'{"jsonrpc":"2.0","id":%d,"method":"q_query_resources","params":{}}\n'
FRAGMENTS = [
    b'{"jsonrpc":"2.0"',
    b'"id":1',
    b'"method":"q_submit"',
    b'"params":{"session_id":"x","graph":{}}',
    b'"params":{"session_id":"x","program":{"text":"OPENQASM 3;"}}',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\n",
    b"\r\n",
    b"\xff\xfe",
    b"\x00",
    b'"\\ud800"',
    b"1e999",
    b"-0",
    b"[" * 2000,
    b'{"a":' * 500,
]


def connect(daemon: Any, timeout_s: float = 30.0) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(timeout_s)
    sock.connect(str(daemon.socket))
    return sock


@contextlib.contextmanager
def talking(daemon: Any) -> Iterator[tuple[socket.socket, Any]]:
    with connect(daemon) as sock, sock.makefile("rb") as file:
        yield sock, file


def answers(daemon: Any) -> None:
    """The daemon lives and answers a newcomer."""
    with talking(daemon) as (sock, file):
        sock.sendall(QUERY % 77)
        assert json.loads(file.readline())["id"] == 77


def drain(sock: socket.socket) -> bytes:
    """Everything the daemon says until it closes."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while data := sock.recv(1 << 16):
            said += data
    return said


def converse(daemon: Any, data: bytes) -> list[Any]:
    """Send ``data`` and no more; all that comes back. A connection that hangs fails by its time limit."""
    with connect(daemon) as sock:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
        return [json.loads(line) for line in drain(sock).splitlines()]


def well_formed(reply: Any) -> bool:
    """One reply, or a batch of them, as JSON-RPC 2.0 has it."""
    if isinstance(reply, list):
        return bool(reply) and all(well_formed(one) for one in reply)
    return reply["jsonrpc"] == "2.0" and "id" in reply and (("result" in reply) != ("error" in reply))


fuzz = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fuzz
@given(st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(FRAGMENTS), max_size=12).map(b"".join)))
def test_any_bytes_are_answered_or_the_connection_closed(daemon: Any, data: bytes):
    for reply in converse(daemon, data):
        assert well_formed(reply)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@fuzz
@given(
    st.sampled_from(
        ["q_negotiate_caps", "q_submit", "q_wait", "q_result", "q_events", "q_estimate", "q_replay", "nonsense"]
    ),
    json_values,
    json_values,
)
def test_any_parameters_get_one_well_formed_answer(daemon: Any, method: str, params: Any, call_id: Any):
    frame = {"jsonrpc": "2.0", "id": call_id, "method": method, "params": params}
    (reply,) = converse(daemon, json.dumps(frame).encode() + b"\n")
    assert well_formed(reply)
    name = reply.get("error", {}).get("data", {}).get("name")
    assert name != "INTERNAL_ERROR", reply


@fuzz
@given(st.binary(min_size=1, max_size=60))
def test_a_damaged_call_is_an_error_not_a_silence(daemon: Any, damage: bytes):
    with Client(daemon.socket) as client:
        session = client.session_id.encode()
    call = b'{"jsonrpc":"2.0","id":5,"method":"q_status","params":{"session_id":"%b","job_id":"j"}}' % session
    at = len(damage) * 7 % len(call)
    frame = call[:at] + damage.replace(b"\n", b"") + call[at + len(damage) :]
    for reply in converse(daemon, frame + b"\n"):
        assert well_formed(reply)


def test_half_a_frame_then_the_end(daemon: Any):
    assert converse(daemon, (QUERY % 1)[:30]) == []
    answers(daemon)


def test_a_frame_in_single_bytes(daemon: Any):
    with talking(daemon) as (sock, file):
        for octet in QUERY % 3:
            sock.sendall(bytes([octet]))
        assert json.loads(file.readline())["id"] == 3


def test_invalid_utf8_is_named_as_such(daemon: Any):
    (reply,) = converse(daemon, b'{"jsonrpc":"2.0","id":1,"method":"\xff\xff","params":{}}\n')
    assert reply["error"]["code"] == -32700
    assert "UTF-8" in reply["error"]["message"]


def test_batches_and_notifications_as_the_specification_has_them(daemon: Any):
    notification = b'{"jsonrpc":"2.0","method":"q_query_resources","params":{}}'
    first, second = (QUERY % 1).strip(), (QUERY % 2).strip()
    data = b"[" + b",".join([first, notification, b"1", second]) + b"]\n" + b"[]\n" + b"[" + notification + b"]\n"
    batch, empty = converse(daemon, data)
    assert [reply["id"] for reply in batch] == [1, None, 2]
    assert batch[1]["error"]["code"] == -32600
    assert empty["error"]["code"] == -32600


def test_a_batch_over_the_limit_is_refused_as_one(daemon: Any):
    (reply,) = converse(daemon, b"[" + b",".join([b"1"] * (LIMITS.batch_calls + 1)) + b"]\n")
    assert str(LIMITS.batch_calls) in reply["error"]["message"]


def test_a_100_mib_frame_is_refused_while_others_are_served(daemon: Any):
    piece = b"x" * (1 << 20)
    with connect(daemon) as sock, Client(daemon.socket) as client:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for number in range(100):
                sock.sendall(piece)
                if number % 10 == 0:
                    client.query_resources()
            sock.sendall(b"\n")
        said = drain(sock)
    if said:  # the refusal may be lost with what we were still sending
        assert json.loads(said.splitlines()[0])["error"]["data"]["quota"] == "frame_bytes"
    answers(daemon)
    assert resident_bytes(daemon.pid) < 600 << 20


def resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def test_a_large_frame_below_the_limit_is_read_in_full(daemon: Any):
    text = json.dumps("y" * (20 << 20)).encode()
    (reply,) = converse(daemon, b'{"jsonrpc":"2.0","id":8,"method":"q_wait","params":{"session_id":' + text + b"}}\n")
    assert reply["id"] == 8
    assert reply["error"]["data"]["name"] == "INVALID_PARAMS"


def test_a_thousand_idle_connections_cost_the_others_nothing(daemon: Any):
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(connect(daemon)) for _ in range(1000)]
        answers(daemon)
        with Client(daemon.socket) as client:
            assert client.query_resources().engines
        idle[500].sendall(QUERY % 9)
        assert json.loads(idle[500].recv(1 << 16))["id"] == 9
    answers(daemon)


def test_over_the_limit_the_connection_that_was_idle_for_longest_makes_room(make_daemon: Callable[..., Any]):
    daemon = make_daemon(connections=5)
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connect(daemon)) for _ in range(5)]
        for sock in [*held, held[0]]:
            sock.sendall(QUERY % 1)
            assert sock.recv(1 << 16)
        answers(daemon)
        told = json.loads(drain(held[1]))["error"]
        assert told["data"]["name"] == "RESOURCE_EXHAUSTED"
        assert told["message"] == "the daemon serves at most 5 connections at once; this one was not used for longest"
        for sock in (held[0], *held[2:]):
            sock.sendall(QUERY % 2)
            assert json.loads(sock.recv(1 << 16))["id"] == 2


def test_when_all_connections_wait_for_answers_a_newcomer_is_told_so(make_daemon: Callable[..., Any], odd_engines: Any):
    daemon = make_daemon(connections=3, engines=odd_engines)
    with Client(daemon.socket) as client, contextlib.ExitStack() as stack:
        session = client.session_id
        job = client.submit(ONE.graph(), shots=1, engine="hang").job_id
        params = {"session_id": session, "job_id": job, "timeout_ms": 60_000}
        wait = {"jsonrpc": "2.0", "id": 1, "method": "q_wait", "params": params}
        for _ in range(3):  # the last takes the place of the client, which is idle
            sock = stack.enter_context(connect(daemon))
            sock.sendall(json.dumps(wait).encode() + b"\n" + QUERY % 2)
            assert sock.recv(1 << 16)
        refusal = json.loads(drain(stack.enter_context(connect(daemon))))
        assert refusal["error"]["message"] == "the daemon serves at most 3 connections at once; try again later"


def test_a_batch_of_large_answers_is_refused_beyond_the_limit_of_a_frame(daemon: Any):
    with Client(daemon.socket) as client:
        job = client.submit(WIDE.graph(), shots=100_000)
        client.wait(job.job_id)
        ask = {"method": "q_result", "params": {"session_id": client.session_id, "job_id": job.job_id}}
        calls = [{"jsonrpc": "2.0", "id": number, **ask} for number in range(20)]
        with talking(daemon) as (sock, file):
            sock.sendall(json.dumps(calls).encode() + b"\n")
            replies = json.loads(file.readline())
    sizes = [len(json.dumps(reply)) for reply in replies if "result" in reply]
    refused = [reply["error"] for reply in replies if "error" in reply]
    assert 1 < len(sizes) < 20
    assert len(sizes) + len(refused) == 20
    assert {error["data"]["help"] for error in refused} == {"send fewer calls in one batch"}


def test_a_frame_that_dribbles_is_cut_off_and_others_are_served(make_daemon: Callable[..., Any]):
    daemon = make_daemon(frame_s=1.0)
    with connect(daemon) as slow, connect(daemon) as patient:
        patient.sendall(QUERY % 1)
        assert patient.recv(1 << 16)
        slow.setblocking(False)
        said, ended, started = b"", False, time.monotonic()
        while not ended and time.monotonic() - started < 30:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                slow.send(b" ")
            answers(daemon)
            with contextlib.suppress(BlockingIOError, ConnectionResetError):
                data = slow.recv(1 << 16)
                said, ended = said + data, not data
        assert ended
        assert json.loads(said)["error"]["data"]["name"] == "TIMEOUT"
        patient.sendall(QUERY % 2)
        assert json.loads(patient.recv(1 << 16))["id"] == 2


def test_a_flood_of_calls_leaves_room_for_others(daemon: Any):
    with connect(daemon) as flood:
        flood.setblocking(False)
        data = b"".join(QUERY % number for number in range(1000))
        sent = 0
        with contextlib.suppress(BlockingIOError):
            for _ in range(1000):
                sent += flood.send(data)
        assert sent > 0
        answers(daemon)
    answers(daemon)


def test_sessions_do_not_reach_each_others_waits_and_guesses_find_nothing(daemon: Any):
    with Client(daemon.socket) as client:
        for guess in ("", "s", "session_aaaaaaaaaaaaaaaaaaaaaaaaaa", client.session_id[:-1] + "!"):
            call = {"jsonrpc": "2.0", "id": 1, "method": "q_status", "params": {"session_id": guess, "job_id": "j"}}
            (reply,) = converse(daemon, json.dumps(call).encode() + b"\n")
            assert reply["error"]["data"]["name"] in ("SESSION_NOT_FOUND", "INVALID_PARAMS")


def estimate(daemon: Any, text: str) -> Any:
    """The answer to a q_estimate of source text."""
    with Client(daemon.socket) as client:
        params = {"session_id": client.session_id, "program": {"text": text}}
    call = {"jsonrpc": "2.0", "id": 1, "method": "q_estimate", "params": params}
    (reply,) = converse(daemon, json.dumps(call).encode() + b"\n")
    return reply


def test_a_program_that_explodes_is_the_callers_error(daemon: Any):
    loops = "OPENQASM 3.0;\nqubit q;\nfor int a in [0:100000] { for int b in [0:100000] { x q; } }\n"
    assert estimate(daemon, loops)["error"]["data"]["blame"] == "caller"
    answers(daemon)


def test_a_program_that_takes_too_long_to_read_is_given_up(make_daemon: Callable[..., Any]):
    daemon = make_daemon(text={"seconds": 0.001, "memory_bytes": 2 << 30, "waiting": 4})
    for _ in range(2):
        error = estimate(daemon, "OPENQASM 3.0;\nqubit q;\n" + "x q;\n" * 20_000)["error"]
        assert error["data"]["quota"] == "translation_seconds"
    answers(daemon)


def test_programs_waiting_to_be_read_are_bounded(make_daemon: Callable[..., Any]):
    daemon = make_daemon(text={"seconds": 20, "memory_bytes": 2 << 30, "waiting": 2})
    with Client(daemon.socket) as client:
        session = client.session_id
    calls = [
        {
            "jsonrpc": "2.0",
            "id": number,
            "method": "q_estimate",
            "params": {"session_id": session, "program": {"text": "OPENQASM 3.0;\nqubit q;\n"}},
        }
        for number in range(8)
    ]
    names = [
        reply.get("error", {}).get("data", {}).get("name")
        for reply in converse(daemon, b"".join(json.dumps(call).encode() + b"\n" for call in calls))
    ]
    assert len(names) == 8
    assert names.count("RESOURCE_EXHAUSTED") >= 5


def test_the_daemon_has_not_grown_or_lost_itself(daemon: Any):
    """Last in this file: after all of the above it still stands, small, and has logged no defect."""
    answers(daemon)
    assert resident_bytes(daemon.pid) < 600 << 20
    log = daemon.log.read_text()
    assert "Traceback" not in log, log[-3000:]
    assert len(os.listdir(f"/proc/{daemon.pid}/fd")) < 100
