"""``qmk rollback``: take a job of the daemon back to a fence."""

from __future__ import annotations

from typing import Any

import click

from qmk.cli import options, output
from qmk.cli.session import connect

WAYS = {
    "in_place": "its worker undid what came after",
    "saved": "from a saved state",
    "start": "from the start",
}


class Epochs(click.ParamType[int]):
    """How many epochs are to be behind a job: 0 or more."""

    name = "epochs"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if not str(value).isdecimal() or len(str(value)) > 18:
            self.fail(f"'{value}' is not a number of epochs; 0 is the job's start", param, ctx)
        return int(value)


# -1 is a number, to be refused as one, and no option
@click.command(context_settings={"ignore_unknown_options": True})
@options.job_argument()
@click.argument("epoch", type=Epochs())
@options.json_option
@options.socket_option
def command(job: str, epoch: int, as_json: bool, socket_path: str | None) -> None:
    """Take JOB back to where EPOCH epochs were behind it; 0 is its start. It goes on from there."""

    with connect(socket_path) as client:
        reply = client.rollback(job, epoch)
    output.show(as_json, reply, f"{job}: goes on with {reply.epoch} epochs behind it, {WAYS[reply.how]}")
