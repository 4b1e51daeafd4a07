"""``python -m benchmarks.doors [--seconds T] [--only NAME]``: how long others wait while one tenant misbehaves.

One tenant does the worst that it may, another asks q_status and submits a Bell pair now and then; told are the times of
the second one's calls, the processor time of the daemon, and its memory at the peak, at the end, and a minute later.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import multiprocessing
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import numpy as np

from benchmarks.daemon import daemon
from qmk.abi.rights import RIGHTS
from qmk.base.errors import QmkError
from qmk.client import Client, Operator
from qmk.formats import json_codec
from qmk.rpc import frame
from qmk.sdk.kit.builder import Builder

NODES = 999_000
CONNECTIONS = 100
FLOOD = 10_000
NUMBERS = itertools.count(1)


def long_program(nodes: int) -> bytes:
    """A program of so many nodes as QVM JSON."""
    b = Builder(20)
    for number in range(nodes):
        if number % 2:
            b.op("h", number % 20)
        else:
            b.op("cnot", number % 20, (number + 7) % 20)
    return json_codec.encode(b.measure_all().graph())


class Wire:
    """A connection without a client: what is sent is sent, and read only when asked for."""

    def __init__(self, path: str, token: str) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self._unread = bytearray()
        self.sock.sendall(frame.request(0, "q_negotiate_caps", {"requested": list(RIGHTS), "token": token}) + b"\n")
        reply = self.read()
        assert reply is not None
        self.session: str = reply["result"]["session_id"]

    def read(self) -> dict[str, Any] | None:
        while (end := self._unread.find(b"\n")) < 0:
            data = self.sock.recv(1 << 16)
            if not data:
                return None
            self._unread += data
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        return msgspec.json.decode(line)

    def send(self, method: str, **params: object) -> None:
        self.sock.sendall(frame.request(1, method, {"session_id": self.session, **params}) + b"\n")


def submit_long(path: str, token: str) -> None:
    text = msgspec.Raw(long_program(NODES))
    wire = Wire(path, token)
    while True:
        began = time.monotonic()
        wire.send("q_submit", graph=text, shots=1)
        reply = wire.read()
        print(f"         a program of {NODES} nodes: {time.monotonic() - began:.1f} s, {str(reply)[:200]}", flush=True)
        if reply is None:
            wire = Wire(path, token)


def submit_slow_text(path: str, token: str) -> None:
    """Programs that take seconds to read, on many connections."""
    text = "OPENQASM 3.0;\nqubit q;\n" + "for uint i in [0:100000] { for uint j in [0:10] { h q; } }\n"
    wires = [Wire(path, token) for _ in range(CONNECTIONS)]
    for wire in wires:
        wire.send("q_submit", program={"text": text, "format": "qasm3"}, shots=1)
    time.sleep(1e6)


def flood(path: str, token: str) -> None:
    """Jobs without an end."""
    text = msgspec.Raw(json_codec.encode(Builder(2).op("h", 0).op("cnot", 0, 1).measure_all().graph()))
    wire = Wire(path, token)
    while True:
        for _ in range(FLOOD // 100):
            wire.send("q_submit", graph=text, shots=1000)
        for _ in range(FLOOD // 100):
            wire.read()


def submit_short(path: str, token: str) -> None:
    """Programs that are just short enough to be read by the daemon, on many connections."""
    text = msgspec.Raw(long_program(600))
    wires = [Wire(path, token) for _ in range(CONNECTIONS)]
    while True:
        for wire in wires:
            wire.send("q_estimate", graph=text, shots=next(NUMBERS))
        for wire in wires:
            wire.read()


def never_read(path: str, token: str) -> None:
    """Large answers that nobody reads, on a dozen connections."""
    b = Builder(60)
    for qubit in range(60):
        b.op("h", qubit)
    with Client(path, token=token) as client:
        job = client.submit(b.measure_all().graph(), shots=200_000)
        client.wait(job.job_id)
    wires = [Wire(path, token) for _ in range(12)]
    for wire in wires:
        wire.sock.setblocking(False)
    while True:
        for at, wire in enumerate(wires):
            call = {"method": "q_result", "params": {"session_id": wire.session, "job_id": job.job_id}}
            calls = [{"jsonrpc": "2.0", "id": number, **call} for number in range(16)]
            try:
                wire.sock.send(msgspec.json.encode(calls) + b"\n")
            except BlockingIOError:
                pass
            except OSError:
                wires[at] = Wire(path, token)
                wires[at].sock.setblocking(False)
        time.sleep(0.01)


def do_nothing(path: str, token: str) -> None:
    """Somebody who does no harm."""


SCENES: dict[str, Callable[[str, str], None]] = {
    "nobody": do_nothing,
    "nodes": submit_long,
    "slow": submit_slow_text,
    "short": submit_short,
    "flood": flood,
    "unread": never_read,
}


def resident(pid: int, field: str = "VmRSS") -> float:
    """MiB of a process."""
    with open(f"/proc/{pid}/status") as status:
        line = next(line for line in status if line.startswith(field + ":"))
    return int(line.split()[1]) / 1024


@contextmanager
def beside(work: Callable[[str, str], None], path: str, token: str) -> Iterator[None]:
    """Does ``work`` in a process of its own, until the end of the context."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=(path, token), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def measure(name: str, seconds: float) -> None:
    with daemon("process") as path:
        operator = Operator(os.path.dirname(path))
        tokens: dict[str, str] = {}
        for tenant in ("bad", "good"):
            operator.call("op_tenant_add", tenant=tenant)
            tokens[tenant] = operator.call("op_token_issue", tenant=tenant).token
        pid = daemon_pid(path)
        asks: list[float] = []
        jobs: list[float] = []
        bell = Builder(2).op("h", 0).op("cnot", 0, 1).measure_all().graph()
        with Client(path, token=tokens["good"]) as client:
            first = client.submit(bell, shots=10).job_id
            client.wait(first)
            with beside(SCENES[name], path, tokens["bad"]):
                time.sleep(3)
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    began = time.monotonic()
                    client.status(first)
                    asks.append(time.monotonic() - began)
                    if len(asks) % 200 == 0:
                        began = time.monotonic()
                        with contextlib.suppress(QmkError):
                            client.wait(client.submit(bell, shots=10, seed=len(asks)).job_id)
                        jobs.append(time.monotonic() - began)
                    time.sleep(0.002)
                at_end = resident(pid)
            time.sleep(5)
            p50, p99, worst = (1000 * float(np.quantile(asks, q)) for q in (0.5, 0.99, 1.0))
            job = 1000 * float(np.quantile(jobs, 0.5)) if jobs else float("nan")
            print(
                f"{name:8} q_status p50 {p50:7.2f} ms, p99 {p99:8.2f}, worst {worst:8.1f} of {len(asks)}; job p50 "
                f"{job:7.1f} ms; daemon {at_end:6.0f} MiB, peak {resident(pid, 'VmHWM'):6.0f}, 5 s later "
                f"{resident(pid):6.0f}",
                flush=True,
            )


def daemon_pid(path: str) -> int:
    """The process at the other end of the socket."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        return int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], "little")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--only", choices=SCENES)
    options = parser.parse_args()
    for name in SCENES:
        if options.only in (None, name):
            measure(name, options.seconds)


if __name__ == "__main__":
    main()
