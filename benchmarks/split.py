"""``python -m benchmarks.split [--rounds N] [--slots 1,2] [--ray] [--json FILE]``: one job that is divided over slots.

Two jobs: a sweep of 2,000 points, and 10^6 shots of which each is a run of its own (feed-forward). Each runs on a local
pool of each number of slots, in turns, or with ``--ray`` on a Ray of this machine. Printed are the wall time, the
processor time of the daemon and all that it started, what a block takes of it beside its run, the efficiency (time on
one slot over n times that on n slots), and whether the bits are those of this process. Two more rows are 1,000 points
through ``Client.run_many``: as one job, and with a job a point.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import qmk
from benchmarks.results import write
from qmk import __version__
from qmk.base.errors import QmkError
from qmk.client import Client
from qmk.qvm.outputs import Outputs
from qmk.request.sweeps import points_of, sweep_of

HEAD = 'OPENQASM 3.0; include "stdgates.inc"; '
TURN = (
    f"{HEAD} input float a; input float b; qubit[10] q; for int i in [0:9] {{ ry(a) q[i]; }} "
    "for int i in [0:8] { cx q[i], q[i+1]; } rx(b) q[0]; bit[10] c = measure q;"
)
SWEPT = (
    f"{HEAD} input float a; input float b; qubit[6] q; bit c; for int i in [0:3] {{ ry(a) q[0]; cx q[0], q[1]; "
    "rx(b) q[2]; cx q[2], q[3]; ry(0.9) q[4]; cx q[4], q[5]; c = measure q[1]; if (c) { rx(0.4) q[0]; ry(0.2) q[3]; } "
    "reset q[1]; } bit[6] d = measure q;"
)
POINTS, POINT_SHOTS = 2000, 200
READ = "".join(f"c[{q}] = measure q[{q}]; if (c[{q}]) {{ rx({0.3 + q / 9}) q[{(q + 1) % 6}]; }}" for q in range(6))
TURNS = "".join(f"ry({0.4 + q / 7}) q[{q}]; cx q[{q}], q[{(q + 1) % 6}];" for q in range(6))
DYNAMIC = f"{HEAD} qubit[6] q; bit[6] c; for int i in [0:5] {{ {TURNS} {READ} }} bit[6] d = measure q;"
SHOTS, BLOCKS = 1_000_000, 16
SMALL = 1000


def points(count: int) -> dict[str, list[float]]:
    """Values of the parameters of ``TURN``."""
    return {"a": [0.001 * k for k in range(count)], "b": [1.0 - 0.0007 * k for k in range(count)]}


@contextmanager
def daemon(slots: int, more: list[str]) -> Iterator[tuple[Client, int]]:
    """A client of a daemon of its own, and the daemon's process."""
    with tempfile.TemporaryDirectory(prefix="qmk-split-") as folder:
        socket = Path(folder) / "socket"
        command = [sys.executable, "-m", "qmk", "serve", "--socket", str(socket), "--data-dir", f"{folder}/data"]
        child = subprocess.Popen(
            [*command, "--workers", str(slots), *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            with Client(socket, patience_s=60.0) as client:
                client.run(TURN, params={"a": 0.1, "b": 0.2}, shots=10)
                yield client, child.pid
        finally:
            child.terminate()
            child.wait()


def processor_s(root: int) -> float:
    """Processor seconds of a process and of all that it started, those that have ended and were waited for included."""
    rows: dict[int, tuple[int, float]] = {}
    ticks = os.sysconf("SC_CLK_TCK")
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            rows[int(entry.name)] = (int(fields[1]), sum(map(int, fields[11:15])) / ticks)
    mine, grown = {root}, True
    while grown:
        more = {pid for pid, (above, _) in rows.items() if above in mine} - mine
        mine, grown = mine | more, bool(more)
    return sum(rows[pid][1] for pid in mine if pid in rows)


def run_sweep(client: Client) -> Any:
    """The sweep."""
    graph, sweep = sweep_of(SWEPT, points_of(points(POINTS)))
    return client.run(graph, outputs=Outputs(sweep=sweep), shots=POINT_SHOTS, seed=1, cache=False)


def run_shots(client: Client) -> Any:
    """The shots."""
    return client.run(DYNAMIC, shots=SHOTS, seed=2, split=BLOCKS, keep_events=False, cache=False)


def run_batch(client: Client) -> Any:
    """The small batch, by one job."""
    return client.run_many(TURN, points(SMALL), shots=100, seed=3, cache=False)


def run_apart(client: Client) -> Any:
    """The small batch, by a job a point, as it was before points were one job."""
    table = points(SMALL)
    texts = [TURN.replace("input float a", f"float a = {a!r}").replace("input float b", f"float b = {b!r}")
             for a, b in zip(table["a"], table["b"], strict=True)]  # fmt: skip
    return client.run_many(texts, shots=100, seed=3, cache=False)


def here(name: str) -> Any:
    """The sweep, or the shots, in this process."""
    if name == "shots":
        return qmk.run(DYNAMIC, shots=SHOTS, seed=2, split=BLOCKS, keep_events=False)
    graph, sweep = sweep_of(SWEPT, points_of(points(POINTS)))
    return qmk.run(graph, outputs=Outputs(sweep=sweep), shots=POINT_SHOTS, seed=1)


RUNS = {"sweep": run_sweep, "shots": run_shots, "batch": run_batch, "apart": run_apart}


def bits_of(found: Any) -> Any:
    """What has to be the same everywhere."""
    return found.counts if found.values is None else found.values.points


def measure(name: str, slots: int, more: list[str], known: dict[str, Any]) -> dict[str, Any]:
    """One run on a daemon of its own, and whether its bits are those that are ``known``."""
    with daemon(slots, more) as (client, pid):
        cpu, began = processor_s(pid), time.perf_counter()
        found = RUNS[name](client)
        wall_s, cpu_s = time.perf_counter() - began, processor_s(pid) - cpu
        same, note = True, {}
        if name in ("sweep", "shots"):
            same = known[name] == bits_of(found)
            note = found.provenance.notes.get("blocks", {})
        return {"name": name, "slots": slots, "wall_s": wall_s, "cpu_s": cpu_s, "same": same, **note}


def show(rows: list[dict[str, Any]], slots: list[int]) -> list[dict[str, Any]]:
    """Medians by job and slots, printed."""
    made: list[dict[str, Any]] = []
    for name in RUNS:
        base: dict[str, Any] = {}
        for count in slots:
            own = [row for row in rows if (row["name"], row["slots"]) == (name, count)]
            if not own:
                continue
            row: dict[str, Any] = {"name": name, "slots": count, "same": all(each["same"] for each in own)}
            row |= {key: statistics.median(each[key] for each in own) for key in ("wall_s", "cpu_s")}
            row["blocks"] = own[0].get("count", 0)
            base = base or row
            row["efficiency"] = base["wall_s"] / row["wall_s"] * base["slots"] / count
            text = f"{name:6} {count} slots: {row['wall_s']:7.2f} s, processor {row['cpu_s']:7.2f} s"
            if row["blocks"]:
                row["block_ms"] = 1e3 * (row["cpu_s"] - base["cpu_s"]) / row["blocks"]
                text += f", {row['blocks']} blocks, {row['block_ms']:.1f} ms of processor time more a block"
            print(f"{text}, efficiency {row['efficiency']:.2f}, same bits: {row['same']}")
            made.append(row)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description="One job that is divided over slots.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slots", default="1,2")
    parser.add_argument("--only", default="", help="names of jobs: " + ", ".join(RUNS))
    parser.add_argument("--ray", action="store_true", help="slots on a Ray of this machine instead of the local pool")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    slots = [int(each) for each in options.slots.split(",")]
    names = [name for name in RUNS if not options.only or name in options.only.split(",")]
    more = ["--cluster", "ray"] if options.ray else []
    rows: list[dict[str, Any]] = []
    known = {name: bits_of(here(name)) for name in ("sweep", "shots") if name in names}
    for _ in range(options.rounds):
        for name in names:
            for count in slots if name in ("sweep", "shots") else slots[-1:]:
                try:
                    rows.append(measure(name, count, more, known))
                except QmkError as error:
                    raise SystemExit(f"{name} on {count} slots: {error}") from error
    made = show(rows, slots)
    if options.json is not None:
        write(options.json, made, {"qmk": __version__}, load=os.getloadavg()[0], ray=options.ray)


if __name__ == "__main__":
    main()
