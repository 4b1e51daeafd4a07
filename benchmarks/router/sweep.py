"""``python -m benchmarks.router.sweep``: a parameter sweep on QMK and on the peers that an interpreter has.

The program is a hardware-efficient ansatz (ry and rz on every qubit, then a line of CNOTs), the value <Z0>. Every
peer gets the points as an array and keeps what it may prepare once; QMK reads the text again each time. One thread,
the best of several rounds, every peer's values checked against QMK's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PEERS = ("qulacs", "aer", "lightning", "jax")
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
AGREE = 2e-5
"""peers in single precision are this far off"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.router.sweep", description=__doc__)
    parser.add_argument("--python", action="append", default=[], metavar="PEER=PATH", help="a peer's interpreter")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--qubits", type=int, default=10)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    pythons = dict(pair.split("=", 1) for pair in arguments.python)
    size = [str(n) for n in (arguments.qubits, arguments.layers, arguments.points, arguments.rounds)]
    rows: list[dict[str, Any]] = []
    for name in ("qmk", *filter(None, arguments.peers.split(","))):
        python = sys.executable if name == "qmk" else pythons.get(name, pythons.get("peers", sys.executable))
        rows += _ask(name, python, size)
    print(show(rows))
    if arguments.out:
        arguments.out.write_text(json.dumps(rows))


def _ask(name: str, python: str, size: list[str]) -> list[dict[str, Any]]:
    """The rows of one peer, run in a process of its own."""
    path = f"{ROOT}:{ROOT / 'src'}:{os.environ.get('PYTHONPATH', '')}"
    environment = {**os.environ, **_ONE_THREAD, "PYTHONPATH": path}
    command = [python, "-m", "benchmarks.router.sweep_child", name, *size]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        print(f"{name} left out: {last}", file=sys.stderr)
        return []
    return json.loads(done.stdout.splitlines()[-1])


def show(rows: list[dict[str, Any]]) -> str:
    """Milliseconds a point, and how many times the best peer's."""
    peers = [row["ms"] for row in rows if not row["engine"].startswith("qmk")]
    best = min(peers, default=0.0)
    truth = rows[0]["values"] if rows else []
    lines = [f"{'engine':<34}{'ms a point':>12}{'/ best peer':>13}  {'prepared once':>14}"]
    for row in sorted(rows, key=lambda row: row["ms"]):
        ratio = f"{row['ms'] / best:13.2f}" if best else " " * 13
        once = f"{row['once_s']:.3f} s" if row["once_s"] else "nothing"
        line = f"{row['engine']:<34}{row['ms']:12.4f}{ratio}  {once:>14}"
        far = max(abs(a - b) for a, b in zip(row["values"], truth, strict=True))
        lines.append(line if far < AGREE else f"{line}  WRONG by {far:.1e}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
