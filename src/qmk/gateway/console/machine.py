"""What there is to run on: engines, devices and the queue; and who calls, what they use and what they may do."""

from __future__ import annotations

import time
from typing import Any

from litestar import Response

from qmk.abi.calls import q_revoke
from qmk.gateway.accounts.sessions import Sessions
from qmk.gateway.console.view import View, action, page, redirect

RUNNING_SHOWN = 100


@page("/engines")
async def show_engines(view: View) -> Response[Any]:
    """The engines, and whether each is installed."""
    return view.page("engines.html", engines=(await view.ask("engines.list")).engines)


@page("/devices")
async def show_devices(view: View) -> Response[Any]:
    """The devices that are modelled."""
    return view.page("devices.html", devices=(await view.ask("engines.devices")).devices)


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
    return view.page("queue.html", load=load, running=running, waiting=waiting, usage=usage)


@page("/account")
async def show_account(view: View) -> Response[Any]:
    """Who calls: quotas, rights, capabilities, sessions, bounds."""
    sessions: Sessions = view.request.app.state.sessions
    me = await view.ask("account.me")
    usage, _ = await view.ask_part("account.usage")
    counts, _ = await view.ask_part("account.telemetry")
    opened = await view.caller.describe_session()
    return view.page(
        "account.html",
        me=me,
        usage=usage,
        counts=counts,
        opened=opened,
        sessions=await sessions.list(view.session.user, time.time()),
    )


@action("/account/revoke")
async def revoke(view: View) -> Response[Any]:
    """Gives up a capability, and all that derives from it."""
    await view.caller.ask(q_revoke.CALL, capability=view.read("capability"))
    return redirect("/account")


@action("/account/sessions/end")
async def end_session(view: View) -> Response[Any]:
    """Ends one of the user's sessions."""
    await view.request.app.state.sessions.end(view.read("session"), view.session.user)
    return redirect("/account")


@page("/guide")
async def show_guide(view: View) -> Response[Any]:
    """How to begin, with examples that run."""
    return view.page("guide.html")


HANDLERS = (show_guide, show_engines, show_devices, show_queue, show_account, revoke, end_session)
