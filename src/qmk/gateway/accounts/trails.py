"""What the operations on the daemon's audit log and on shares of the machine do."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from qmk.abi import shapes as wire
from qmk.abi.operator.shapes import TenantRow
from qmk.base.errors import QmkError
from qmk.base.units import SECOND_NS
from qmk.gateway.accounts.accounts import enter
from qmk.gateway.accounts.shapes import TenantOrEmpty, Unix
from qmk.gateway.callers import Caller
from qmk.rpc.op_metrics import LINES, LogQuery, Reply

SCANNED = 20_000
"""Entries that one request looks at."""
READ_AT_ONCE = 2000
BUCKETS = 24
"""Parts of the time for which shares are given."""
OTHERS = "others"
"""Stands for the organisations that a caller may not see."""


class ListEntries(wire.Request, frozen=True, kw_only=True):
    organisation: Annotated[TenantOrEmpty, Meta(description="only entries about it; empty: all, for operators")] = ""
    before: Annotated[int, Meta(description="entries before this one; 0: from the newest", ge=0, le=wire.INT_MAX)] = 0
    limit: Annotated[int, Meta(description="most entries of the answer", ge=1, le=1000)] = 100
    kind: Annotated[str, Meta(description="only entries of this kind, such as job_admitted", max_length=64)] = ""
    job: Annotated[str, Meta(description="only entries about this job", max_length=64)] = ""
    text: Annotated[str, Meta(description="only entries that have this text somewhere", max_length=256)] = ""
    since: Annotated[float, Meta(description="only entries from this Unix time on", ge=0)] = 0.0
    until: Annotated[float, Meta(description="only entries before this Unix time; 0: until now", ge=0)] = 0.0

    def admits(self, entry: Entry) -> bool:
        return (
            self.organisation in ("", entry.tenant)
            and self.kind in ("", entry.kind)
            and (not self.until or entry.time < self.until)
            and self.job in entry.text
            and self.text.lower() in entry.text.lower()
        )


class Entry(Struct, frozen=True, kw_only=True):
    """One decision of the daemon. `hash` is the SHA-256 of the line `qmk audit entry 1`, of the 32 bytes of `before`,
    and of `text`, one after the other."""

    seq: int
    time: Unix
    kind: str
    tenant: str
    text: Annotated[str, Meta(description="the entry as it was hashed, a JSON array; its last item has the details")]
    before: Annotated[str, Meta(description="hash of the entry before it; empty: that entry is missing")]
    hash: str
    whole: Annotated[bool, Meta(description="the hash is right")]


class Entries(Struct, frozen=True, kw_only=True):
    entries: Annotated[list[Entry], Meta(description="the newest first")]
    next: Annotated[int, Meta(description="`before` of the next page; 0: this was the last")]


async def list_entries(caller: Caller, asked: ListEntries) -> Entries:
    accounts, actor = await enter(caller)
    actor.require_admin(asked.organisation)
    if accounts.audit is None:
        fix = "start the gateway on the machine of the daemon, with its --data-dir or --database"
        raise QmkError("UNSUPPORTED", "this gateway does not read the daemon's audit log", help=fix)
    found: list[Entry] = []
    below = asked.before
    for _ in range(SCANNED // READ_AT_ONCE):
        rows = list(await asyncio.to_thread(accounts.audit, below, READ_AT_ONCE))
        for row in rows:
            entry = _entry_of(row)
            below = entry.seq
            if entry.time < asked.since:
                return Entries(entries=found, next=0)
            if asked.admits(entry):
                found.append(entry)
                if len(found) == asked.limit:
                    return Entries(entries=found, next=below if below > 1 else 0)
        if len(rows) < READ_AT_ONCE:
            return Entries(entries=found, next=0)
    return Entries(entries=found, next=below)


def _entry_of(row: Any) -> Entry:
    """An entry as the reader gives it; one that cannot be read is shown, and is not whole."""
    text = row.data.decode("utf-8", "replace")
    try:
        _, _, now_ns, kind, tenant, _ = msgspec.json.decode(
            row.data, type=tuple[int, int, int, str, str, dict[str, Any]]
        )
    except msgspec.MsgspecError:
        now_ns, kind, tenant = 0, "unreadable", ""
    return Entry(
        seq=row.seq,
        time=now_ns / 1e9,
        kind=kind,
        tenant=tenant,
        text=text,
        before=row.before.hex(),
        hash=row.hash.hex(),
        whole=row.whole,
    )


class ListLines(wire.Request, frozen=True, kw_only=True):
    organisation: Annotated[
        TenantOrEmpty, Meta(description="only lines about jobs of it alone; empty: all, for operators")
    ] = ""
    before: Annotated[int, Meta(description="lines before this one; 0: from the newest", ge=0, le=wire.INT_MAX)] = 0
    limit: Annotated[int, Meta(description="most lines of the answer", ge=1, le=LINES)] = 100
    job: Annotated[str, Meta(description="only lines that name this job", max_length=64)] = ""
    text: Annotated[str, Meta(description="only lines that have this text somewhere", max_length=256)] = ""
    since: Annotated[float, Meta(description="only lines from this Unix time on", ge=0)] = 0.0
    until: Annotated[float, Meta(description="only lines before this Unix time; 0: until now", ge=0)] = 0.0


class Line(Struct, frozen=True, kw_only=True):
    """A line of the daemon's log."""

    number: Annotated[int, Meta(description="counts lines since the daemon's start")]
    time: Unix
    level: str
    logger: str
    message: str
    job: Annotated[str, Meta(description="the first job that it names; empty: none")]


