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
from qmk.client.http import HttpLink, Response
from qmk.client.http_threads import ThreadedHttpLink
from qmk.gateway.grpc.files import class_of

CALLS = 400
JOBS = 256
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pids: list[int]) -> float:
    """Processor time of processes so far."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in pids]
    return sum(int(each[11]) + int(each[12]) for each in fields) / TICKS


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def bell() -> qmk.Circuit:
    return qmk.Circuit(2).h(0).cx(0, 1).measure_all()


def measure(call: Callable[[], object]) -> float:
    """The median latency of a call in us."""
    for _ in range(20):
        call()
    found: list[float] = []
    for _ in range(CALLS):
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return statistics.median(found) * 1e6


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
            before, own = cpu_s(pids), time.process_time()
            median = measure(ask)
            own = (time.process_time() - own) / (CALLS + 20) * 1e6
            spent = (cpu_s(pids) - before) / (CALLS + 20) * 1e6 + own
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
        self._host = host

    def get(self, path: str) -> bytes:
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())
        response = Response(self._socket)
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
    heads = f"{'socket us':>10}{'http us':>10}{'ratio':>7}{'REST us':>10}{'ratio':>7}"
    print(f"{'call':<22}{heads}  CPU us: socket, http, REST")
    for name, plan in plans.items():
        ways = [lambda client=client, plan=plan: plan(client) for client in clients.values()]
        ways += [lambda path=paths[name]: rest.get(path)] if name in paths else []
        row: list[float] = []
        spent: list[float] = []
        for way in ways:
            before = cpu_s(pids) + time.process_time()
            row.append(measure(way))
            spent.append((cpu_s(pids) + time.process_time() - before) / (CALLS + 20) * 1e6)
        ratios = [f"{each:>10.0f}{each / row[0]:>7.1f}" for each in row[1:]]
        print(f"{name:<22}{row[0]:>10.0f}{''.join(ratios):<36}" + ", ".join(f"{each:.0f}" for each in spent))
    asyncio.run(compare_clients(url))
    for name, place in (("socket", path), ("http", url)):
        status_s, ended_s = asyncio.run(measure_many(place))
        print(
            f"asyncio, {name}: {JOBS} status calls at once {status_s * 1e3:.0f} ms; {JOBS} jobs {ended_s * 1e3:.0f} ms"
        )


if __name__ == "__main__":
    main()
