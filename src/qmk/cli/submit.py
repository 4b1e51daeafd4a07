"""``qmk submit``: a program to the daemon as a job."""

from __future__ import annotations

from typing import Any

import click

from qmk.cli import noisy, options, parameters
from qmk.cli.failure import Console
from qmk.cli.session import connected
from qmk.cli.values import Wanted, output_options


@click.command()
@options.program_options
@options.job_options
@noisy.noise_options
@noisy.qec_option
@noisy.drift_options
@options.device_option
@click.option(
    "--priority", type=click.IntRange(-1000, 1000), default=0, metavar="N", help="Larger runs sooner; -1000 to 1000."
)
@click.option(
    "--deadline",
    "deadline_epochs",
    type=click.IntRange(1, 2**63 - 1),
    metavar="EPOCHS",
    help="Scheduling epochs (100 ms each) by which the job should end; the nearer runs sooner among equal priorities.",
)
@click.option(
    "--channel",
    "channels",
    multiple=True,
    type=parameters.ChannelOf(),
    metavar="HANDLE=CHANNEL",
    help="The channel (see 'qmk channel') behind a channel handle of the program; may be given several times.",
)
@click.option(
    "--idempotency-key",
    default="",
    metavar="KEY",
    help="Submitting again with the same key gives the same job, so it is never run twice.",
)
@output_options
@options.cache_option
@click.option("--wait", is_flag=True, help="Wait for the job and print its result.")
@options.json_option
@options.socket_option
@click.pass_obj
def command(
    console: Console,
    program: str,
    format_name: str | None,
    params: tuple[tuple[str, Any], ...],
    shots: int | None,
    seed: int | None,
    engine: str | None,
    timeout_s: float | None,
    noise: str | None,
    error: float | None,
    qec: str | None,
    target: float | None,
    began_s: float | None,
    device: str | None,
    priority: int,
    deadline_epochs: int | None,
    channels: tuple[tuple[str, str], ...],
    idempotency_key: str,
    cache: bool,
    wait: bool,
    as_json: bool,
    socket_path: str | None,
    wanted: Wanted,
) -> None:
    """Hand PROGRAM to the daemon and print the job's id; --wait prints its result instead."""
    import msgspec

    from qmk.base.errors import Finding
    from qmk.cli import output, values
    from qmk.cli.result import show_result, wait_for
    from qmk.cli.run import DEFAULT_SHOTS, milliseconds

    loaded, outputs = values.load(wanted, program, format_name, options.collect_params(params), console)
    wish = noisy.asked(loaded.graph, shots, None if qec else noise, error, outputs, device=device)
    shots = wish.shots or loaded.graph.shots or DEFAULT_SHOTS
    with connected(socket_path) as client:
        job = client.submit(
            wish.graph,
            shots=shots,
            seed=seed,
            engine=engine,
            timeout_ms=milliseconds(timeout_s),
            priority=priority,
            deadline_epochs=deadline_epochs,
            channels=options.collect_params(channels, "--channel"),
            idempotency_key=idempotency_key,
            outputs=outputs,
            cache=cache,
            noise=noisy.drift(noise, qec, target, began_s),
            qec=qec,
        )
        if not as_json:
            console.findings(msgspec.convert(job.warnings, list[Finding]))
        if wait:
            show_result(wait_for(client, job.job_id, shots, as_json), as_json, program)
        elif as_json:
            output.json_object(job)
        else:
            click.echo(job.job_id)
