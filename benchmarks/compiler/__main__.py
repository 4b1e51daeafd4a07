"""The compiler beside Qiskit (level 3, best of 20 seeds) and pytket (full pass): two-qubit gates, depth, time.

    python -m benchmarks.compiler FOLDER [--targets ...] [--levels 2] [--only TEXT] [--slice-s 600] [--json F]

It takes FOLDER's circuits that fit a target and have no feed-forward, and those of ``hamiltonians`` beside this file.
What the peers make of them is kept, so that it is computed once; a run that ``--slice-s`` or a signal ends goes on
where it was. Rules for all: barriers are dropped, gates that no measurement can see are taken out before, and output
permutations are free. The gates are CZ, RZ, SX and X.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.compiler.asked import PEERS, Cache, Process, best_of, key_of
from benchmarks.compiler.programs import circuit_of, names_in
from benchmarks.compiler.table import better_peer, ratios, summary, table
from benchmarks.results import write
from qmk.compiling.straight import rows_of

TARGETS = {"all": 1 << 30, "heavy-hex:127": 127, "grid:10x10": 100, "line:50": 50}
"""Sites of each; with ``all`` as many as a circuit has qubits."""


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--targets", default=",".join(TARGETS))
    parser.add_argument("--levels", default="2", help="of QMK, the first of which the table shows")
    parser.add_argument("--only", default="", help="circuits with one of these texts in the name, by commas")
    parser.add_argument("--most", type=int, default=1500, help="gates on two qubits of the largest circuit")
    parser.add_argument("--seeds", type=int, default=20, help="of Qiskit")
    parser.add_argument("--cpu-s", type=float, default=20.0, help="CPU seconds after which Qiskit gets no more seeds")
    parser.add_argument("--wall-s", type=float, default=120.0, help="wall time of one compiler on one circuit")
    parser.add_argument("--slice-s", type=float, default=1e9, help="wall time after which no more is begun")
    parser.add_argument("--peers-only", action="store_true", help="fill the cache")
    parser.add_argument("--cached-only", action="store_true", help="peers' figures from the cache alone")
    parser.add_argument("--peers-from", type=Path, help="a table written by --json, for the peers' figures that it has")
    parser.add_argument("--highest", action="store_true", help="-O3 too where -O2 takes more gates than a peer")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _circuits(asked: argparse.Namespace) -> list[tuple[str, Any, dict[str, Any]]]:
    """Names, circuits and their figures, small ones first."""
    import qmk_native

    found: list[tuple[str, Any, dict[str, Any]]] = []
    for name in names_in(asked.folder):
        if asked.only and not any(text in name for text in asked.only.split(",")):
            continue
        try:
            circuit = circuit_of(name)
        except Exception as error:
            print(f"{name}: not read: {error}", file=sys.stderr)
            continue
        if circuit is not None and 0 < (raw := qmk_native.circuit_metrics(circuit))["two_qubit_gates"] <= asked.most:
            found.append((name, circuit, raw))
    return sorted(found, key=lambda one: one[2]["two_qubit_gates"])


class Run:
    """Asks the peers' cache first, and their processes where it has no answer and there is time left."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self.asked = asked
        kept = os.environ.get("QMK_BENCH_CACHE", f"{tempfile.gettempdir()}/qmk-bench-compiler.json")
        self.cache, self.processes = Cache(Path(kept)), dict[str, Process]()
        rows = json.loads(asked.peers_from.read_bytes())["rows"] if asked.peers_from else []
        self.known = {(row["target"], row["circuit"], peer): row[peer] for row in rows for peer in PEERS if peer in row}
        self.end = time.monotonic() + asked.slice_s

    def cell(self, compiler: str, name: str, circuit: Any, target: str) -> dict[str, Any] | None:
        """The figures of one compiler on one circuit; None where there is no time for them."""
        asked, peer = self.asked, compiler in PEERS
        key = key_of(compiler, rows_of(circuit), target, asked.seeds) if peer else ""
        known = (self.known.get((target, Path(name).stem, compiler)) or self.cache[key]) if peer else None
        if known is not None or (peer and asked.cached_only) or time.monotonic() > self.end:
            return known
        question = {"circuit": name, "target": target, "seeds": asked.seeds, "cpu_s": asked.cpu_s}
        made = best_of(*self.processes.setdefault(compiler, Process(compiler)).ask(question, asked.wall_s))
        if peer:
            self.cache.keep(key, made)
        return made

    def target(self, target: str, circuits: list[Any]) -> list[dict[str, Any]]:
        """A row for each circuit that fits."""
        own = [] if self.asked.peers_only else [f"qmk{level}" for level in self.asked.levels.split(",")]
        rows: list[dict[str, Any]] = []
        for name, circuit, raw in circuits:
            if circuit.n_qubits > TARGETS[target]:
                continue
            row = {"circuit": Path(name).stem, "qubits": raw["qubits"], "raw": raw["two_qubit_gates"]}
            cells = {compiler: self.cell(compiler, name, circuit, target) for compiler in (*PEERS, *own)}
            row |= {compiler: cell for compiler, cell in cells.items() if cell is not None}
            if self.asked.highest and own and any(value > 1 for value in ratios([row], own[0])["gates"]):
                row["qmk3"] = self.cell("qmk3", name, circuit, target)
            rows.append(row)
        return rows

    def stop(self) -> None:
        for process in self.processes.values():
            process.stop()


def main() -> None:
    asked = options()
    run, circuits = Run(asked), _circuits(asked)
    results: dict[str, Any] = {}
    try:
        for target in asked.targets.split(","):
            rows = results[target] = run.target(target, circuits)
            for level in () if asked.peers_only else asked.levels.split(","):
                print(table(target, rows, f"qmk{level}"), flush=True)
    finally:
        run.stop()
    for target, rows in results.items():
        print(*(f"{target} -O{level}: {summary(rows, f'qmk{level}')}" for level in asked.levels.split(",")), sep="\n")
    if asked.json:
        rows = [{"target": target, **row} for target, found in results.items() for row in found if better_peer(row)]
        versions = {name: version(name) for name in PEERS}
        write(asked.json, rows, versions, seeds=asked.seeds, cpu_s=asked.cpu_s, wall_s=asked.wall_s, most=asked.most)


if __name__ == "__main__":
    main()
