"""What the figures are held against: the least that the same machine needs for the same kind of work."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from benchmarks.measure import median, samples

ECHO_SERVER = """
import asyncio, sys, uvloop

async def answer(reader, writer):
    while line := await reader.readline():
        writer.write(line)

async def serve():
    server = await asyncio.start_unix_server(answer, sys.argv[1])
    await server.serve_forever()

uvloop.run(serve())
"""


def echo_round_trip_s(line: bytes, times: int) -> float:
    """Median round trip of ``line`` through a bare uvloop server that does nothing else."""
    with tempfile.TemporaryDirectory(prefix="qmk-echo-") as folder:
        path = os.path.join(folder, "s")
        server = subprocess.Popen([sys.executable, "-c", ECHO_SERVER, path])
        try:
            connection = _connect(path)
            reader = connection.makefile("rb")

            def exchange() -> None:
                connection.sendall(line)
                reader.readline()

            return median(samples(exchange, times, warm_up=100))
        finally:
            server.kill()
            server.wait()


def _connect(path: str) -> socket.socket:
    deadline = time.monotonic() + 30
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(path)
        except OSError:
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return connection


def stim_bell_s(shots: int, times: int) -> float:
    """Median time of stim alone, already compiled, for ``shots`` Bell pairs with their counts."""
    import numpy as np
    import stim

    sampler = stim.Circuit("H 0\nCX 0 1\nM 0 1").compile_sampler(seed=1)
    weights = np.array([1, 2])
    return median(samples(lambda: np.bincount(sampler.sample(shots) @ weights, minlength=4), times))


def json_loads_s(data: bytes, times: int) -> float:
    """Median time of Python's own JSON parser on ``data``."""
    import json

    return median(samples(lambda: json.loads(data), times))


def interpreter_start_s(times: int, run: Callable[..., Any] = subprocess.run) -> float:
    """Median time of starting Python with numpy and stim imported, the floor of any cold run on this engine."""
    return median(samples(lambda: run([sys.executable, "-c", "import numpy, stim"], check=True), times, warm_up=1))
