"""The list of jobs: filters that stand in its address, many changed at once, views saved by name."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode

import msgspec
from litestar import Response

from qmk.abi.calls.q_jobs import JobRow
from qmk.abi.shapes import Status
from qmk.base.errors import QmkError
from qmk.gateway.console import kept, timeline
from qmk.gateway.console.render import events
from qmk.gateway.console.view import LEFT, View, action, cookie_name, make_cookie, open_view, page, redirect
from qmk.gateway.http import Refusal
from qmk.gateway.jobs import states
from qmk.gateway.service.serving import hold, require_room

STATES = ("QUEUED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED")
SHOWN, PAGES = 50, 10
"""Jobs of a page, and the most pages of the service that are read for one of ours when many are excluded."""
MATCHED = 1000
"""Most jobs that one form names."""
CHANGES = {"cancel": "cancelled", "label": "labelled", "delete": "deleted"}
"""What a form does to jobs, and what is said of them then."""
TICK_S = 1.0
"""Seconds between looks at a list that somebody watches."""
LEFT_LENGTH = 2048
"""Longest filter that is kept for coming back."""
QUIET_TICKS = 15
"""Looks without a change after which a stream says that it is still there."""


class Found(NamedTuple):
    """A page of jobs; ``waiting``: the states of those that are queued; ``next``: the cursor of the next page."""

    jobs: list[JobRow]
    waiting: dict[str, Status]
    next: str | None

    @property
    def digest(self) -> str:
        """The same for what looks the same."""
        return hashlib.sha256(msgspec.json.encode((self.jobs, self.waiting))).hexdigest()


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs are shown, as the address has it. ``not_state`` and ``not_tag`` exclude. ``show``: the list, as
    "timeline", or as "facets"."""

    state: str = ""
    not_state: str = ""
    name: str = ""
    tag: list[str] = []
    not_tag: list[str] = []
    show: str = ""

    @property
    def fields(self) -> dict[str, Any]:
        """As the operations of the service take it."""
        states = {"state": self.state or None, "not_state": self.not_state or None}
        return {**states, "name": self.name, "tags": self.tag, "not_tags": self.not_tag}

    def narrow(self, name: str, value: str) -> str:
        """The query of the address with one more condition."""
        fields = msgspec.structs.asdict(self)
        fields[name] = sorted({*fields[name], value}) if name in ("tag", "not_tag") else value
        return Filter(**fields).query()

    def query(self, **more: Any) -> str:
        """The query of its address."""
        fields = msgspec.structs.asdict(self) | {"tag": " ".join(self.tag), "not_tag": " ".join(self.not_tag)} | more
        return urlencode({name: text for name, text in fields.items() if text})


def filter_of(view: View) -> Filter:
    given = {name: view.read(name).strip() for name in ("state", "not_state", "name", "show")}
    return Filter(**given, tag=view.read_all("tag"), not_tag=view.read_all("not_tag"))


async def find(view: View, wanted: Filter, cursor: str, most: int = SHOWN) -> Found:
    """A page of the jobs that a filter admits, at least ``most`` of them where there are as many."""
    rows: list[JobRow] = []
    following: str | None = cursor
    for _ in range(PAGES):
        reply = await view.ask("jobs.list", **wanted.fields, limit=most, cursor=following)
        rows += reply.jobs
        following = reply.next
        if following is None or len(rows) >= most:
            break
    queued = [row.job_id for row in rows if row.state == "QUEUED"]
    try:
        waiting = {each.job_id: each for each in await states(view.caller, queued)}
    except QmkError:  # one has been forgotten since
        waiting = {}
    return Found(rows, waiting, following)


