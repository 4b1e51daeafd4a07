"""The loop at the bottom: sample a batch of shots of a circuit, decode it, count the errors.

A batch is fixed by the root seed and its number alone, so that it counts the same in whatever process it runs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec
import numpy as np
import stim

from qmk.base.seeds import substream
from qmk.models.qec.decoders import Decoder

PIECE_SHOTS = 1024  # the frames of so many shots stay in cache: Stim samples 1.5 to 2 times as fast as in 65536
FIRST_SHOTS = 1024


class Batch(msgspec.Struct, frozen=True, tag="batch"):
    """What one batch counted. ``errors[k]``: shots in which observable k was decoded wrongly."""

    number: int
    shots: int
    errors_any: int
    errors: tuple[int, ...]
    cpu_s: float


def schedule(decoder: Decoder, shots: int) -> Iterator[tuple[int, int]]:
    """Number and shots of every batch of a run, from decoder and shots alone. Batches double in size up to the
    decoder's, so that a run that stops early stops soon."""
    size, number = min(decoder.batch_shots, FIRST_SHOTS), 0
    while shots > 0:
        yield number, min(size, shots)
        shots -= size
        size, number = min(decoder.batch_shots, size * 2), number + 1


class Loop:
    """Samples and decodes batches of one circuit, thinned already, with one decoder."""

    def __init__(self, circuit: stim.Circuit, decoder: Decoder, seed: int) -> None:
        self._seed = seed
        self._observables = circuit.num_observables
        self._circuit = circuit
        self._compiled = decoder.compile(decoder.model(circuit))

    def run(self, number: int, shots: int) -> Batch:
        """Batch ``number``, of ``shots`` shots."""
        begin = time.process_time()
        sampler = self._circuit.compile_detector_sampler(seed=substream(self._seed, "batch", number))
        errors = np.zeros(self._observables, np.int64)
        errors_any = 0
        for done in range(0, shots, PIECE_SHOTS):
            piece = min(PIECE_SHOTS, shots - done)
            dets, actual = sampler.sample(piece, separate_observables=True, bit_packed=True)
            wrong = self._compiled.decode(dets) ^ actual
            failed = wrong.any(axis=1)
            count = int(np.count_nonzero(failed))
            if count:
                errors_any += count
                bits = np.unpackbits(wrong[failed], axis=1, count=self._observables, bitorder="little")
                errors += bits.sum(axis=0, dtype=np.int64)
        per_observable = tuple(int(value) for value in errors)
        return Batch(number, shots, errors_any, per_observable, time.process_time() - begin)
