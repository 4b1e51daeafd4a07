"""``qmk gateway``: QMK's clients and those of other services reach the daemon over HTTP."""

from __future__ import annotations

import errno
import socket as sockets
import ssl
import time
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import click

from qmk.base.errors import QmkError
from qmk.cli import log, observing, options, parameters, terminal
from qmk.cli.beside import end_with_input

PORT = 8451
EXTRAS = {"litestar": "gateway", "uvicorn": "gateway", "strawberry": "gateway", "grpc": "grpc", "grpc_health": "grpc"}
Command = TypeVar("Command", bound=Callable[..., Any])


def edge_options(command: Command) -> Command:
    """Certificates, as ``tls``, ``tls_cert`` and ``tls_key``, which go together, and ``client_ca``; and who may connect
    to what, as ``allowed_hosts`` and ``address_connections``."""
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
    command = click.option(
        "--client-ca",
        metavar="FILE",
        help="Have every caller show a certificate of an authority in this file, in PEM; auto: of this machine's own, "
        "which 'qmk certificates issue' gives.",
    )(command)
    kind = click.Path(dir_okay=False)
    for name, text in (
        ("key", "Private key of the certificate, in PEM."),
        ("cert", "Serve https with this certificate, in PEM with those of its authorities."),
    ):
        command = click.option(f"--tls-{name}", f"tls_{name}", type=kind, metavar="FILE", help=text)(command)
    text = "auto: serve https with a certificate of an authority of this machine's own, whose file clients are given."
    return click.option("--tls", type=click.Choice(["auto"]), help=text)(command)


def grpc_option(command: Command) -> Command:
    """``--grpc``: where gRPC is served too."""
    text = "Serve gRPC too, at this address, such as 127.0.0.1:8452; with TLS where HTTP has it."
    return click.option("--grpc", type=parameters.Address(), metavar="ADDRESS", help=text)(command)


def _rate_option(whose: str) -> Callable[[Command], Command]:
    return click.option(
        f"--rate-{whose}",
        type=click.FloatRange(0),
        default=0.0,
        envvar=f"QMK_RATE_{whose.upper()}",
        metavar="N",
        help=f"Requests that one {whose} may send in a second, ten seconds' worth at once; any number if not given.",
    )


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
@click.option(
    "--sign-in",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="QMK_SIGN_IN",
    metavar="FILE",
    help="How people sign in at the console: identity providers and passwords, as JSON.",
)
@_rate_option("token")
@_rate_option("address")
@click.option(
    "--private-webhooks",
    is_flag=True,
    envvar="QMK_PRIVATE_WEBHOOKS",
    help="Send webhooks to addresses that are not public too.",
)
@options.database_option
@edge_options
@grpc_option
@observing.observe_options
@log.format_option
@click.option("--beside", type=int, hidden=True, help="Listen at this descriptor, and end with standard input.")
@click.option("--verbose", "-v", is_flag=True, help="Log what happens on standard error.")
def command(
    socket_path: str | None,
    host: str,
    port: int,
    data_dir: Path | None,
    require_token: bool,
    sign_in: Path | None,
    rate_token: float,
    rate_address: float,
    private_webhooks: bool,
    database: str | None,
    tls: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    client_ca: str | None,
    grpc: tuple[str, int] | None,
    allowed_hosts: tuple[str, ...],
    address_connections: int,
    beside: int | None,
    observing: observing.Observing,
    log_format: str,
    verbose: bool,
) -> None:
    """Serve QMK's clients, REST, GraphQL, and Amazon Braket's, QLAM's and Pasqal Cloud's protocols over HTTP.

    Callers show a QMK token: QMK's clients as --token-file or by 'qmk login', others where their protocol has a secret:
    as AWS_SESSION_TOKEN, as a bearer token, or as the password of basic authentication.
    """
    require_packages(grpc=grpc is not None)
    if beside is not None:
        end_with_input()
    from qmk.gateway.accounts.sign_in import read_config
    from qmk.gateway.rates import RateLimits
    from qmk.gateway.server import Listening, serve
    from qmk.rpc.places import state_dir

    log.start_log(verbose, log_format)
    check_tls(tls, tls_cert, tls_key, client_ca)
    folder = data_dir or state_dir()
    found = Listening(
        socket=listen(host, port) if beside is None else sockets.socket(fileno=beside),
        data_dir=folder,
        hosts=frozenset(name.lower() for name in (*allowed_hosts, host)),
        **_certificates(tls, tls_cert, tls_key, client_ca),
        address_connections=address_connections,
        grpc=free_place(*grpc) if grpc and beside is None else grpc,
    )
    if beside is None:
        announce(found.socket, bool(tls or tls_cert), found.grpc, found.authority)
    serve(
        found,
        Path(socket_path) if socket_path else None,
        require_token=require_token,
        settings=observing.settings(),
        **readers_of(folder, database),
        database=database or "",
        sign_in=read_config(sign_in) if sign_in else None,
        rates=RateLimits(rate_address, rate_token),
        private_webhooks=private_webhooks,
    )


