"""``qmk gateway``: QMK's clients and those of other services reach the daemon over HTTP."""

from __future__ import annotations

import socket as sockets
import ssl
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import click

from qmk.base.errors import QmkError
from qmk.cli import log, options, terminal
from qmk.cli.beside import end_with_input

RECORDS = "gateway.db"
CONNECTIONS = 256
PORT = 8451
Command = TypeVar("Command", bound=Callable[..., Any])


def tls_options(command: Command) -> Command:
    """``--tls-cert`` and ``--tls-key``, which go together."""
    for name, text in (
        ("key", "Private key of the certificate, in PEM."),
        ("cert", "Serve https with this certificate, in PEM with those of its authorities."),
    ):
        kind = click.Path(dir_okay=False)
        command = click.option(f"--tls-{name}", f"tls_{name}", type=kind, metavar="FILE", help=text)(command)
    return command


@click.command()
@options.listen_option
@click.option("--host", default="127.0.0.1", metavar="HOST", help="Address to listen at; 127.0.0.1 if not given.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    metavar="N",
    help=f"Port; {PORT} if not given, 0 for a free one.",
)
@options.data_option("Where the gateway keeps what its protocols know of a task beside its job.")
@click.option("--require-token", is_flag=True, help="Ask for a token on loopback too; elsewhere it always is.")
@tls_options
@click.option("--beside", type=int, hidden=True, help="Listen at this descriptor, and end with standard input.")
@click.option("--verbose", "-v", is_flag=True, help="Log what happens on standard error.")
def command(
    socket_path: str | None,
    host: str,
    port: int,
    data_dir: Path | None,
    require_token: bool,
    tls_cert: str | None,
    tls_key: str | None,
    beside: int | None,
    verbose: bool,
) -> None:
    """Serve QMK's clients, a REST API, and Amazon Braket's, QLAM's and Pasqal Cloud's protocols over HTTP.

    Callers show a QMK token: QMK's clients as --token-file or by 'qmk login', others where their protocol has a secret:
    as AWS_SESSION_TOKEN, as a bearer token, or as the password of basic authentication.
    """
    require_packages()
    import uvicorn

    from qmk.gateway.app import make_app
    from qmk.gateway.slow import TimelyProtocol
    from qmk.rpc.places import state_dir
    from qmk.rpc.private import is_loopback

    log.start_log(verbose)
    check_tls(tls_cert, tls_key)
    if beside is not None:
        end_with_input()
    listening = listen(host, port) if beside is None else sockets.socket(fileno=beside)
    needs_token = require_token or not is_loopback(listening.getsockname()[0])
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
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
    )
    if beside is None:
        announce(listening, tls_cert)
    uvicorn.Server(config).run(sockets=[listening])


def require_packages() -> None:
    """Raises UNSUPPORTED where what serves HTTP is not installed."""
    for name in ("litestar", "uvicorn"):
        if find_spec(name) is None:
            help = "pip install 'quantum-microkernel[gateway]'"
            raise QmkError("UNSUPPORTED", f"the gateway needs the package '{name}'", help=help)


def check_tls(cert: str | None, key: str | None) -> None:
    """Refuses a certificate without its key, and files that are not a certificate and its key."""
    if not (cert or key):
        return
    if not (cert and key):
        raise click.UsageError("--tls-cert and --tls-key go together")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
    except OSError as error:  # of which SSLError is one
        why = (error.strerror or str(error)).lower()
        raise QmkError("INVALID_PARAMS", f"cannot use {cert} with {key}: {why}", field="tls_cert") from error


def announce(listening: sockets.socket, cert: str | None) -> None:
    """Said once callers can connect; scripts may wait for this line."""
    host, port = listening.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    terminal.say(f"listening on {'https' if cert else 'http'}://{name}:{port}; Ctrl-C stops", err=True)


def listen(host: str, port: int) -> sockets.socket:
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
