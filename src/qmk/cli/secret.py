"""``qmk secret``: secrets that settings lead to by reference."""

from __future__ import annotations

import sys
import time

import click

from qmk.cli import options, output


@click.group(name="secret")
def command() -> None:
    """Keep secrets in a sealed file, to which settings lead as store:NAME. Nothing is asked of a daemon."""


@command.command(name="set", short_help="keep a secret, read from the terminal or from standard input")
@click.argument("name")
@options.json_option
def set_secret(name: str, as_json: bool) -> None:
    """Keep a secret as NAME. It is asked for without being shown, or read from standard input."""
    from qmk.secrets.store import Store

    given = click.prompt(name, hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.read()
    store = Store()
    store.write(name, given.strip())
    shown = {"name": name, "reference": f"store:{name}", "path": str(store.path)}
    output.show(as_json, shown, f"kept in {store.path}; refer to it as store:{name}")


@command.command(name="list", short_help="list the names of the secrets that are kept")
@options.json_option
def list_secrets(as_json: bool) -> None:
    """List the names of the secrets that are kept, and when each was changed."""
    from qmk.secrets.store import Store

    found = Store().names()
    rows = [f"{name}  {time.strftime('%Y-%m-%d %H:%M', time.localtime(changed))}" for name, changed in found.items()]
    shown = {"secrets": [{"name": name, "changed": changed} for name, changed in found.items()]}
    output.show(as_json, shown, rows or "no secrets are kept; qmk secret set NAME keeps one")


@command.command(short_help="forget a secret")
@click.argument("name")
@options.json_option
def remove(name: str, as_json: bool) -> None:
    """Forget the secret NAME. Settings that lead to it lead nowhere then."""
    from qmk.secrets.store import Store

    Store().remove(name)
    output.show(as_json, {"name": name, "removed": True}, f"forgot {name}")


@command.command(short_help="seal all secrets with a new key")
@click.option("--key", metavar="REFERENCE", help="Where the new key is, if QMK_SECRETS_KEY is set.")
@options.json_option
def rotate(key: str | None, as_json: bool) -> None:
    """Seal all secrets with a new key of the store. The secrets stay what they are: where one may be known to others,
    renew it where it came from, and set it anew."""
    from qmk.secrets.store import KEY_SETTING, Store

    count = Store().rotate(key or "")
    rows = [f"{count} secrets are sealed with a new key"]
    if key:
        rows.append(f"from now on set {KEY_SETTING}={key}")
    output.show(as_json, {"secrets": count}, rows)


@command.command(short_help="say whether a reference leads to a secret")
@click.argument("reference")
@options.json_option
def check(reference: str, as_json: bool) -> None:
    """Say whether REFERENCE leads to a secret, without showing it: env:NAME, file:PATH, store:NAME, systemd:NAME,
    keyring:SERVICE/USER or vault:MOUNT/PATH#FIELD."""
    from qmk.secrets import read

    found = read(reference, "REFERENCE")
    output.show(as_json, {"reference": reference, "characters": len(found)}, f"found, of {len(found)} characters")
