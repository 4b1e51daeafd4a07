"""``qmk submit``: a program to the daemon as a job."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from qmk.cli import options, output, request, scripting
from qmk.cli.failure import Console, call_error
from qmk.cli.session import connect
from qmk.cli.values import Wanted, output_options

if TYPE_CHECKING:
    from qmk.abi.calls import q_submit
    from qmk.client.sync import Client
    from qmk.qvm.graph import Graph
    from qmk.request.options import RunOptions


@click.command()
@options.program_options
@request.run_options(
    *request.RUN,
    "split",
    "attempts",
    "cache",
    "isolation",
    "resources",
    "priority",
    "deadline_epochs",
    "channels",
    "idempotency_key",
    "name",
    "tags",
)
@request.drift_options
@output_options
@scripting.script_options
@scripting.wheel_option
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
    script: bool,
    input_path: str | None,
    wheels: tuple[str, ...],
    target: float | None,
    began_s: float | None,
    wait: bool,
    as_json: bool,
    socket_path: str | None,
    wanted: Wanted,
) -> None:
    """Hand PROGRAM to the daemon and print the job's id; --wait prints its result instead.

    With --script, PROGRAM is a Python script that the daemon runs, with the programs that it runs in turn.
    """
    import msgspec

    from qmk.base.errors import Finding
    from qmk.cli import values
    from qmk.cli.result import show_result, wait_for

    given = scripting.ScriptOptions(input_path, asked.isolation, wheels or None)
    if script or given.first_name:
        if wanted.anything or format_name or params:
            fix = "leave out --expect and the like"
            raise call_error("what a script gives is its result alone", field="script", help=fix)
        send = partial(scripting.submit, program, script, given, asked)
    else:
        loaded, outputs = values.load(wanted, program, format_name, params, console)
        asked = request.with_drift(asked, target, began_s).replace(outputs=outputs, strict=console.strict)
        send = partial(_submit, loaded.graph, asked)
    with connect(socket_path) as client:
        job = send(client)
        console.warn(msgspec.convert(job.warnings, list[Finding]))
        if wait:
            show_result(wait_for(client, job.job_id, job.shots, as_json), as_json, program)
        else:
            output.show(as_json, job, job.job_id)


def _submit(graph: Graph, asked: RunOptions, client: Client) -> q_submit.Reply:
    return client.submit(graph, **asked.non_default())
