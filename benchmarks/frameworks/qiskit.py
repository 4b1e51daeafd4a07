"""QMK inside Qiskit beside Aer's own primitives, and how fast circuits of Qiskit are read and written.

    python -m benchmarks.frameworks.qiskit [DIR] [--shots N] [--limit-s S] [--memory-gib G]

Without DIR: the conversion of 100,000 gates, and the sampler and the estimator at 1,000 values of the parameters of an
ansatz. DIR: every OpenQASM file of it that Qiskit reads, as one pub of both samplers, and without its measurements of
both estimators (the mean Z and the ZZ of neighbours). CPU time of ``run(...).result()``, the best of three; both in one
process for each circuit, QMK first, whose caches are off, with as many threads as each takes. Aer chooses its method
by itself. A circuit that one of them does not run within the limits counts in no mean, and is named.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import Row, show

ROUNDS = 3
GATES = 100_000
TARGET_S = 0.3
POINTS = 1000
MOST_QUBITS_EXACT = 26
"""Wider circuits have no estimator row: Aer has no state of theirs."""


def best_of(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """The least CPU time of some runs."""
    taken: list[float] = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
        if sum(taken) > 5:
            break
    return min(taken)


def conversion() -> list[Row]:
    from benchmarks.building import build_qiskit
    from qmk.adapters.qiskit.read import read
    from qmk.adapters.qiskit.write import write
    from qmk.circuit.flat import flat_text

    theirs = build_qiskit(GATES)
    ours = read(theirs)
    return [
        Row(f"read {GATES} gates", best_of(lambda: read(theirs)), TARGET_S),
        Row(f"write {GATES} gates", best_of(lambda: write(ours))),
        Row(f"flat text of {GATES} gates", best_of(lambda: flat_text(ours.copy()._with_items(ours._items)))),
    ]


def ansatz(qubits: int) -> Any:
    from qiskit.circuit.library import efficient_su2

    return efficient_su2(qubits, reps=2)


def neighbours(qubits: int) -> Any:
    """The mean of Z and the sum of ZZ of neighbours."""
    from qiskit.quantum_info import SparsePauliOp

    terms = [("Z", [k], 1 / qubits) for k in range(qubits)]
    terms += [("ZZ", [k, k + 1], 1.0) for k in range(qubits - 1)]
    return SparsePauliOp.from_sparse_list(terms, qubits)


def sweeps(shots: int) -> list[Row]:
    import numpy as np

    rows: list[Row] = []
    for qubits in (4, 8, 12, 14):
        circuit = ansatz(qubits)
        measured = circuit.copy()
        measured.measure_all()
        values = np.random.default_rng(1).uniform(-3, 3, (POINTS, circuit.num_parameters))
        pub = (circuit, neighbours(qubits), values)
        ours, theirs = samplers()
        rows.append(
            Row(
                f"sampler, {qubits} qubits, {POINTS} points",
                best_of(lambda s=ours, m=measured, v=values: s.run([(m, v)], shots=shots).result()),
                peer="Aer",
                peer_s=best_of(lambda s=theirs, m=measured, v=values: s.run([(m, v)], shots=shots).result(), 1),
            )
        )
        ours, theirs = estimators()
        rows.append(
            Row(
                f"estimator, {qubits} qubits, {POINTS} points",
                best_of(lambda e=ours, p=pub: e.run([p]).result()),
                peer="Aer",
                peer_s=best_of(lambda e=theirs, p=pub: e.run([p]).result(), 1),
            )
        )
    return rows


def samplers() -> tuple[Any, Any]:
    from qiskit_aer.primitives import SamplerV2 as Aer

    from qmk.integrations.qiskit import Backend, SamplerV2

    return SamplerV2(Backend(cache=False), seed=1), Aer(seed=1)


def estimators() -> tuple[Any, Any]:
    from qiskit_aer.primitives import EstimatorV2 as Aer

    from qmk.integrations.qiskit import Backend, EstimatorV2

    return EstimatorV2(Backend(), seed=1), Aer()


def load(path: Path) -> Any:
    from qiskit import qasm2, qasm3

    text = path.read_text()
    if "OPENQASM 3" in text:
        return qasm3.loads(text)
    return qasm2.loads(text, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)


def one(path: Path, what: str, shots: int) -> None:
    """Times one circuit on both and prints what each took, as JSON."""
    from qiskit import transpile
    from qiskit_aer import AerSimulator

    circuit = transpile(load(path), AerSimulator(), optimization_level=0)
    small = ansatz(2).assign_parameters([0.1] * 12)
    if what == "estimator":
        circuit.remove_final_measurements()
        pubs: list[Any] = [(circuit, neighbours(circuit.num_qubits))]
        warm: list[Any] = [(small, "ZZ")]
        pair = estimators()
        works = [lambda tool=tool, pubs=pubs: tool.run(pubs).result() for tool in pair]
        starts = [lambda tool=tool: tool.run(warm).result() for tool in pair]
    else:
        small.measure_all()
        pair = samplers()
        works = [lambda tool=tool: tool.run([circuit], shots=shots).result() for tool in pair]
        starts = [lambda tool=tool: tool.run([small], shots=shots).result() for tool in pair]
    for name, start, work in zip(("qmk", "aer"), starts, works, strict=True):
        start()
        try:
            print(json.dumps({name: best_of(work)}), flush=True)
        except Exception as error:
            print(json.dumps({f"{name}_error": f"{error}"[:120]}), flush=True)


def circuits(folder: Path, shots: int, limit_s: int, memory_gib: int) -> None:
    """Every file on both, in a process of its own with limits; the ratio of each and the geometric means."""
    found: dict[str, list[float]] = {"sampler": [], "estimator": []}
    ways = {"sampler": math.inf, "estimator": MOST_QUBITS_EXACT}
    for path in sorted(folder.glob("*.qasm")):
        try:
            qubits = load(path).num_qubits
        except Exception as error:
            print(f"{path.stem:36} not read by Qiskit: {str(error).splitlines()[0][:60]}", flush=True)
            continue
        for what, most in ways.items():
            if qubits <= most:
                row = measure(path, what, shots, limit_s, memory_gib)
                if "qmk" in row and "aer" in row:
                    found[what].append(row["qmk"] / row["aer"])
                print(f"{path.stem:36} {what:9} {qubits:4} {_text(row)}", flush=True)
    for what, ratios in found.items():
        mean = math.exp(sum(map(math.log, ratios)) / max(1, len(ratios)))
        print(f"{what}: geometric mean {mean:.3f} over {len(ratios)} circuits, largest {max(ratios, default=0):.2f}")


def measure(path: Path, what: str, shots: int, limit_s: int, memory_gib: int) -> dict[str, Any]:
    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (memory_gib << 30,) * 2)
        resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s))

    command = [sys.executable, "-m", __name__ if __name__ != "__main__" else __spec__.name, str(path)]
    command += ["--one", what, "--shots", str(shots)]
    ended = subprocess.run(command, capture_output=True, text=True, preexec_fn=bound, check=False)
    row: dict[str, Any] = {}
    for line in ended.stdout.splitlines():
        if line.startswith("{"):
            row |= json.loads(line)
    return row


def _text(row: dict[str, Any]) -> str:
    if "qmk" in row and "aer" in row:
        return f"{row['qmk']:8.4f} s {row['aer']:8.4f} s  {row['qmk'] / row['aer']:7.3f}"
    parts = [f"{name} {row[name]:.3f} s" if name in row else f"{name}: {row.get(f'{name}_error', 'over the limits')}"
             for name in ("qmk", "aer")]  # fmt: skip
    return "; ".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", nargs="?", type=Path)
    parser.add_argument("--shots", type=int, default=1024)
    parser.add_argument("--limit-s", type=int, default=60)
    parser.add_argument("--memory-gib", type=int, default=6)
    parser.add_argument("--one", choices=("sampler", "estimator"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(given.path, given.one, given.shots)
    elif given.path is not None:
        circuits(given.path, given.shots, given.limit_s, given.memory_gib)
    else:
        show("conversion", conversion())
        show("parameter sets", sweeps(given.shots))


if __name__ == "__main__":
    main()
