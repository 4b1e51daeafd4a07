"""``python -m benchmarks.road DIR``: what the same run costs on every road, for each circuit of a folder.

Wall time, warm, the least of several runs of 1,000 shots, events kept: ``qmk.sample``, ``qmk.run``, submit and wait at
a daemon (durability ``process``, no result of an earlier job), and with ``--aer`` Aer's own ``run`` on the same text.
Every seed is new, every answer is checked for engine time, and counts of the roads are compared: they must be the same
bits.

The bars hold for circuits that ``qmk.sample`` does in under 50 ms: ``qmk.run`` within 1 ms of it and at most 4 times as
long in the geometric mean, the daemon within 2 ms, and ``qmk.run`` no slower than Aer.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import qmk
from benchmarks.daemon import daemon
from qmk.client import Client

SHOTS = 1000
REPEATS = 7
SHORT_S = 0.05
RUN_SLACK_S, DAEMON_SLACK_S, RUN_RATIO = 1e-3, 2e-3, 4.0
LONGEST_S = 2.0
"""A circuit that takes longer than this is run once on each road."""


@dataclass
class Row:
    """Seconds on each road; None where the circuit was not taken there. ``same``: all gave the same bits."""

    name: str
    sample_s: float
    run_s: float
    daemon_s: float | None
    aer_s: float | None
    same: bool


def least(work: Callable[[int], Any]) -> float:
    """The least seconds of some runs, each with a seed of its own, after one that is not counted."""
    best = math.inf
    for seed in range(REPEATS + 1):
        began = time.perf_counter()
        work(1000 + seed)
        taken = time.perf_counter() - began
        if seed or taken > LONGEST_S:
            best = min(best, taken)
        if taken > LONGEST_S:
            break
    return best


def measure(name: str, text: str, client: Client | None, aer: Callable[[str], Callable[[int], Any]] | None) -> Row:
    def on_daemon(seed: int) -> Any:
        assert client is not None
        result = client.run(text, shots=SHOTS, seed=seed, cache=False)
        assert result.usage["engine_seconds"] > 0, "no engine ran"
        return result

    sample_s = least(lambda seed: qmk.sample(text, shots=SHOTS, seed=seed))
    run_s = least(lambda seed: qmk.run(text, shots=SHOTS, seed=seed))
    daemon_s = None if client is None else least(on_daemon)
    counts = qmk.sample(text, shots=SHOTS, seed=1).counts
    same = qmk.run(text, shots=SHOTS, seed=1).counts == counts
    same = same and (client is None or on_daemon(1).counts == counts)
    aer_s = None if aer is None else _peer(aer, text)
    return Row(name, sample_s, run_s, daemon_s, aer_s, same)


def _peer(aer: Callable[[str], Callable[[int], Any]], text: str) -> float | None:
    try:
        return least(aer(text))
    except Exception as error:  # what it cannot read or run is no figure
        print(f"  aer: {type(error).__name__}", file=sys.stderr)
        return None


def aer_of(text: str) -> Callable[[int], Any]:
    """Aer on the circuit that Qiskit reads from the text, transpiled before the clock starts."""
    from qiskit import qasm2, qasm3, transpile  # type: ignore[import-not-found]
    from qiskit.qasm2 import LEGACY_CUSTOM_INSTRUCTIONS as LEGACY  # type: ignore[import-not-found]
    from qiskit_aer import AerSimulator  # type: ignore[import-not-found]

    backend = AerSimulator()
    read = qasm3.loads(text) if "OPENQASM 3" in text else qasm2.loads(text, custom_instructions=LEGACY)
    circuit = transpile(read, backend, optimization_level=0)
    return lambda seed: backend.run(circuit, shots=SHOTS, seed_simulator=seed).result().get_counts()


def show(row: Row) -> None:
    figures = (row.sample_s, row.run_s, row.daemon_s, row.aer_s)
    cells = " ".join(f"{s * 1e3:9.3f}" if s is not None else f"{'-':>9}" for s in figures)
    print(f"{row.name[:36]:36} {cells}{'' if row.same else '   OTHER BITS'}", flush=True)


def report(rows: list[Row]) -> bool:
    """Prints the bars; whether all are met."""
    short = [row for row in rows if row.sample_s < SHORT_S]
    ratio = math.exp(sum(math.log(row.run_s / row.sample_s) for row in short) / len(short))
    late = [row.name for row in short if row.run_s > row.sample_s + RUN_SLACK_S]
    far = [row.name for row in short if row.daemon_s is not None and row.daemon_s > row.sample_s + DAEMON_SLACK_S]
    slower = [row.name for row in short if row.aer_s is not None and row.run_s > row.aer_s]
    other = [row.name for row in rows if not row.same]
    print(f"\n{len(short)} of {len(rows)} circuits take qmk.sample less than {SHORT_S * 1e3:g} ms")
    print(f"run / sample, geometric mean: {ratio:.2f} (bar {RUN_RATIO:g})")
    for what, names in (
        (f"run later than sample + {RUN_SLACK_S * 1e3:g} ms", late),
        (f"daemon later than sample + {DAEMON_SLACK_S * 1e3:g} ms", far),
        ("run slower than Aer", slower),
        ("other bits", other),
    ):
        print(f"{what}: {len(names)} {', '.join(names[:12])}")
    return not (late or far or slower or other) and ratio <= RUN_RATIO


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.road", description="The same run on every road.")
    parser.add_argument("circuits", type=Path, help="folder with .qasm files")
    parser.add_argument("--only", default="", help="part of the names of the circuits to run")
    parser.add_argument("--no-daemon", action="store_true", help="leave the daemon out")
    parser.add_argument("--aer", action="store_true", help="Aer beside it")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    rows: list[Row] = []
    print(f"{'circuit':36} {'sample':>9} {'run':>9} {'daemon':>9} {'aer':>9}   ms")
    with ExitStack() as stack:
        client = None
        if not arguments.no_daemon:
            client = stack.enter_context(Client(stack.enter_context(daemon("process", workers=1))))
        for path in sorted(p for p in arguments.circuits.glob("*.qasm") if arguments.only in p.stem):
            try:
                rows.append(measure(path.stem, path.read_text(), client, aer_of if arguments.aer else None))
                show(rows[-1])
            except qmk.QmkError as refused:
                print(f"  {path.stem}: {refused.kind.name}", file=sys.stderr)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 0 if report(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
