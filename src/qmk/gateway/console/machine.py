"""What there is to run on: engines and the queue; and how to begin."""

from __future__ import annotations

from typing import Any

from litestar import Response

from qmk.gateway.console.view import View, page

RUNNING_SHOWN = 100


@page("/engines")
async def show_engines(view: View) -> Response[Any]:
    """The engines, and whether each is installed."""
    table = view.narrow(
        (await view.ask("engines.list")).engines,
        installed=lambda row: "yes" if row.available else "no",
        method=lambda row: [each for each in row.methods if each],  # a method may have no name
    )
    return view.page("engines.html", table=table)


@page("/queue")
async def show_queue(view: View) -> Response[Any]:
    """What runs and what waits, in the order in which it is launched."""
    load = await view.ask("engines.load")
    running = (await view.ask("jobs.list", state="RUNNING", limit=RUNNING_SHOWN)).jobs
    queued = (await view.ask("jobs.list", state="QUEUED", limit=RUNNING_SHOWN)).jobs
    found = [await view.ask_part("jobs.get", job_id=row.job_id) for row in queued]
    waiting = sorted(
        (status for status, _ in found if status is not None and status.place_in_queue is not None),
        key=lambda status: status.place_in_queue,
    )
    usage, _ = await view.ask_part("account.usage")
    runs = view.narrow(running, engine=lambda row: row.engine, tag=lambda row: row.tags)
    waits = view.narrow(waiting, engine_to_be=lambda row: row.engine, tag_of_waiting=lambda row: row.tags)
    return view.page("queue.html", load=load, running=runs, waiting=waits, usage=usage)


@page("/guide")
async def show_guide(view: View) -> Response[Any]:
    """How to begin, with examples that run."""
    return view.page("guide.html")


HANDLERS = (show_guide, show_engines, show_queue)
