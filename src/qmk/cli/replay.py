"""``qmk replay``: run a job of the daemon again, and compare every bit."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import click

from qmk.cli import options, output
from qmk.cli.failure import FAILED_RUN
from qmk.cli.session import connect

if TYPE_CHECKING:
    from qmk.client.result import Result


@click.command()
@options.job_argument()
@click.option("--compare", is_flag=True, help="Wait for both jobs and compare counts, values and every shot's events.")
@options.json_option
@options.socket_option
def command(job: str, compare: bool, as_json: bool, socket_path: str | None) -> int:
    """Run JOB again from the daemon's journal: the same program, shots, seed, engine and method.

    With --compare the exit code is 0 when every bit is the same and 3 when one differs.
    """
    from qmk.cli.result import wait_for

    with connect(socket_path) as client:
        first = wait_for(client, job, 0, as_json) if compare else None  # one without a result is not run again in vain
        reply = client.replay(job)
        if first is None:
            output.show(as_json, reply, reply.job_id)
            return 0
        second = wait_for(client, reply.job_id, 0, as_json)
        found = difference(first, second)
    what = "counts and the events of every shot" if first.has_events else "counts; no events were kept"
    text = f"{job}: identical to {reply.job_id}: {first.shots} shots, {what}"
    if found is not None:
        text = f"{job}: differs from {reply.job_id}: {found['text']}"
    told = {"job_id": job, "replay": reply.job_id, "identical": found is None, "difference": found}
    output.show(as_json, told, text)
    return 0 if found is None else FAILED_RUN


def difference(first: Result, second: Result) -> dict[str, Any] | None:
    """The first place where two results differ, None when every bit is the same."""
    if first.counts != second.counts:
        keys = sorted(first.counts.keys() | second.counts.keys())
        key = next(key for key in keys if first.counts.get(key) != second.counts.get(key))
        ours, theirs = first.counts.get(key, 0), second.counts.get(key, 0)
        return _difference(
            first, second, f"outcome {key or 'without bits'} came {ours} times, then {theirs}", outcome=key
        )
    if first.values != second.values:
        return _difference(first, second, "values beyond counts differ")
    if first.has_events != second.has_events:
        return _difference(first, second, "only one of them kept events")
    if not first.has_events:
        return None
    for shot, (ours, theirs) in enumerate(zip_longest(first.rows(), second.rows())):
        if ours != theirs:
            return _difference(first, second, f"shot {shot} gave {ours}, then {theirs}", shot=shot)
    return None


def _difference(first: Result, second: Result, text: str, **place: Any) -> dict[str, Any]:
    versions = (first.provenance.version, second.provenance.version)
    if versions[0] != versions[1]:
        text += f" (the engine was {versions[0]}, now it is {versions[1]})"
    return {"text": text, **place}
