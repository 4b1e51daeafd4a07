"""``qmk gateway``: QMK's clients and those of other services reach the daemon over HTTP."""

from __future__ import annotations

import socket as sockets
import ssl
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from qmk.base.errors import QmkError
from qmk.cli import log, options, parameters, terminal
from qmk.cli.beside import end_with_input

if TYPE_CHECKING:
    from qmk.gateway.app import Beside

RECORDS = "gateway.db"
CONNECTIONS = 256
PORT = 8451
EXTRAS = {"litestar": "gateway", "uvicorn": "gateway", "strawberry": "gateway", "grpc": "grpc", "grpc_health": "grpc"}
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


def grpc_option(command: Command) -> Command:
    """``--grpc``: where gRPC is served too."""
    text = "Serve gRPC too, at this address, such as 127.0.0.1:8452; with TLS where HTTP has it."
    return click.option("--grpc", type=parameters.Address(), metavar="ADDRESS", help=text)(command)


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
@grpc_option
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
    grpc: tuple[str, int] | None,
    beside: int | None,
    verbose: bool,
) -> None:
    """Serve QMK's clients, REST, GraphQL, and Amazon Braket's, QLAM's and Pasqal Cloud's protocols over HTTP.

    Callers show a QMK token: QMK's clients as --token-file or by 'qmk login', others where their protocol has a secret:
    as AWS_SESSION_TOKEN, as a bearer token, or as the password of basic authentication.
    """
    require_packages(grpc=grpc is not None)
    import uvicorn

    from qmk.gateway.app import make_app
    from qmk.gateway.slow import TimelyProtocol
    from qmk.rpc.places import state_dir

    log.start_log(verbose)
    check_tls(tls_cert, tls_key)
    if beside is not None:
        end_with_input()
    listening = listen(host, port) if beside is None else sockets.socket(fileno=beside)
    place = None if grpc is None else (grpc if beside is not None else free_place(*grpc))
    hosts = {listening.getsockname()[0], *(place[:1] if place else ())}
    needs_token = require_token or not hosts <= {"127.0.0.1", "::1"}
    folder = data_dir or state_dir()
    app = make_app(
        Path(socket_path) if socket_path else None,
        folder / RECORDS,
        needs_token=needs_token,
        beside=_servers_beside(place, tls_cert, tls_key),
    )
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
        announce(listening, tls_cert, place)
    uvicorn.Server(config).run(sockets=[listening])


def require_packages(*, grpc: bool = False) -> None:
    """Raises UNSUPPORTED where what serves HTTP, or gRPC too, is not installed."""
    extras = ["gateway", *(["grpc"] if grpc else [])]
    for name, extra in EXTRAS.items():
        if extra in extras and find_spec(name) is None:
            help = f"pip install 'quantum-microkernel[{','.join(extras)}]'"
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


def announce(listening: sockets.socket, cert: str | None, grpc: tuple[str, int] | None) -> None:
    """Said once callers can connect; scripts may wait for the first line."""
    address = address_of(*listening.getsockname()[:2])
    terminal.say(f"listening on {'https' if cert else 'http'}://{address}; Ctrl-C stops", err=True)
    if grpc is not None:
        terminal.say(f"gRPC on {address_of(*grpc)}{' with TLS' if cert else ''}", err=True)


def address_of(host: str, port: int) -> str:
    """A host and a port as one text."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def free_place(host: str, port: int) -> tuple[str, int]:
    """An address that gRPC can listen at, with a port for 0. gRPC takes no socket that is open: another process may be
    there first, and then the gateway does not start."""
    with listen(host, port) as found:
        return found.getsockname()[:2]


def _servers_beside(place: tuple[str, int] | None, cert: str | None, key: str | None) -> list[Beside]:
    """What runs beside the application: the gRPC server at this place."""
    if place is None:
        return []
    from qmk.gateway.grpc.server import Place, serving_at

    return [partial(serving_at, place=Place(*place, cert, key))]


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
