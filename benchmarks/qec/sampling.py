"""``python -m benchmarks.qec.sampling``: CPU time of ``rates.measure`` against sinter, two workers each.

Each row runs both on the same circuit with the same decoder and the same number of shots, in processes of their own;
CPU time is that of the process and all its children (``getrusage``). ``whole`` is with starting the processes;
``loop`` is less that of a run of one shot, so it is sampling, decoding and counting alone.

Identical counts per seed, checked in each row: (1) one worker and two count the same; (2) sinter's own decoder object,
given the detection events of our batches, counts the same errors. sinter's own sampler takes no seed, so its counts
in the timed run can only agree within chance: z is printed, and |z| < 4 demanded.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys

import numpy as np
import stim

from benchmarks.qec.bars import Bar, show, surface
from qmk.base.seeds import substream
from qmk.models.qec import batches, decoders, rates

ROWS = ((3, 1e-3, 8_000_000), (5, 1e-3, 1_500_000), (7, 3e-3, 200_000), (11, 3e-3, 80_000))
WORKERS = 2
SEED = 7
WHOLE_BAR = LOOP_BAR = 0.75


def child(who: str, d: int, p: float, shots: int) -> None:
    """Count in this process and its workers; print shots and errors."""
    circuit = surface(d, p, 3 * d)
    if who == "qmk":
        rate = rates.measure(circuit, "matching", shots=shots, seed=SEED, workers=WORKERS)
        found = (rate.shots, rate.errors_any)
    else:
        import sinter

        task = sinter.Task(circuit=circuit, decoder="pymatching")
        stats = sinter.collect(num_workers=WORKERS, tasks=[task], max_shots=shots)[0]
        found = (stats.shots, stats.errors)
    print(json.dumps(found))


def timed(python: str, who: str, d: int, p: float, shots: int) -> tuple[float, int, int]:
    """CPU seconds of such a child and its children, its shots and errors."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    arguments = [python, "-m", "benchmarks.qec.sampling", "--child", who, str(d), str(p), str(shots)]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, check=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    counted_shots, errors = json.loads(done.stdout.splitlines()[-1])
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, counted_shots, errors


def by_sinters_decoder(circuit: stim.Circuit, shots: int) -> int:
    """Errors that sinter's decoder object makes on the detection events of our batches of this seed."""
    import sinter

    ours = decoders.get("matching")
    compiled = sinter.BUILT_IN_DECODERS["pymatching"].compile_decoder_for_dem(dem=ours.model(circuit))
    errors = 0
    for number, size in batches.schedule(ours, shots):
        sampler = circuit.compile_detector_sampler(seed=substream(SEED, "batch", number))
        for done in range(0, size, batches.PIECE_SHOTS):
            piece = min(batches.PIECE_SHOTS, size - done)
            dets, actual = sampler.sample(piece, bit_packed=True, separate_observables=True)
            flips = compiled.decode_shots_bit_packed(bit_packed_detection_event_data=dets)
            errors += int(np.count_nonzero((flips != actual).any(axis=1)))
    return errors


def row(python: str, d: int, p: float, shots: int) -> list[Bar]:
    circuit = surface(d, p, 3 * d)
    start = {who: min(timed(python, who, d, p, 1)[0] for _ in range(2)) for who in ("qmk", "sinter")}
    cpu: dict[str, float] = {}
    counted: dict[str, tuple[int, int]] = {}
    for who in ("qmk", "sinter", "qmk", "sinter"):  # the least of two, taken in turn
        seconds, taken, errors = timed(python, who, d, p, shots)
        cpu[who] = min(cpu.get(who, math.inf), seconds)
        counted[who] = (taken, errors)
    (shots_a, errors_a), (shots_b, errors_b) = counted["qmk"], counted["sinter"]
    few = shots // 8
    one = rates.measure(circuit, "matching", shots=few, seed=SEED, workers=1)
    two = rates.measure(circuit, "matching", shots=few, seed=SEED, workers=2)
    same = one.errors_any == two.errors_any == by_sinters_decoder(circuit, few)
    z = (errors_a / shots_a - errors_b / shots_b) / math.sqrt(
        max(errors_a, 1) / shots_a**2 + max(errors_b, 1) / shots_b**2
    )
    name = f"d={d} p={p:g} {shots} shots: "
    return [
        Bar(name + "CPU / sinter's, whole", cpu["qmk"] / cpu["sinter"], WHOLE_BAR, note=f"{cpu['qmk']:.2f} CPU-s"),
        Bar(
            name + "CPU / sinter's, loop",
            (cpu["qmk"] - start["qmk"]) / (cpu["sinter"] - start["sinter"]),
            LOOP_BAR,
            note=f"starting {start['qmk']:.2f}, {start['sinter']:.2f} CPU-s",
        ),
        Bar(name + "counts identical per seed", float(same), least=1, note=f"{errors_a} errors, z {z:+.1f}"),
        Bar(name + "|z| against sinter's counts", abs(z), most=4),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has sinter")
    parser.add_argument("--rows", type=int, default=len(ROWS), help="how many rows, from the first")
    arguments = parser.parse_args()
    if arguments.child:
        who, d, p, shots = arguments.child
        return child(who, int(d), float(p), int(shots))
    bars = [bar for given in ROWS[: arguments.rows] for bar in row(arguments.python, *given)]
    sys.exit(not show(f"Sampling and decoding, {WORKERS} workers", bars))


if __name__ == "__main__":
    main()
