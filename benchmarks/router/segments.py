"""Programs that change their kind of simulator beside each engine that takes the whole: ``python -m
benchmarks.router.segments`` prints CPU seconds of one run of 1,000 shots."""

from __future__ import annotations

import random
import subprocess
import sys
import time

import qmk

LIMIT_S = 60
ENGINES = ("", "segments:chain", "native", "aer:matrix_product_state")
CASES = ((40, 12, 3000, 2, True), (40, 12, 3000, 4, True), (40, 12, 10000, 4, True), (40, 12, 3000, 8, False))
"""Qubits, those of the deep block, its gates, sweeps, and whether a qubit is measured and decides a gate on the way."""


def program(wide: int, deep: int, ops: int, sweeps: int, herald: bool, seed: int = 1) -> str:
    """A deep block on the first qubits, then sweeps of weak interactions over all."""
    rnd = random.Random(seed)
    lines: list[str] = []
    for _ in range(ops):
        a, b = rnd.sample(range(deep), 2)
        gate = rnd.choice([f"t q[{a}];", f"ry({rnd.random()}) q[{a}];", f"cx q[{a}],q[{b}];", f"cx q[{b}],q[{a}];"])
        lines.append(gate)
    if herald:
        lines += ["measure q[0] -> h[0];", "if (h==1) x q[1];"]
    for number in range(sweeps):
        lines += [f"rx({rnd.random()}) q[{k}];" for k in range(wide)]
        for k in range(wide - 1) if number % 2 == 0 else range(wide - 2, -1, -1):
            lines.append(f"cx q[{k}],q[{k + 1}]; rz({rnd.random() / 2}) q[{k + 1}]; cx q[{k}],q[{k + 1}];")
            lines.append(f"ry({rnd.random() / 2}) q[{k}]; ry({rnd.random() / 2}) q[{k + 1}];")
    head = f'OPENQASM 2.0; include "qelib1.inc"; qreg q[{wide}]; creg c[{wide}]; creg h[1];\n'
    return head + "\n".join(lines) + "\nmeasure q -> c;\n"


def run(case: int, engine: str) -> None:
    """One run, warm; prints the engine, CPU seconds and the bound on the infidelity."""
    qmk.run("OPENQASM 2.0; qreg q[1]; creg c[1]; measure q->c;", shots=1, engine=engine or None)
    text = program(*CASES[case])
    began = time.process_time()
    result = qmk.run(text, shots=1000, seed=1, engine=engine or None)
    seconds = time.process_time() - began
    notes = result.provenance.notes
    name = f"{result.provenance.engine}:{result.provenance.method}".rstrip(":")
    print(f"{name} {seconds:.2f} s, infidelity {notes.get('infidelity_bound', 0):.0e}")


def main() -> None:
    for at, case in enumerate(CASES):
        for engine in ENGINES:
            command = [sys.executable, "-m", "benchmarks.router.segments", str(at), engine]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
                said = done.stdout.strip() or done.stderr.strip().splitlines()[-1][:120]
            except subprocess.TimeoutExpired:
                said = f"more than {LIMIT_S} s"
            print(f"{case} {engine or 'router'}: {said}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        run(int(sys.argv[1]), sys.argv[2])
    else:
        main()
