"""``qmk submit``: a program to the daemon as a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from qmk.cli import options, output, request
from qmk.cli.failure import Console
from qmk.cli.session import connect
from qmk.cli.values import Wanted, output_options

if TYPE_CHECKING:
    from qmk.request.options import RunOptions


@click.command()
@options.program_options
@request.run_options(
    *request.RUN,
    "attempts",
    "cache",
    "isolation",
    "priority",
    "deadline_epochs",
    "channels",
    "idempotency_key",
    "name",
    "tags",
)
@request.drift_options
@output_options
@click.option("--wait", is_flag=True, help="Wait for the job and print its result.")
@options.json_option
@options.socket_option
@click.pass_obj
def command(
    console: Console,
    program: str,
    format_name: str | None,
    params: dict[str, Any],
    asked: RunOptions,
    target: float | None,
    began_s: float | None,
    wait: bool,
    as_json: bool,
    socket_path: str | None,
    wanted: Wanted,
) -> None:
    """Hand PROGRAM to the daemon and print the job's id; --wait prints its result instead."""
    import msgspec

    from qmk.base.errors import Finding
    from qmk.cli import values
    from qmk.cli.result import show_result, wait_for

    loaded, outputs = values.load(wanted, program, format_name, params, console)
    asked = request.with_drift(asked, target, began_s).replace(outputs=outputs, strict=console.strict)
    with connect(socket_path) as client:
        job = client.submit(loaded.graph, **asked.non_default())
        console.warn(msgspec.convert(job.warnings, list[Finding]))
        if wait:
            show_result(wait_for(client, job.job_id, job.shots, as_json), as_json, program)
        else:
            output.show(as_json, job, job.job_id)
