"""The Z2 sweep on a chain of atoms: what the exact state costs, against its bar.

``python -m benchmarks.atoms [--atoms 8,10,12,14] [--tolerance 1e-8] [--scheme blanes-moan]`` prints CPU seconds, steps,
the estimated error of the state, and the largest difference of a Rydberg density from the published one where there is
one (N = 8 and 14), or from a run at a tolerance of 1e-11 (N up to 12). Bar: N = 14 in less than one CPU second with
densities within 1e-6.

``--python PEER=PATH`` runs a peer (``benchmarks/atom_peers.py``) beside it under the interpreter ``PATH``, and prints
its CPU seconds, in how many of QMK's that is, and its error; of sampled densities (bloqade) that is of shots.

Chain of 6.1 um; t = (0, .3, 3.7, 4) us, amplitude (0, 15, 15, 0), detuning (-30, -30, 40, 40) rad/us; every pair
interacts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from pathlib import Path
from typing import Any, Literal, cast

import qmk_native

DATA = Path(__file__).resolve().parents[1] / "tests" / "data" / "atoms"
SPACING, C6, TIMES = 6.1, 5_420_441.13, [0.0, 0.3, 3.7, 4.0]
AMPLITUDE, DETUNING = [0.0, 15.0, 15.0, 0.0], [-30.0, -30.0, 40.0, 40.0]
BAR_CPU_S, BAR_DENSITY = 1.0, 1e-6
Scheme = Literal["blanes-moan", "suzuki"]


def run(atoms: int, tolerance: float, scheme: Scheme) -> tuple[float, dict[str, Any], list[float]]:
    """CPU seconds, what the evolution told, and the densities."""
    pairs = [0.0 if i == j else C6 / (SPACING * abs(i - j)) ** 6 for i in range(atoms) for j in range(atoms)]
    drive = ((TIMES, AMPLITUDE), ([], []), (TIMES, DETUNING), [1.0] * atoms)
    started = time.process_time()
    register = qmk_native.AtomRegister(atoms, 1 << 36)
    told = register.evolve(pairs, [drive], TIMES[-1], tolerance, scheme)
    return time.process_time() - started, told, register.densities()


def reference(atoms: int) -> list[float] | None:
    """Published densities, else those of a run with a tighter tolerance, where that is quick."""
    path = DATA / f"z2_sweep_N{atoms}.expected.json"
    if path.exists():
        given = next(value for key, value in json.loads(path.read_text()).items() if key.startswith("c6=bloqade"))
        return cast("list[float]", given["rydberg_density"])
    return run(atoms, 1e-11, "blanes-moan")[2] if atoms <= 12 else None


def beside(peer: str, python: str, atoms: int, seconds: float, wanted: list[float] | None) -> None:
    """One line of a peer; ``seconds`` are those of QMK in the same run."""
    command = [python, str(Path(__file__).with_name("atom_peers.py")), peer, str(atoms)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"    {peer}: {done.stderr.strip().splitlines()[-1]}")
        return
    found = json.loads(done.stdout.splitlines()[-1])
    off = "-" if wanted is None else f"{max(abs(a - b) for a, b in zip(found['densities'], wanted, strict=True)):.1e}"
    print(
        f"    {peer}: {found['cpu_s']:.3f} CPU s, {found['cpu_s'] / seconds:.1f} times as much; error {off}", flush=True
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--atoms", default="8,10,12,14")
    parser.add_argument("--tolerance", type=float, default=1e-8)
    parser.add_argument("--scheme", choices=("blanes-moan", "suzuki"), default="blanes-moan")
    parser.add_argument("--python", action="append", default=[], metavar="PEER=PATH", help="a peer's interpreter")
    options = parser.parse_args()
    peers = dict(text.split("=", 1) for text in options.python)
    failed = False
    print(f"{'N':>3} {'CPU s':>8} {'steps':>6} {'all':>6} {'state error':>12} {'density error':>14}")
    for atoms in (int(text) for text in options.atoms.split(",")):
        seconds, told, densities = run(atoms, options.tolerance, options.scheme)
        wanted = reference(atoms)
        off = None if wanted is None else max(abs(a - b) for a, b in zip(densities, wanted, strict=True))
        shown = "-" if off is None else f"{off:.1e}"
        print(
            f"{atoms:3} {seconds:8.3f} {told['steps']:6} {told['all_steps']:6} {told['error']:12.1e} {shown:>14}",
            flush=True,
        )
        for peer, python in peers.items():
            beside(peer, python, atoms, seconds, wanted)
        failed = failed or (off is not None and off > BAR_DENSITY) or (atoms == 14 and seconds > BAR_CPU_S)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
