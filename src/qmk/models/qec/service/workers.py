"""Real decoder processes: each decodes whole streams of sliding windows, and times every window by its own CPU clock.

CPU time, not wall time: on a machine that does other work, too, wall time measures the neighbours. The virtual clock
of ``machine`` then runs on the measured times, as cores of its own would.
"""

from __future__ import annotations

from dataclasses import dataclass

import stim

from qmk.base.errors import QmkError
from qmk.models.qec import decoders
from qmk.models.qec.processes import MAX_WORKERS, Process
from qmk.models.qec.service.cost import Cost
from qmk.models.qec.service.machine import Work
from qmk.models.qec.service.worker import Stream, StreamJob
from qmk.models.qec.streaming import rounds_of, sliding, spans
from qmk.models.qec.thin import thin_circuit
from qmk.models.stim_text import to_text


@dataclass(frozen=True)
class Measured:
    """Streams that real workers decoded: ``events[i][w]`` and ``cpu_us[i][w]`` of window w of stream i, and how many
    streams were decoded wrongly."""

    events: tuple[tuple[int, ...], ...]
    cpu_us: tuple[tuple[float, ...], ...]
    wrong: int

    def mean_us(self) -> float:
        return sum(map(sum, self.cpu_us)) / sum(map(len, self.cpu_us))

    def mean_events(self) -> float:
        return sum(map(sum, self.events)) / sum(map(len, self.events))

    def flat(self) -> tuple[list[int], list[float]]:
        """Events and CPU time of every window."""
        return [e for row in self.events for e in row], [t for row in self.cpu_us for t in row]

    def work(self, patch: int, number: int, cost: Cost) -> Work:
        """Window ``number`` of a patch: its stream, begun again after the last window."""
        i, w = patch % len(self.events), number % len(self.events[0])
        events = self.events[i][w]
        return Work(events, cost.window_us(events), self.cpu_us[i][w])


def measure_windows(
    circuit: stim.Circuit,
    decoder: str = "matching",
    *,
    commit: int,
    buffer: int,
    streams: int,
    seed: int,
    workers: int = 2,
) -> Measured:
    """Decode ``streams`` shots of ``circuit``, window by window, in ``workers`` processes.

    The windows at both ends of a stream, which see fewer rounds or more, are left out of the result. Raises
    INVALID_PARAMS for a circuit that is too short to leave a window, and for numbers out of range.
    """
    _check(circuit, decoder, commit, buffer, streams, workers)
    thin = to_text(thin_circuit(circuit, decoders.get(decoder)))
    processes: list[Process] = []
    try:
        for first in range(workers):
            job = StreamJob(thin, decoder, commit, buffer, seed, first, workers, streams)
            processes.append(Process("qmk.models.qec.service.worker", job, Stream, "decoder"))
        found: list[Stream] = [stream for process in processes for stream in process.all_replies()]
    finally:
        for process in processes:
            process.end()
    found.sort(key=lambda stream: stream.number)
    return Measured(
        tuple(tuple(stream.events[1:-1]) for stream in found),
        tuple(tuple(stream.cpu_us[1:-1]) for stream in found),
        sum(stream.wrong for stream in found),
    )


def _check(circuit: stim.Circuit, decoder: str, commit: int, buffer: int, streams: int, workers: int) -> None:
    sliding(decoders.get(decoder), commit=commit, buffer=buffer)
    for name, value, most in (("streams", streams, 1 << 31), ("workers", workers, MAX_WORKERS)):
        if not 1 <= value <= most:
            raise QmkError("INVALID_PARAMS", f"{name}: {value} is not in 1..{most}", field=name)
    windows = len(spans(list(rounds_of(circuit)), commit, buffer)) if circuit.num_detectors else 0
    if windows < 3:
        raise QmkError(
            "INVALID_PARAMS",
            f"circuit: {windows} windows of {commit} + {buffer} rounds, of which the first and the last do not count",
            field="circuit",
            help=f"give it {2 * commit + buffer} rounds or more",
        )