@page("/jobs")
async def show_jobs(view: View) -> Response[Any]:
    """The list. Without a filter it is what was left, else the view that the user has chosen to see first."""
    saved = await kept.views_of(view)
    if not view.query:
        left = parse_qs(view.request.cookies.get(cookie_name(view.request) + LEFT, ""))
        first = urlencode(left, doseq=True) or saved.views.get(saved.first, "")
        if first:
            return redirect(f"/jobs?{first}")
    wanted, cursor = filter_of(view), view.read("cursor")
    if wanted.show == "facets":
        found, (counts, _) = await asyncio.gather(
            find(view, wanted, cursor), view.ask_part("jobs.count", **wanted.fields)
        )
    else:
        found, counts = await find(view, wanted, cursor), None
    made = view.page(
        "jobs.html",
        wanted=wanted,
        found=found,
        saved=saved,
        states=STATES,
        changes=CHANGES,
        cursor=cursor,
        new=not found.jobs and not view.query,
        counts=counts,
        bars=timeline.bars(found.jobs, time.time()) if wanted.show == "timeline" else {},
    )
    if view.query and "as" not in view.query:
        query = wanted.query()
        made.set_cookie(make_cookie(view.request, query if len(query) <= LEFT_LENGTH else "", name=LEFT))
    return made


@page("/live/jobs")
async def follow_jobs(view: View) -> Response[Any]:
    """Says when the list that the address names has changed, as server-sent events, first since what the page that
    asks has ``seen``: what changes between a page and its first look must not be missed."""
    require_room(view.request.app.state.gate, view.caller)
    wanted, cursor = filter_of(view), view.read("cursor")

    async def lines() -> AsyncIterator[bytes]:
        shown, quiet = view.read("seen"), -1
        with hold(view.request.app.state.gate, view.caller):
            while await open_view(view.request) is not None:
                view.asked.clear()
                try:
                    found = await find(view, wanted, cursor)
                except QmkError as error:
                    if error.kind.name != "CONNECTION_LOST":
                        return
                    await asyncio.sleep(TICK_S)  # the daemon is being started again
                    continue
                seen = found.digest
                quiet = quiet + 1 if seen == shown else 0
                if seen != shown:
                    yield b"event: changed\ndata:\n\n"
                elif quiet % QUIET_TICKS == 0:
                    yield b": nothing new\n\n"
                shown = seen
                await asyncio.sleep(TICK_S)

    return events(lines())


@action("/jobs/change")
async def change_jobs(view: View) -> Response[Any]:
    """Cancels, labels or deletes the jobs that were selected, or all that match the filter."""
    wanted, (do, _, all_that) = filter_of(view), view.read("do").partition("_")
    if do not in CHANGES:
        raise Refusal(400, "the form asks for what this page does not do")
    more = more_of(view, do)
    count = 0
    if all_that:
        states = [wanted.state] if any(wanted.fields.values()) else STATES
        for state in states:
            fields = wanted.fields | {"state": state or None}
            count += (await view.ask(f"jobs.{do}_matching", **fields, **more)).changed
    else:
        for job in view.read_all("job")[:MATCHED]:
            count += await change_job(view, do, job, more)
    return redirect(f"/jobs?{wanted.query(done=do, changed=str(count))}")


def more_of(view: View, do: str) -> dict[str, Any]:
    """The fields of a change beside the jobs."""
    if do == "label":
        return {"add": view.read_all("add"), "remove": view.read_all("remove")}
    return {"reason": "cancelled in the console"} if do == "cancel" else {}


async def change_job(view: View, do: str, job: str, more: dict[str, Any]) -> bool:
    """Changes a job; False where it is in no state for that, or gone."""
    try:
        await view.ask(f"jobs.{do}", job_id=job, **more)
    except QmkError as error:
        if error.kind.name not in ("ALREADY_COMPLETED", "NOT_COMPLETED", "JOB_NOT_FOUND"):
            raise
        return False
    return True


@action("/jobs/views")
async def change_views(view: View) -> Response[Any]:
    """Saves the filter as a view, or forgets a view."""
    wanted, name = filter_of(view), view.read("view").strip()[:64]
    if view.read("forget"):
        await kept.change_views(view, view.read("forget"), None)
    elif name:
        await kept.change_views(view, name, wanted.query(), first=bool(view.read("first")))
    return redirect(f"/jobs?{wanted.query() or 'all=1'}")


HANDLERS = (show_jobs, follow_jobs, change_jobs, change_views)
