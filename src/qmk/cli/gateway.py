"""``qmk gateway``: clients of other services run their programs on the daemon."""

from __future__ import annotations

import socket as sockets
from pathlib import Path

import click

from qmk.base.errors import QmkError
from qmk.cli import log, options, terminal

RECORDS = "gateway.db"
CONNECTIONS = 256


@click.command()
@options.listen_option
@click.option("--host", default="127.0.0.1", metavar="HOST", help="Address to listen at; 127.0.0.1 if not given.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8451,
    metavar="N",
    help="Port; 8451 if not given, 0 for a free one.",
)
@options.data_option("Where the gateway keeps what its protocols know of a task beside its job.")
@click.option("--require-token", is_flag=True, help="Ask for a token on loopback too; elsewhere it always is.")
@click.option("--verbose", "-v", is_flag=True, help="Log what happens on standard error.")
def command(
    socket_path: str | None, host: str, port: int, data_dir: Path | None, require_token: bool, verbose: bool
) -> None:
    """Serve a REST API, and Amazon Braket's, QLAM's and Pasqal Cloud's protocols, over HTTP, in the foreground.

    Callers show a QMK token where their protocol has a secret: as AWS_SESSION_TOKEN, as a bearer token, or as the
    password of basic authentication.
    """
    try:
        import uvicorn

        from qmk.gateway.app import make_app
        from qmk.gateway.slow import TimelyProtocol
    except ImportError as error:
        raise QmkError(
            "UNSUPPORTED",
            f"the gateway needs the package '{error.name}'",
            help="pip install 'quantum-microkernel[gateway]'",
        ) from error
    from qmk.rpc.places import state_dir

    log.start_log(verbose)
    listening = _listen(host, port)
    address = listening.getsockname()
    needs_token = require_token or address[0] not in ("127.0.0.1", "::1")
    folder = data_dir or state_dir()
    app = make_app(Path(socket_path) if socket_path else None, folder / RECORDS, needs_token=needs_token)
    config = uvicorn.Config(
        app,
        http=TimelyProtocol,
        limit_concurrency=CONNECTIONS,
        log_config=None,
        access_log=verbose,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=5,
    )
    name = f"[{address[0]}]" if ":" in address[0] else address[0]
    terminal.say(f"listening on http://{name}:{address[1]}; Ctrl-C stops", err=True)
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> sockets.socket:
    """Binds the port before anything is printed, so that a port in use is an error of the command."""
    try:
        family, kind, protocol, _, address = sockets.getaddrinfo(host, port, type=sockets.SOCK_STREAM)[0]
        made = sockets.socket(family, kind, protocol)
        made.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(1024)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise QmkError("INVALID_PARAMS", f"cannot listen at {host}:{port}: {why}", field="port") from error
    return made
