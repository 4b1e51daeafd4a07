"""Pictures and downloads of a job."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Literal, TypeVar

import msgspec
from litestar import Response
from litestar.response import Stream

from qmk.abi import shapes as abi
from qmk.base.errors import QmkError
from qmk.client.calls import ENDED
from qmk.gateway.console import figures, kept
from qmk.gateway.console.render import HEADERS, picture, utc_text
from qmk.gateway.console.view import View, page
from qmk.gateway.csv_text import csv_text
from qmk.gateway.http import answer
from qmk.gateway.service import handlers, shapes

Reply = TypeVar("Reply")
PICTURES_BYTES = 16 << 20
"""Bytes of pictures that are kept so as not to be drawn again."""


class Pictures:
    """Pictures drawn lately, and what else the process that draws has said, by tenant and question."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._size = 0

    async def draw(self, view: View, asked: shapes.Picture) -> bytes:
        """The picture. Raises what drawing it raises."""

        async def make() -> bytes:
            return (await handlers.draw(view.caller, asked)).svg.encode()

        return await self._keep(view, asked, make)

    async def ask(self, view: View, name: str, reply: type[Reply], **fields: Any) -> Reply:
        """``view.ask``, of an operation whose reply depends on the fields alone. Raises as it does."""
        made: list[Reply] = []

        async def make() -> bytes:
            made.append(await view.ask(name, **fields))
            return msgspec.json.encode(made[0])

        data = await self._keep(view, {"name": name, **fields}, make)
        if not made:
            made.append(msgspec.json.decode(data, type=reply))
            view.note(name, fields, made[0])
        return made[0]

    async def _keep(self, view: View, asked: Any, make: Callable[[], Awaitable[bytes]]) -> bytes:
        key = hashlib.sha256(view.caller.tenant.encode() + b"\0" + msgspec.json.encode(asked)).digest()
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        made = await make()
        if key not in self._kept and len(made) <= PICTURES_BYTES // 8:
            self._kept[key] = made
            self._size += len(made)
            while self._size > PICTURES_BYTES:
                self._size -= len(self._kept.popitem(last=False)[1])
        return made


def pictures_of(view: View) -> Pictures:
    state = view.request.app.state
    if "pictures" not in state:
        state["pictures"] = Pictures()
    return state["pictures"]


def job_of(view: View) -> str:
    return view.request.path_params["job"]


@page("/jobs/{job:str}/circuit.svg")
async def draw_circuit(view: View) -> Response[Any]:
    """The program, folded to ``width`` pixels."""
    await view.ask("jobs.get", job_id=job_of(view))
    program = await kept.program_of_job(view, job_of(view))
    source = abi.Program(format=program.format, text=program.text)
    try:
        asked = shapes.DrawProgram(program=source, width=max(200, min(20_000, int(view.read("width", "960")))))
    except ValueError:
        raise QmkError("INVALID_PARAMS", "width is not a number of pixels", field="width") from None
    return picture(await pictures_of(view).draw(view, shapes.Picture(program=asked)), lasting=True)


async def plot(
    view: View, kind: Literal["histogram", "convergence", "engines", "sweep", "history"], **data: Any
) -> Response[Any]:
    """The plot, in the theme that the address asks for."""
    theme = "dark" if view.read("theme") == "dark" else "light"
    asked = shapes.DrawPlot(plot=kind, figures=data, theme=theme)
    return picture(await pictures_of(view).draw(view, shapes.Picture(plot=asked)), lasting=False)


@page("/jobs/{job:str}/histogram.svg")
async def draw_histogram(view: View) -> Response[Any]:
    """The outcomes of a job; with ``beside``, those of another job too."""
    jobs = [job_of(view), *view.read_all("beside")[:1]]
    found = [await view.ask("jobs.result", job_id=job, partial=True) for job in jobs]
    counts = [each.counts for each in found]
    if len(jobs) == 1:
        return await plot(view, "histogram", counts=counts[0])
    return await plot(view, "histogram", counts=counts, labels=["first", "second"])


