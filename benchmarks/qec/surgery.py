"""``python -m benchmarks.qec.surgery``: lattice surgery at the physical level, bar beside figure.

Circuits of the twenty held-out programs are complete and keep their distance; a CNOT fails as often as its volume says,
and as often as tqec's (0.2.0, uniform depolarizing noise 1e-3, uncorrelated matching; figures of the design note) when
rounds have five layers of gates as there; X and Z can be exchanged; errors vanish with p.
"""

from __future__ import annotations

import sys

from benchmarks.qec.bars import Bar, show
from qmk.models.qec import rates, surgery
from qmk.models.qec.rates import Rate
from qmk.models.qec.surgery import Program, programs

NOISE = "uniform=1e-3"
TQEC = {("memory", 3): 2.19e-3, ("memory", 5): 7.66e-4, ("X", 3): 3.09e-2, ("X", 5): 8.2e-3, ("Z", 3): 2.4e-2,
        ("Z", 5): 8.4e-3}  # fmt: skip
CNOT_BLOCKS = 10
SHOTS = {3: 200_000, 5: 300_000}
SEED = 11


def rate(program: Program, d: int, noise: str = NOISE, shots: int | None = None, layers: int = 4) -> Rate:
    return rates.measure(surgery.circuit(program, d, noise, layers=layers), shots=shots or SHOTS[d], seed=SEED)


def complete() -> list[Bar]:
    """Missing detectors and distances of all held-out programs."""
    bars: list[Bar] = []
    for d in (3, 5):
        missing, short = 0, 0
        for program in programs.held_out():
            missing += len(surgery.circuit(program, d).missing_detectors())
            noisy = surgery.circuit(program, d, NOISE)
            short += len(noisy.shortest_graphlike_error(canonicalize_circuit_errors=False)) != d
        bars.append(Bar(f"d={d}: detectors missing in 20 programs", missing, most=0))
        bars.append(Bar(f"d={d}: programs of 20 whose distance is not d", short, most=0))
    return bars


def volume() -> list[Bar]:
    """CNOT against its ten blocks, and both against tqec's."""
    bars: list[Bar] = []
    for d in (3, 5):
        for layers in (4, 5):
            blocks = [rate(programs.memory(basis), d, shots=1_000_000, layers=layers).per_shot for basis in ("X", "Z")]
            tag = f"d={d}, {layers} layers"
            mean = sum(blocks) / 2
            note = f"tqec {TQEC['memory', d]:.3g}, ratio {mean / TQEC['memory', d]:.2f}" if layers == 5 else ""
            bars.append(Bar(f"{tag}: memory block", mean, note=note))
            for basis in ("X", "Z"):
                found = rate(programs.cnot(basis, basis), d, layers=layers).per_shot
                tqec = TQEC[basis, d]
                note = f"tqec {tqec:.3g}, ratio {found / tqec:.2f}" if layers == 5 else ""
                bars.append(Bar(f"{tag}: CNOT {basis}", found, note=note))
                ratio = found / (CNOT_BLOCKS * mean)
                bars.append(Bar(f"{tag}: CNOT {basis} / volume rule", ratio, most=1.41, least=0.71))
    return bars


def swapped() -> list[Bar]:
    """merge_zz to Z states against merge_xx to X states, and so on: mirror images."""
    bars: list[Bar] = []
    for here, there in ((("merge_zz", "Z"), ("merge_xx", "X")), (("merge_zz", "X"), ("merge_xx", "Z"))):
        counts = [rate(surgery.calibration_program(kind, basis), 3).errors_any for kind, basis in (here, there)]
        z = abs(counts[0] - counts[1]) / sum(counts) ** 0.5
        bars.append(Bar(f"d=3: |z| of {' '.join(here)} against {' '.join(there)}", z, most=4, note=str(counts)))
    return bars


def vanishing() -> list[Bar]:
    """Errors of a CNOT at d=3 fall with the square of p."""
    low, high = (rate(programs.cnot("Z", "Z"), 3, f"uniform={p:g}", 2_000_000).errors_any for p in (1e-4, 2e-4))
    none = rate(programs.cnot("Z", "Z"), 3, "uniform=0", 10_000).errors_any
    return [
        Bar("d=3: errors without noise", none, most=0),
        Bar("d=3: errors at 2e-4 over errors at 1e-4 (square law: 4)", high / low, most=4.8, least=3.2),
    ]


def main() -> int:
    fine = show("Circuits", complete())
    fine &= show(f"CNOT, {NOISE}, matching", volume())
    fine &= show("X and Z exchanged", swapped())
    fine &= show("p to 0", vanishing())
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
