"""``python -m benchmarks.spine``: the path of a job, timed over the socket on one machine.

Runs once for each durability of the journal: ``power`` (a submit survives a power failure) and
``process`` (any end of the daemon). Every job has a seed of its own and asks for no result of an earlier job, and every
answer is checked for engine time: a result cache cannot be what is timed.
``--json FILE`` also writes the figures. Times on a busy machine are the busy machine's: look at the peers.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import peers
from benchmarks.daemon import daemon, database_url
from benchmarks.measure import Row, as_dicts, median, percentile, samples, show
from benchmarks.programs import BELL_QASM, bell, chain
from benchmarks.wire import Connection
from qmk.formats import json_codec
from qmk.qvm.verify import verify

SHOTS = 1000
CLIENTS = 8
JOBS_PER_CLIENT = 100
_SEEDS = count(1)


class Cached(Exception):
    """A job took no engine time: what was timed is a cache."""


def run_job(connection: Connection, graph: msgspec.Raw, shots: int, keep_events: bool = True) -> float:
    """Submit one job, wait for it, and give the seconds of the submit. Raises ``Cached`` where no engine ran."""
    policy = {"seed": next(_SEEDS), "cache": False}
    begin = time.perf_counter()
    job = connection.call("q_submit", graph=graph, shots=shots, policy=policy, keep_events=keep_events)
    taken = time.perf_counter() - begin
    result: dict[str, Any] = connection.call("q_wait", job_id=job["job_id"])["result"]
    if result["usage"]["engine_seconds"] <= 0 or result["provenance"]["cached_from"]:
        raise Cached(f"{job['job_id']} took no engine time")
    return taken


def raw(graph_bytes: bytes) -> msgspec.Raw:
    """A graph that is already JSON, so that encoding it is not timed."""
    return msgspec.Raw(graph_bytes.replace(b"\n", b" "))


def calls(path: str) -> list[Row]:
    """A call that only asks, and opening a session."""
    with Connection(path) as connection:
        connection.negotiate()
        frame = connection.frame("q_query_resources", {})
        taken = samples(lambda: connection.exchange(frame), 3000, warm_up=200)
        telemetry = connection.frame("q_get_telemetry", {"session_id": connection.session})
        asked = samples(lambda: connection.exchange(telemetry), 3000, warm_up=200)
        echo = peers.echo_round_trip_s(telemetry, 3000)
        create = connection.frame("q_negotiate_caps", {})
        opened = samples(lambda: connection.exchange(create), 500, warm_up=20)
    return [
        Row("call round trip p50 (q_get_telemetry)", median(asked), 1e-4, "echo", echo),
        Row("call round trip p99 (q_get_telemetry)", percentile(asked, 0.99), 1e-3),
        Row("call round trip p50 (q_query_resources)", median(taken), None, "echo", echo),
        Row("session create p50", median(opened), 2e-4, "echo", echo),
    ]


def submits(path: str) -> list[Row]:
    """Handing in programs of ten and ten thousand nodes; each is then cancelled or done, so the queue stays short."""
    rows: list[Row] = []
    with Connection(path) as connection:
        connection.negotiate()
        for n_nodes, n_qubits, times, target in ((10, 3, 300, 3e-4), (10_000, 16, 15, 3e-2)):
            data = json_codec.encode(chain(n_nodes, n_qubits))
            taken = [run_job(connection, raw(data), shots=1) for _ in range(times + 3)]
            middle = median(sorted(taken[3:]))
            rows.append(
                Row(f"submit of {n_nodes:,} nodes p50", middle, target, "json.loads", peers.json_loads_s(data, 20))
            )
    return rows


def bell_job(path: str) -> list[Row]:
    """Submit and wait of a Bell job on a warm engine, alone and from several clients at once."""
    data = json_codec.encode(bell())

    def one(connection: Connection) -> None:
        run_job(connection, raw(data), SHOTS, keep_events=False)

    with Connection(path) as connection:
        connection.negotiate()
        taken = samples(lambda: one(connection), 500, warm_up=50)
    stim_s = peers.stim_bell_s(SHOTS, 300)

    def client() -> None:
        with Connection(path) as mine:
            mine.negotiate()
            for _ in range(JOBS_PER_CLIENT):
                one(mine)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - begin
    rate = CLIENTS * JOBS_PER_CLIENT / elapsed
    return [
        Row(f"Bell submit+wait p50 ({SHOTS:,} shots, warm)", median(taken), 1e-3, "stim alone", stim_s),
        Row("Bell submit+wait p99", percentile(taken, 0.99), 5e-3),
        Row(f"jobs from {CLIENTS} clients", 1 / rate, 1 / 1500, text=f"{rate:,.0f} jobs/s"),
    ]


def verification() -> list[Row]:
    """The verifier alone, on graphs in memory: time and growth."""
    rows: list[Row] = []
    before = 0.0
    for n_nodes, times, target in ((1_000, 30, None), (10_000, 10, None), (100_000, 3, 0.5)):
        graph = chain(n_nodes)
        data = json_codec.encode(graph)
        seconds = samples(lambda graph=graph: verify(graph), times, warm_up=1)[0]
        growth = f", {seconds / before:.1f} x the time for 10 x the nodes" if before else ""
        peer = peers.json_loads_s(data, 3)
        rows.append(Row(f"verify {n_nodes:,} nodes{growth}", seconds, target, "json.loads", peer))
        before = seconds
    return rows


def cold_start() -> list[Row]:
    """``qmk run bell.qasm`` from nothing to printed counts. Bytecode is kept, as in any installation."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory(prefix="qmk-cold-") as folder:
        program = Path(folder, "bell.qasm")
        program.write_text(BELL_QASM)
        command = [sys.executable, "-m", "qmk", "run", str(program), "--json"]
        taken = samples(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=kept), 7, warm_up=2)
    floor = peers.interpreter_start_s(5)
    return [Row("qmk run bell.qasm, cold", median(taken), 0.35, "python + numpy + stim", floor)]


def main() -> int:
    parser = argparse.ArgumentParser(description="Time the path of a job over the socket.")
    parser.add_argument("--json", metavar="FILE", help="also write the figures to FILE")
    parser.add_argument(
        "--database", default="sqlite", help="sqlite, postgresql (a server of its own), or a postgresql:// URL"
    )
    options = parser.parse_args()
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores")
    figures: dict[str, list[Row]] = {}
    for durability in ("power", "process"):
        with database_url(options.database, fast=False) as url, daemon(durability, database=url) as path:
            rows = [*calls(path), *submits(path), *bell_job(path)]
        figures[f"over the socket, durability {durability}"] = rows
        show(f"over the socket, durability {durability}", rows)
    figures["verifier"] = verification()
    show("verifier, in process", figures["verifier"])
    figures["cold start"] = cold_start()
    show("cold start", figures["cold start"])
    if options.json:
        text = json.dumps({title: as_dicts(rows) for title, rows in figures.items()}, indent=2)
        Path(options.json).write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
