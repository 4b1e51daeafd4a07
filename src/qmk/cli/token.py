"""``qmk token``: what the holder of a token can do with it alone: read it, and make a narrower one; and the service's
operations on tokens."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from qmk.cli import account, options, output, terminal
from qmk.cli.failure import call_error


@click.group(name="token")
def command() -> None:
    """Read and narrow tokens. FILE holds one ("-" reads standard input); without it QMK_TOKEN and QMK_TOKEN_FILE
    say. Nothing is asked of a daemon, but to issue, list and revoke."""


@command.command()
@click.argument("file", required=False, type=click.Path(allow_dash=True, dir_okay=False))
@options.token_bounds
@click.option(
    "--output", type=click.Path(dir_okay=False), metavar="FILE", help="Write it to this new file, for its owner alone."
)
def attenuate(file: str | None, output: str | None, **bounds: Any) -> None:
    """Make a narrower token from a token, for a job, a script or a colleague."""
    from qmk.abi.token import attenuate as narrowed
    from qmk.abi.token import bounds_of, open_token

    if all(bound is None for bound in bounds.values()):
        raise click.UsageError("nothing to narrow the token by: give --rights, --expires, --shots or --uid")
    given = _token(file)
    made = narrowed(given, **bounds)
    if bounds_of(open_token(made).caveats).rights == frozenset():
        rights = bounds_of(open_token(given).caveats).rights
        allowed = "all of its tenant" if rights is None else ", ".join(sorted(rights)) or "none"
        raise call_error("the narrower token would have no right at all", help=f"rights of the token given: {allowed}")
    if output is None:
        terminal.say(made)
    else:
        options.write_secret(output, made)


@command.command()
@click.argument("file", required=False, type=click.Path(allow_dash=True, dir_okay=False))
@options.json_option
def show(file: str | None, as_json: bool) -> None:
    """Say whose a token is and what it is bounded by. Whether it is good only the daemon can tell."""
    from qmk.abi.token import bounds_of, open_token

    token = open_token(_token(file))
    bounds = bounds_of(token.caveats)
    rights = None if bounds.rights is None else sorted(bounds.rights)
    known = {"expires": bounds.expires, "rights": rights, "shots": bounds.shots, "uid": bounds.uid}
    lines = [f"tenant {token.tenant}, serial {token.serial_text}", f"expires: {options.moment(bounds.expires)}"]
    lines.append(f"rights: {'all of the tenant' if rights is None else ', '.join(rights) or 'none'}")
    if bounds.shots is not None:
        lines.append(f"shots of one job: at most {bounds.shots}")
    if bounds.uid is not None:
        lines.append(f"user: {bounds.uid} only")
    output.show(as_json, {"tenant": token.tenant, "serial": token.serial_text, **known}, lines)


command.add_command(
    account.verb(
        "issue",
        "tokens.issue",
        "Make a token of a member of an organisation. Its text is printed now, and kept nowhere.",
        account.argument("name"),
        account.option("--organisation", "The organisation; that of your own token if not given."),
        account.option("--user", "Whose it is; yours if not given."),
        account.names_option("--rights", "At most these rights; those of the role if not given."),
        account.option("--administers", "May be used to administer, as far as the role goes.", is_flag=True),
        account.option("--expires-s", "Seconds that it is good for; those of 90 days if not given.", type=int),
    )
)
command.add_command(
    account.verb(
        "list",
        "tokens.list",
        "List the tokens that were issued to you; all of the organisation for its admins.",
        account.option("--organisation", "The organisation; that of your own token if not given."),
        account.option("--user", "Only tokens of this user."),
    )
)
command.add_command(account.verb("revoke", "tokens.revoke", "Make the token SERIAL void.", account.argument("serial")))


def _token(file: str | None) -> str:
    from qmk.rpc import places

    if file == "-":
        return sys.stdin.read(places.TOKEN_FILE_BYTES).strip()
    found = places.read_token(Path(file)) if file else places.token()
    if not found:
        raise click.UsageError("no token: name a FILE, or set QMK_TOKEN or QMK_TOKEN_FILE")
    return found
