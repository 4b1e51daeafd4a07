"""``qmk top``: a daemon as it works, drawn anew until a key ends it."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qmk.cli import options, output, parameters, session, terminal

if TYPE_CHECKING:
    from rich.text import Text

    from qmk.cli.top_figures import Figures

KEYS = "q quit  s sort  t tenant  space now"
LOOK_S = 0.2
"""How often keys and the size of the terminal are looked at."""
SORTS = ("state", "newest", "tenant", "engine", "shots")


@click.command()
@click.option("--once", is_flag=True, help="Print it once; so it is where the output is not a terminal.")
@click.option("--every", type=parameters.Seconds(), default=2.0, metavar="DURATION", help="How often; 2s if not given.")
@click.option("--sort", type=click.Choice(SORTS), default="state", help="Order of the jobs; state, if not given.")
@click.option("--tenant", metavar="NAME", help="Only jobs of this tenant, for the user who runs the daemon.")
@options.data_option("The daemon's folder, for the user who runs it.")
@options.json_option
@options.socket_option
def command(
    once: bool,
    every: float,
    sort: str,
    tenant: str | None,
    data_dir: Path | None,
    as_json: bool,
    socket_path: str | None,
) -> None:
    """Show the daemon as it works: queue, workers, tenants, engines, the machine, and jobs by the minute. The user who
    runs the daemon sees all tenants; others, and those who ask a server, their own jobs."""
    import msgspec

    from qmk.cli import top_view

    with _figures(data_dir, socket_path) as look:
        if as_json:
            found = look()
            output.json_object(msgspec.structs.replace(found, jobs=top_view.pick(found, sort, tenant)))
        elif once or not sys.stdout.isatty():
            width = terminal.width() if terminal.has_width() else None
            output.lines(top_view.lines(look(), width, None, sort, tenant, lambda text: terminal.style(text, "bold")))
        else:
            _live(look, every, sort, tenant)


@contextlib.contextmanager
def _figures(data_dir: Path | None, socket_path: str | None) -> Generator[Callable[[], Figures]]:
    """What looks at the daemon: as its operator where that can be, else as a tenant."""
    from qmk.base.errors import QmkError
    from qmk.cli import top_figures

    place = session.find_place(socket_path)[0]
    is_here = place is None or place == socket_path
    with session.connect(socket_path) as client:
        if is_here and not session.is_given("socket_path"):
            try:
                top_figures.of_operator(data_dir, client.query_resources)
            except QmkError as error:
                if error.kind.name not in ("AUTH_FAILED", "CONNECTION_LOST") or session.is_given("data_dir"):
                    raise
            else:
                yield lambda: top_figures.of_operator(data_dir, client.query_resources)
                return
        yield lambda: top_figures.of_tenant(client, is_here)


def _live(look: Callable[[], Figures], every_s: float, sort: str, tenant: str | None) -> None:
    """Draws on the whole terminal until ``q`` or Ctrl-C."""
    from rich.console import Console
    from rich.live import Live

    from qmk.base.errors import QmkError

    figures, said = look(), ""
    console = Console(no_color=not terminal.is_colored(sys.stdout))
    with _Keys() as keys, Live(console=console, screen=True, auto_refresh=False) as live:
        due = time.monotonic() + every_s
        size = shutil.get_terminal_size()
        while True:
            live.update(_draw(figures, size, sort, tenant, said), refresh=True)
            key = ""
            while not key and time.monotonic() < due and size == shutil.get_terminal_size():
                key = keys.wait(min(LOOK_S, max(0.0, due - time.monotonic())))
            size = shutil.get_terminal_size()
            if key == "q":
                return
            if key == "s":
                sort = SORTS[(SORTS.index(sort) + 1) % len(SORTS)]
            elif key == "t":
                tenant = _next_tenant(figures, tenant)
            if key == " " or time.monotonic() >= due:
                try:
                    figures, said = look(), ""
                except QmkError as error:
                    said = error.message  # the last figures stay, and the daemon is asked again
                due = time.monotonic() + every_s


def _next_tenant(figures: Figures, tenant: str | None) -> str | None:
    names = [
        None,
        *sorted({row.tenant for row in figures.jobs if row.tenant} | {row.tenant for row in figures.tenants}),
    ]
    return names[(names.index(tenant) + 1) % len(names)] if tenant in names else None


def _draw(figures: Figures, size: os.terminal_size, sort: str, tenant: str | None, said: str) -> Text:
    """The lines as what ``rich`` draws, the keys in the last one."""
    from rich.text import Text

    from qmk.cli import top_view

    rows = top_view.lines(figures, size.columns, max(1, size.lines - 2), sort, tenant)
    rows += [""] * (size.lines - 1 - len(rows))
    text = Text("\n".join(rows) + "\n", no_wrap=True, overflow="crop")
    text.append((f"error: {said}" if said else KEYS)[: size.columns], style="red" if said else "reverse")
    return text


class _Keys:
    """Single keys of the terminal, which are neither echoed nor wait for a line; none where there is no terminal."""

    def __enter__(self) -> _Keys:
        self._fd = sys.stdin.fileno() if sys.stdin.isatty() else -1
        if self._fd >= 0:
            import termios
            import tty

            self._before = termios.tcgetattr(self._fd)
            tty.setcbreak(self._fd)
        return self

    def __exit__(self, *failure: object) -> None:
        if self._fd >= 0:
            import termios

            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    def wait(self, seconds: float) -> str:
        """The key that is pressed within that time, or ""."""
        if self._fd < 0:
            time.sleep(seconds)
            return ""
        ready, _, _ = select.select([self._fd], [], [], seconds)
        return os.read(self._fd, 1).decode("ascii", "replace").lower() if ready else ""
