"""What the console keeps beside the daemon: the programs of jobs that were submitted here, and saved views."""

from __future__ import annotations

import time
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from qmk.gateway.console.view import View
from qmk.gateway.records import Record

PROGRAM, VIEWS = "console-program", "console-views"
PROGRAMS_BYTES = 32 << 20
"""Most bytes of the programs that are kept of a tenant."""
VIEWS_OF_A_USER = 32
Kept = TypeVar("Kept")


class Program(Struct, frozen=True):
    """The program of a job or of a batch as it was submitted; ``points`` and ``jobs`` of a batch. ``observables``: the
    texts of those that were asked for. ``machine`` and ``noise``: the logical qubits that it is to run on, if any.
    ``device``: the atom array that it was drawn for."""

    text: str
    format: str = ""
    points: dict[str, list[Any]] = {}
    jobs: list[str] = []
    observables: list[str] = []
    machine: str = ""
    noise: str = ""
    device: str = ""

    def params_of(self, job: str) -> dict[str, Any]:
        """The values of the parameters of one job of a batch."""
        if not self.points or job not in self.jobs:
            return {}
        place, columns = self.jobs.index(job), list(self.points.items())
        return {name: column[place] for name, column in columns if place < len(column)}


class SavedViews(Struct):
    """Lists of jobs by name, each as the query of its address; ``first``: the name of the one that is shown first."""

    views: dict[str, str] = {}
    first: str = ""


async def keep_program(view: View, id: str, program: Program) -> None:
    """Keep the program of the job or batch ``id``, found by the ids of its jobs too."""
    record = Record(id, time.time(), msgspec.json.encode(program), tuple(program.jobs))
    await view.records.put(PROGRAM, view.caller.tenant, record, kept_bytes=PROGRAMS_BYTES)


async def program_of(view: View, id: str) -> Program | None:
    """The program that was submitted here as this job or batch, or as the batch of this job."""
    tenant = view.caller.tenant
    record = await view.records.get(PROGRAM, tenant, id) or await view.records.with_member(PROGRAM, tenant, id)
    return None if record is None else msgspec.json.decode(record.body, type=Program)


async def program_of_job(view: View, job: str) -> Program:
    """The program of a job: as it was submitted here, else as the daemon runs it. Raises what ``jobs.program`` does."""
    found = await program_of(view, job)
    if found is None:
        told = await view.ask("jobs.program", job_id=job)
        found = Program(told.text, told.format, machine=told.machine, noise=told.noise)
    return found


async def views_of(view: View) -> SavedViews:
    """The views that the session's user saved."""
    record = await view.records.get(VIEWS, view.caller.tenant, view.session.user)
    return SavedViews() if record is None else msgspec.json.decode(record.body, type=SavedViews)


async def set_first(view: View, name: str) -> None:
    """Show the view of this name first; none where there is no such view."""
    tenant, user = view.caller.tenant, view.session.user
    async with view.records.lock(VIEWS, tenant, user):
        found = await views_of(view)
        found.first = name if name in found.views else ""
        await view.records.put(VIEWS, tenant, Record(user, time.time(), msgspec.json.encode(found)))


async def change_views(view: View, name: str, query: str | None, *, first: bool = False) -> None:
    """Save a view under a name, or with None forget it."""
    tenant, user = view.caller.tenant, view.session.user
    async with view.records.lock(VIEWS, tenant, user):
        found = await views_of(view)
        found.views.pop(name, None)
        found.first = "" if found.first == name else found.first
        if query is not None:
            found.views[name] = query
            found.first = name if first else found.first
        while len(found.views) > VIEWS_OF_A_USER:
            found.views.pop(next(iter(found.views)))
        await view.records.put(VIEWS, tenant, Record(user, time.time(), msgspec.json.encode(found)))
