"""Makes the operator's calls from the command line: through the daemon if one runs, else on its data folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from qmk.cli import terminal
from qmk.cli.failure import call_error

DAEMON_STARTS_S = 5.0
"""How long a daemon that has taken the data folder may need until it answers."""


def operate(data_dir: Path | None, database: str, name: str, /, **params: Any) -> Any:
    """Makes a call and gives its reply. A daemon that is just starting is waited for. Where there is no data folder,
    none is made but for the first tenant."""
    from qmk.base.errors import QmkError
    from qmk.cli.session import find_server, local_only
    from qmk.client.operator import Operator
    from qmk.host import operating
    from qmk.host.config import HostConfig

    if find_server():
        raise local_only()
    places: dict[str, Any] = {"data_dir": data_dir} if data_dir else {}
    config = HostConfig(**places, database=database)
    if not config.data_dir.is_dir():
        _announce_folder(config.data_dir, name)
    deadline = time.monotonic() + DAEMON_STARTS_S
    while True:
        try:
            return Operator(config.data_dir).call(name, **params)
        except QmkError as error:
            if not isinstance(error.__cause__, (FileNotFoundError, ConnectionRefusedError)):
                raise
        try:
            return operating.operate(config, name, **params)
        except QmkError as error:
            if error.kind.name != "RESOURCE_EXHAUSTED" or "pid" not in error.fields or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def _announce_folder(data_dir: Path, name: str) -> None:
    if name != "op_tenant_add":
        raise call_error(
            f"there is no data folder {data_dir}",
            help="name the daemon's with --data-dir; 'qmk tenant add' and 'qmk serve' make a new one",
        )
    source = click.get_current_context().get_parameter_source("data_dir")
    if source is ParameterSource.COMMANDLINE:  # where somebody may have mistyped it
        terminal.say(f"a new data folder: {data_dir}", err=True)
