"""``python -m benchmarks.qec.blocks``: decoders on the block codes SHYPS and gross.

SHYPS [[49,9,4]]: Z memory of 8 rounds at p = 1e-3, detectors of one basis, every decoder on the same shots; the block
error (any of 9) a round beside tesseract's. Gross [[144,12,12]]: relay on the circuits that Müller et al. publish,
beside their failures of the Z memory (arXiv:2506.01779, data of its repository): z of both. ``benchmarks.qec.memory
gross`` has the rows of BP+OSD.
"""

from __future__ import annotations

import argparse
import math
import sys
import time

import numpy as np

from benchmarks.qec.bars import Bar, show
from benchmarks.qec.bars import gross as published
from qmk.models.qec import codes, decoders, memories, rates
from qmk.models.qec.circuits import memory
from qmk.models.qec.decoders.faults import find_misdecoded

PUBLISHED = {5e-3: (205, 5000), 4e-3: (44, 10_000)}
"""failures of the Z memory in shots, with five solutions and 300 legs"""
ROUNDS = 8


def shyps(shots: int) -> list[Bar]:
    circuit = memory(codes.parse("shyps(r=3)"), ROUNDS, "Z", "circuit=1e-3", both=False)
    dets, actual = circuit.compile_detector_sampler(seed=3).sample(shots, separate_observables=True, bit_packed=True)
    bars: list[Bar] = []
    oracle, oracle_s = 0.0, 0.0
    for name in ("tesseract", "bp_osd", "bp_lsd", memories.default_decoder(codes.parse("shyps"))):
        decoder = decoders.get(name)
        dem = decoder.model(circuit)
        compiled = decoder.compile(dem)
        begin = time.process_time()
        failed = int((compiled.decode(dets) ^ actual).any(axis=1).sum())
        cpu_s = time.process_time() - begin
        per_round = rates.any_per_round(failed / shots, ROUNDS)
        oracle, oracle_s = oracle or per_round, oracle_s or cpu_s
        bar = 1.6 if name.startswith("relay") else None
        note = f"{failed} of {shots}, {per_round:.2e} a round, {1e3 * cpu_s / shots:.2f} ms, "
        note += f"{cpu_s / oracle_s:.2f} of its time"
        bars.append(Bar(f"shyps(r=3) {name}: block error / tesseract's", per_round / oracle, bar, note=note))
        bars.append(Bar(f"shyps(r=3) {name}: single faults misdecoded", len(find_misdecoded(dem, compiled))))
    return bars


def gross(shots: int) -> list[Bar]:
    bars: list[Bar] = []
    for p, (failures, of) in PUBLISHED.items():
        rate = rates.measure(published(p, "Z"), "relay", shots=shots, seed=4)
        pooled = (rate.errors_any + failures) / (shots + of)
        z = (rate.per_shot - failures / of) / math.sqrt(pooled * (1 - pooled) * (1 / shots + 1 / of))
        note = f"{rate.errors_any} of {shots}, published {failures} of {of}; {1e3 * rate.cpu_s / shots:.1f} ms"
        bars.append(Bar(f"gross p={p:g} relay: |z| against the published row", abs(float(np.float64(z))), 2, note=note))
    return bars


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shyps", type=int, default=20_000, help="shots")
    parser.add_argument("--gross", type=int, default=1000, help="shots")
    arguments = parser.parse_args()
    bars = shyps(arguments.shyps) if arguments.shyps else []
    bars += gross(arguments.gross) if arguments.gross else []
    sys.exit(not show("Block codes", bars))


if __name__ == "__main__":
    main()
