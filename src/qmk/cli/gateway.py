"""``qmk gateway``: QMK's clients and those of other services reach the daemon over HTTP."""

from __future__ import annotations

import errno
import socket as sockets
import ssl
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import click

from qmk.base.errors import QmkError
from qmk.cli import log, options, terminal
from qmk.cli.beside import end_with_input

PORT = 8451
Command = TypeVar("Command", bound=Callable[..., Any])


def edge_options(command: Command) -> Command:
    """Certificates, as ``tls``, ``tls_cert`` and ``tls_key``, which go together, and who may connect to what, as
    ``allowed_hosts`` and ``address_connections``."""
    command = click.option(
        "--address-connections",
        type=click.IntRange(1),
        default=1024,
        metavar="N",
        help="Connections of one address, but for this machine's; 1024 if not given.",
    )(command)
    command = click.option(
        "--allowed-host",
        "allowed_hosts",
        multiple=True,
        metavar="NAME",
        help="Serve requests for this host name too, or with a dot before it for all below it; may be given several "
        "times. Addresses, this machine and the names of the certificate are served.",
    )(command)
    kind = click.Path(dir_okay=False)
    for name, text in (
        ("key", "Private key of the certificate, in PEM."),
        ("cert", "Serve https with this certificate, in PEM with those of its authorities."),
    ):
        command = click.option(f"--tls-{name}", f"tls_{name}", type=kind, metavar="FILE", help=text)(command)
    text = "auto: serve https with a certificate of an authority of this machine's own, whose file clients are given."
    return click.option("--tls", type=click.Choice(["auto"]), help=text)(command)


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
@edge_options
@click.option("--beside", type=int, hidden=True, help="Listen at this descriptor, and end with standard input.")
@click.option("--verbose", "-v", is_flag=True, help="Log what happens on standard error.")
def command(
    socket_path: str | None,
    host: str,
    port: int,
    data_dir: Path | None,
    require_token: bool,
    tls: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    allowed_hosts: tuple[str, ...],
    address_connections: int,
    beside: int | None,
    verbose: bool,
) -> None:
    """Serve QMK's clients, a REST API, and Amazon Braket's, QLAM's and Pasqal Cloud's protocols over HTTP.

    Callers show a QMK token: QMK's clients as --token-file or by 'qmk login', others where their protocol has a secret:
    as AWS_SESSION_TOKEN, as a bearer token, or as the password of basic authentication.
    """
    require_packages()
    if beside is not None:
        end_with_input()
    from qmk.gateway.server import Listening, serve
    from qmk.rpc.places import state_dir

    log.start_log(verbose)
    check_tls(tls, tls_cert, tls_key)
    found = Listening(
        socket=listen(host, port) if beside is None else sockets.socket(fileno=beside),
        data_dir=data_dir or state_dir(),
        hosts=frozenset(name.lower() for name in (*allowed_hosts, host)),
        cert=Path(tls_cert) if tls_cert else None,
        key=Path(tls_key) if tls_key else None,
        makes_cert=bool(tls),
        address_connections=address_connections,
    )
    if beside is None:
        announce(found.socket, bool(tls or tls_cert))
        announce_authority(found.authority)
    serve(found, Path(socket_path) if socket_path else None, require_token=require_token, verbose=verbose)


def require_packages() -> None:
    """Raises UNSUPPORTED where what serves HTTP is not installed."""
    for name in ("litestar", "uvicorn"):
        if find_spec(name) is None:
            help = "pip install 'quantum-microkernel[gateway]'"
            raise QmkError("UNSUPPORTED", f"the gateway needs the package '{name}'", help=help)


def check_tls(tls: str | None, cert: str | None, key: str | None) -> None:
    """Refuses a certificate without its key, and files that are not a certificate and its key."""
    if tls and (cert or key):
        raise click.UsageError("--tls auto makes a certificate: leave out --tls-cert and --tls-key")
    if not (cert or key):
        return
    if not (cert and key):
        raise click.UsageError("--tls-cert and --tls-key go together")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
    except OSError as error:  # of which SSLError is one
        why = (error.strerror or str(error)).lower()
        raise QmkError("INVALID_PARAMS", f"cannot use {cert} with {key}: {why}", field="tls_cert") from error


def announce(listening: sockets.socket, tls: bool) -> None:
    """Said once callers can connect; scripts may wait for this line."""
    host, port = listening.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    terminal.say(f"listening on {'https' if tls else 'http'}://{name}:{port}; Ctrl-C stops", err=True)


def announce_authority(certificate: Path | None) -> None:
    """Says which file clients need to trust this gateway, if they need one."""
    if certificate is None:
        return
    from qmk.gateway.authority import fingerprint

    terminal.say(f"clients trust it with --ca {certificate}; its SHA-256 is {fingerprint(certificate)}", err=True)


def listen(host: str, port: int, patience_s: float = 0.0) -> sockets.socket:
    """Binds the port before anything is printed, so that a port in use is an error of the command. ``patience_s``: for
    so long a port in use is tried again: a gateway whose daemon was killed is about to end."""
    end_s = time.monotonic() + patience_s
    while True:
        try:
            return _bind(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() >= end_s:
                why = (error.strerror or str(error)).lower()
                raise QmkError("INVALID_PARAMS", f"cannot listen at {host}:{port}: {why}", field="port") from error
        time.sleep(0.1)


def _bind(host: str, port: int) -> sockets.socket:
    family, kind, protocol, _, address = sockets.getaddrinfo(host, port, type=sockets.SOCK_STREAM)[0]
    made = sockets.socket(family, kind, protocol)
    try:
        made.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(1024)
    except OSError:
        made.close()
        raise
    return made