@page("/jobs/{job:str}/values.svg")
async def draw_values(view: View) -> Response[Any]:
    """Expectation values by point, with their errors."""
    result = await view.ask("jobs.result", job_id=job_of(view), partial=True)
    rows = figures.values(result, 1 << 16)
    curves: dict[str, list[float]] = {}
    errors: dict[str, list[float]] = {}
    for row in rows[: 7 * 4096]:
        if row.observable < 7:
            curves.setdefault(f"observable {row.observable}", []).append(row.value)
            errors.setdefault(f"observable {row.observable}", []).append(row.error)
    return await plot(view, "convergence", values=curves, errors=errors, label="expectation value")


@page("/jobs/{job:str}/engines.svg")
async def draw_engines(view: View) -> Response[Any]:
    """What the engines were predicted to take."""
    result = await view.ask("jobs.result", job_id=job_of(view), partial=True)
    return await plot(view, "engines", rows=result.provenance.reasons)


def download(body: bytes | AsyncIterator[bytes], name: str, media: str) -> Response[Any]:
    """A file for the user's disk."""
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    if isinstance(body, bytes):
        return Response(body, media_type=media, headers=headers)
    return Stream(body, media_type=media, headers=headers)


@page("/jobs/{job:str}/everything.json")
async def download_everything(view: View) -> Response[Any]:
    """All that is known of a job, but for its per-shot events."""
    job = job_of(view)
    status = await view.ask("jobs.get", job_id=job)
    parts: dict[str, Any] = {"status": status, "program": await kept.program_of_job(view, job)}
    for name in ("result", "events", "telemetry"):
        if name != "result" or status.state in ENDED:
            parts[name] = (await view.ask_part(f"jobs.{name}", job_id=job))[0]
    return download(answer(parts).content, f"{job}.json", "application/json")


@page("/jobs/{job:str}/counts.csv")
async def download_counts(view: View) -> Response[Any]:
    """Every outcome with its count."""
    result = await view.ask("jobs.result", job_id=job_of(view), partial=True)
    rows = [("outcome", "count"), *sorted(result.counts.items(), key=lambda row: (-row[1], row[0]))]
    return download(csv_text(rows).encode(), f"{job_of(view)}-counts.csv", "text/csv")


@page("/jobs/{job:str}/shots.csv")
async def download_shots(view: View) -> Response[Any]:
    """The events of every shot, read page by page as they are sent."""
    job = job_of(view)
    first = await view.ask("jobs.shots", job_id=job)

    async def lines() -> AsyncIterator[bytes]:
        found = first
        yield csv_text([("shot", *found.names)]).encode()
        while True:
            start, widths = found.from_shot, found.widths
            rows = [(start + at, *figures.split(row, widths)) for at, row in enumerate(found.rows)]
            yield csv_text(rows).encode()
            if found.next_shot is None:
                return
            found = await view.ask("jobs.shots", job_id=job, from_shot=found.next_shot)
            view.asked.clear()

    return download(lines(), f"{job}-shots.csv", "text/csv")


@page("/jobs/{job:str}/events.txt")
async def download_events(view: View) -> Response[Any]:
    """The history of a job as lines of text, read page by page as they are sent."""
    job = job_of(view)
    first = await view.ask("jobs.events", job_id=job)

    async def lines() -> AsyncIterator[bytes]:
        found = first
        while found.events:
            for event in found.events:
                fields = " ".join(f"{name}={value}" for name, value in event.fields.items() if value != "")
                yield f"{utc_text(event.time)} {event.seq} {event.kind} {fields}".rstrip().encode() + b"\n"
            found = await view.ask("jobs.events", job_id=job, after=found.last_seq)
            view.asked.clear()

    return download(lines(), f"{job}-events.txt", "text/plain")


HANDLERS = (
    draw_circuit,
    draw_histogram,
    draw_values,
    draw_engines,
    download_everything,
    download_counts,
    download_shots,
    download_events,
)
