"""All channels, and what jobs hold of them: how each journal record changes both.

Like ``jobs``, nothing but records changes what ``snapshot`` shows. A job's ``Hold`` begins with the record that accepts
it, which charges its Bell pairs, and ends with the job.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from qmk.base.limits import LIMITS
from qmk.kernel.events import (
    ChannelChanged,
    ChannelUse,
    Event,
    Failed,
    Finished,
    JobState,
    Progressed,
    Saved,
    Started,
    Submitted,
    Yielded,
)
from qmk.kernel.objects.channel import Channel
from qmk.kernel.objects.job import Job
from qmk.kernel.objects.tenant import Tenant


class Hold(msgspec.Struct):
    """What one job holds. ``started``: a worker has had it, so its pairs are spent."""

    uses: tuple[ChannelUse, ...]
    started: bool = False

    def last_epoch(self, channel: str) -> int:
        """The last epoch of the program with a use of the channel; 0 when there is none."""
        return max((use.last_epoch for use in self.uses if use.channel == channel), default=0)


class ChannelTable:
    """``forgotten`` collects the ended channels that gave way to others, for the journal to forget them too."""

    def __init__(self, tenant_of: Callable[[str], Tenant]) -> None:
        self._tenant_of = tenant_of
        self.by_id: dict[str, Channel] = {}
        self.holds: dict[str, Hold] = {}
        self.forgotten: list[str] = []
        self._ended: dict[str, deque[str]] = {}
        self._expiries: list[tuple[int, str]] = []

    def put(self, record: ChannelChanged) -> Channel:
        """The channel as the record has it."""
        new = msgspec.convert(record.state, Channel)
        old = self.by_id.get(new.id)
        for tenant in old.holders() if old is not None else ():
            self._tenant_of(tenant).channels.give()
        for tenant in new.holders():
            self._tenant_of(tenant).channels.take()
        self.by_id[new.id] = new
        if not new.ended and new.expiry_ns and (old is None or old.expiry_ns != new.expiry_ns):
            heapq.heappush(self._expiries, (new.expiry_ns, new.id))
        if new.ended and not (old is not None and old.ended):
            ended = self._ended.setdefault(new.proposer, deque())
            ended.append(new.id)
            if len(ended) > LIMITS.kept_channels:
                self.forgotten.append(ended.popleft())
                del self.by_id[self.forgotten[-1]]
        return new

    def follow(self, record: Event, changed: list[Job]) -> None:
        """What a record of a job means for its hold."""
        match record:
            case Submitted(channels=uses):
                if uses:
                    self.holds[record.job] = Hold(uses)
                    self._charge(uses, 1)
            case Started() | Progressed() | Finished():
                self._mark_started(record.job)
            case JobState(holds=True):
                self._mark_started(record.job)
            case Failed(died=False) | Saved() | Yielded() if record.fence:
                self._mark_started(record.job)
            case _:
                pass
        for job in changed:
            if job.ended:
                self._release(job.id)

    def due(self, now_ns: int) -> Iterator[Channel]:
        """Channels whose time is over, as they are found; each is to be ended by whoever takes it."""
        while self._expiries and self._expiries[0][0] <= now_ns:
            expiry_ns, id = heapq.heappop(self._expiries)
            channel = self.by_id.get(id)
            if channel is not None and not channel.ended and channel.expiry_ns == expiry_ns:
                yield channel

    def holders(self, channel: str) -> list[str]:
        """Jobs that hold of the channel."""
        return [job for job, hold in self.holds.items() if hold.last_epoch(channel)]

    def snapshot(self) -> dict[str, Any]:
        return {
            "channels": {id: msgspec.to_builtins(channel) for id, channel in self.by_id.items()},
            "holds": {job: msgspec.to_builtins(hold) for job, hold in self.holds.items()},
        }

    def _mark_started(self, job: str) -> None:
        hold = self.holds.get(job)
        if hold is not None:
            hold.started = True

    def _release(self, job: str) -> None:
        hold = self.holds.pop(job, None)
        if hold is not None and not hold.started:
            self._charge(hold.uses, -1)

    def _charge(self, uses: tuple[ChannelUse, ...], sign: int) -> None:
        for use in uses:
            channel = self.by_id.get(use.channel)
            if channel is not None:
                self.by_id[use.channel] = channel.charged(sign * use.pairs)
