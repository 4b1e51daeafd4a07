"""A process that decodes streams of windows and tells the CPU time of each: a JSON line for a stream."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import msgspec
import numpy as np
import stim

from qmk.base.seeds import substream
from qmk.models.qec import decoders
from qmk.models.qec.decoders import Bits
from qmk.models.qec.processes import serve
from qmk.models.qec.streaming import Sliding

WARM_STREAMS = 2  # decoded and not counted: the first windows load code and tables
REPEATS = 3  # a window's time is the least of so many: a neighbour on the core leaves the caches cold


class StreamJob(msgspec.Struct, frozen=True):
    """Streams ``first``, ``first + step``, ... below ``streams``, each a shot of ``circuit`` with a seed of its own."""

    circuit: str
    decoder: str
    commit: int
    buffer: int
    seed: int
    first: int
    step: int
    streams: int


class Stream(msgspec.Struct, frozen=True, tag="stream"):
    """A decoded stream: events and CPU time by window, and whether an observable was decoded wrongly."""

    number: int
    events: list[int]
    cpu_us: list[float]
    wrong: bool


def time_step(sliding: Sliding, number: int, left: Bits) -> tuple[float, Bits]:
    """CPU microseconds of a window's step, and its answer."""
    begin = time.process_time_ns()
    answer = sliding.step(number, left)
    return (time.process_time_ns() - begin) / 1e3, answer


def decode_stream(job: StreamJob, sliding: Sliding, circuit: stim.Circuit, number: int) -> Stream:
    """Decode stream ``number`` window by window."""
    sampler = circuit.compile_detector_sampler(seed=substream(job.seed, "stream", number))
    dets, actual = sampler.sample(1, separate_observables=True)
    left = dets.astype(np.uint8)
    flips = np.zeros((1, sliding.observables), np.uint8)
    events: list[int] = []
    cpu_us: list[float] = []
    for k, window in enumerate(sliding.windows):
        events.append(int(left[0, window.seen].sum()))
        before = left.copy()
        least, flipped = time_step(sliding, k, left)
        for _ in range(REPEATS - 1):
            least = min(least, time_step(sliding, k, before.copy())[0])
        flips ^= flipped
        cpu_us.append(least)
    return Stream(number, events, cpu_us, bool((flips != actual).any()))


def decode(job: StreamJob, _lines: Iterable[str]) -> Iterator[Stream]:
    """The streams of the job."""
    circuit = stim.Circuit(job.circuit)
    decoder = decoders.get(job.decoder)
    sliding = Sliding(decoder.model(circuit), decoder, job.commit, job.buffer)
    for number in range(WARM_STREAMS):
        decode_stream(job, sliding, circuit, job.streams + number)
    for number in range(job.first, job.streams, job.step):
        yield decode_stream(job, sliding, circuit, number)


def main() -> None:
    serve(StreamJob, decode)
