"""The ``qmk`` command: finds the sub-command, runs it, and turns every way it can end into an exit code.

Nothing heavy is imported here: a command's module is loaded when it is asked for, and the rest of QMK inside it.
"""

from __future__ import annotations

import difflib
import errno
import importlib
import os
import sys
from typing import Any, NoReturn

import click

from qmk import __version__
from qmk.cli import failure

COMMANDS: dict[str, str] = {
    "run": "run a program and print its counts",
    "verify": "check a program against every rule",
    "convert": "write a program in another format",
    "draw": "draw a program's circuit, or its timeline on a device",
    "explain": "say which engine would run a program, and why",
    "estimate": "estimate the qubits and time of a program on an error-corrected machine",
    "atoms": "devices of neutral atoms, and whether a program keeps their rules",
    "qec": "error correction: codes, logical error rates, thresholds, comparisons, lattice surgery",
    "calibrate": "measure this machine, so that predictions hold for it",
    "engines": "list the engines and what each can do",
    "doctor": "check this machine and say how to mend what is wrong",
    "serve": "run the daemon",
    "gateway": "let clients of Amazon Braket, QLAM and Pasqal Cloud run on the daemon",
    "gc": "collect what nobody needs from the data folder",
    "submit": "hand a program to the daemon",
    "jobs": "list the jobs of the daemon",
    "status": "say how far a job of the daemon is",
    "result": "print the result of a job of the daemon",
    "cancel": "stop a job of the daemon",
    "checkpoint": "save a job of the daemon at its next fence",
    "checkpoints": "list the checkpoints of jobs of the daemon",
    "restore": "start a new job from a checkpoint",
    "migrate": "move a job of the daemon to another worker and region",
    "rollback": "take a job of the daemon back to a fence",
    "replay": "run a job of the daemon again, and compare every bit",
    "channel": "propose, approve, list and close channels between tenants",
    "quota": "show what your tenant may use, and what is used",
    "audit": "read the daemon's audit log, verify it, prove what is in it",
    "tenant": "register tenants and make their tokens",
    "token": "read and narrow a token",
    "usage": "list what jobs of the daemon used, for bills",
}


class Commands(click.Group):
    """The sub-commands, each imported on first use from ``qmk.cli.<name>``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"qmk.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            looks_like_file = os.path.exists(args[0])
            hint = f"; did you mean 'qmk {near[0]}'?" if near else ""
            hint = f"; did you mean 'qmk run {args[0]}'?" if looks_like_file else hint
            raise click.UsageError(f"there is no command '{args[0]}'{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "--version", prog_name="qmk", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="On a defect of QMK itself, print where it happened (also QMK_DEBUG=1).")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """QMK, an operating system for quantum programs.

    PROGRAM is a file ("-" reads standard input): OpenQASM 2 or 3, Stim, bloqade-lanes, JSON of squin, Pulser, Braket,
    QuEra or neutral-atom-vm, or QVM JSON, assembly or binary; the format is recognised by content.

    Exit codes: 0 done, 1 the program is wrong, 2 the call is wrong, 3 the run failed, 130 interrupted.
    """
    if debug:
        os.environ["QMK_DEBUG"] = "1"


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command line and exit. Only here are errors turned into text or JSON and an exit code."""
    args = sys.argv[1:] if argv is None else argv
    console = failure.Console(as_json="--json" in args, debug="--debug" in args or bool(os.environ.get("QMK_DEBUG")))
    code = _run(args, console)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _reader_gone()
    except OSError as error:
        code = _no_output(error)
    sys.exit(code)


def _run(args: list[str], console: failure.Console) -> int:
    stdout = sys.stdout
    try:
        outcome: Any = cli.main(args=args, prog_name="qmk", standalone_mode=False, obj=console)
        return outcome if isinstance(outcome, int) else 0
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except (KeyboardInterrupt, click.Abort):
        return console.interrupted()
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
    """The reader of our output went away (``qmk run ... | head``): end quietly, as if by SIGPIPE."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


def _no_output(error: OSError) -> int:
    """Standard output takes no more, such as a full disk."""
    print(f"error: cannot write the output: {(error.strerror or str(error)).lower()}", file=sys.stderr)  # noqa: T201
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return failure.FAILED_RUN
