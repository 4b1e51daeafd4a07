"""What the way over HTTP costs: latencies and processor time of calls by a socket and by a gateway on loopback.

``python -m benchmarks.remote`` starts a daemon with a gateway beside it, and makes the same calls over both, one after
another; then REST, GraphQL and gRPC beside each other. Times are medians of the wall clock; the processor time of
daemon and gateway is that of their processes.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import httpx

import qmk
from qmk.client.address import read_server
from qmk.client.http import HttpLink, Response, reader_of
from qmk.client.http_threads import ThreadedHttpLink
from qmk.gateway.grpc.files import class_of

CALLS, IN_A_ROW = 400, 20
JOBS = 256


def cpu_s(pids: list[int]) -> float:
    """Processor time of processes so far. A process has a clock of its own, which counts nanoseconds (``man 3
    clock_getcpuclockid``); /proc counts hundredths of a second."""
    return sum(time.clock_gettime(~pid << 3 | 2) for pid in pids)


def children(pid: int) -> list[int]:
    """The processes that a process has started, each by some thread of it."""
    lists = [each.read_text().split() for each in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for found in lists for child in found]


def bell() -> qmk.Circuit:
    return qmk.Circuit(2).h(0).cx(0, 1).measure_all()


def measure(*ways: Callable[[], object]) -> list[tuple[float, float]]:
    """The median and the least latency of calls in us. A few of each are made in turn, so that whatever else the
    machine does disturbs all of them."""
    found: list[list[float]] = [[] for _ in ways]
    for _ in range(CALLS // IN_A_ROW):
        for row, way in zip(found, ways, strict=True):
            way()
            for _ in range(IN_A_ROW):
                began = time.perf_counter()
                way()
                row.append(time.perf_counter() - began)
    return [(statistics.median(row) * 1e6, min(row) * 1e6) for row in found]


def spend(pids: list[int], way: Callable[[], object]) -> float:
    """Processor time of these processes and of this one for a call, in us."""
    before = cpu_s(pids) + time.process_time()
    for _ in range(CALLS):
        way()
    return (cpu_s(pids) + time.process_time() - before) / CALLS * 1e6


async def measure_many(place: str) -> tuple[float, float]:
    """Seconds for 256 status calls at the same time, and until 256 jobs are known to have ended."""
    async with qmk.AsyncClient(place) as client:
        jobs = await client.submit_many([bell()] * JOBS, shots=10, cache=False)
        began = time.perf_counter()
        _ = [job async for job in client.as_completed(jobs)]
        ended = time.perf_counter()
        await asyncio.gather(*(client.status(job.job_id) for job in jobs))
        return time.perf_counter() - ended, ended - began


async def spent_us(ask: Callable[[], Awaitable[object]]) -> float:
    """Processor time of this process for one request: the least of three series."""
    found: list[float] = []
    for _ in range(3):
        began = time.process_time()
        for _ in range(CALLS // 2):
            await ask()
        found.append((time.process_time() - began) / (CALLS // 2) * 1e6)
    return min(found)


async def compare_clients(url: str) -> None:
    """The client's part of one request: our links beside httpx, which keep their connections as well."""
    line = b'{"jsonrpc":"2.0","id":1,"method":"q_query_resources","params":{}}'
    given: dict[str, Any] = {"content": line, "headers": {"content-type": "application/json"}}
    blocking, threads = HttpLink(read_server(url), ""), ThreadedHttpLink(read_server(url), "")
    await blocking.open("")
    await threads.open("")
    with httpx.Client() as near:
        async with httpx.AsyncClient() as far:

            async def post() -> object:
                return near.post(f"{url}/rpc", **given)

            for name, ask in (
                ("HttpLink", lambda: blocking.exchange([1], line)),
                ("ThreadedHttpLink", lambda: threads.exchange([1], line)),
                ("httpx.Client", post),
                ("httpx.AsyncClient", lambda: far.post(f"{url}/rpc", **given)),
            ):
                print(f"{name}: {await spent_us(ask):.0f} us of processor time a request")
    blocking.close()
    threads.close()


