"""Tasks that are several jobs: submitted all or none, asked after together, cancelled together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from qmk.abi.shapes import Status
from qmk.base.errors import QmkError
from qmk.client.calls import ENDED
from qmk.gateway.callers import Caller
from qmk.gateway.records import Record, Records

AT_ONCE = 32
"""Most calls to the daemon that one request has open at once."""


class Wish(NamedTuple):
    """One job to be."""

    text: str
    shots: int
    params: Mapping[str, Any]


async def submit_all(caller: Caller, format: str, wishes: Sequence[Wish], key: str) -> list[str]:
    """The ids of the jobs, in order; ``key`` and its place make the key of each. Where one is refused, those before it
    are cancelled and its error is raised."""
    jobs: list[str] = []
    try:
        for place, wish in enumerate(wishes):
            reply = await caller.submit_text(
                wish.text, format=format, shots=wish.shots, key=f"{key}:{place}", params=wish.params
            )
            jobs.append(reply.job_id)
    except BaseException:
        await asyncio.shield(cancel_all(caller, jobs, "a job of the same task was refused"))
        raise
    return jobs


async def states(caller: Caller, jobs: Sequence[str]) -> list[Status]:
    """The state of each job. Raises JOB_NOT_FOUND."""
    free = asyncio.Semaphore(AT_ONCE)

    async def status_of_one(job: str) -> Status:
        async with free:
            return await caller.status(job)

    return list(await asyncio.gather(*(status_of_one(job) for job in jobs)))


async def describe_all(
    kind: str,
    caller: Caller,
    records: Records,
    found: Sequence[Record],
    tell: Callable[[Record], Awaitable[dict[str, Any]]],
) -> list[dict[str, Any]]:
    """What ``tell`` says of each record; those whose jobs were old enough to be forgotten are dropped."""
    told: list[dict[str, Any]] = []
    for record in found:
        try:
            told.append(await tell(record))
        except QmkError as error:
            if error.kind.name != "JOB_NOT_FOUND":
                raise
            await records.drop(kind, caller.tenant, record.id)
    return told


async def cancel_all(caller: Caller, jobs: Sequence[str], reason: str) -> int:
    """Cancel those that have not ended; how many that were."""
    count = 0
    for job in jobs:
        try:
            await caller.cancel(job, reason)
            count += 1
        except QmkError as error:
            if error.kind.name != "ALREADY_COMPLETED":
                raise
    return count


def warnings_of(found: Sequence[Status]) -> list[dict[str, object]]:
    """The warnings about the programs of these jobs, each once."""
    told: list[dict[str, object]] = []
    for status in found:
        told += [row for row in status.warnings if row not in told]
    return told


def has_ended(found: Sequence[Status]) -> bool:
    return all(status.state in ENDED for status in found)
