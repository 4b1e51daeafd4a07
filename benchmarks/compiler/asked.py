"""Compilers as processes with limits, and what the peers answered before: it is computed once."""

from __future__ import annotations

import hashlib
import json
import os
import select
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

PEERS = ("qiskit", "pytket")

Cell = dict[str, Any]


class Process:
    """A compiler's worker; one that outlasts a limit is stopped, and the next question starts another."""

    def __init__(self, compiler: str) -> None:
        self.compiler = compiler
        self.worker: subprocess.Popen[bytes] | None = None
        self.rest = b""

    def ask(self, question: dict[str, Any], wall_s: float) -> tuple[list[Cell], str]:
        """The answers that came in time, and why there are no more."""
        if self.worker is None:
            self._start()
            if self._line(time.monotonic() + 300) is None:
                raise RuntimeError(f"the process of {self.compiler} does not start")
        worker = self.worker
        if worker is None or worker.stdin is None:
            raise RuntimeError(f"the process of {self.compiler} has no input")
        worker.stdin.write(json.dumps(question).encode() + b"\n")
        worker.stdin.flush()
        found: list[Cell] = []
        end = time.monotonic() + wall_s
        while (line := self._line(end)) is not None:
            if "done" in line:
                return found, line.get("error", "")
            found.append(line)
        self.stop()
        return found, f"more than {wall_s:g} s of wall time"

    def _start(self) -> None:
        threads = dict.fromkeys(("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        command = [sys.executable, "-m", "benchmarks.compiler.worker", self.compiler]
        pipe = subprocess.PIPE
        self.worker = subprocess.Popen(command, stdin=pipe, stdout=pipe, env={**os.environ, **threads})
        self.rest = b""

    def _line(self, end: float) -> Cell | None:
        if self.worker is None or self.worker.stdout is None:
            return None
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.worker.stdout], [], [], max(0.0, end - time.monotonic()))
            more = os.read(self.worker.stdout.fileno(), 1 << 16) if ready else b""
            if not more:
                return None
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def stop(self) -> None:
        if self.worker is not None:
            self.worker.kill()
            self.worker.wait()
        self.worker = None


class Cache:
    """What peers answered, in a JSON file: $QMK_BENCH_CACHE, or one under the folder for temporary files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cells: dict[str, Cell] = json.loads(path.read_text()) if path.exists() else {}

    def __getitem__(self, key: str) -> Cell | None:
        return self.cells.get(key)

    def keep(self, key: str, cell: Cell) -> None:
        self.cells[key] = cell
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.cells, indent=0))
        new.replace(self.path)


def key_of(compiler: str, rows: Any, target: str, seeds: int) -> str:
    """What a peer's answer depends on."""
    digest = hashlib.sha256(json.dumps([[name, qubits, angles] for name, qubits, angles, _ in rows]).encode())
    seeded = f" {seeds} seeds" if compiler == "qiskit" else ""
    return f"{compiler} {version(compiler)} {target}{seeded} {digest.hexdigest()[:20]}"


def best_of(found: list[Cell], why: str) -> Cell:
    """The answer with the fewest gates, with the CPU time of all of them and of one."""
    if not found:
        return {"error": why}
    best = min(found, key=lambda cell: (cell["gates"], cell["depth"]))
    total = sum(cell["cpu_s"] for cell in found)
    spent = {"cpu_s": round(total, 5), "one_s": round(total / len(found), 5)}
    return {**best, **spent, "seeds": len(found), **({"cut": why} if why else {})}
