"""Records that can be verified, search over them, and who had what of the machine."""

from __future__ import annotations

from typing import Any

from litestar import Response

from qmk.abi.calls.q_jobs import JobRow
from qmk.base.errors import QmkError
from qmk.client.calls import ENDED
from qmk.gateway.console.forms import moment_of
from qmk.gateway.console.view import View, page

SHOWN = 100
JOBS_FOUND = 20
PREFIX = "qmk audit entry 1\n"
"""What is hashed before an entry of the daemon's log; docs/spec/audit.md has it."""


async def show_acts_of(view: View, organisation: str) -> Response[Any]:
    """A page of the record of acts on an organisation."""
    fields = {"organisation": organisation, "before": view.query.get("before") or 0, "limit": SHOWN}
    found, refused = await view.ask_part("organisations.acts", **fields)
    verified, _ = await view.ask_part("organisations.verify_acts", organisation=organisation)
    older = found.acts[-1].seq if found is not None and len(found.acts) == SHOWN else 0
    table = view.narrow(found.acts if found else [], act=lambda row: row.act, by=lambda row: row.user)
    shown: dict[str, Any] = {"table": table, "refused": refused, "verified": verified}
    return view.page("acts.html", organisation=organisation, older=older, **shown)


@page("/account/acts")
async def show_own_acts(view: View) -> Response[Any]:
    """The record of administrative acts, and whether its chain of hashes is whole."""
    return await show_acts_of(view, view.caller.tenant)


@page("/service/acts")
async def show_acts(view: View) -> Response[Any]:
    """The same of an organisation that is named."""
    return await show_acts_of(view, view.query.get("organisation") or view.caller.tenant)


@page("/service/audit")
async def show_audit(view: View) -> Response[Any]:
    """The daemon's log of every decision."""
    fields = {"before": view.query.get("before") or 0, "limit": SHOWN}
    found, refused = await view.ask_part("audit.list", **fields)
    broken = [row.seq for row in found.entries if not row.whole] if found is not None else []
    table = view.narrow(
        found.entries if found else [], decision=lambda row: row.kind, organisation=lambda row: row.tenant
    )
    return view.page("audit.html", found=found, table=table, refused=refused, broken=broken, prefix=PREFIX)


@page("/service/log")
async def show_log(view: View) -> Response[Any]:
    """The last lines of the daemon's log."""
    fields = {"before": view.query.get("before") or 0, "limit": SHOWN}
    found, refused = await view.ask_part("audit.lines", **fields)
    table = view.narrow(found.lines if found else [], level=lambda row: row.level, logger=lambda row: row.logger)
    return view.page("log.html", found=found, table=table, refused=refused)


@page("/service/search")
async def search(view: View) -> Response[Any]:
    """One search over the decisions about jobs, the administrative acts, the daemon's log, and jobs by name."""
    read = {name: view.read(name).strip() for name in ("organisation", "text", "job", "since", "until", "before")}
    organisation = read["organisation"] or view.caller.tenant
    me, failed = await view.ask("account.me"), None
    entries = acts = lines = refused = None
    jobs: list[JobRow] = []
    try:
        times = {name: moment_of(name, read[name]) for name in ("since", "until") if read[name]}
        about = {"organisation": organisation, "text": read["text"], "limit": SHOWN, **times}
        if any(read[name] for name in ("text", "job", "since", "until")):
            entries, refused = await view.ask_part("audit.list", **about, job=read["job"], before=read["before"] or 0)
            if not read["before"]:
                lines, _ = await view.ask_part("audit.lines", **about, job=read["job"])
            if not read["job"] and not read["before"]:
                acts, _ = await view.ask_part("organisations.acts", **about)
            if read["text"] and organisation == view.caller.tenant:
                jobs = (await view.ask("jobs.list", name=read["text"][:128], limit=JOBS_FOUND)).jobs
    except QmkError as error:
        failed = error
    read["organisation"] = organisation
    table = view.narrow(entries.entries if entries else [], decision=lambda row: row.kind)
    return view.page(
        "search.html",
        me=me,
        read=read,
        entries=entries,
        table=table,
        acts=acts,
        lines=lines,
        jobs=jobs,
        refused=refused,
        failed=failed,
    )


@page("/service/shares")
async def show_shares(view: View) -> Response[Any]:
    """What each organisation had of the machine beside its part by weight, and who waits and why."""
    found, refused = await view.ask_part("organisations.shares", hours=view.query.get("hours") or 24)
    load = await view.ask("engines.load")
    rows = (await view.ask("jobs.list", state="QUEUED", limit=SHOWN)).jobs
    states = [(await view.ask_part("jobs.get", job_id=row.job_id))[0] for row in rows[:JOBS_FOUND]]
    waiting = sorted(
        (each for each in states if each is not None and each.state not in ENDED and each.place_in_queue is not None),
        key=lambda each: each.place_in_queue,
    )
    own = next((each for each in found.shares if each.organisation == view.caller.tenant), None) if found else None
    most = max((max(each.engine_seconds) for each in found.shares), default=0.0) if found else 0.0
    return view.page(
        "shares.html", found=found, refused=refused, load=load, waiting=waiting, own=own, most=most, why=why_of(own)
    )


def why_of(own: Any) -> str:
    """Why the jobs of an organisation wait, by what it had."""
    if own is None or not own.fair:
        return "every worker is busy with jobs whose turn came before"
    if own.share > 1.1 * own.fair:
        return "its organisation had more of the machine than its part by weight, so that others go first"
    return "every worker is busy, and the jobs before it have their turn first"


HANDLERS = (show_own_acts, show_acts, show_audit, show_log, search, show_shares)
