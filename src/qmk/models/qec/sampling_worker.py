"""A process that samples and decodes batches: number and shots of a batch a line in, a batch a line out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import msgspec
import stim

from qmk.models.qec import batches, decoders
from qmk.models.qec.processes import serve


class Job(msgspec.Struct, frozen=True):
    """What all batches of a run share."""

    circuit: str
    decoder: str
    seed: int


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The decoder is compiled; ``cpu_s`` of the process so far."""

    cpu_s: float


def count(job: Job, lines: Iterable[str]) -> Iterator[Ready | batches.Batch]:
    """The batches that are asked for."""
    loop = batches.Loop(stim.Circuit(job.circuit), decoders.get(job.decoder), job.seed)
    yield Ready(time.process_time())
    for line in lines:
        number, shots = line.split()
        yield loop.run(int(number), int(shots))


def main() -> None:
    serve(Job, count)
