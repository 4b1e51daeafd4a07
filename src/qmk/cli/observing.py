"""Options of what serves over HTTP about metrics, traces and canary jobs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from qmk.gateway.observe.observer import Settings


@dataclass(frozen=True)
class Observing:
    """The options as given. ``canary``: seconds, None for the usual."""

    token_file: str | None = None
    canary: float | None = None
    otlp: str | None = None

    def arguments(self) -> list[str]:
        """The options again, for the gateway beside a daemon."""
        given = {"--observe-token-file": self.token_file, "--canary": self.canary, "--otlp": self.otlp}
        return [f"{name}={value}" for name, value in given.items() if value is not None]

    def settings(self) -> Settings:
        """Raises INVALID_PARAMS for a token file that cannot be read or is empty."""
        from qmk.base.errors import QmkError
        from qmk.gateway.observe.observer import Settings
        from qmk.rpc.places import read_token

        token = read_token(Path(self.token_file)) if self.token_file else ""
        if self.token_file and not token:
            raise QmkError("INVALID_PARAMS", f"the token file {self.token_file} is empty", field="observe_token_file")
        return Settings(asks=True, token=token, canary_s=self.canary, otlp=self.otlp or "")


def observe_options(command: Callable[..., None]) -> Callable[..., None]:
    """``--observe-token-file``, ``--canary`` and ``--otlp``, together as ``observing``."""

    @functools.wraps(command)
    def collect(*, observe_token_file: str | None, canary: float | None, otlp: str | None, **others: Any) -> None:
        command(observing=Observing(observe_token_file, canary, otlp), **others)

    made: Callable[..., None] = collect
    kind = click.Path(dir_okay=False)
    about = "Who shows the token in this file may see /metrics and /observe; without, only who needs no token at all."
    for option in (
        click.option(
            "--otlp", metavar="URL", help="Send traces to this collector, such as http://host:4318/v1/traces."
        ),
        click.option(
            "--canary",
            type=click.FloatRange(0, 604_800),
            metavar="SECONDS",
            help="Check each engine so often by a small job; 0: never; if not given hourly, and daily where there "
            "is only the local tenant.",
        ),
        click.option("--no-canary", "canary", flag_value=0.0, default=None, help="The same as --canary 0."),
        click.option("--observe-token-file", type=kind, metavar="FILE", help=about),
    ):
        made = option(made)
    return made
