"""``qmk serve``: the daemon, in the foreground."""

from __future__ import annotations

import click

from qmk.cli import options


@click.command()
@options.socket_option
@click.option("--data-dir", type=click.Path(file_okay=False), envvar="QMK_STATE_DIR", help="Journal and results.")
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Jobs on engines at once; the usable cores if not given.",
)
@click.option(
    "--durability",
    type=click.Choice(["full", "normal", "memory"]),
    default="full",
    help="full (if not given): a job survives power loss once its submit is answered; normal: a crash of the daemon; "
    "memory: nothing is kept.",
)
@click.option("--warm", multiple=True, metavar="ENGINE", help="Start a worker of this engine before the first job.")
def command(
    socket_path: str | None, data_dir: str | None, workers: int | None, durability: str, warm: tuple[str, ...]
) -> None:
    """Run the daemon until Ctrl-C or SIGTERM. Jobs it had accepted go on at the next start."""
    from qmk.host.config import Config
    from qmk.host.daemon import serve

    serve(Config(socket_path, data_dir, workers, durability, warm))
