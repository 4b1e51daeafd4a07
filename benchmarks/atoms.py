"""The Z2 sweep on a chain of atoms: what the exact state costs, against its bar.

``python -m benchmarks.atoms [--atoms 8,10,12,14] [--tolerance 1e-6] [--scheme blanes-moan]`` prints CPU seconds, steps,
the estimated error of the state, and the largest difference of a Rydberg density from the published one where there is
one (N = 8 and 14), or from a run at a tolerance of 1e-10 (N up to 14). A density differs by no more than its state, so
1e-6 is what the bars ask for; the engine itself runs to 1e-8. Bars: N = 14 in less than one CPU second, N = 20 in less
than 90, with densities within 1e-6.

``--peers PYTHON`` runs the peers of ``benchmarks/atom_peers.py`` beside it under that interpreter, each in one thread,
and prints their CPU seconds, in how many of QMK's that is, against the bar, and their error against a run with their
own C6; of sampled densities (bloqade) that is of shots. A peer that takes more than ``--limit`` CPU seconds is stopped,
and its ratio is at least what is printed.

Chain of 6.1 um; t = (0, .3, 3.7, 4) us, amplitude (0, 15, 15, 0), detuning (-30, -30, 40, 40) rad/us; every pair
interacts.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import time
from pathlib import Path
from typing import Any, Literal, cast

import qmk_native

DATA = Path(__file__).resolve().parents[1] / "tests" / "data" / "atoms"
SPACING, C6, TIMES = 6.1, 5_420_441.13, [0.0, 0.3, 3.7, 4.0]
AMPLITUDE, DETUNING = [0.0, 15.0, 15.0, 0.0], [-30.0, -30.0, 40.0, 40.0]
BAR_CPU_S, BAR_DENSITY = {14: 1.0, 20: 90.0}, 1e-6
BARS = {"qutip": 10.0, "bloqade": 10.0, "pulser": 20.0, "braket": 40.0}
"""in QMK's CPU seconds"""
Scheme = Literal["blanes-moan", "suzuki"]


def run(
    atoms: int, tolerance: float, scheme: Scheme = "blanes-moan", c6: float = C6
) -> tuple[float, dict[str, Any], list[float]]:
    """CPU seconds, what the evolution told, and the densities."""
    pairs = [0.0 if i == j else c6 / (SPACING * abs(i - j)) ** 6 for i in range(atoms) for j in range(atoms)]
    drive = ((TIMES, AMPLITUDE), ([], []), (TIMES, DETUNING), [1.0] * atoms)
    started = time.process_time()
    register = qmk_native.AtomRegister(atoms, 1 << 36)
    told = register.evolve(pairs, [drive], TIMES[-1], tolerance, scheme)
    return time.process_time() - started, told, register.densities()


def reference(atoms: int, c6: float = C6) -> list[float] | None:
    """Published densities, else those of a run with a tighter tolerance, where that is quick."""
    path = DATA / f"z2_sweep_N{atoms}.expected.json"
    if path.exists() and c6 == C6:
        given = next(value for key, value in json.loads(path.read_text()).items() if key.startswith("c6=bloqade"))
        return cast("list[float]", given["rydberg_density"])
    return run(atoms, 1e-10, c6=c6)[2] if atoms <= 14 else None


def beside(peer: str, python: str, atoms: int, seconds: float, limit: int) -> bool:
    """One line of a peer, and whether it is slower by its bar; ``seconds`` are those of QMK in the same run."""
    command = [python, str(Path(__file__).with_name("atom_peers.py")), peer, str(atoms)]
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))

    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **one}, preexec_fn=bounded
    )
    if done.returncode < 0:
        print(f"    {peer}: over {limit} CPU s, more than {limit / seconds:.0f} times as much", flush=True)
        return limit / seconds >= BARS[peer]
    if done.returncode:
        print(f"    {peer}: {done.stderr.strip().splitlines()[-1]}", flush=True)
        return False
    found = json.loads(done.stdout.splitlines()[-1])
    wanted, ratio = reference(atoms, found["c6"]), found["cpu_s"] / seconds
    off = "-" if wanted is None else f"{max(abs(a - b) for a, b in zip(found['densities'], wanted, strict=True)):.1e}"
    of_shots = f" ({found['shots']} shots)" if "shots" in found else ""
    told = f"{found['cpu_s']:.3f} CPU s, {ratio:.1f} times as much (bar {BARS[peer]:g})"
    print(f"    {peer}: {told}; error {off}{of_shots}", flush=True)
    return ratio >= BARS[peer]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--atoms", default="8,10,12,14")
    parser.add_argument("--tolerance", type=float, default=BAR_DENSITY)
    parser.add_argument("--scheme", choices=("blanes-moan", "suzuki"), default="blanes-moan")
    parser.add_argument("--peers", metavar="PYTHON", help="an interpreter with the peers")
    parser.add_argument("--only", default=",".join(BARS), help="these peers alone")
    parser.add_argument("--limit", type=int, default=300, help="CPU seconds of a peer")
    parser.add_argument("--repeat", type=int, default=3, help="runs of QMK, of which the middle one counts")
    options = parser.parse_args()
    failed = False
    print(f"{'N':>3} {'CPU s':>8} {'steps':>6} {'all':>6} {'state error':>12} {'density error':>14}")
    for atoms in (int(text) for text in options.atoms.split(",")):
        runs = [run(atoms, options.tolerance, options.scheme) for _ in range(options.repeat)]
        seconds, told, densities = sorted(runs, key=lambda each: each[0])[options.repeat // 2]
        wanted = reference(atoms)
        off = None if wanted is None else max(abs(a - b) for a, b in zip(densities, wanted, strict=True))
        shown = "-" if off is None else f"{off:.1e}"
        print(
            f"{atoms:3} {seconds:8.3f} {told['steps']:6} {told['all_steps']:6} {told['error']:12.1e} {shown:>14}",
            flush=True,
        )
        for peer in options.only.split(",") if options.peers else ():
            failed = not beside(peer, options.peers, atoms, seconds, options.limit) or failed
        failed = failed or (off is not None and off > BAR_DENSITY) or seconds > BAR_CPU_S.get(atoms, seconds)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