class Certificates(TypedDict):
    """Those that the gateway shows, and asks of its callers."""

    cert: Path | None
    key: Path | None
    makes_cert: bool
    client_ca: Path | None
    asks_own: bool


def _certificates(tls: str | None, cert: str | None, key: str | None, client_ca: str | None) -> Certificates:
    return {
        "cert": Path(cert) if cert else None,
        "key": Path(key) if key else None,
        "makes_cert": bool(tls),
        "client_ca": Path(client_ca) if client_ca and client_ca != "auto" else None,
        "asks_own": client_ca == "auto",
    }


class Readers(TypedDict):
    """What the gateway reads of the daemon's journal."""

    ledger: Callable[[str, int, int], Iterable[Any]]
    audit: Callable[[int, int], Iterable[Any]]


def ledger_of(folder: Path, database: str | None) -> Callable[[str, int, int], Iterable[Any]]:
    """Reads the ledger of the daemon that has this folder."""
    from qmk.host.config import JOURNAL_NAME
    from qmk.host.ledger import read

    return lambda tenant, from_ns, to_ns: read(folder / JOURNAL_NAME, tenant, from_ns, to_ns, database or "")


def audit_of(folder: Path, database: str | None) -> Callable[[int, int], Iterable[Any]]:
    """Reads the audit log of the daemon that has this folder."""
    from qmk.host.audit_reader import newest
    from qmk.host.config import JOURNAL_NAME

    return lambda below, limit: newest(folder / JOURNAL_NAME, below, limit, database or "")


def readers_of(folder: Path, database: str | None) -> Readers:
    """What reads the journal of the daemon that has this folder."""
    return {"ledger": ledger_of(folder, database), "audit": audit_of(folder, database)}


def require_packages(*, grpc: bool = False) -> None:
    """Raises UNSUPPORTED where what serves HTTP, or gRPC too, is not installed."""
    extras = ["gateway", *(["grpc"] if grpc else [])]
    for name, extra in EXTRAS.items():
        if extra in extras and find_spec(name) is None:
            help = f"pip install 'quantum-microkernel[{','.join(extras)}]'"
            raise QmkError("UNSUPPORTED", f"the gateway needs the package '{name}'", help=help)


def check_tls(tls: str | None, cert: str | None, key: str | None, client_ca: str | None = None) -> None:
    """Refuses a certificate without its key, files that are not a certificate and its key, and to ask callers for a
    certificate without one of the gateway's own."""
    if client_ca and not (tls or cert):
        raise click.UsageError("--client-ca goes with --tls auto, or --tls-cert and --tls-key")
    if client_ca and client_ca != "auto":
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(client_ca)
        except OSError as error:
            why = "it holds no certificate" if isinstance(error, ssl.SSLError) else (error.strerror or "").lower()
            raise QmkError("INVALID_PARAMS", f"cannot use {client_ca}: {why}", field="client_ca") from error
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


def announce(
    listening: sockets.socket, tls: bool, grpc: tuple[str, int] | None = None, authority: Path | None = None
) -> None:
    """Said once callers can connect; scripts may wait for the first line. ``authority``: the file that clients need to
    trust this gateway, if they need one."""
    address = address_of(*listening.getsockname()[:2])
    terminal.say(f"listening on {'https' if tls else 'http'}://{address}; Ctrl-C stops", err=True)
    if grpc is not None:
        terminal.say(f"gRPC on {address_of(*grpc)}{' with TLS' if tls else ''}", err=True)
    if authority is not None:
        from qmk.gateway.authority import fingerprint

        terminal.say(f"clients trust it with --ca {authority}; its SHA-256 is {fingerprint(authority)}", err=True)


def address_of(host: str, port: int) -> str:
    """A host and a port as one text."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def free_place(host: str, port: int) -> tuple[str, int]:
    """An address that gRPC can listen at, with a port for 0. gRPC takes no socket that is open: another process may be
    there first, and then the gateway does not start."""
    with listen(host, port) as found:
        return found.getsockname()[:2]


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
