"""A job in a notebook: a box that follows it to its end, by IPython's display handles alone.

What is shown is plain HTML with styles of its own and no script, in the colours of the page around it: a notebook that
is saved, or opened as a static page, shows the last state, with the time at which it was looked at.
"""

from __future__ import annotations

import asyncio
import html
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from qmk.base.errors import QmkError
from qmk.base.units import seconds_text
from qmk.client.calls import ENDED
from qmk.client.counts import draw_run
from qmk.client.drive import drive
from qmk.client.job_text import line, progress_text, waits

if TYPE_CHECKING:
    from qmk.client.job import AsyncJob, Job
    from qmk.client.result import Result

EVERY_S, SLOWEST_S = 0.5, 5.0
"""How often the job is looked at; less often the longer nothing changes."""
COLOURS = {
    "QUEUED": "#8a8a84",
    "VALIDATING": "#8a8a84",
    "RUNNING": "#0072b2",
    "COMPLETED": "#009e73",
    "FAILED": "#d55e00",
    "CANCELLED": "#e69f00",
}
"""Colours of the states that both light and dark pages carry; the state is also written out."""

Show = Callable[[dict[str, str]], None]


def bundle(status: dict[str, Any], result: Result | None = None, note: str = "") -> dict[str, str]:
    """A state of a job as text and as HTML, with what it gave so far."""
    text = line(status["job_id"], status)
    return {
        "text/plain": f"{text}; {note}" if note else text,
        "text/html": "".join(_box(status, result, note)),
    }


def _box(status: dict[str, Any], result: Result | None, note: str) -> Iterator[str]:
    state, progress = status["state"], status["progress"]
    colour = COLOURS[state]
    yield f'<div style="border-left:4px solid {colour};padding:2px 12px;margin:4px 0;max-width:720px">'
    name = f" {html.escape(status['name'])}" if status["name"] else ""
    engine = html.escape(" ".join(filter(None, (status["engine"], status["method"]))))
    yield f'<div><b style="border-bottom:2px solid {colour}">{state}</b>{name}'
    yield f" <code>{html.escape(status['job_id'])}</code>{' on ' + engine if engine else ''}</div>"
    done, total = progress["shots_done"], progress["shots_total"]
    if state == "COMPLETED":
        done = total
    share = min(1.0, done / total) if total else 0.0
    yield '<div style="height:6px;margin:4px 0;border-radius:3px;background:rgba(128,128,128,.3)">'
    yield f'<div style="height:6px;border-radius:3px;width:{share:.1%};background:{colour}"></div></div>'
    facts = [each for each in _facts(status) if each]
    yield f"<div>{html.escape(', '.join(facts))}</div>" if facts else ""
    if status["error"]:
        yield f"<div>{html.escape(str(status['error']['message']))}</div>"
    if result is not None and result.shots and result.counts:
        yield draw_run(result.counts, f"{result.shots} shots{' so far' if result.partial else ''}")
    yield f'<div style="opacity:.7">{html.escape(note)}</div>' if note else ""
    yield "</div>"


def _facts(status: dict[str, Any]) -> Iterator[str]:
    yield from waits(status)
    if status["started"] is not None:
        yield progress_text(status["progress"])
        if status["ended"] is not None:
            yield f"ran {seconds_text(max(0.0, status['ended'] - status['started']))}"
    if status["tags"]:
        yield f"tagged {' '.join(status['tags'])}"


async def look(job: AsyncJob) -> tuple[bool, dict[str, str]]:
    """Whether the job has ended, and how it is shown now."""
    reply = await job.status()
    ended, result = reply.state in ENDED, None
    if reply.state == "RUNNING":
        result = await job.partial()
    elif reply.state == "COMPLETED":
        result = await job.result()
    note = "" if ended else f"as of {time.strftime('%H:%M:%S UTC', time.gmtime())}; job.cancel() stops it"
    return ended, bundle(msgspec.to_builtins(reply), result, note)


def draw_now(job: Job) -> dict[str, str]:
    """The job as it is now, or why that is not known."""
    try:
        return drive(look(job._job))[1]  # pyright: ignore[reportPrivateUsage]
    except QmkError as error:
        text = f"{job!r}: {error.message}"
        return {"text/plain": text, "text/html": html.escape(text)}


async def follow(job: AsyncJob, show: Show, sleep: Callable[[float], Awaitable[None]]) -> None:
    """Shows the job until it has ended, or cannot be asked for any more; the last state then stays."""
    pause_s, last = EVERY_S, {"text/plain": f"job {job.job_id}", "text/html": f"job {html.escape(job.job_id)}"}
    while True:
        try:
            ended, now = await look(job)
        except QmkError as error:
            said = f"no longer followed: {error.message}"
            show(
                {"text/plain": f"{last['text/plain']}; {said}", "text/html": f"{last['text/html']}{html.escape(said)}"}
            )
            return
        show(now)
        if ended:
            return
        pause_s = EVERY_S if "RUNNING" in now["text/plain"] else min(SLOWEST_S, pause_s * 1.2)
        last = now
        await sleep(pause_s)


async def _pause(seconds: float) -> None:
    time.sleep(seconds)


def _write(data: dict[str, str], **_: object) -> None:
    sys.stdout.write(data["text/plain"] + "\n")


class _Handle:
    """An output of a notebook that is written anew. A terminal, which cannot, gets the first text only."""

    def __init__(self) -> None:
        from IPython.core.getipython import get_ipython

        shell: Any = get_ipython()
        self._publish: Callable[..., None] = _write if shell is None else shell.display_pub.publish
        self.is_live, self._id = hasattr(shell, "kernel"), f"qmk-{id(self):x}-{time.time_ns():x}"
        self._shown = False

    def __call__(self, data: dict[str, str]) -> None:
        if self.is_live or not self._shown:
            self._publish(data=data, transient={"display_id": self._id}, update=self._shown)
        self._shown = True


def display_job(job: Job) -> None:
    """Shows a job and follows it in a thread of its own, which ends with the job."""
    show = _Handle()
    show(draw_now(job))  # from the thread of the cell whose output it becomes; what is told later finds it by its name
    if show.is_live:
        work = follow(job._job, show, _pause)  # pyright: ignore[reportPrivateUsage]
        threading.Thread(target=drive, args=(work,), name="qmk-job-view", daemon=True).start()


def show_until_end(job: Job) -> None:
    """Shows a job until it has ended."""
    drive(follow(job._job, _Handle(), _pause))  # pyright: ignore[reportPrivateUsage]


_following: set[asyncio.Task[None]] = set()


def display_async(job: AsyncJob) -> None:
    """Shows a job and follows it in a task of the notebook's event loop."""
    show = _Handle()
    show({"text/plain": repr(job), "text/html": html.escape(repr(job))})
    if not show.is_live:
        return
    task = asyncio.get_running_loop().create_task(follow(job, show, asyncio.sleep))
    _following.add(task)
    task.add_done_callback(_following.discard)
