"""Results of a task: pages of its subtasks, each with a page of its shots.

The values of a shot are what the kernel returns, in the frame DETECTED; there is no SORTED frame, as no atom is missing
before a circuit.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from litestar import Response, get

from qmk.abi.shapes import Status
from qmk.base.limits import LIMITS
from qmk.client.result import Result
from qmk.gateway.callers import Caller
from qmk.gateway.http import AnyRequest, Refusal, answer, enter, id_of_job, iso
from qmk.gateway.jobs import states
from qmk.gateway.qlam.shapes import page_body, page_of
from qmk.gateway.qlam.tasks import STATES, Kept, found_task

PAGE = 100
VALUES = 4_000_000
"""Most measured values in one page of results."""


@get(["/v2/{mode:str}/tasks/{id:str}/results", "/v2/tasks/{id:str}/results"])
async def get_results(request: AnyRequest) -> Response[bytes]:
    """One page of subtasks, each with one page of its shots."""
    caller, records = await enter(request)
    if "application/octet-stream" in request.headers.get("accept", ""):
        raise Refusal(406, "results are given as pages of JSON: ask for application/json")
    record, kept = await found_task(request, caller, records)
    (page, size), (shots_page, shots_size) = (
        page_of(request, "page", "size", 10),
        page_of(request, "shots_page", "shots_size", PAGE),
    )
    found = await states(caller, kept.jobs)
    order = _order(request.query_params.get("sort", "subtask_order,asc"), kept, found)
    first = [0, *itertools.accumulate(kept.shots)]
    rows: list[dict[str, Any]] = []
    left = VALUES
    for at in order[page * size : (page + 1) * size]:
        values = await _shots(caller, found[at], shots_page * shots_size, shots_size, left)
        left -= sum(map(len, values))
        rows.append(_subtask(found[at], at, first[at], shots_page * shots_size, values))
    elements = [{"task_id": record.id, "subtasks": rows}] if rows else []
    return answer(page_body(elements, page, size, len(order)))


def _order(sort: str, kept: Kept, found: list[Status]) -> list[int]:
    """Places of the subtasks as ``property,direction`` asks; by their order where the property is not known."""
    name, _, direction = sort.partition(",")
    keys: dict[str, Callable[[int], Any]] = {
        "completed_date": lambda at: (found[at].ended is None, found[at].ended or 0.0),
        "status": lambda at: found[at].state,
        "num_shots": lambda at: kept.shots[at],
    }
    return sorted(range(len(found)), key=keys.get(name, lambda at: at), reverse=direction.strip() == "desc")


def _subtask(status: Status, at: int, first: int, start: int, rows: list[list[bool]]) -> dict[str, Any]:
    """One subtask with its shots from ``start`` on; ``first`` is the number of its first shot in the task."""
    done = status.state == "COMPLETED"
    return {
        "subtask_id": id_of_job(status.job_id),
        "subtask_order": at,
        "status": STATES[status.state].upper(),
        "completed_date": iso(status.ended) if done and status.ended is not None else None,
        "num_shots": status.shots,
        "shot_results": [
            {
                "shot_index": first + start + place,
                "subtask_shot_index": start + place,
                "subtask_index": at,
                "frame_type": "DETECTED",
                "measurement": {"measurement_values": values},
            }
            for place, values in enumerate(rows)
        ],
    }


async def _shots(caller: Caller, status: Status, start: int, size: int, bound: int) -> list[list[bool]]:
    """Of a subtask that is done, what ``_values`` gives. Raises ``Refusal`` 400 beyond ``bound`` values."""
    if status.state != "COMPLETED" or start >= status.shots:
        return []
    return _values(await caller.result(status.job_id, start), start, min(size, status.shots - start), bound)


def _values(result: Result, start: int, size: int, bound: int) -> list[list[bool]]:
    """What the kernel returned in each shot: the bits of its first register."""
    column = {name: place for place, name in enumerate(result.event_names)}
    register = next((row for row in result.registers if row.name == "result"), None)
    wanted = [] if register is None else [None if name is None else column[name] for name in register.bits]
    if size * len(wanted) > bound:
        raise Refusal(400, f"a page of results has at most {VALUES} values: ask for a smaller size or shots_size")
    rows = itertools.islice(result.rows(start), min(size, LIMITS.page_shots))
    return [[at is not None and row[at] == "1" for at in wanted] for row in rows]


HANDLERS = [get_results]
