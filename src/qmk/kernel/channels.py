"""Keeps all channels and what jobs hold of them: each journal record changes both.

Like ``jobs``, nothing but records changes what ``snapshot`` shows. A job's ``Hold`` begins with the record that accepts
it, which charges its Bell pairs, and ends with the job. Which jobs a channel is still needed by is kept up with every
record, since calls ask for it and there may be many jobs.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Collection, Iterator
from typing import Any

import msgspec

from qmk.base.limits import LIMITS
from qmk.kernel import events as ev
from qmk.kernel.objects.channel import Channel
from qmk.kernel.objects.job import Job
from qmk.kernel.objects.tenant import Tenant
from qmk.kernel.scheduling import Index


class Hold(msgspec.Struct):
    """What one job holds. ``started``: a worker has had it, so its pairs are spent."""

    uses: tuple[ev.ChannelUse, ...]
    started: bool = False


class ChannelTable:
    """``forgotten`` collects the ended channels that gave way to others, for the journal to forget them too."""

    def __init__(self, tenant_of: Callable[[str], Tenant], listed: Index) -> None:
        self._tenant_of = tenant_of
        self.by_id: dict[str, Channel] = {}
        self.holds: dict[str, Hold] = {}
        self._needing: dict[str, dict[str, None]] = {}
        self.listed = listed
        self.forgotten: list[str] = []
        self._ended: dict[str, deque[str]] = {}
        self._expiries: list[tuple[int, str]] = []

    def put(self, record: ev.ChannelChanged) -> Channel:
        """Takes over the channel from a record."""
        new = msgspec.convert(record.state, Channel)
        old = self.by_id.get(new.id)
        for tenant in old.holders() if old is not None else ():
            self._tenant_of(tenant).channels.give()
        for tenant in new.holders():
            self._tenant_of(tenant).channels.take()
        self.by_id[new.id] = new
        for tenant in new.tenants if old is None else ():
            self.listed.put(tenant, new.proposed_ns, new.id)
        if not new.has_ended and new.expiry_ns and (old is None or old.expiry_ns != new.expiry_ns):
            heapq.heappush(self._expiries, (new.expiry_ns, new.id))
        if new.has_ended and not (old is not None and old.has_ended):
            ended = self._ended.setdefault(new.proposer, deque())
            ended.append(new.id)
            if len(ended) > LIMITS.kept_channels:
                self.forgotten.append(ended.popleft())
                gone = self.by_id.pop(self.forgotten[-1])
                for tenant in gone.tenants:
                    self.listed.drop(tenant, gone.proposed_ns, gone.id)
        return new

    def follow(self, record: ev.Event, changed: list[Job]) -> None:
        """Applies a record of a job to what it holds."""
        if isinstance(record, ev.Submitted) and record.channels:
            self.holds[record.job] = Hold(record.channels)
            self._charge(record.channels, 1)
        if not self.holds:
            return
        match record:
            case ev.Started() | ev.Progressed() | ev.Finished():
                self._mark_started(record.job)
            case ev.JobState(holds=True):
                self._mark_started(record.job)
            case ev.Failed(died=False) | ev.FellBack() | ev.Saved() | ev.Yielded() if record.fence:
                self._mark_started(record.job)
            case _:
                pass
        for job in changed:
            if job.has_ended:
                self._release(job.id)
            elif job.submitted.channels:
                self._look(job)

    def due(self, now_ns: int) -> Iterator[Channel]:
        """Channels whose time is over, as they are found; each is to be ended by whoever takes it."""
        while self._expiries and self._expiries[0][0] <= now_ns:
            expiry_ns, id = heapq.heappop(self._expiries)
            channel = self.by_id.get(id)
            if channel is not None and not channel.has_ended and channel.expiry_ns == expiry_ns:
                yield channel

    def needing(self, channel: str) -> Collection[str]:
        """Jobs with a use of the channel before them: in epochs behind the state that they have reached, or would go on
        from."""
        return self._needing.get(channel, {}).keys()

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
        if hold is None:
            return
        for use in hold.uses:
            self._spare(use.channel, job)
        if not hold.started:
            self._charge(hold.uses, -1)

    def _look(self, job: Job) -> None:
        """Updates which channels the job still needs, as it got on or was taken back."""
        for use in job.submitted.channels:
            if use.last_epoch > job.epochs_done:
                self._needing.setdefault(use.channel, {})[job.id] = None
            else:
                self._spare(use.channel, job.id)

    def _spare(self, channel: str, job: str) -> None:
        jobs = self._needing.get(channel, {})
        jobs.pop(job, None)
        if not jobs:
            self._needing.pop(channel, None)

    def _charge(self, uses: tuple[ev.ChannelUse, ...], sign: int) -> None:
        for use in uses:
            channel = self.by_id.get(use.channel)
            if channel is not None:
                self.by_id[use.channel] = channel.with_pairs_charged(sign * use.pairs)
