"""Which layer of a status over REST costs what: ``python -m benchmarks.remote_layers``.

Servers with one layer more each answer in turns, asked over one connection each by as little of a client as there can
be; whatever else the machine does disturbs all of them alike. Wall time is the median of a request; processor time is
of the processes.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

import qmk
from benchmarks.remote import Rest, bell, cpu_s
from qmk.abi.calls import q_status
from qmk.cli.gateway import free_place
from qmk.client import calls
from qmk.gateway.callers import Callers
from qmk.gateway.slow import TimelyProtocol

SERIES, IN_A_ROW = 60, 60
LAYERS = {
    "answer": "an ASGI application that answers at once (llhttp, uvloop)",
    "bounds": "and the gateway's bounds on HTTP",
    "exchange": "and one exchange with the daemon",
    "caller": "and the client of the daemon, with its retries",
}
STATUS_BYTES = 600
"""About as many as a status has."""


def serve(layer: str, port: int, path: str) -> None:
    """Serves one of the layers until the process is ended."""
    callers, numbers = Callers(path, needs_token=False), itertools.count(1 << 20)

    async def body(job: str) -> bytes:
        if layer in ("answer", "bounds"):
            return b"x" * STATUS_BYTES
        caller: Any = await callers.client_of("")
        if layer == "caller":
            return msgspec.json.encode(await caller.status(job))
        request = q_status.CALL.request(session_id=caller._session, job_id=job)
        number = next(numbers)
        (answer,) = await caller._link.exchange([number], calls.line_of([number], [(q_status.CALL, request)]))
        return bytes(answer.result)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        made = await body(scope["path"].rpartition("/")[2])
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(made))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": made})

    http = "httptools" if layer == "answer" else TimelyProtocol
    uvicorn.run(app, port=port, http=http, log_config=None, access_log=False, lifespan="off")


@dataclass
class Way:
    """``ask`` makes a request; ``pids`` are the server's, without the daemon's."""

    name: str
    ask: Callable[[], object]
    pids: list[int]
    seconds: list[float] = field(default_factory=list[float])
    cpu_s: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Processor time of server, daemon and client."""

    def take_turn(self, daemon: int) -> None:
        self.ask()
        before = cpu_s(self.pids), cpu_s([daemon]), time.process_time()
        for _ in range(IN_A_ROW):
            began = time.perf_counter()
            self.ask()
            self.seconds.append(time.perf_counter() - began)
        after = cpu_s(self.pids), cpu_s([daemon]), time.process_time()
        spent = (so_far + end - begin for so_far, end, begin in zip(self.cpu_s, after, before, strict=True))
        self.cpu_s = next(spent), next(spent), next(spent)


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", *arguments], stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def connect(port: int) -> Rest:
    for _ in range(600):
        try:
            return Rest(f"http://127.0.0.1:{port}")
        except OSError:
            time.sleep(0.05)
    raise ConnectionRefusedError(port)


def measure() -> list[Way]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        path = f"{folder}/s"
        os.environ.update(QMK_STATE_DIR=folder, QMK_SOCKET=path, QMK_CONFIG_DIR=folder)
        daemon = stack.enter_context(started("qmk", "serve", "--workers", "1"))
        while not Path(path).exists():
            time.sleep(0.05)
        client = qmk.Client(path, patience_s=30)
        job = client.submit(bell(), shots=1000).job_id
        client.wait(job)
        ways = [Way("the socket", lambda: client.status(job), [])]
        gateway = {"the gateway": ["qmk", "gateway", "--socket", path, "--data-dir", folder]}
        layers = {name: ["benchmarks.remote_layers", "--serve", name, "--socket", path] for name in LAYERS}
        for name, arguments in {**layers, **gateway}.items():
            port = free_place("127.0.0.1", 0)[1]
            server = stack.enter_context(started(*arguments, "--port", str(port)))
            rest = connect(port)
            ways.append(Way(name, lambda rest=rest: rest.get(f"/v1/jobs/{job}"), [server.pid]))
        for _ in range(SERIES):
            for way in ways:
                way.take_turn(daemon.pid)
        return ways


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the layers of a status over REST.")
    parser.add_argument("--serve", choices=LAYERS, help="be the server of a layer")
    parser.add_argument("--port", type=int)
    parser.add_argument("--socket", default="")
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.port, options.socket)
        return
    ways = measure()
    base = statistics.median(ways[0].seconds)
    print(f"{'layer':<62}{'us':>6}{'ratio':>7}{'server':>8}{'daemon':>8}{'client':>8}  CPU us")
    for way in ways:
        median = statistics.median(way.seconds)
        spent = "".join(f"{each / len(way.seconds) * 1e6:>8.0f}" for each in way.cpu_s)
        print(f"{LAYERS.get(way.name, way.name):<62}{median * 1e6:>6.0f}{median / base:>7.2f}{spent}")


if __name__ == "__main__":
    main()
