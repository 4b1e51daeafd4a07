"""How long a detection event takes to decode on this machine: what ``qmk serve --decoder`` is to be told."""

from __future__ import annotations

import time

import numpy as np

from qmk.base.decoding import Decoding
from qmk.base.errors import QmkError
from qmk.models.noise import NoiseLike, resolve
from qmk.models.qec import circuits, decoders
from qmk.models.qec.code import Code
from qmk.models.qec.memories import default_decoder

ROUNDS_PER_D = 3
SHOTS_MAX = 10_000_000


def measure_speed(
    code: Code, noise: NoiseLike, *, shots: int = 10_000, seed: int = 0, decoder: str | None = None
) -> Decoding:
    """One core, by the CPU time of decoding ``shots`` memories of three times the distance in rounds, over their
    detection events. The time is this machine's and no other's, and that of a whole memory at once, without the windows
    of a decoder that keeps up with rounds. Raises INVALID_PARAMS for shots out of range, or that have no event."""
    if not 1 <= shots <= SHOTS_MAX:
        raise QmkError("INVALID_PARAMS", f"{shots} shots", field="shots", help=f"1 to {SHOTS_MAX}")
    model = resolve(noise)
    chosen = decoders.get(decoder or default_decoder(code, model))
    circuit = circuits.memory(code, ROUNDS_PER_D * code.distance, "Z", model, both=not chosen.one_basis)
    compiled = chosen.compile(chosen.model(circuit))
    events = np.asarray(circuit.compile_detector_sampler(seed=seed).sample(shots, bit_packed=True), np.uint8)
    compiled.decode(events[:1])
    begin = time.process_time()
    compiled.decode(events)
    spent = time.process_time() - begin
    count = int(np.bitwise_count(events).sum(dtype=np.int64))
    if not count or spent <= 0:
        raise QmkError("INVALID_PARAMS", "the shots have no detection event", field="shots", help="more shots or noise")
    return Decoding(event_s=spent / count)
