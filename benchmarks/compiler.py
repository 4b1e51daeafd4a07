"""The compiler against Qiskit (level 3) and pytket (full peephole): gates on two qubits, their depth, CPU time.

    python -m benchmarks.compiler FOLDER [--target all] [--out results.json] [--limit 60] [--most 3000]

Every cell is a process of its own with a limit of wall time: whoever forks after Rust threads have run may hang. CPU
seconds are those of compiling alone, warm: imports, reading and one small circuit come before. Rules for all: barriers
are dropped, output permutations before measurement are free, and the circuit is the one that QMK's reader gives. The
gates are CZ, RZ, SX and X; of circuits with feed-forward only QMK's figures are taken.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

COMPILERS = ("qmk1", "qmk2", "qiskit2", "qiskit3", "pytket")
SMALL = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; h q[0]; cx q[0],q[1]; measure q -> c;'


def _circuit(path: str) -> Any:
    """The native core's circuit of a file."""
    import qmk_native

    from qmk.compiling.lowering import circuit_from
    from qmk.request.program import to_graph

    data = Path(path).read_bytes()
    try:
        return qmk_native.read_qasm(data)
    except qmk_native.Declined:
        return circuit_from(to_graph(Path(path)), "benchmark").circuit


def _compile(compiler: str, circuit: Any, goal: Any) -> tuple[Any, float]:
    """The compiled circuit, and CPU seconds."""
    import msgspec

    from qmk.compiling.pytket_circuits import from_pytket, run_pytket, to_pytket
    from qmk.compiling.qiskit_circuits import from_qiskit, run_qiskit, to_qiskit
    from qmk.compiling.run import compile_circuit
    from qmk.compiling.straight import rows_of

    if compiler.startswith("qmk"):
        began = time.process_time()
        made = compile_circuit(circuit, msgspec.structs.replace(goal, level=int(compiler[-1])))
        return made.work.circuit, time.process_time() - began
    rows = rows_of(circuit)
    if rows is None:
        raise SystemExit("it has feed-forward")
    if compiler == "pytket":
        there = to_pytket(circuit, rows)
        began = time.process_time()
        run_pytket(there, goal)
        took = time.process_time() - began
        return from_pytket(there, circuit), took
    there = to_qiskit(circuit, rows)
    began = time.process_time()
    made, _ = run_qiskit(there, goal, int(compiler[-1]))
    took = time.process_time() - began
    return from_qiskit(made, circuit), took


def cell(compiler: str, path: str, target: str) -> dict[str, Any]:
    """One figure, in this process."""
    import qmk_native

    from qmk.compiling.target import goal_of

    circuit = _circuit(path)
    name = f"all:{circuit.n_qubits}" if target == "all" else target
    goal = goal_of(name)
    warm = qmk_native.read_qasm(SMALL)
    _compile(compiler, warm, goal_of("all:2"))
    made, took = _compile(compiler, circuit, goal)
    after = qmk_native.circuit_metrics(made)
    return {"cpu_s": took, **{key: after[key] for key in ("two_qubit_gates", "two_qubit_depth", "gates")}}


def run_cell(compiler: str, path: Path, target: str, limit: float) -> dict[str, Any]:
    """One figure, in a fresh process; ``error`` where it has none."""
    command = [sys.executable, "-m", "benchmarks.compiler", str(path), "--cell", compiler, "--target", target]
    try:
        done = subprocess.run(command, capture_output=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return {"error": f"more than {limit:g} s of wall time"}
    if done.returncode != 0:
        return {"error": done.stderr.decode().strip().split("\n")[-1][-200:]}
    return json.loads(done.stdout)


def _mean(ratios: list[float]) -> float:
    return math.exp(sum(math.log(ratio) for ratio in ratios) / len(ratios)) if ratios else math.nan


def summary(rows: list[dict[str, Any]]) -> list[str]:
    """Geometric means of ratios to the better peer, over circuits that all have."""
    lines: list[str] = []
    for mine in ("qmk1", "qmk2"):
        for key in ("two_qubit_gates", "two_qubit_depth", "cpu_s"):
            for peers in (("qiskit3",), ("pytket",), ("qiskit3", "pytket")):
                pairs = [
                    (row[mine][key], min(row[peer][key] for peer in peers))
                    for row in rows
                    if all(key in row.get(name, {}) for name in (mine, *peers))
                ]
                ratios = [a / b for a, b in pairs if a > 0 and b > 0]
                wins, losses = sum(a < b for a, b in pairs), sum(a > b for a, b in pairs)
                lines.append(
                    f"{mine} / best of {'+'.join(peers)}, {key}: {_mean(ratios):.3f} (n {len(ratios)}, "
                    f"less {wins}, more {losses}, worst {max(ratios, default=math.nan):.2f})"
                )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--cell", choices=COMPILERS)
    parser.add_argument("--target", default="all")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds of wall time a cell")
    parser.add_argument("--most", type=int, default=3000, help="gates on two qubits of the largest circuit")
    parser.add_argument("--compilers", default=",".join(COMPILERS))
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    if asked.cell:
        print(json.dumps(cell(asked.cell, str(asked.path), asked.target)))
        return
    import qmk_native

    rows: list[dict[str, Any]] = []
    for path in sorted(asked.path.glob("*.qasm")):
        try:
            raw = qmk_native.circuit_metrics(_circuit(str(path)))
        except Exception as error:
            print(f"{path.name}: not read: {error}", file=sys.stderr)
            continue
        if not 0 < raw["two_qubit_gates"] <= asked.most:
            continue
        row: dict[str, Any] = {"circuit": path.stem, "qubits": raw["qubits"], "raw": raw["two_qubit_gates"]}
        for compiler in asked.compilers.split(","):
            row[compiler] = run_cell(compiler, path, asked.target, asked.limit)
        rows.append(row)
        shown = {name: row[name].get("two_qubit_gates", "-") for name in asked.compilers.split(",")}
        times = {name: round(row[name].get("cpu_s", math.nan) * 1000, 1) for name in shown}
        print(path.stem, row["raw"], shown, times, flush=True)
        if asked.out:
            asked.out.write_text(json.dumps(rows, indent=1))
    print("\n".join(summary(rows)))


if __name__ == "__main__":
    main()
