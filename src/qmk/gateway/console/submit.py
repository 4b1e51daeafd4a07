"""The page where programs are written, checked, explained, drawn and submitted; batches and their plots."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
from litestar import Response

from qmk.abi import shapes as abi
from qmk.base.errors import Finding, QmkError
from qmk.gateway.console import figures, kept
from qmk.gateway.console.examples import EXAMPLES
from qmk.gateway.console.files import pictures_of, plot
from qmk.gateway.console.view import View, action, page, redirect
from qmk.gateway.http import answer, status_of
from qmk.gateway.service import shapes
from qmk.gateway.service.facets import Facets
from qmk.request.observables import observables

FIELDS = (
    "text",
    "format",
    "shots",
    "seed",
    "engine",
    "priority",
    "name",
    "tags",
    "observables",
    "points",
    "device",
    "machine",
    "noise",
    "key",
)
NOISE = "p=1e-3"
"""Noise of the physical qubits under logical ones, where the form names none."""
POINTS_SHOWN = 200
"""Points of a batch whose results are read for its page."""


@dataclass
class Asked:
    """What the form has, as texts, and what the page says about it."""

    fields: dict[str, str]
    findings: list[Finding] = field(default_factory=list[Finding])
    error: QmkError | None = None
    check: shapes.Check | None = None
    estimate: Any = None
    drawing: str = ""

    @property
    def program(self) -> abi.Program:
        return abi.Program(format=self.fields["format"], text=self.fields["text"])


@page("/submit")
async def show_submit(view: View) -> Response[Any]:
    """The form: empty, with an example, or with the program of an earlier job."""
    fields = dict.fromkeys(FIELDS, "") | {"shots": str(view.chosen.shots), "engine": view.chosen.engine}
    if (example := EXAMPLES.get(view.read("example"))) is not None:
        fields |= {"text": example.text, "points": example.points}
    elif earlier := view.read("job"):
        program = await kept.program_of_job(view, earlier)
        names = ("text", "format", "machine", "noise", "device")
        fields |= {name: getattr(program, name) for name in names} if program else {}
    return await _page(view, Asked(fields))


@action("/submit")
async def submit(view: View) -> Response[Any]:
    """Checks, explains, draws or submits the program, as the button says; what is wrong stands beside the form."""
    asked = Asked({name: view.read(name) for name in FIELDS})
    asked.fields["text"] = asked.fields["text"].replace("\r\n", "\n")  # as browsers send the lines of a form
    try:
        match view.read("do", "submit"):
            case "check":
                await _check(view, asked)
            case "explain":
                asked.estimate = await view.ask("programs.explain", program=asked.program, **_shots(asked))
            case "draw":
                picture = shapes.Picture(
                    program=shapes.DrawProgram(program=asked.program, device=asked.fields["device"].strip() or None)
                )
                data = await pictures_of(view).draw(view, picture)
                asked.drawing = "data:image/svg+xml;base64," + base64.b64encode(data).decode()
            case _:
                return redirect(await _submit(view, asked))
    except QmkError as error:
        if status_of(error) >= 500:
            raise
        asked.error, asked.findings = error, error.findings
    return await _page(view, asked, 200 if asked.error is None else status_of(asked.error))


@action("/check")
async def check(view: View) -> Response[Any]:
    """The findings about a text, as JSON for the editor."""
    program = abi.Program(format=view.read("format"), text=view.read("text"))
    try:
        found = await view.ask("programs.check", program=program)
    except QmkError as error:
        if status_of(error) >= 500:
            raise
        found = shapes.Check(ok=False, findings=[Finding(rule=error.kind.name, message=error.message)])
    return answer(found)


async def _check(view: View, asked: Asked) -> None:
    found: shapes.Check = await view.ask("programs.check", program=asked.program)
    asked.check, asked.findings = found, found.findings


def _shots(asked: Asked) -> dict[str, Any]:
    return {"shots": asked.fields["shots"]} if asked.fields["shots"].strip() else {}


async def _submit(view: View, asked: Asked) -> str:
    """Submits a job, or with points a batch; the address of its page."""
    fields = asked.fields
    policy: dict[str, Any] = {
        name: fields[name].strip() for name in ("seed", "engine", "priority") if fields[name].strip()
    }
    if fields["machine"].strip():
        policy["qec"] = {"machine": fields["machine"].strip(), "noise": fields["noise"].strip() or NOISE}
    common: dict[str, Any] = {"policy": policy, "name": fields["name"].strip(), "tags": fields["tags"].split()}
    common |= _shots(asked) | {"idempotency_key": fields["key"]}
    wanted = [row.strip() for row in fields["observables"].splitlines() if row.strip()]
    if wanted:
        found = await view.ask("programs.explain", program=asked.program)
        rows, _ = observables(wanted, int(found.logical["qubits_declared"]))
        common["outputs"] = {"expectations": rows}
    program = kept.Program(
        text=fields["text"],
        format=fields["format"],
        observables=wanted,
        device=fields["device"].strip(),
        **policy.get("qec", {}),
    )
    if not fields["points"].strip():
        job: str = (await view.ask("jobs.submit", program=asked.program, **common)).job_id
        await kept.keep_program(view, job, program)
        return f"/jobs/{job}"
    points = _points(fields["points"])
    batch = await view.ask("batches.submit", programs=[asked.program], points=points, **common)
    jobs = [row.job_id for row in batch.jobs]
    made = msgspec.structs.replace(program, points=points, jobs=jobs)
    await kept.keep_program(view, batch.batch, made)
    return f"/batches/{batch.batch}"


def _points(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        fix = 'give a list of values for each parameter: {"theta": [0, 1.57]}'
        raise QmkError("INVALID_PARAMS", f"the points are not JSON: {error}", field="points", help=fix) from None


async def _page(view: View, asked: Asked, status: int = 200) -> Response[Any]:
    asked.fields["key"] = asked.fields["key"] or secrets.token_hex(16)
    formats = (await view.ask("formats.list")).formats
    engines = (await view.ask("engines.list")).engines
    load = await view.ask("engines.load")
    shown: dict[str, Any] = {"formats": formats, "engines": engines, "load": load, "depth": await depth_of(view)}
    return view.page("submit.html", status, asked=asked, words=words(), **shown)


async def depth_of(view: View) -> dict[str, int]:
    """How many jobs of the tenant wait at each priority, the highest first."""
    counts: Facets | None = (await view.ask_part("jobs.count", state="QUEUED"))[0]
    found = {} if counts is None else counts.values_of("priority")
    return dict(sorted(found.items(), key=lambda row: -int(row[0])))


@cache
def words() -> str:
    """Names that the editor completes: gates of OpenQASM, words of the language, and ops of the QVM."""
    from qmk.qvm.families import OPS

    gates = "h x y z s sdg t tdg sx id p rx ry rz u U gphase cx cy cz ch cp crx cry crz cu swap ccx cswap phase cphase"
    language = (
        "OPENQASM include qubit bit int uint float angle bool const input output measure reset barrier gate def if "
        "else for while in return ctrl negctrl inv pow pi tau euler"
    )
    return " ".join(sorted({*gates.split(), *language.split(), *map(str, OPS)}))


@page("/batches/{batch:str}")
async def show_batch(view: View) -> Response[Any]:
    """How far a batch is, its jobs, and its values over its points."""
    batch = view.request.path_params["batch"]
    found = await view.ask("batches.get", batch=batch)
    program = await kept.program_of(view, batch)
    jobs = (await view.ask("jobs.list", tags=[batch], limit=POINTS_SHOWN)).jobs
    done = sum(found.states.get(state, 0) for state in ("COMPLETED", "FAILED", "CANCELLED"))
    total = sum(found.states.values())
    table = view.narrow(
        jobs[::-1], state=lambda row: row.state, engine=lambda row: row.engine, error=lambda row: row.error or ""
    )
    return view.page("batch.html", batch=found, program=program, table=table, done=done, total=total)


@page("/batches/{batch:str}/plot.svg")
async def draw_batch(view: View) -> Response[Any]:
    """The expectation values, or else the shares of the outcomes, at the points of a batch that are done."""
    batch = view.request.path_params["batch"]
    program = await kept.program_of(view, batch)
    jobs = (await view.ask("jobs.list", tags=[batch], state="COMPLETED", limit=POINTS_SHOWN)).jobs[::-1]
    results = [await view.ask("jobs.result", job_id=row.job_id) for row in jobs]
    if not results:
        raise QmkError("NOT_COMPLETED", "no job of this batch has a result yet")
    asked = program.points if program else {}
    places = [program.jobs.index(row.job_id) if program and asked else at for at, row in enumerate(jobs)]
    points = [[column[place] for column in asked.values()] if asked else [place] for place in places]
    labels, rows = figures.courses(results, program.observables if program else [])
    return await plot(
        view,
        "sweep",
        names=list(asked) or ["job"],
        points=points,
        values=[[value for value, _ in row] for row in rows],
        errors=[[error for _, error in row] for row in rows],
        labels=labels,
        ylabel="expectation value" if results[0].values else "share of the shots",
    )


@action("/batches/{batch:str}/cancel")
async def cancel_batch(view: View) -> Response[Any]:
    """Cancels what has not ended of a batch."""
    batch = view.request.path_params["batch"]
    await view.ask("batches.cancel", batch=batch, reason="cancelled in the console")
    return redirect(f"/batches/{batch}")


HANDLERS = (show_submit, submit, check, show_batch, draw_batch, cancel_batch)