class Lines(Struct, frozen=True, kw_only=True):
    lines: Annotated[list[Line], Meta(description="the newest first")]
    next: Annotated[int, Meta(description="`before` of the next page; 0: this was the last")]


async def list_lines(caller: Caller, asked: ListLines) -> Lines:
    accounts, actor = await enter(caller)
    actor.require_admin(asked.organisation)
    fields = {name: text for name, text in msgspec.structs.asdict(asked).items() if name != "organisation"}
    query = LogQuery(tenant=asked.organisation, **fields)
    reply: Reply = await accounts.operate("op_metrics", limit=0, log=query)
    rows = [
        Line(number=row.number, time=row.at_s, level=row.level, logger=row.logger, message=row.message, job=row.job)
        for row in reply.log
    ]
    return Lines(lines=rows, next=rows[-1].number if len(rows) == asked.limit else 0)


class GetShares(wire.Request, frozen=True, kw_only=True):
    hours: Annotated[int, Meta(description="how far back", ge=1, le=168)] = 24


class Share(Struct, frozen=True, kw_only=True):
    """What one organisation had of the machine."""

    organisation: Annotated[str, Meta(description="its name; `others`: all that the caller may not see")]
    weight: Annotated[float, Meta(description="sum of the weights of those it stands for")]
    engine_seconds: Annotated[list[float], Meta(description="engine time in each part of the time, the oldest first")]
    share: Annotated[float, Meta(description="its part of all engine time")]
    fair: Annotated[float, Meta(description="its part by weight, among those that had engine time")]
    queue_seconds: Annotated[float, Meta(description="how long its launches had waited, on average")]
    open_jobs: Annotated[int, Meta(description="jobs that have not ended")]


class Shares(Struct, frozen=True, kw_only=True):
    since: Unix
    until: Unix
    shares: Annotated[list[Share], Meta(description="the greatest part first")]


async def get_shares(caller: Caller, asked: GetShares) -> Shares:
    accounts, actor = await enter(caller)
    tenants: list[TenantRow] = (await accounts.operate("op_tenant_list")).tenants
    until = accounts.clock()
    since = until - 3600 * asked.hours
    rows = await accounts.billing.rows("", int(since * SECOND_NS), int(until * SECOND_NS))
    names = {each.tenant: each.tenant if actor.role_in(each.tenant) else OTHERS for each in tenants}
    used: dict[str, list[float]] = defaultdict(lambda: [0.0] * BUCKETS)
    waits: dict[str, list[float]] = defaultdict(list)
    had: set[str] = set()
    for row in rows:
        name = names.get(row.tenant, OTHERS)
        at = min(BUCKETS - 1, int((row.time_ns / SECOND_NS - since) / (until - since) * BUCKETS))
        used[name][at] += row.engine_ns / SECOND_NS
        waits[name].append(row.queue_ns / SECOND_NS)
        had.add(row.tenant)
    total = sum(map(sum, used.values()))
    rivals = sum(each.weight for each in tenants if each.tenant in had)
    shares: list[Share] = []
    for name in dict.fromkeys(names.values()):
        own = [each for each in tenants if names[each.tenant] == name]
        active = sum(each.weight for each in own if each.tenant in had)
        shares.append(
            Share(
                organisation=name,
                weight=sum(each.weight for each in own),
                engine_seconds=used[name],
                share=sum(used[name]) / total if total else 0.0,
                fair=active / rivals if rivals else 0.0,
                queue_seconds=sum(waits[name]) / len(waits[name]) if waits[name] else 0.0,
                open_jobs=sum(each.jobs for each in own),
            )
        )
    shares.sort(key=lambda each: (-each.share, each.organisation))
    return Shares(since=since, until=until, shares=shares)