def compare_protocols(daemon: int, url: str, address: str) -> None:
    """A job's state and a submission by the three protocols that others speak, each with one connection."""
    text = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; h q[0]; cx q[0], q[1]; bit[2] c = measure q;'
    job = qmk.Client(url).submit(bell(), shots=10).job_id
    qmk.Client(url).wait(job)
    near = httpx.Client(base_url=url)
    channel = grpc.insecure_channel(address)
    state = "query($j: String!) { jobs_get(job_id: $j) { state } }"
    submit = "mutation($p: ProgramInput!, $s: Int64) { jobs_submit(program: $p, shots: $s) { job_id } }"

    def post(path: str, **body: Any) -> object:
        return near.post(path, json=body).raise_for_status().content

    def call(method: str, message: Any) -> object:
        ask: Any = channel.unary_unary(f"/qmk.v1.JobsService/{method}")
        return ask(message.SerializeToString())

    asked = class_of("SubmitJob")(program={"text": text}, shots=10)
    program = {"text": text}
    plans: dict[str, dict[str, Callable[[], object]]] = {
        "state of a job": {
            "REST": lambda: near.get(f"/v1/jobs/{job}").raise_for_status().content,
            "GraphQL": lambda: post("/graphql", query=state, variables={"j": job}),
            "gRPC": lambda: call("Get", class_of("GetJob")(job_id=job)),
        },
        "submission of 10 shots": {
            "REST": lambda: post("/v1/jobs", program=program, shots=10),
            "GraphQL": lambda: post("/graphql", query=submit, variables={"p": program, "s": 10}),
            "gRPC": lambda: call("Submit", asked),
        },
    }
    pids = [daemon, *children(daemon)]
    print(f"{'call':<24}{'protocol':<10}{'median us':>10}{'CPU us':>8}{'of it client':>14}")
    for name, ways in plans.items():
        for protocol, ask in ways.items():
            ((median, _),) = measure(ask)
            own = time.process_time()
            spent = spend(pids, ask)
            own = (time.process_time() - own) / CALLS * 1e6
            print(f"{name:<24}{protocol:<10}{median:>10.0f}{spent:>8.0f}{own:>14.0f}")


def main() -> None:
    folder = tempfile.mkdtemp()
    os.environ.update(QMK_STATE_DIR=folder, QMK_SOCKET=f"{folder}/s", QMK_CONFIG_DIR=folder)
    daemon = subprocess.Popen(
        [sys.executable, "-m", "qmk", "serve", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert daemon.stderr is not None
        daemon.stderr.readline()
        url = daemon.stderr.readline().removeprefix("listening on ").partition(";")[0]
        address = daemon.stderr.readline().removeprefix("gRPC on ").strip()
        compare(daemon.pid, f"{folder}/s", url)
        compare_protocols(daemon.pid, url, address)
    finally:
        daemon.terminate()
        daemon.wait()


class Rest:
    """Requests of the REST API over one connection, with as little of a client as there can be."""

    def __init__(self, url: str) -> None:
        host, _, port = url.rpartition("://")[2].rpartition(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader, self._host = reader_of(self._socket), host

    def get(self, path: str) -> bytes:
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())
        response = Response(self._reader)
        response.begin()
        assert response.status == 200, response.status
        return response.read()


def compare(daemon: int, path: str, url: str) -> None:
    clients, rest = {"socket": qmk.Client(path), "http": qmk.Client(url)}, Rest(url)
    job = clients["http"].submit(bell(), shots=1000, keep_events=True).job_id
    clients["http"].wait(job)
    pids = [daemon, *children(daemon)]
    paths = {"status": f"/v1/jobs/{job}", "result, 1000 shots": f"/v1/jobs/{job}/result"}
    plans: dict[str, Callable[[qmk.Client], object]] = {
        "status": lambda client: client.status(job),
        "result, 1000 shots": lambda client: client.result(job),
        "partial": lambda client: client.partial(job),
        "run, 100 shots": lambda client: client.run(bell(), shots=100, cache=False),
    }
    print(f"{'call':<22}{'socket us':>10}{'http us':>10}{'ratio':>7}{'REST us':>10}{'ratio':>7}  least; CPU us")
    for name, plan in plans.items():
        ways = [lambda client=client, plan=plan: plan(client) for client in clients.values()]
        ways += [lambda path=paths[name]: rest.get(path)] if name in paths else []
        found = measure(*ways)
        spent = ", ".join(f"{spend(pids, way):.0f}" for way in ways)
        (first, least), *others = found
        ratios = "".join(f"{median:>10.0f}{median / first:>7.2f}" for median, _ in others)
        leasts = " ".join([f"{least:.0f}", *(f"{each:.0f} ({each / least:.2f})" for _, each in others)])
        print(f"{name:<22}{first:>10.0f}{ratios:<36}{leasts}; {spent}", flush=True)
    asyncio.run(compare_clients(url))
    for name, place in (("socket", path), ("http", url)):
        status_s, ended_s = asyncio.run(measure_many(place))
        print(
            f"asyncio, {name}: {JOBS} status calls at once {status_s * 1e3:.0f} ms; {JOBS} jobs {ended_s * 1e3:.0f} ms"
        )


if __name__ == "__main__":
    main()
