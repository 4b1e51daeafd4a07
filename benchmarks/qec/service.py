"""``python -m benchmarks.qec.service``: the decoder service under load, bursts and drift.

Two real PyMatching processes decode streams of sliding windows, and each window is timed by its process's CPU clock.
Those times drive the service on a virtual clock, since wall time on a machine that does other work measures that work.
Half of the streams calibrate the backlog model (cost by detection events, and its scatter); the other half is measured.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np
import stim

from benchmarks.qec.bars import Bar, show, surface
from qmk.models.qec import decoders, service
from qmk.models.qec.service import Cost, Level, Measured, Region, Report, Work
from qmk.models.qec.thin import thin_circuit

CORES = 2
PATCHES = 16
D, P = 7, 2e-3
REGIONS = (
    Region("memory", PATCHES // 4),
    Region("algorithm", PATCHES - PATCHES // 4, ("merge", "idle", "t")),
)
QUIET = (Region("memory", PATCHES),)
BURST_AT, BURST = 100.0, 5.0
SHOTS = 1000

Source = Callable[[int, int], Work]


def halves(measured: Measured) -> tuple[Measured, Measured]:
    """Every second stream of each process: cores differ in speed, and both halves have to have all of them."""

    def half(k: int) -> Measured:
        mine = [i for i in range(len(measured.events)) if i // CORES % 2 == k]
        rows = (tuple(row[i] for i in mine) for row in (measured.events, measured.cpu_us))
        return Measured(*rows, measured.wrong)

    return half(0), half(1)


def modelled(calibration: Measured, cost: Cost, seed: int) -> Source:
    """Windows of the backlog model: events as in the calibration, CPU time by cost, and its scatter."""
    events, cpu_us = (np.array(row) for row in calibration.flat())
    scatter = cpu_us - np.array([cost.window_us(e) for e in events])
    dice = np.random.default_rng(seed)

    def work(patch: int, number: int) -> Work:
        e = int(dice.choice(events))
        return Work(e, cost.window_us(e), max(1.0, cost.window_us(e) + float(dice.choice(scatter))))

    return work


def shuffled(measured: Measured, cost: Cost, seed: int) -> Source:
    """The measured windows, whole streams in an order of their own for each patch."""
    dice = np.random.default_rng(seed)
    order: dict[int, list[int]] = {}
    length = len(measured.events[0])

    def work(patch: int, number: int) -> Work:
        turn, w = divmod(number, length)
        mine = order.setdefault(patch, [])
        while len(mine) <= turn:
            mine.append(int(dice.integers(len(measured.events))))
        return measured.work(mine[turn], w, cost)

    return work


def at_load(
    source: Source, mean_us: float, load: float, windows: int, regions: tuple[Region, ...], **more: object
) -> Report:
    window_us = PATCHES * mean_us / (CORES * load)
    return service.run(regions, source, cores=CORES, window_us=window_us, windows=windows, **more)  # type: ignore[arg-type]


def steady(real: Measured, cost: Cost, calibration: Measured) -> list[Bar]:
    """No missed deadline at load 0.8; the backlog that the model says."""
    mean = real.mean_us()
    report = at_load(shuffled(real, cost, 1), mean, 0.8, 4000, REGIONS)
    bars = [
        Bar("load 0.8: windows past their deadline", report.missed_deadlines, 0, note=f"of {report.decoded}"),
        Bar("load 0.8: windows lost", report.emitted - report.decoded, 0),
        Bar("load 0.8: latency p50 / window time", report.latency_percentile_us(50) * 0.8 * CORES / PATCHES / mean),
        Bar("load 0.8: latency p99 / window time", report.latency_percentile_us(99) * 0.8 * CORES / PATCHES / mean),
    ]
    for load in (0.5, 0.8, 0.9):
        of_real = at_load(shuffled(real, cost, 2), mean, load, 8000, QUIET, throttling=False).mean_backlog
        of_model = at_load(modelled(calibration, cost, 3), mean, load, 8000, QUIET, throttling=False).mean_backlog
        off = abs(of_model / of_real - 1)
        bars.append(Bar(f"load {load}: backlog, model off by", off, 0.1, note=f"{of_model:.3f} against {of_real:.3f}"))
    return bars


def rising(real: Measured, cost: Cost, of: str) -> list[Bar]:
    """Load that rises from 0.5 to 1.1 over 400 windows: where throttling starts."""
    source, mean = shuffled(real, cost, 4), real.mean_us()
    base = 0.5

    def rate(at_windows: float) -> float:
        return 1 + 1.2 * at_windows / 400

    report = at_load(source, mean, base, 400, QUIET, rate=rate, throttling=False)
    sample = report.first(Level.THROTTLE)
    offered = base * rate(sample.at_windows) if sample else float("inf")
    return [
        Bar(f"rising load, {of}: load at the first throttle", offered, 1.0, note="below 1: before the backlog grows"),
        Bar("  age of the oldest window then, windows", sample.age_windows if sample else float("inf"), 2.0),
    ]


def burst(real: Measured, cost: Cost) -> list[Bar]:
    """Windows come five times as fast for one window time, at load 0.8: windows until the backlog is what it was."""
    bars: list[Bar] = []
    for throttling in (True, False):
        recoveries: list[float] = []
        for seed in range(10):

            def rate(at_windows: float) -> float:
                return BURST if BURST_AT <= at_windows < BURST_AT + 1 else 1.0

            report = at_load(
                shuffled(real, cost, seed), real.mean_us(), 0.8, 300, REGIONS, rate=rate, throttling=throttling
            )
            before = [s.backlog for s in report.samples if 20 < s.at_windows < BURST_AT]
            usual = np.percentile(before, 99)
            after = [s for s in report.samples if s.at_windows > BURST_AT + 1]
            back = next((s.at_windows for s in after if s.backlog <= usual), np.inf)
            recoveries.append(back - BURST_AT - 1)
            lost = report.emitted - report.decoded
            assert lost == 0, "a burst lost windows"
        name = "heeded" if throttling else "ignored"
        bars.append(
            Bar(
                f"burst of 5x at load 0.8, signals {name}: windows to recover",
                max(recoveries),
                10 if throttling else None,
                note=f"median {np.median(recoveries):.1f} of 10 bursts",
            )
        )
        if throttling:
            algorithm, memory = report.progress["algorithm"], report.progress["memory"]
            bars += [
                Bar("  windows in which the algorithm's merges were held", algorithm.stalled),
                Bar("  windows in which the memory's operations were held", memory.stalled, 0),
            ]
    return bars


def batched_us(circuit: stim.Circuit, d: int) -> float:
    """CPU microseconds a round of sliding windows, decoded for many shots together: PyMatching without Python."""
    decoder = decoders.get(f"matching@{d}+{d}")
    thin = thin_circuit(circuit, decoder)
    compiled = decoder.compile(decoder.model(thin))
    dets, _ = thin.compile_detector_sampler(seed=6).sample(SHOTS, separate_observables=True, bit_packed=True)
    times: list[float] = []
    for _ in range(3):
        begin = time.process_time()
        compiled.decode(dets)
        times.append(time.process_time() - begin)
    return 1e6 * min(times) / (SHOTS * 12 * d)


def drift_and_distance(streams: int) -> list[Bar]:
    """CPU time a window, and patches a core carries, where the noise drifts and where the distance is raised."""
    bars: list[Bar] = []
    base = 0.0
    for d, p in ((5, 1e-3), (5, 3e-3), (7, 3e-3), (9, 3e-3)):
        circuit = surface(d, p, 12 * d)
        found = service.measure_windows(circuit, commit=d, buffer=d, streams=streams, seed=5, workers=CORES)
        alone, in_batches = found.mean_us() / d, batched_us(circuit, d)
        base = base or in_batches
        bars.append(
            Bar(
                f"d={d} p={p:g}: CPU us a round and patch, in batches",
                in_batches,
                note=f"x{in_batches / base:.1f}; {found.mean_events():.1f} events a window; alone {alone:.2f} us; "
                f"{0.8 / in_batches:.2f} patches a core at 1 us rounds and load 0.8",
            )
        )
    return bars


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=200)
    arguments = parser.parse_args()
    circuit = surface(D, P, D * 24)
    measured = service.measure_windows(circuit, commit=D, buffer=D, streams=arguments.streams, seed=1, workers=CORES)
    calibration, real = halves(measured)
    cost = service.fit(*calibration.flat())
    print(f"cost of a window, CPU us: {cost.base_us:.1f} + {cost.us_per_event:.2f} e + {cost.us_per_event2:.4f} e^2")
    faster = Cost(cost.base_us / 1.3, cost.us_per_event / 1.3, cost.us_per_event2 / 1.3)
    bars = [*steady(real, cost, calibration), *rising(real, cost, "calibrated")]
    bars += [*rising(real, faster, "slower than calibrated by 30 %"), *burst(real, cost)]
    bars += drift_and_distance(max(4, arguments.streams // 10))
    sys.exit(not show(f"Decoder service: {PATCHES} patches d={D} p={P:g}, {CORES} cores, matching@{D}+{D}", bars))


if __name__ == "__main__":
    main()
