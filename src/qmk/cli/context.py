"""``qmk context``: the servers that commands can go to, by name, and the one that they go to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from qmk.cli import choices, options, output, terminal

if TYPE_CHECKING:
    from qmk.client.contexts import Context


@click.group(name="context")
def command() -> None:
    """Servers by name: 'qmk login' makes one, 'qmk context use' has commands go to it. Nothing is asked of a server."""


@command.command(name="list")
@options.json_option
def list_all(as_json: bool) -> None:
    """List the contexts; the one that commands go to has a star."""
    from qmk.client import contexts

    known = contexts.load()
    rows = [_row(each, known.current) for each in known.contexts]
    width = max((len(each.name) for each in known.contexts), default=0)
    lines = [f"{'*' if row['current'] else ' '} {row['name']:<{width}}  {row['server']}" for row in rows]
    output.show(as_json, rows, lines or ["no contexts; 'qmk login URL' makes one"])


@command.command()
@click.argument("name", required=False, shell_complete=choices.contexts)
@options.json_option
def show(name: str | None, as_json: bool) -> None:
    """Show a context, the current one if no NAME is given; never its token."""
    from qmk.client import contexts

    known = contexts.load()
    if not (name or known.current):
        raise click.UsageError("no context is in use: commands go to the daemon on this machine")
    row = _row(known.find(name or known.current), known.current)
    output.show(as_json, row, [f"{key}: {value}" for key, value in row.items()])


@command.command()
@click.argument("name", required=False, shell_complete=choices.contexts)
@click.option("--none", is_flag=True, help="Use none: commands go to the daemon on this machine.")
def use(name: str | None, none: bool) -> None:
    """Have commands go to the server of context NAME."""
    from qmk.client import contexts

    if bool(name) == none:
        raise click.UsageError("give the NAME of a context, or --none")
    known = contexts.load()
    if name:
        known.find(name)
    contexts.save(contexts.Contexts(name or "", known.contexts))
    terminal.say(f"commands go to context {name}" if name else "commands go to the daemon on this machine")


@command.command()
@click.argument("name")
@click.argument("url")
@click.option(
    "--token-file", type=click.Path(dir_okay=False), metavar="FILE", help="File with the token, read at each call."
)
@options.cafile_option
@options.cert_option
@options.allow_http_option
def add(name: str, url: str, token_file: str | None, cafile: str | None, cert: str, allow_http: bool) -> None:
    """Add a context without asking its server. 'qmk login' also checks a token, and keeps it."""
    from qmk.cli.failure import call_error
    from qmk.client import contexts
    from qmk.client.address import read_server

    known = contexts.load()
    if any(each.name == name for each in known.contexts):
        raise call_error(f"there is a context '{name}' already", help=f"'qmk context remove {name}' first")
    cafile, token_file = (path and os.path.abspath(path) for path in (cafile, token_file))
    server = read_server(url, cafile, allow_http, cert)
    made = contexts.Context(contexts.check_name(name), server.url, "", token_file or "", cafile, allow_http, cert)
    contexts.save(known.put(made))
    terminal.say(f"context {name} is {server.url}")


@command.command()
@click.argument("name", shell_complete=choices.contexts)
def remove(name: str) -> None:
    """Remove a context, and the token that is kept for it. The token itself stays good."""
    from qmk.client import contexts

    contexts.save(contexts.load().remove(name))
    terminal.say(f"context {name} is removed")


def _row(context: Context, current: str) -> dict[str, Any]:
    token = context.token_file or ("kept" if context.token else "none")
    row = {
        "name": context.name,
        "server": context.server,
        "token": token,
        "cafile": context.cafile,
        "cert": context.cert,
    }
    return {**row, "allow_http": context.allow_http, "current": context.name == current}
