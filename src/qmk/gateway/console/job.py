"""One job: its state as it changes, its result and what can be said of it, and two jobs beside each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Response

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.client.calls import ENDED
from qmk.client.document import Document
from qmk.gateway.console import account, devices, figures, jobs, kept, settling
from qmk.gateway.console.render import HEADERS, events
from qmk.gateway.console.view import View, action, page, redirect
from qmk.gateway.http import Refusal
from qmk.gateway.service import handlers
from qmk.gateway.service.operations import OPERATIONS
from qmk.gateway.service.serving import hold, require_room

OUTCOMES = 50
"""Outcomes in the table of a page, the most frequent ones; files have all."""
SHOTS = 100
"""Shots in a table."""
TEXT = 32_768
"""Longest text of a program that stands in the page of its job."""
VALUES = 200
"""Points in the table of expectation values."""
EVENTS_SHOWN = LIMITS.page_events
FOLLOW = next(each for each in OPERATIONS if each.call.name == "jobs.events")


async def result_of(view: View, state: str, job: str) -> tuple[Document | None, QmkError | None]:
    """The result of a job, or what there is of it so far."""
    if state == "COMPLETED":
        return await view.ask_part("jobs.result", job_id=job)
    if state == "RUNNING":
        return (await view.ask_part("jobs.result", job_id=job, partial=True))[0], None
    return None, None


@page("/jobs/{job:str}")
async def show_job(view: View) -> Response[Any]:
    """Everything about a job."""
    job = view.request.path_params["job"]
    history, _ = await view.ask_part("jobs.events", job_id=job)  # first: what happens from here on is told to the page
    status = await view.ask("jobs.get", job_id=job)
    result, failure = await result_of(view, status.state, job)
    telemetry, _ = await view.ask_part("jobs.telemetry", job_id=job)
    try:
        program = await kept.program_of_job(view, job)
    except QmkError:  # it is too long for an answer, or its job was forgotten just now
        program = None
    outcomes = figures.outcomes(result.counts, OUTCOMES) if result else []
    values = figures.values(result, VALUES) if result else []
    return view.page(
        "job.html",
        text=program.text if program and len(program.text) <= TEXT else "",
        status=status,
        result=result,
        failure=failure,
        history=history,
        telemetry=telemetry,
        outcomes=outcomes,
        values=values,
        pairs=figures.pairs(result.counts) if result else None,
        program=program,
        ended=status.state in ENDED,
        looks=await settling.follow(view, job, result),
        footprint=result.provenance.footprint if result else None,
        calibration=devices.calibration_of(result),
        changes=result.provenance.changes if result else [],
        reasons=result.provenance.reasons if result else [],
        width=view.read("width", "960"),
        observes=status.started is not None and await account.observes(view),
    )


@page("/live/jobs/{job:str}")
async def follow_job(view: View) -> Response[Any]:
    """The events of a job as server-sent events, after ``Last-Event-ID``, until it has ended."""
    require_room(view.request.app.state.gate, view.caller)
    after = view.request.headers.get("last-event-id") or view.read("after", "0")
    wanted: type[Any] = FOLLOW.call.request
    asked = msgspec.convert(
        {"job_id": view.request.path_params["job"], "after": after if after.isdecimal() else 0},
        wanted,
        strict=False,
    )
    items = handlers.follow_events(view.caller, asked)
    try:
        first = await anext(items)
    except StopAsyncIteration:
        return Response(b"", status_code=204, headers=HEADERS)

    async def lines() -> AsyncIterator[bytes]:
        with hold(view.request.app.state.gate, view.caller):
            try:
                yield _line(first)
                async for item in items:
                    yield _line(item)
            except QmkError:
                return  # the browser asks again, and is told why there is nothing

    return events(lines())


def _line(item: Any) -> bytes:
    return b": nothing new\n\n" if item is None else f"id: {item.seq}\nevent: changed\ndata: {item.kind}\n\n".encode()


@action("/jobs/{job:str}/change")
async def change_job(view: View) -> Response[Any]:
    """Cancels, labels or deletes the job; one that cannot be changed so any more is shown as it is."""
    job, do = view.request.path_params["job"], view.read("do")
    if do not in jobs.CHANGES:
        raise Refusal(400, "the form asks for what this page does not do")
    await view.ask("jobs.get", job_id=job)
    changed = await jobs.change_job(view, do, job, jobs.more_of(view, do))
    return redirect("/jobs?done=delete&changed=1" if do == "delete" and changed else f"/jobs/{job}")


@page("/jobs/{job:str}/shots")
async def show_shots(view: View) -> Response[Any]:
    """A table of shots, from the one that is asked for."""
    job, first = view.request.path_params["job"], view.read("from", "0")
    shots = await view.ask("jobs.shots", job_id=job, from_shot=first, count=SHOTS)
    rows = [figures.split(row, shots.widths) for row in shots.rows]
    return view.page("shots.html", job=job, shots=shots, rows=rows, count=SHOTS)


@page("/compare")
async def compare_jobs(view: View) -> Response[Any]:
    """Two results beside each other: their outcomes, and by how many standard errors each differs."""
    chosen = view.read_all("job")[:2]
    documents: list[Document] = []
    if len(chosen) == 2:
        documents = [await view.ask("jobs.result", job_id=job) for job in chosen]
    first, second = (each.counts for each in documents) if documents else ({}, {})
    rows, distance = figures.differences(first, second, OUTCOMES), figures.distance(first, second)
    recent = (await view.ask("jobs.list", state="COMPLETED", limit=20)).jobs
    return view.page("compare.html", jobs=chosen, documents=documents, rows=rows, distance=distance, recent=recent)


HANDLERS = (show_job, follow_job, change_job, show_shots, compare_jobs)
