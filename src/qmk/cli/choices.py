"""What the shell completes an option with, where the values are names that this installation has.

Nothing is imported until the shell asks, and then only what lists the names: no engine and no format is loaded for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

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
    """Devices of neutral atoms; where none begins so, files, as a device may be one."""
    from qmk.models.atoms import profiles

    return _beginning(incomplete, profiles()) or [CompletionItem(incomplete, type="file")]


def noise(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files: a noise model is one, or terms that are typed."""
    return [CompletionItem(incomplete, type="file")]


def _beginning(incomplete: str, names: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete)]
