"""Logical tier against physical tier: ``python -m benchmarks.qec.tiers [DISTANCE [NOISE [SEED]]]``.

The failure rates of twenty lattice-surgery programs that are no part of the table, from the table of single operations
on the one hand and from their full circuits, decoded, on the other. Bar: each within 15 % or 2 sigma. Four minutes.
With SEED, the shots are those of this seed, and so are the six of the twenty that are random; twenty more random ones
follow. Seeds that nobody has used yet are the honest test: a model that is mended after a run has seen its programs.
"""

from __future__ import annotations

import math
import sys
import time

from qmk.models.qec.logical import failures
from qmk.models.qec.surgery import Program, circuit, programs
from qmk.models.qec.tables import channels, default
from qmk.models.qec.tables.measure import count

BAR = "15 % or 2 sigma"
ERRORS, SHOTS, LOGICAL_SHOTS = 600, 1 << 20, 1 << 20
SEED = 5
MORE = 20
"""random programs beyond those held out, with a seed of their own"""


def compared(seed: int | None) -> tuple[Program, ...]:
    if seed is None:
        return programs.held_out()
    more = (programs.random_program(seed + 100 + k, 2 + k % 5) for k in range(MORE))
    return (*programs.held_out(seed), *more)


def main(d: int, noise: str, seed: int | None) -> None:
    table = default()
    known = channels(table, "surface", d, noise)
    dice = SEED if seed is None else seed
    print(f"distance {d}, {noise}, table {table.label}, {known.source}; seed {dice}; bar: {BAR}")
    print(f"{'program':26s} {'logical':>9s} {'physical':>9s} {'ratio':>6s} {'sigma':>6s}  CPU s")
    missed, ratios = 0, []
    for program in compared(seed):
        begin = time.process_time()
        fast = failures(program, known, shots=LOGICAL_SHOTS, seed=dice)
        between = time.process_time()
        errors, shots = count(circuit(program, d, noise), "matching", SHOTS, ERRORS, dice)
        slow = sum(errors.values()) / shots
        spread = math.hypot(1 / math.sqrt(sum(errors.values())), 1 / math.sqrt(max(1, fast.failed)))
        ratio = fast.per_shot / slow
        off = abs(ratio - 1)
        bad = off > 0.15 and off > 2 * spread
        missed += bad
        ratios.append(ratio)
        cpu = f"{between - begin:.2f} {time.process_time() - between:.1f}"
        mark = "  MISSED" if bad else ""
        rates = f"{fast.per_shot:9.2e} {slow:9.2e} {ratio:6.3f} {off / spread:6.1f}"
        print(f"{program.name:26s} {rates}  {cpu}{mark}", flush=True)
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"missed: {missed} of {len(ratios)} (bar 0); mean ratio {mean:.3f}")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(
        int(arguments[0]) if arguments else 5,
        arguments[1] if len(arguments) > 1 else "p=1e-3",
        int(arguments[2]) if len(arguments) > 2 else None,
    )
