"""A program at many points as one job: what is submitted, the handle of one point, and its part of the result."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from msgspec import structs

from qmk.abi.calls.q_result import EventPage, Reply
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.base.seeds import substream
from qmk.client.job import AsyncJob, Follows
from qmk.client.result import Result
from qmk.qvm.outputs import Outputs, Sweep, values_bytes_max
from qmk.request.batches import Entry
from qmk.request.options import RunOptions
from qmk.request.outputs import usual_outputs
from qmk.request.shots import DEFAULT_SHOTS
from qmk.request.sweeps import points_of, sweep_of

if TYPE_CHECKING:
    from qmk.qvm.graph import Graph


def runs_of(entries: Sequence[Entry], options: RunOptions) -> list[tuple[list[Entry], Graph | None, RunOptions]]:
    """The jobs of a batch: of each its entries, its program with the options of a job for all points of these, None
    where it has one entry, which is submitted as it stands."""
    found: list[tuple[list[Entry], Graph | None, RunOptions]] = []
    for program, group in groupby(entries, key=lambda entry: (entry.program, entry.point is None)):
        own = list(group)
        swept = None if program[1] or len(own) < 2 else _sweep(own, options)
        if swept is None:
            found += [([entry], None, options) for entry in own]
            continue
        graph, sweep, most = swept
        for start in range(0, len(own), most):
            part = own[start : start + most]
            points = structs.replace(sweep, points=sweep.points[start : start + most], first=part[0].index)
            found.append((part, graph, options.replace(params=None, format=None, outputs=Outputs(sweep=points))))
    return found


def _sweep(entries: Sequence[Entry], options: RunOptions) -> tuple[Graph, Sweep, int] | None:
    """The program of these entries with all of their points, and how many points one job may have. None where more than
    its angles differ from point to point, where more is asked for than counts, or where a machine has to write each."""
    if options.outputs is not None or options.split or options.error is not None or options.device or options.qec:
        return None
    try:
        rows = [dict(entry.params or {}) for entry in entries]
        graph, sweep = sweep_of(entries[0].source, points_of(rows), options.format)
    except QmkError:  # each is read by itself, and what is wrong there names its entry
        return None
    if usual_outputs(graph) is not None:
        return None
    sweep = structs.replace(sweep, seeds="batch", events=options.keep_events)
    one = Outputs(sweep=structs.replace(sweep, points=sweep.points[:1]))
    each = values_bytes_max(one, graph, 0, options.shots or graph.shots or DEFAULT_SHOTS)
    most = LIMITS.values_bytes // max(1, each)
    return (graph, sweep, most) if most > 1 else None


class WholeJob(AsyncJob):
    """The job of several points; its result is taken apart."""

    reply: Reply | None = None
    """What it gave, once that is known."""

    async def take(self, timeout: float | None) -> Reply:
        """What the job gave. Raises as ``result``."""
        if self.reply is None:
            self.reply = (await self.result(timeout)).reply
        return self.reply


class PointJob(AsyncJob):
    """A handle of one point of a job that has several: its result is that of the point, and it is cancelled with the
    others. ``of``: how many points the job has."""

    def __init__(self, client: Follows, whole: WholeJob, number: int, of: int) -> None:
        super().__init__(client, whole.job_id)
        self.whole, self.of, self._number = whole, of, number

    async def result(self, timeout: float | None = None) -> Result:
        """The counts of the point, once the job has ended. Raises as that of any job."""
        return part_of(await self.whole.take(timeout), self._number)

    async def partial(self) -> Result | None:
        """The counts of the point, once it is done; None before."""
        found = await self._client.partial(self.job_id)
        if found is None or found.values is None or self._number >= len(found.values.points):
            return None
        return part_of(found.reply, self._number)


def handles(client: Follows, job: str, count: int) -> list[PointJob]:
    """A handle of each point of a job."""
    whole = WholeJob(client, job)
    return [PointJob(client, whole, number, count) for number in range(count)]


def parts_of(found: Result) -> list[Result]:
    """The results of the entries of a batch that a job has: one, or that of each of its points."""
    if found.values is None or found.values.entry is None:
        return [found]
    return [part_of(found.reply, number) for number in range(len(found.values.points))]


def part_of(reply: Reply, number: int) -> Result:
    """The result of one point. What the run took is that of the whole job, divided by its points."""
    values = reply.values
    assert values is not None, "a job with points has values"
    point, count = values.points[number], len(values.points)
    seed = substream(reply.seed, "batch", (values.entry or 0) + number)
    usage: dict[str, Any] = {
        name: value / count if name.endswith("_seconds") else value for name, value in reply.usage.items()
    }
    shots = sum(point.counts.values())
    bits = sum(values.event_widths)
    notes = {**reply.provenance.notes, "point": {"number": number, "of": count}}
    whole = structs.replace(
        reply,
        shots=shots,
        seed=seed,
        counts=point.counts,
        values=None,
        usage=usage,
        provenance=structs.replace(reply.provenance, seed=seed, notes=notes),
    )
    if not point.events or not bits:
        return Result(whole)
    packed, names, widths = point.events, values.event_names, values.event_widths

    def pages(reply: Reply) -> Reply:
        import numpy as np

        rows = np.unpackbits(np.frombuffer(packed, np.uint8).reshape(shots, -1), axis=1, count=bits) + ord("0")
        text = [row.tobytes().decode() for row in rows.astype(np.uint8)]
        return structs.replace(reply, events=EventPage(0, names, widths, text, None))

    return Result(whole, complete=pages, packed=lambda: packed)
