"""``qmk certificates``: those that this machine's own authority gives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qmk.cli import options, output

if TYPE_CHECKING:
    from qmk.gateway.issued import Issued


@click.group(name="certificates")
def command() -> None:
    """Certificates of the gateway's own authority: for callers that must show one (--client-ca auto), and for servers.
    Nothing is asked of a gateway, and one that runs takes up what has changed within a second."""


@command.command(short_help="give a client, or a server, a certificate")
@click.argument("name")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="NAME.pem if not given.")
@click.option("--host", "hosts", multiple=True, metavar="HOST", help="Of a server with this name or address.")
@click.option("--days", type=click.IntRange(1), default=90, metavar="N", help="How long it is good; 90 if not given.")
@options.local_data_option("The gateway's folder.")
@options.json_option
def issue(name: str, out: Path | None, hosts: tuple[str, ...], days: int, data_dir: Path | None, as_json: bool) -> None:
    """Write a certificate for NAME with its key to a file for you alone; the key is kept nowhere else.

    It is a client's, or with --host a server's. Given anew it rotates: earlier ones of the name stay good until they
    end, or 'qmk certificates revoke NAME --older'.
    """
    from qmk.gateway.issued import issue as give
    from qmk.rpc.places import state_dir

    path = out or Path(f"{name}.pem")
    made = give(data_dir or state_dir(), name, path, hosts, days)
    output.show(as_json, {**_row(made), "path": str(path)}, f"{_line(made)}; it is in {path}, with its key")


@command.command(name="list", short_help="list the certificates that were given")
@options.local_data_option("The gateway's folder.")
@options.json_option
def list_certificates(data_dir: Path | None, as_json: bool) -> None:
    """List the certificates that were given, those of a name the newest first, and until when they are good."""
    from qmk.gateway.issued import list_issued
    from qmk.rpc.places import state_dir

    found = list_issued(data_dir or state_dir())
    shown = {"certificates": [_row(each) for each in found]}
    output.show(as_json, shown, [_line(each) for each in found] or "none was given; qmk certificates issue NAME")


@command.command(short_help="make the gateway's own certificate, or the authority, anew")
@click.option("--authority", is_flag=True, help="A new authority, beside the one before, which stays trusted.")
@click.option("--finish", is_flag=True, help="With --authority: drop the one before.")
@click.option("--force", is_flag=True, help="With --finish: though somebody has no certificate of the new authority.")
@options.local_data_option("The gateway's folder.")
@options.json_option
def rotate(authority: bool, finish: bool, force: bool, data_dir: Path | None, as_json: bool) -> None:
    """Make the certificate of --tls auto and its key anew. The gateway shows it to connections from then on, and
    those that are open go on. With --tls-cert, write the new files over the old ones: that is found too.

    With --authority make the authority anew, in two steps. The first gives a ca.pem of both: copy it to all clients,
    and issue certificates anew to those who have some. The second, with --finish, has the new authority sign the
    gateway's certificate, and drops the one before.
    """
    if (finish and not authority) or (force and not finish):
        raise click.UsageError("--force goes with --finish, and --finish with --authority")
    from qmk.gateway import succession
    from qmk.gateway.authority import end_of, renew_server
    from qmk.rpc.places import state_dir

    folder = data_dir or state_dir()
    if not authority:
        path = renew_server(folder)
        said = f"{path} is new, and good until {options.moment(end_of(path))}"
    elif finish:
        path = succession.finish(folder, force=force)
        said = f"{path} has the new authority alone, and a certificate of the one before is refused"
    else:
        path = succession.begin(folder)
        late = ", ".join(succession.waiting(folder)) or "nobody"
        said = f"{path} has the new authority and the one before; copy it to all clients. Certificates of the one "
        said += f"before have: {late}"
    output.show(as_json, {"path": str(path), "until": end_of(path), "waiting": succession.waiting(folder)}, said)


@command.command(short_help="refuse the certificates of a name from now on")
@click.argument("name")
@click.option("--older", is_flag=True, help="All but the newest: after its owner has the new one.")
@options.local_data_option("The gateway's folder.")
@options.json_option
def revoke(name: str, older: bool, data_dir: Path | None, as_json: bool) -> None:
    """Put the certificates of NAME on the authority's list of revoked ones. New connections with them are refused."""
    from qmk.gateway.issued import revoke as refuse
    from qmk.rpc.places import state_dir

    found = refuse(data_dir or state_dir(), name, older=older)
    shown = {"revoked": [each.serial for each in found]}
    output.show(as_json, shown, [f"revoked {_line(each)}" for each in found] or f"{name} has none that is good")


def _row(each: Issued) -> dict[str, Any]:
    return {**each._asdict(), "until": options.moment(each.until_s)}


def _line(each: Issued) -> str:
    kind = "server" if each.is_server else "client"
    state = "revoked" if each.revoked else f"until {options.moment(each.until_s)}"
    by = "  of the authority before" if each.of_former else ""
    return f"{each.name}  {kind}  {state}  serial {each.serial[:16]}{by}"
