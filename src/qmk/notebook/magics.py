"""The magics ``%%qmk``, a program in a cell, and ``%qmk``, the command line without leaving the notebook.

A line is parsed by the command line's own parser; nothing of it is evaluated, nor are Python's variables written into
it. An error is told as the command line tells it, without a traceback, and ends the cell as an exception does, so that
"run all" stops there.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import shlex
import warnings
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, cast

import click
from IPython.core.magic import no_var_expand

from qmk.cli import main, terminal
from qmk.cli.failure import Console
from qmk.notebook import cell, completing
from qmk.request.warn import ProgramWarning

if TYPE_CHECKING:
    from qmk.client import Client

ELSEWHERE = {
    "serve": "it runs until it is stopped",
    "gateway": "it runs until it is stopped",
    "login": "it asks for a token on a terminal",
    "completion": "it is of a shell",
}
"""Commands that belong in a terminal, and why."""
LIVE = ("top",)
"""Commands that draw over a terminal, unless they are asked ``--once`` or for JSON."""


class QmkCellError(Exception):
    """A cell or line that failed; ``kind`` is the name of the error. IPython shows its text, and no traceback."""

    def __init__(self, text: str, kind: str = "") -> None:
        super().__init__(text)
        self.kind = kind

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise click.UsageError(f"{str(error).lower()} in the line of the magic") from None


def _check_command(words: list[str]) -> list[str]:
    """The words of a command. Refuses what a notebook has no place for."""
    name = next((word for word in words if not word.startswith("-")), "")
    if name in ELSEWHERE and "--help" not in words:
        raise click.UsageError(f"'qmk {name}' belongs in a terminal: {ELSEWHERE[name]}")
    if name in LIVE and not {"--once", "--json", "--help"} & set(words):
        raise click.UsageError(f"'qmk {name}' draws over a terminal: add --once")
    if "-" in words:
        raise click.UsageError("a notebook has no standard input: write %%qmk, and the program below it")
    return words


def _run(work: Callable[[], Any], console: Console) -> Any:
    """What ``work`` gives. Raises ``QmkCellError`` with the words of the command line for every error."""
    told = io.StringIO()
    try:
        with _restore_process(), _warnings(console):
            found = work()
        return None if isinstance(found, int) else found
    except (click.exceptions.Exit, click.Abort):
        return None
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except click.ClickException as error:
        kind = "INVALID_PARAMS"
        with contextlib.redirect_stderr(told):
            console.usage(error)
    except Exception as error:
        kind = getattr(getattr(error, "kind", None), "name", "INTERNAL_ERROR")
        with contextlib.redirect_stderr(told):
            console.error(error)
    raise QmkCellError(told.getvalue().rstrip(), kind) from None


@contextlib.contextmanager
def _restore_process() -> Generator[None]:
    """Takes back what options of a command set for the whole process: the token to show, a worker's environment."""
    before = dict(os.environ)
    try:
        yield
    finally:
        terminal.choose_color("auto")
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@contextlib.contextmanager
def _warnings(console: Console) -> Generator[None]:
    """Tells warnings about programs once, as the command line tells them; others as Python does."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ProgramWarning)
        yield
    said = {finding.text() for finding in console.reported}
    for each in caught:
        if not issubclass(each.category, ProgramWarning):
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
        elif str(each.message) not in said:
            said.add(str(each.message))
            terminal.say(f"warning: {each.message}", err=True)


def load(shell: Any) -> None:
    """Adds the magics to a shell of IPython, and their completion."""
    names: dict[str, Any] = shell.user_ns
    clients: dict[Any, Client] = {}

    def run_cell(line: str, body: str) -> Any:
        console = cell.CellConsole(names, clients, line, body)
        return _run(lambda: cell.command.main(_split(line), "%%qmk", standalone_mode=False, obj=console), console)

    def run_line(line: str) -> None:
        """Run a command of QMK, such as %qmk jobs, %qmk status JOB, %qmk engines; %qmk --help lists them."""
        console = cell.CellConsole(names, clients)
        _run(lambda: main.cli.main(_check_command(_split(line)), "qmk", standalone_mode=False, obj=console), console)

    run_cell.__doc__ = cell.command.get_help(click.Context(cell.command, info_name="%%qmk"))
    literally = cast("Any", no_var_expand)  # no variable of Python is written into the line
    shell.register_magic_function(literally(run_cell), "cell", "qmk")
    shell.register_magic_function(literally(run_line), "line", "qmk")
    completing.load(shell)
    atexit.register(_leave, clients)


def _leave(clients: dict[Any, Client]) -> None:
    """Ends the sessions of this notebook's jobs, which go on."""
    for client in clients.values():
        client.leave()
