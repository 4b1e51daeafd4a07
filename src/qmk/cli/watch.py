"""``qmk watch``: a job of the daemon while it runs, and what it gave so far."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click
import msgspec

from qmk.cli import options, output, terminal
from qmk.cli.failure import Console
from qmk.cli.result import show_result
from qmk.cli.session import connect
from qmk.client.job_text import line

if TYPE_CHECKING:
    from qmk.client.result import Result

EVERY_MS = 500
"""How often it looks; the end is told at once."""
TOP = 10


@click.command()
@options.job_argument()
@options.top_option
@options.json_option
@options.socket_option
@click.pass_obj
def command(console: Console, job: str, top: int, as_json: bool, socket_path: str | None) -> None:
    """Show how far JOB is and what it gave so far, until it ends; then print its result. With --json a line of JSON
    each time there is more, its result last. Ctrl-C leaves the job running."""
    from qmk.client.calls import ENDED

    view = _as_json if as_json else _Screen(job) if sys.stdout.isatty() else _Lines(job)
    with connect(socket_path) as client:
        status = client.status(job)
        while status.state not in ENDED:
            view(msgspec.to_builtins(status), client.partial(job) if status.state == "RUNNING" else None)
            status = client.wait(job, EVERY_MS)
        result = client.result(job)
        console.warn(result.warnings)
        if as_json:
            _as_json(msgspec.to_builtins(client.status(job)), result)
        else:
            view({}, None)
            show_result(result, False, result.job_id, top)


def _as_json(status: dict[str, Any], result: Result | None) -> None:
    found = {"status": status, "result": None if result is None else result.to_dict()}
    output.json_line(found)


class _Lines:
    """Where nothing can be drawn over: a line each time there is more."""

    def __init__(self, job: str) -> None:
        self._job, self._told = job, ""

    def __call__(self, status: dict[str, Any], result: Result | None) -> None:
        told = next(view_lines(self._job, status, result)) if status else self._told
        if told != self._told:
            terminal.say(told)
        self._told = told


class _Screen:
    """On a terminal: the same lines, drawn anew; none are left at the end."""

    def __init__(self, job: str) -> None:
        self._job, self._drawn = job, 0

    def __call__(self, status: dict[str, Any], result: Result | None) -> None:
        rows = list(view_lines(self._job, status, result)) if status else []
        self._drawn = terminal.redraw(rows, self._drawn)


def view_lines(job: str, status: dict[str, Any], result: Result | None) -> Iterator[str]:
    """The state of a job, and what it gave so far, each share of the shots with its standard error. ``job``: its id
    as it was given; what it gave so far has the whole id."""
    from qmk.cli import histogram, values

    yield line(job if result is None else result.job_id, status)
    if result is None or not result.shots:
        return
    if result.counts:
        wide, plain = terminal.width(), output.ascii_only()
        yield f"  {result.shots} shots so far"
        yield from histogram.lines(result.counts, result.shots, top=TOP, width=wide, ascii_only=plain, with_errors=True)
    if result.values is not None:
        yield from values.lines(result.values)
    if note := result.provenance.notes.get("partial"):
        yield f"  note: {note}"
