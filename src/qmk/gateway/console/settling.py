"""How the values of a job settle: what it has given so far, as often as somebody looks, and after its end by its shots.

A job that is running shows what it has now and no more (ADR 0083), so the gateway keeps what it saw of it.
"""

from __future__ import annotations

import math
import time
from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Response

from qmk.abi.calls.q_result import Register
from qmk.base.errors import QmkError
from qmk.client.document import Document
from qmk.drawing.running import Point, settling
from qmk.drawing.scene import svg
from qmk.gateway.console import kept
from qmk.gateway.console.files import job_of
from qmk.gateway.console.render import picture
from qmk.gateway.console.view import View, page
from qmk.gateway.records import Record
from qmk.gateway.service.shapes import ShotPage

KIND = "console-course"
KEPT_BYTES = 16 << 20
"""Most bytes of the courses that are kept of a tenant's jobs that have ended."""
FOLLOWED, LOOKS, OUTCOMES = 256, 200, 16
"""Jobs that are followed at once, looks at each, and outcomes of a look."""
CURVES, STEPS = 6, 24


class Look(msgspec.Struct, frozen=True):
    """What a job had given after so many shots: shares of the shots by outcome, or values with their errors."""

    shots: int
    counts: dict[str, int] = {}
    values: list[tuple[float, float]] = []


class Courses:
    """Looks at jobs, by tenant and job."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], list[Look]] = OrderedDict()

    def add(self, key: tuple[str, str], look: Look) -> list[Look]:
        """The looks at a job, with this one if it shows more than the last."""
        looks = self._kept.setdefault(key, [])
        self._kept.move_to_end(key)
        if look.shots > (looks[-1].shots if looks else 0):
            looks.append(look)
        if len(looks) > LOOKS:
            del looks[1::2]
        if len(self._kept) > FOLLOWED:
            self._kept.popitem(last=False)
        return looks

    def take(self, key: tuple[str, str]) -> list[Look]:
        return self._kept.pop(key, [])


def courses_of(view: View) -> Courses:
    state = view.request.app.state
    if "courses" not in state:
        state["courses"] = Courses()
    return state["courses"]


def look_at(result: Document) -> Look | None:
    """What a result shows; None for a sweep, whose points are drawn by themselves, and where there is nothing yet."""
    points = result.values.points if result.values is not None else []
    if len(points) > 1 or not result.shots:
        return None
    values = [(each.value, each.error) for each in points[0].expectations[:CURVES]] if points else []
    counts = dict(Counter(result.counts).most_common(OUTCOMES)) if not values else {}
    return Look(result.shots, counts, values) if values or counts else None


async def follow(view: View, job: str, result: Document | None) -> list[Look]:
    """The looks at a job, this one among them. Those at a job that has ended are kept with the gateway's records."""
    look = None if result is None else look_at(result)
    key = (view.caller.tenant, job)
    if result is None or look is None:
        return []
    if result.partial:
        return list(courses_of(view).add(key, look))
    if (record := await view.records.get(KIND, view.caller.tenant, job)) is not None:
        return msgspec.json.decode(record.body, type=list[Look])
    courses_of(view).add(key, look)
    looks = courses_of(view).take(key)
    if len(looks) > 1:
        made = Record(job, time.time(), msgspec.json.encode(looks))
        await view.records.put(KIND, view.caller.tenant, made, kept_bytes=KEPT_BYTES)
    return looks


def curves_of(looks: Sequence[Look], observables: Sequence[str]) -> dict[str, list[Point]]:
    """A curve for each value, or for each of the outcomes that are the most frequent at last."""
    last = looks[-1]
    if last.values:
        names = [observables[k] if k < len(observables) else f"observable {k}" for k in range(len(last.values))]
        return {
            name: [Point(look.shots, *look.values[k]) for look in looks if k < len(look.values)]
            for k, name in enumerate(names)
        }
    found: dict[str, list[Point]] = {}
    for bits in sorted(bits for bits, _ in Counter(last.counts).most_common(CURVES)):
        rows = [(look.shots, look.counts.get(bits, 0) / look.shots) for look in looks]
        found[bits or "(no bits)"] = [Point(n, p, math.sqrt(p * (1 - p) / n)) for n, p in rows]
    return found


def looks_of_shots(shots: ShotPage, registers: Sequence[Register]) -> list[Look]:
    """What the job had after some of the shots of a page, from the first on; none for events of several bits."""
    if any(width != 1 for width in shots.widths) or not shots.rows or shots.from_shot:
        return []
    place = {name: at for at, name in enumerate(shots.names)}
    columns = [[None if bit is None else place.get(bit, -1) for bit in register.bits] for register in registers]
    if any(at == -1 for row in columns for at in row):
        return []
    ends = sorted({max(1, round(len(shots.rows) * k / STEPS)) for k in range(1, STEPS + 1)})
    counts: Counter[str] = Counter()
    looks: list[Look] = []
    for n, row in enumerate(shots.rows, 1):
        counts[" ".join("".join("0" if at is None else row[at] for at in column) for column in columns)] += 1
        if n in ends:
            looks.append(Look(n, dict(counts.most_common(OUTCOMES))))
    return looks


async def looks_of(view: View, job: str) -> list[Look]:
    """The looks at a job, or, where nobody looked while it ran, those that its shots give."""
    result = await view.ask("jobs.result", job_id=job, partial=True)
    looks = await follow(view, job, result)
    if len(looks) < 2 and not result.partial and not (looks and looks[-1].values):
        shots, _ = await view.ask_part("jobs.shots", job_id=job)
        looks = (looks_of_shots(shots, result.registers) if shots else []) or looks
    return looks


@page("/jobs/{job:str}/settling.svg")
async def draw_settling(view: View) -> Response[Any]:
    """The values of a job, or the shares of its outcomes, after so many shots."""
    looks = await looks_of(view, job_of(view))
    if not looks:
        raise QmkError("NOT_COMPLETED", "the job has given nothing yet that settles")
    program = await kept.program_of(view, job_of(view))
    label = "expectation values" if looks[-1].values else "shares of the outcomes"
    scene = settling(curves_of(looks, program.observables if program else []), label)
    return picture(svg(scene).encode(), lasting=False)


HANDLERS = (draw_settling,)
