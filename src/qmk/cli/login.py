"""``qmk login``: a server by its URL, with a token, under a name that other commands go by."""

from __future__ import annotations

import os
import sys

import click

from qmk.cli import options, output


@click.command()
@click.argument("url")
@click.option("--name", metavar="NAME", help="Name of the context; the server's host, if not given.")
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="File with the token. It is read at each call, and not copied.",
)
@options.cafile_option
@options.cert_option
@options.allow_http_option
@options.json_option
def command(
    url: str, name: str | None, token_file: str | None, cafile: str | None, cert: str, allow_http: bool, as_json: bool
) -> None:
    """Check a token with the server at URL, keep it for this user, and have commands go there.

    The token is asked for, or read from standard input, and kept in a file that only you can read.
    """
    from qmk.client import Client, contexts
    from qmk.client.address import read_server

    cafile, token_file = (path and os.path.abspath(path) for path in (cafile, token_file))
    server = read_server(url, cafile, allow_http, cert)
    name = contexts.check_name(name or server.host.replace(":", "-"))
    known = contexts.load()
    token = "" if token_file else _token()
    context = contexts.Context(name, server.url, token, token_file or "", cafile, allow_http, cert)
    client = Client(server, token=context.read_token())
    try:
        session = client.negotiate()
    finally:
        client.leave()
    contexts.save(known.put(context, current=True))
    found = {"context": name, "server": server.url, "tenant": session.tenant, "expires": session.expires}
    ends = "" if session.expires is None else f", until {options.moment(session.expires)}"
    output.show(as_json, found, [f"tenant {session.tenant} at {server.url}{ends}; commands now go to context {name}"])


def _token() -> str:
    from qmk.rpc import places

    if sys.stdin.isatty():
        return click.prompt("Token", hide_input=True, default="", show_default=False, err=True).strip()
    return sys.stdin.read(places.TOKEN_FILE_BYTES).strip()
