"""What the shell completes an option with, where the values are names that this installation has.

Nothing is imported until the shell asks, and then only what lists the names: no engine and no format is loaded for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import click
from click.shell_completion import CompletionItem

LATEST = 50
"""So many jobs a shell is offered."""
PATIENCE_S = 1.0
"""How long it waits for a daemon, or a server, that names them."""
Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def engines(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Engines; behind a colon, the methods of the one before it."""
    from qmk.sdk import discovery

    name, colon, _ = incomplete.partition(":")
    if not colon:
        return _beginning(incomplete, discovery.plugins("engines"))
    found = discovery.engines().get(name)
    return _beginning(incomplete, (f"{name}:{method}" for method in found.methods if method)) if found else []


def installable(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Engines and frameworks that ``qmk engines install`` can make an environment for."""
    from qmk.sdk.discovery import engines
    from qmk.sdk.frameworks import FRAMEWORKS

    return _beginning(incomplete, [*FRAMEWORKS, *(name for name, found in engines().items() if found.extra)])


def removable(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Engines that it has made one for."""
    from qmk.sdk.environments import list_installed

    return _beginning(incomplete, (item.engine for item in list_installed()))


def formats(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Formats of programs that are read."""
    from qmk.sdk.discovery import plugins

    return _beginning(incomplete, plugins("frontends"))


def passes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Passes that rewrite a program."""
    from qmk.sdk.discovery import plugins

    return _beginning(incomplete, plugins("passes"))


def devices(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Devices of atoms and of coupled qubits; where none begins so, files, as a device may be one."""
    from qmk.models.atoms import profiles
    from qmk.models.devices.names import snapshots

    return _beginning(incomplete, (*profiles(), *snapshots())) or [CompletionItem(incomplete, type="file")]


def noise(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files: a noise model is one, or terms that are typed."""
    return [CompletionItem(incomplete, type="file")]


def contexts(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Contexts of ``qmk context``."""
    from qmk.base.errors import QmkError
    from qmk.client.contexts import load

    try:
        return _beginning(incomplete, (each.name for each in load().contexts))
    except QmkError:  # a file that others may read, which the command itself will tell of
        return []


def jobs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The latest jobs by their ids, with name and state beside each where the shell shows that."""
    return [
        CompletionItem(row["job_id"], help=" ".join(filter(None, (row["name"], row["state"]))))
        for row in _latest_jobs(ctx)
        if row["job_id"].startswith(incomplete)
    ]


def job_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the latest jobs."""
    return _beginning(incomplete, {row["name"] for row in _latest_jobs(ctx) if row["name"]})


def job_tags(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Tags of the latest jobs."""
    return _beginning(incomplete, {tag for row in _latest_jobs(ctx) for tag in row["tags"]})


def _latest_jobs(ctx: click.Context) -> list[dict[str, Any]]:
    """The newest jobs of the daemon that the command line would ask; none where it does not answer at once."""
    from threading import Thread

    found: list[dict[str, Any]] = []

    def ask() -> None:
        with suppress(Exception), ctx:
            found.extend(_ask_jobs(ctx.params.get("socket_path")))

    asking = Thread(target=ask, daemon=True)  # so that a server that does not answer does not hold the shell
    asking.start()
    asking.join(PATIENCE_S)
    return list(found)


def _ask_jobs(socket_path: str | None) -> list[dict[str, Any]]:
    """The newest jobs. A socket is asked without the client, whose import takes longer than all the rest."""
    from qmk.cli import session

    place, token = session.find_place(socket_path)
    if session.find_server() or not isinstance(place, (str, type(None))):
        import msgspec

        client = session.open_client((place, token))
        return msgspec.to_builtins(client.jobs(limit=LATEST).jobs)
    import json
    import socket

    from qmk.rpc import places

    with socket.socket(socket.AF_UNIX) as daemon, daemon.makefile("rw", encoding="utf-8") as lines:
        daemon.connect(place or str(places.socket_path()))

        def call(name: str, **params: Any) -> Any:
            lines.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": name, "params": params}) + "\n")
            lines.flush()
            return json.loads(lines.readline())["result"]

        own = call("q_negotiate_caps", token=token or places.token())["session_id"]
        rows = call("q_jobs", session_id=own, limit=LATEST)["jobs"]
        call("q_close_session", session_id=own)
        return rows


def _beginning(incomplete: str, names: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete)]
