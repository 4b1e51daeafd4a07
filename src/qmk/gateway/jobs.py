"""Tasks that are several jobs: submitted all or none, asked after together, cancelled together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

from qmk.abi.calls import q_submit
from qmk.abi.shapes import Program, Status
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
    """The ids of the jobs, in order, as ``submit_each`` makes them."""
    asked = [
        {"program": Program(format=format, text=wish.text, params=dict(wish.params)), "shots": wish.shots}
        for wish in wishes
    ]
    return [reply.job_id for reply in await submit_each(caller, asked, key)]


async def submit_each(
    caller: Caller,
    asked: Sequence[Mapping[str, Any]],
    key: str,
    naming: Callable[[int], AbstractContextManager[None]] = nullcontext,
) -> list[q_submit.Reply]:
    """The replies to the submissions, in order; ``key`` and its place make the key of each. Where one is refused, those
    before it are cancelled and its error is raised, within ``naming`` of its place."""
    made: list[q_submit.Reply] = []
    try:
        for place, fields in enumerate(asked):
            with naming(place):
                made.append(await caller.submit_program(**fields, idempotency_key=f"{key}:{place}"))
    except BaseException:
        jobs = [reply.job_id for reply in made]
        await asyncio.shield(cancel_all(caller, jobs, "a job of the same task was refused"))
        raise
    return made


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
