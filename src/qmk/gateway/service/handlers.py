"""What operations do beyond a call of the ABI."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from qmk.abi.calls import q_estimate, q_query_resources, q_result, q_status, q_wait
from qmk.abi.calls.q_events import JobEvent
from qmk.abi.shapes import INT_MAX, Program
from qmk.base.errors import Finding, QmkError
from qmk.client import document
from qmk.client.patience import new_key
from qmk.gateway.accounts.roles import Actor
from qmk.gateway.callers import Caller
from qmk.gateway.jobs import submit_each
from qmk.gateway.service import shapes
from qmk.request.batches import Entry, entries_of, naming
from qmk.request.options import RunOptions

DRAWER, DRAWING_S = "qmk.gateway.service.drawer", 30.0
"""The process that draws, and the seconds that it has."""
HEARTBEAT_S = 15.0
"""Seconds after which a stream in which nothing happens says that it is still there."""


async def submit_job(caller: Caller, asked: Any) -> Any:
    fields = msgspec.structs.asdict(asked)
    return await caller.submit_program(**{**fields, "idempotency_key": asked.idempotency_key or new_key()})


async def get_job(caller: Caller, asked: shapes.GetJob) -> q_status.Reply:
    if asked.wait_s:
        await caller.ask(q_wait.CALL, job_id=asked.job_id, timeout_ms=int(asked.wait_s * 1000))
    return await caller.status(asked.job_id)


async def get_result(caller: Caller, asked: shapes.GetResult) -> document.Document:
    found = await (caller.partial if asked.partial else caller.result)(asked.job_id)
    if found is None:
        raise QmkError("NOT_COMPLETED", "the job has not begun", help="wait for it with GET /v1/jobs/{job_id}?wait_s=")
    return document.of_result(found, events=False)


async def get_shots(caller: Caller, asked: shapes.GetShots) -> shapes.ShotPage:
    reply: q_result.Reply = await caller.ask(q_result.CALL, job_id=asked.job_id, from_shot=asked.from_shot)
    page = reply.events
    if page is None:
        raise QmkError("NOT_COMPLETED", "no per-shot events were kept for this job", help="submit with keep_events")
    rows = page.rows[: asked.count]
    after = page.from_shot + len(rows)
    fields: dict[str, Any] = msgspec.structs.asdict(page) | {
        "rows": rows,
        "next_shot": after if after < reply.shots else None,
    }
    return shapes.ShotPage(**fields, shots=reply.shots)


async def get_events(caller: Caller, asked: Any) -> Any:
    return await caller.events(asked.job_id, asked.after, int(asked.wait_s * 1000))


async def follow_events(caller: Caller, asked: Any) -> AsyncIterator[JobEvent | None]:
    """The events after ``after``, until the job has ended; None where nothing has happened for a while."""
    after, wait_ms = asked.after, 0
    while True:
        page = await (caller.poll_events if wait_ms else caller.events)(asked.job_id, after, wait_ms)
        for event in page.events:
            yield event
        if not page.events:
            if page.ended:
                return
            yield None
        after, wait_ms = page.last_seq, int(HEARTBEAT_S * 1000)


async def submit_batch(caller: Caller, asked: Any) -> shapes.Batch:
    """All jobs or none. With a key, tag and seed follow from it, so that the same request gives the same jobs."""
    key: str = asked.idempotency_key
    drawn = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest() if key else secrets.token_bytes(24)
    batch = f"batch:{drawn[:16].hex()}"
    seed = asked.policy.seed
    if seed is None:
        seed = int.from_bytes(drawn[16:24]) & INT_MAX
    seed, entries = entries_of([b""] * len(asked.programs), asked.points, RunOptions(seed=seed))
    if len(entries) > shapes.BATCH_JOBS:
        raise QmkError(
            "QUOTA_EXCEEDED",
            f"{len(entries)} jobs exceed the limit of {shapes.BATCH_JOBS} jobs in one request",
            asked=len(entries),
            limit=shapes.BATCH_JOBS,
            retryable=False,
            help="send several requests",
        )
    common = {"shots", "keep_events", "outputs", "strict", "name"}
    fields: dict[str, Any] = {name: getattr(asked, name) for name in common} | {"tags": (*asked.tags, batch)}

    def wish(entry: Entry) -> dict[str, Any]:
        program: Program = asked.programs[entry.program]
        params = {**program.params, **(entry.params or {})}
        policy = msgspec.structs.replace(asked.policy, seed=entry.seed)
        return {**fields, "program": msgspec.structs.replace(program, params=params), "policy": policy}

    replies = await submit_each(caller, [wish(each) for each in entries], batch, lambda at: naming(entries[at]))
    jobs = zip(entries, replies, strict=True)
    rows = [shapes.BatchJob(each.index, each.program, each.point, reply.job_id) for each, reply in jobs]
    return shapes.Batch(batch, seed, rows)


async def get_batch(caller: Caller, asked: shapes.OfBatch) -> shapes.BatchStates:
    states = await caller.group(asked.batch).status()
    if not states:
        raise QmkError("JOB_NOT_FOUND", f"no jobs of batch '{asked.batch}'", batch=asked.batch)
    return shapes.BatchStates(asked.batch, states)


async def cancel_batch(caller: Caller, asked: shapes.CancelBatch) -> shapes.BatchCancelled:
    await get_batch(caller, shapes.OfBatch(batch=asked.batch))
    return shapes.BatchCancelled(asked.batch, await caller.group(asked.batch).cancel(asked.reason))


async def check_program(caller: Caller, asked: Any) -> shapes.Check:
    try:
        found: q_estimate.Reply = await caller.ask(q_estimate.CALL, program=asked.program, strict=asked.strict)
    except QmkError as error:
        if error.kind.name != "INVALID_GRAPH":
            raise
        return shapes.Check(ok=False, findings=error.findings)
    return shapes.Check(ok=True, findings=msgspec.convert(found.warnings, list[Finding]), summary=found.logical)


async def draw_program(caller: Caller, asked: shapes.DrawProgram) -> shapes.Drawing:
    return await draw(caller, shapes.Picture(program=asked))


async def draw(caller: Caller, asked: shapes.Picture) -> shapes.Drawing:
    """The picture of a program or of figures. Raises what drawing it raises."""
    return shapes.Drawing((await ask_drawer(caller, asked))["svg"])


async def ask_drawer(caller: Caller, asked: shapes.Picture) -> dict[str, Any]:
    """What the process that draws has made. Raises what making it raises."""
    question = msgspec.json.encode(asked)
    found = msgspec.json.decode(await caller.children.ask(caller.tenant, DRAWER, question, DRAWING_S))
    if "error" in found:
        raise QmkError.from_dict(found["error"])
    return found


async def list_formats(caller: Caller, asked: shapes.Nothing) -> shapes.Formats:
    from qmk.sdk.discovery import frontends

    rows = sorted(frontends().items())
    return shapes.Formats(
        [shapes.FormatRow(name, row.doc, list(row.suffixes), row.emit is not None) for name, row in rows]
    )


async def list_engines(caller: Caller, asked: shapes.Nothing) -> shapes.Engines:
    return shapes.Engines((await _resources(caller)).engines)


async def list_devices(caller: Caller, asked: shapes.Nothing) -> shapes.Devices:
    return shapes.Devices((await _resources(caller)).devices)


async def list_atom_devices(caller: Caller, asked: shapes.Nothing) -> shapes.AtomDevices:
    from qmk.models.atoms import profiles
    from qmk.models.atoms.facts import facts

    rows = profiles().values()
    return shapes.AtomDevices([shapes.AtomDevice(row.name, row.doc, facts(row), list(row.sources)) for row in rows])


async def get_load(caller: Caller, asked: shapes.Nothing) -> shapes.Load:
    found = await _resources(caller)
    return shapes.Load(found.queue, found.capacity)


async def _resources(caller: Caller) -> q_query_resources.Reply:
    return await caller.query_resources()


async def get_me(caller: Caller, asked: shapes.Nothing) -> shapes.Me:
    found = await caller.describe_session()
    held = [each.name for each in found.granted]
    actor = Actor("") if caller.accounts is None else await caller.accounts.actor_of(caller)
    return shapes.Me(
        tenant=found.tenant,
        rights=found.rights,
        capabilities=held,
        expires=found.expires,
        limits=found.limits,
        user=actor.user,
        role=actor.role_in(found.tenant) or "",
        administers=actor.administers,
        operator=actor.operator,
    )


async def get_usage(caller: Caller, asked: shapes.Nothing) -> shapes.Usage:
    return shapes.Usage((await caller.telemetry()).quota)


async def get_figures(caller: Caller, asked: shapes.Nothing) -> Any:
    return (await caller.telemetry()).session


async def get_job_figures(caller: Caller, asked: shapes.OfJob) -> Any:
    return (await caller.telemetry(asked.job_id)).job
