"""``python -m benchmarks.qec.magic``: magic states, bar beside figure.

What distillation leaves of errors, exactly and by Monte Carlo; how long a program waits for T states against the
formula, over a range of factory counts; the rate of a chain of T gates that waits for its decoder.
"""

from __future__ import annotations

import statistics
import sys

from benchmarks.qec.bars import Bar, show
from qmk.models.qec import magic, rates, surgery
from qmk.models.qec.surgery import programs

GATES, DISTANCE, INPUT_ERROR, SEEDS = 200, 5, 5e-3, 100
MC_ERROR = 5e-3
GATE_CYCLES = 2
"""a teleported T: the merge, and the cycle in which an S may be"""


def distillation() -> list[Bar]:
    bars: list[Bar] = []
    for p in (1e-4, 1e-3, 3e-3):
        ratio = magic.protocol("15-to-1").output_error(p) / (35 * p**3)
        bars.append(Bar(f"15-to-1, p={p:g}: exact over 35 p^3", ratio, most=1.05, least=0.95))
    exact = magic.protocol("15-to-1").output_error(1e-2)
    closed = _bravyi_kitaev(1e-2)
    bars.append(Bar("15-to-1, p=0.01: enumeration over the closed form, less 1", abs(exact / closed - 1), most=1e-9))
    found = magic.sample("15-to-1", MC_ERROR, 4_000_000_000, seed=5)
    ratio, error = found.output_error / (35 * MC_ERROR**3), found.standard_error / (35 * MC_ERROR**3)
    note = f"+- {error:.3f}, {found.spoiled} wrong of {found.passed}"
    bars.append(Bar(f"15-to-1, p={MC_ERROR:g}: Monte Carlo over 35 p^3", ratio, most=1.05, least=0.95, note=note))
    z = abs(found.output_error - magic.protocol("15-to-1").output_error(MC_ERROR)) / found.standard_error
    bars.append(Bar(f"15-to-1, p={MC_ERROR:g}: |z| of Monte Carlo against exact", z, most=4))
    ratio = magic.protocol("8T-to-CCZ").output_error(1e-3) / (28 * 1e-6)
    bars.append(Bar("8T-to-CCZ, p=0.001: exact over 28 p^2", ratio, most=1.05, least=0.95))
    return bars


def _bravyi_kitaev(p: float) -> float:
    """Bravyi, Kitaev, Phys. Rev. A 71, 022316 (2005)."""
    q = 1 - 2 * p
    return (1 - 15 * q**7 + 15 * q**8 - q**15) / (2 * (1 + 15 * q**8))


def starvation() -> list[Bar]:
    """Simulated and predicted waits of 200 teleported T gates."""
    bars: list[Bar] = []
    program, built = programs.t_gates(GATES), magic.factory("15-to-1")
    for count in range(1, 9):
        runs = [
            magic.schedule(program, built, count, DISTANCE, input_error=INPUT_ERROR, seed=seed) for seed in range(SEEDS)
        ]
        stalls = [run.stalled_rounds for run in runs]
        mean, error = statistics.mean(stalls), statistics.stdev(stalls) / SEEDS**0.5
        plant = magic.plant(built, count, DISTANCE, INPUT_ERROR)
        expected = magic.expected_stall(plant, GATES, GATE_CYCLES * DISTANCE)
        supplied = plant.rate * GATE_CYCLES * DISTANCE
        note = f"stalled {mean:.1f} +- {error:.1f}, predicted {expected:.1f} rounds, supply/demand {supplied:.2f}"
        starved = supplied < 1
        off = abs(mean / expected - 1) if starved else abs(mean - expected) / (runs[0].ideal_rounds)
        what = "stall off by" if starved else "stall off by, of the makespan"
        bars.append(Bar(f"{count} factories: {what}", off, most=0.10, note=note))
    return bars


def reaction() -> list[Bar]:
    """d=11, 1 us rounds, 63 us to decode: the chain's rate in the schedule against the formula."""
    d, latency_rounds = 11, 63.0
    program = programs.t_gates(50)
    done = magic.schedule(program, magic.factory("15-to-1"), 50, d, reaction_rounds=latency_rounds)
    gate_rounds = (done.rounds - GATE_CYCLES * d) / 50
    rate_hz = magic.reaction_limited_rate_hz(d, 1e-6, 63e-6)
    per_gate = (gate_rounds - d) * 1e-6  # the S takes a cycle more
    return [
        Bar("reaction-limited T rate, d=11, 63 us (kHz; published example 13.5)", rate_hz / 1e3, most=13.6, least=13.4),
        Bar("the schedule's rate without the S, over the formula", 1 / per_gate / rate_hz, most=1.01, least=0.99),
    ]


DRIFT = (1e-3, 2e-3, 3e-3, 4e-3, 8e-3)
DISTANCES = (3, 5, 7)
TARGET_PER_ROUND = 1e-4
EVENT_S, PATCHES, CORES, ROUND_S = 0.12e-6, 4, 1, 1e-6


def drift() -> list[Bar]:
    """A patch of distance 5 while the noise rises: measured rates, detection events as the decoder's load."""
    bars: list[Bar] = []
    d, harm = 5, 0
    for p in DRIFT:
        measured = {}
        for other in DISTANCES:
            made = surgery.circuit(programs.memory("Z"), other, f"circuit={p:g}")
            events = made.compile_detector_sampler(seed=1).sample(4000).sum() / 4000 / other
            rate = rates.measure(made, shots=100_000, seed=2)
            load = magic.decoder_load(float(events), EVENT_S, PATCHES, CORES, ROUND_S)
            low, high = rate.interval_per_round(other)
            measured[other] = magic.Measured(low, high, load)
        told = magic.choose(measured, d, TARGET_PER_ROUND)
        harm += told.action == "grow" and measured[told.d].decoder_load > 0.85
        bars.append(Bar(f"p={p:g}, distance {d}, load {measured[d].decoder_load:.2f}: {told.action}, distance", told.d,
                        note=told.reason))  # fmt: skip
        d = told.d
    return [*bars, Bar("larger distances given to a decoder that cannot follow", harm, most=0)]


def main() -> int:
    fine = show("Distillation", distillation())
    title = f"{GATES} T gates, d={DISTANCE}, 15-to-1, input error {INPUT_ERROR}, {SEEDS} seeds"
    fine &= show(title, starvation())
    fine &= show("Reaction", reaction())
    fine &= show(f"Noise that drifts, target {TARGET_PER_ROUND:g} a round, {PATCHES} patches on one core", drift())
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
