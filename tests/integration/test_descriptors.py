"""With few descriptors the daemon turns connections away, and whoever is in finds workers, translator and audit log."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

from qmk.client import Client
from qmk.rpc import frame

TEXT = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit q;\nbit c;\nx q;\nc = measure q;\n'


def flood(path: Any, count: int) -> list[socket.socket]:
    """Connections that say nothing."""
    made: list[socket.socket] = []
    for _ in range(count):
        made.append(socket.socket(socket.AF_UNIX))
        made[-1].connect(str(path))
    return made


def refused(connection: socket.socket) -> bool:
    """Whether it was turned away, with a reason."""
    connection.setblocking(False)
    try:
        return b"connections at once" in connection.recv(4096)
    except BlockingIOError:
        return False


def test_connections_never_take_the_descriptors_of_work(
    make_daemon: Callable[..., Any], odd_engines: Any, eventually: Callable[[Callable[[], bool], str], None]
) -> None:
    daemon = make_daemon(open_files=256, engines=odd_engines, workers=2)
    with Client(daemon.socket) as client, socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(daemon.socket))
        answers = connection.makefile("rb")

        def inside(name: str, **params: Any) -> Any:
            """A call of one who is in, and sends a text."""
            connection.sendall(frame.request(1, name, params) + b"\n")
            answer = json.loads(answers.readline())
            assert "result" in answer, answer
            return answer["result"]

        assert client.query_resources().capacity["workers"] == 2
        session = inside("q_negotiate_caps")["session_id"]
        for _ in range(2):  # from its first call in a session, a connection is the tenant's
            inside("q_jobs", session_id=session)
            client.jobs()
        idle = flood(daemon.socket, 300)
        eventually(lambda: sum(map(refused, idle)) > 0 or refused(idle[-1]), "the refusal of a connection")
        for engine, bits in (("zeros", "0"), ("stabilizer", "1"), ("reference", "1"), ("native", "1")):
            wish = {"program": {"text": TEXT}, "shots": 10, "policy": {"engine": engine}}
            job = inside("q_submit", session_id=session, **wish)["job_id"]
            done = inside("q_wait", session_id=session, job_id=job)
            assert done["state"] == "COMPLETED", done["error"]
            assert done["result"]["counts"] == {bits: 10}
        assert client.query_resources().capacity["workers"] == 2
        for each in idle:
            each.close()
    assert daemon.stop() == 0
    log = daemon.log.read_text()
    assert "open files allow" in log
    assert "Too many open files" not in log
    assert (daemon.folder / "state" / "audit.head").stat().st_size, "the end of the audit log is sealed"
