"""``qmk isolation``: what each level of isolation allows, as files that other tools load."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from qmk.cli import options, terminal

LEVELS = ("process", "jail")
FORMS = ("seccomp", "apparmor", "falco")


@click.group(name="isolation")
def command() -> None:
    """What the levels of isolation allow. Nothing is asked of a daemon."""


@command.command(short_help="print what a level allows, for containers, AppArmor or Falco")
@click.argument("level", type=click.Choice(LEVELS))
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    required=True,
    help="seccomp: system calls, for containers of OCI and Docker; apparmor: profiles; falco: rules.",
)
@click.option("--worker", is_flag=True, help="The calls of a worker in a jail alone; with seccomp.")
@options.local_data_option("The daemon's folder, as the policy names it.")
def policy(level: str, form: str, worker: bool, data_dir: Path | None) -> None:
    """Print what LEVEL allows to a daemon, its gateway and its workers, with the folders of this installation.

    It is made from the declarations that a jail is made of. The files of deploy/isolation are the same, with
    the folders /opt/qmk, /var/lib/qmk and /run/qmk.
    """
    from qmk.host.isolation.policies import Places, write
    from qmk.rpc.places import socket_path, state_dir

    if worker and (level, form) != ("jail", "seccomp"):
        raise click.UsageError("--worker goes with 'jail --format seccomp': only a jail filters the calls of a worker")
    places = Places(sys.prefix, str(data_dir or state_dir()), str(socket_path().parent))
    terminal.say(write(level, form, places, worker=worker).rstrip("\n"))  # pyright: ignore[reportArgumentType]
