"""``%%qmk``: the options of a cell whose text is a program, and how it is run."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import click
import msgspec
from msgspec.structs import replace

from qmk.base.errors import Finding, QmkError
from qmk.cli import options, request, session, source
from qmk.cli.failure import Console

if TYPE_CHECKING:
    from qmk.client import Client, Job, Result
    from qmk.frontends import Loaded
    from qmk.request.options import RunOptions

NAME = "cell"
"""What errors call the cell, as they call a file by its name."""


class CellConsole(Console):
    """The reports of one cell or line. Lines are counted as the notebook numbers them, the magic's own being line 1.

    ``names``: the variables of the notebook, of which ``--param x=$name`` reads numbers. ``clients``: those of jobs
    that go on behind the cell."""

    def __init__(self, names: dict[str, Any], clients: dict[Any, Client], line: str = "", body: str = "") -> None:
        super().__init__(as_json=False, debug=False)
        self.names, self.clients, self.body = names, clients, body.encode()
        self.sources[NAME] = f"%%qmk {line}\n{body}".encode()

    def findings(self, findings: list[Finding], limit: int = 20, err: bool = True) -> None:
        moved = [replace(each, line=each.line + 1) if each.file == NAME and each.line else each for each in findings]
        super().findings(moved, limit, err)


def _check_variable(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and (not value.isidentifier() or keyword.iskeyword(value)):
        raise click.BadParameter(f"'{value}' is not the name of a variable", ctx, param)
    return value


def _parts_of(command: Any) -> Any:
    """The options in the order of help."""
    for each in (
        click.option("--draw", is_flag=True, help="Show the program as a picture first."),
        click.option("--background", is_flag=True, help="Submit it to a daemon and go on: the value is its job."),
        click.option("--into", callback=_check_variable, metavar="NAME", help="Variable that gets the value too."),
    ):
        command = each(command)
    return command


@click.command(name="%%qmk", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@options.reading_options
@request.run_options(*request.RUN, "attempts", "cache", "name", "tags")
@_parts_of
@options.socket_option
@click.pass_obj
def command(
    console: CellConsole,
    format_name: str | None,
    params: dict[str, Any],
    asked: RunOptions,
    into: str | None,
    background: bool,
    draw: bool,
    socket_path: str | None,
) -> Result | Job:
    """Run the cell below as a program: OpenQASM 2 or 3, QVM assembly, or any format of text that QMK recognises.

    The result is the value of the cell: it is shown, is in the variable of --into, and in _. It runs in this process;
    with --socket or --server on that daemon, with --background as a job of the daemon that 'qmk submit' would take,
    which is shown live. A value "$x" of --param is the number in the variable x.
    """
    loaded = load(console, format_name, _read_variables(params, console.names))
    if draw:
        _show_picture(loaded)
    remote = session.is_given("socket_path") or session.is_given("server")
    value: Result | Job
    if not (remote or background):
        value = _run_here(console, loaded, asked)
    else:
        job = _submit(console, loaded, asked.replace(strict=console.strict), socket_path)
        value = job if background else _follow(job)
    if into is not None:
        console.names[into] = value
    return value


def load(console: CellConsole, format_name: str | None, params: dict[str, Any]) -> Loaded:
    """The program of a cell. Warnings are reported, or refused where the console is strict. Raises INVALID_GRAPH."""
    if not console.body.strip():
        raise QmkError("INVALID_PARAMS", "the cell is empty", help="write the program below the line of %%qmk")
    return source.load_text(console.body, NAME, format_name, params, console)


def _read_variables(params: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """The values of ``--param``, with those of the notebook's variables. Nothing is evaluated: a variable has to hold a
    number already."""
    return {name: _number(name, value[1:], names) if _is_name(value) else value for name, value in params.items()}


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("$")


def _number(param: str, name: str, names: Mapping[str, Any]) -> Any:
    from qmk.models.arguments import to_plain

    value = to_plain(names.get(name))
    if not isinstance(value, (int, float)):
        what = "there is no variable" if name not in names else "no number is in the variable"
        raise QmkError("INVALID_PARAMS", f"--param {param}: {what} '{name}'", field="params", help="give a number")
    return value


def _show_picture(loaded: Loaded) -> None:
    from IPython.core import display_functions

    from qmk.request.pictures import draw

    cast("Any", display_functions).display(draw(loaded.graph))


def _run_here(console: Console, loaded: Loaded, asked: RunOptions) -> Result:
    from qmk.api.embedded import run

    if asked.name or asked.tags:
        raise click.UsageError("--name and --tag are of a job of a daemon: add --background, --socket or --server")
    options.check_engine(asked.engine)
    result: Result = cast("Any", run)(loaded.graph, **asked.replace(strict=console.strict).non_default())
    console.warn(result.warnings)
    return result


def _submit(console: CellConsole, loaded: Loaded, asked: RunOptions, socket_path: str | None) -> Job:
    """The job of a program, with a client that stays connected to its daemon."""
    place = session.find_place(socket_path)
    client = console.clients.get(place)
    if client is None:
        client = console.clients[place] = session.open_client(place)
    reply = client.submit(loaded.graph, **asked.non_default())
    console.warn(msgspec.convert(reply.warnings, list[Finding]))
    return client.job(reply.job_id)


def _follow(job: Job) -> Result:
    from qmk.client.job_view import show_until_end

    show_until_end(job)
    return job.result()
