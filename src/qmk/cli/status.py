"""``qmk status``: how far a job of the daemon is."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from qmk.cli import options


@click.command()
@click.argument("job")
@options.json_option
@options.socket_option
def command(job: str, as_json: bool, socket_path: str | None) -> None:
    """Say what state JOB is in and how far it is."""
    from qmk.cli import output
    from qmk.client import Client

    with Client(socket_path) as client:
        status = msgspec.to_builtins(client.status(job))
    if as_json:
        output.json_object(status)
    else:
        click.echo(line(job, status))


def line(job: str, status: dict[str, Any]) -> str:
    """``job_x: RUNNING on aer statevector, 400 of 1000 shots``."""
    engine = " ".join(part for part in (status["engine"], status["method"]) if part)
    parts = [f"{job}: {status['state']} on {engine}" if engine else f"{job}: {status['state']}"]
    if status["place_in_queue"]:
        parts.append(f"{status['place_in_queue']} before it in the queue")
    if status["state"] in ("RUNNING", "COMPLETED"):
        parts.append(f"{status['progress']['shots_done']} of {status['shots']} shots")
    if status["error"]:
        parts.append(status["error"]["message"])
    return ", ".join(parts)
