"""The ``qmk`` command: finds the sub-command, runs it, and turns every way it can end into an exit code.

Nothing heavy is imported here: a command's module is loaded when it is asked for, and the rest of QMK inside it.
"""

from __future__ import annotations

import difflib
import errno
import functools
import importlib
import itertools
import os
import pkgutil
import sys
import warnings
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

from qmk import __version__
from qmk.cli import failure, terminal
from qmk.cli.summaries import SUMMARIES
from qmk.request.warn import ProgramWarning

LOGGING = ("serve", "gateway")
"""Commands with a ``--verbose`` of their own, which is about their log."""

FIRST = ("run", "verify", "convert", "draw", "explain", "estimate")
"""Commands that are listed first; all others follow by name."""


@functools.cache
def _modules() -> frozenset[str]:
    return frozenset(module.name for module in pkgutil.iter_modules([os.path.dirname(__file__)]))


class Commands(click.Group):
    """The sub-commands: each module ``qmk.cli.<name>`` with a ``command`` is one, and is imported on first use.
    ``summaries``, which is generated, says what each does, so that listing them imports none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*FIRST, *(name for name in SUMMARIES if name not in FIRST)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _modules():
            return None
        command = getattr(importlib.import_module(f"qmk.cli.{cmd_name}"), "command", None)
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), 1)
            looks_like_file = os.path.exists(args[0])
            is_option = any(f"--{args[0]}" in option.opts for option in self.get_params(ctx))
            meant = f"--{args[0]}" if is_option else near[0] if near else ""
            hint = f"; did you mean 'qmk {meant}'?" if meant else ""
            hint = f"; did you mean 'qmk run {args[0]}'?" if looks_like_file else hint
            raise click.UsageError(f"there is no command '{args[0]}'{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUMMARIES[name]) for name in self.list_commands(ctx)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands and options that begin so; none of the commands is imported for it."""
        found = [
            CompletionItem(name, help=SUMMARIES[name])
            for name in self.list_commands(ctx)
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]


def _choose_color(ctx: click.Context, param: click.Parameter, value: terminal.Color) -> None:
    terminal.choose_color(value)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "--version", prog_name="qmk", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="On a defect of QMK itself, print where it happened (also QMK_DEBUG=1).")
@click.option(
    "--color",
    type=click.Choice(terminal.COLORS),
    default="auto",
    expose_value=False,
    is_eager=True,
    callback=_choose_color,
    help="Colours; auto, if not given: on a terminal, unless NO_COLOR is set, and wherever FORCE_COLOR is.",
)
@click.option("--verbose", is_flag=True, expose_value=False, help="Errors with all their details.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """QMK, an operating system for quantum programs.

    PROGRAM is a file ("-" reads standard input): OpenQASM 2 or 3, QIR, Q#, Stim, bloqade-lanes, JSON of squin, Pulser,
    Braket, QuEra or neutral-atom-vm, or QVM JSON, assembly or binary; the format is recognised by content.

    Exit codes: 0 done, 1 the program is wrong, 2 the call is wrong, 3 the run failed, 130 interrupted.
    """
    if debug:
        os.environ["QMK_DEBUG"] = "1"


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command line and exit. Only here are errors turned into text or JSON and an exit code."""
    args = sys.argv[1:] if argv is None else argv
    debug = "--debug" in args or bool(os.environ.get("QMK_DEBUG"))
    console = failure.Console(as_json="--json" in args, debug=debug, verbose=debug or "--verbose" in args)
    warnings.simplefilter("ignore", ProgramWarning)  # the console reports them
    code = _run(_take_anywhere(args), console)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _reader_gone()
    except OSError as error:
        code = _no_output(error)
    sys.exit(code)


def _take_anywhere(args: list[str]) -> list[str]:
    """The arguments with ``--color`` and ``--verbose``, which stand before or behind the command, before it."""
    end = args.index("--") if "--" in args else len(args)
    front: list[str] = []
    rest: list[str] = []
    given = iter(args[:end])
    for arg in given:
        if arg == "--color":
            front += [arg, *itertools.islice(given, 1)]
        elif arg.startswith("--color=") or (arg == "--verbose" and not any(name in args for name in LOGGING)):
            front.append(arg)
        else:
            rest.append(arg)
    return [*front, *rest, *args[end:]]


def _run(args: list[str], console: failure.Console) -> int:
    stdout = sys.stdout
    try:
        outcome: Any = cli.main(args=args, prog_name="qmk", standalone_mode=False, obj=console)
        return outcome if isinstance(outcome, int) else 0
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except (KeyboardInterrupt, click.Abort):
        return console.report_interrupt()
    except BrokenPipeError:
        return _reader_gone()
    except SystemExit:
        if sys.stdout is stdout:
            raise
        sys.stdout = stdout  # click wraps it when the reader is gone, and ends with 1: our word for a bad program
        return _reader_gone()
    except click.ClickException as error:
        return console.usage(error)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            return console.error(error)
        return _no_output(error)
    except Exception as error:
        return console.error(error)


def _reader_gone() -> int:
    """Ends quietly, as if by SIGPIPE, when the reader of the output went away (``qmk run ... | head``)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


def _no_output(error: OSError) -> int:
    """Reports that standard output takes no more, because of a full disk, say."""
    terminal.say(f"error: cannot write the output: {(error.strerror or str(error)).lower()}", err=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return failure.FAILED_RUN
