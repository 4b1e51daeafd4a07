"""``python -m benchmarks.observing``: what metrics and traces cost on the path of a job (``benchmarks.spine``).

Two daemons with gateways run at the same time, one as it is, watched and polled, the other with everything that counts
taken out of its processes. Bell jobs go to both in turn, by the socket and by REST. The figures are processor time of
the daemon, and of daemon and gateway, a job; the ratio is the median over rounds, with its quartiles.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx

from benchmarks.programs import BELL_QASM, bell
from benchmarks.remote import cpu_s
from benchmarks.spine import SHOTS, raw, run_job
from benchmarks.wire import Connection
from qmk.formats import json_codec

BAR = 1.05
START_S = 60
RUN = "import sys; from qmk.cli.main import main; sys.argv[0] = 'qmk'; main()"
WITHOUT = """
from qmk.host.metering import Metering
from qmk.rpc.metrics import Counters
Counters.add = Counters.observe = Counters.set = lambda self, *args, **more: None
Metering.on_written = Metering.follow_jobs = lambda self, *args: None
"""
WITHOUT_IN_GATEWAY = (
    WITHOUT
    + """
import asyncio
from qmk.gateway import callers
from qmk.gateway.observe.observer import Observer
from qmk.gateway.observe.watch import Watch
callers.note_call = lambda *args: None
Observer._poll = lambda self: asyncio.sleep(1e6)
Watch.__call__ = lambda self, scope, receive, send: self._app(scope, receive, send)
"""
)


class Server:
    """A daemon and its gateway: their process ids, the socket, and a client of the gateway."""

    def __init__(self, daemon: int, gateway: int, socket: str, url: str) -> None:
        self.daemon, self.gateway = daemon, gateway
        self.connection = Connection(socket)
        self.connection.negotiate()
        self.http = httpx.Client(base_url=url)


@contextmanager
def process(script: str, *arguments: str) -> Iterator[tuple[int, str]]:
    """A command of ours after a script: its process id, and the line in which it says that it listens."""
    command = [sys.executable, "-c", f"{script}\n{RUN}", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as started:
        assert started.stderr is not None
        try:
            line = started.stderr.readline()
            assert line.startswith("listening on "), line
            yield started.pid, line.split()[2].rstrip(",;")
        finally:
            started.send_signal(signal.SIGTERM)
            started.wait(START_S)


@contextmanager
def server(watched: bool) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="qmk-bench-") as folder, ExitStack() as stack:
        socket = os.path.join(folder, "s")
        places = ("--socket", socket, "--data-dir", folder)
        daemon, _ = stack.enter_context(process("" if watched else WITHOUT, "serve", *places, "--workers", "1"))
        script = "" if watched else WITHOUT_IN_GATEWAY
        gateway, url = stack.enter_context(process(script, "gateway", *places, "--port", "0", "--canary", "0"))
        yield Server(daemon, gateway, socket, url)


def by_socket(each: Server, jobs: int) -> None:
    graph = raw(json_codec.encode(bell()))
    for _ in range(jobs):
        run_job(each.connection, graph, SHOTS, keep_events=False)


def by_rest(each: Server, jobs: int) -> None:
    body = {"program": {"text": BELL_QASM}, "shots": SHOTS, "keep_events": False}
    for _ in range(jobs):
        job = each.http.post("/v1/jobs", json=body).json()["job_id"]
        state = each.http.get(f"/v1/jobs/{job}", params={"wait_s": 30}).json()["state"]
        assert state == "COMPLETED", state


def taken(work: Callable[[Server, int], None], each: Server, jobs: int) -> float:
    """Processor seconds a job of daemon and gateway."""
    pids = [each.daemon, each.gateway]
    begin = cpu_s(pids)
    work(each, jobs)
    return (cpu_s(pids) - begin) / jobs


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=50, help="jobs of a round, by the socket and by REST")
    given = parser.parse_args()
    with server(True) as watched, server(False) as plain:
        for name, work, jobs in (("socket", by_socket, given.jobs), ("REST", by_rest, given.jobs)):
            for each in (watched, plain):
                work(each, jobs)  # workers, caches
            rows = [(taken(work, watched, jobs), taken(work, plain, jobs)) for _ in range(given.rounds)]
            ratios = [w / p for w, p in rows]
            low, middle, high = statistics.quantiles(ratios, n=4)
            with_ms, without_ms = (1e3 * statistics.fmean(column) for column in zip(*rows, strict=True))
            verdict = "met" if middle <= BAR else "missed"
            print(
                f"{name}: {with_ms:.3f} ms a job watched, {without_ms:.3f} without; ratio {middle:.3f} "
                f"({low:.3f} to {high:.3f}), of the sums {with_ms / without_ms:.3f}; bar {BAR}: {verdict}",
                flush=True,  # who reads it through a pipe sees each line as it is known
            )


if __name__ == "__main__":
    main()
