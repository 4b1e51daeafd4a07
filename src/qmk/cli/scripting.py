"""``qmk run --script`` and ``qmk submit --script``: a Python script in a sandbox, its log on standard error and its
result as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from qmk.base.isolation import AUTO
from qmk.cli import output, terminal
from qmk.cli.failure import call_error
from qmk.cli.session import connect, find_server
from qmk.formats.printable import one_line
from qmk.request.options import CALLS

if TYPE_CHECKING:
    from qmk.abi.calls import q_submit
    from qmk.client.sync import Client
    from qmk.request.options import RunOptions
    from qmk.scripts.result import ScriptResult

Command = TypeVar("Command", bound=Callable[..., Any])
TAKEN = ("cache", "attempts", "strict")
"""Options of a run that have no meaning for a script that could be missed."""


class ScriptOptions(NamedTuple):
    """What is given for a script, None for what is not."""

    input: str | None
    isolation: str | None
    wheels: str | tuple[str, ...] | None = None

    @property
    def first_name(self) -> str:
        """The first that is given and is for scripts alone, empty for none."""
        return next((name for name in ("input", "wheels") if getattr(self, name) is not None), "")


def script_options(command: Command) -> Command:
    """``--script``, and what goes with it: ``input_path``."""
    given = click.option(
        "--input", "input_path", type=click.Path(allow_dash=True), metavar="FILE",
        help="With --script: JSON that the script gets as qmk.input.",
    )  # fmt: skip
    text = "PROGRAM is a Python script; run it in a sandbox, and its result is JSON."
    return click.option("--script", is_flag=True, help=text)(given(command))


def wheels_option(command: Command) -> Command:
    """``--wheels``."""
    return click.option(
        "--wheels", type=click.Path(exists=True, file_okay=False), metavar="FOLDER",
        help="With --script at jail or gvisor: *.whl files whose packages the script may import.",
    )(command)  # fmt: skip


def wheel_option(command: Command) -> Command:
    """``--wheel``, as a job takes files, not a folder."""
    return click.option(
        "--wheel", "wheels", multiple=True, type=click.Path(exists=True, dir_okay=False), metavar="FILE",
        help="With --script at jail, gvisor or microvm: a *.whl file that the script imports from; may be given "
        "several times.",
    )(command)  # fmt: skip


def submit(path: str, script: bool, given: ScriptOptions, asked: RunOptions, client: Client) -> q_submit.Reply:
    """Queue the script as a job."""
    call = "Client.submit_script"
    text, data = _read(path, script, given, asked, call)
    options: Any = {name: getattr(asked, name) for name in CALLS[call]}
    return client.submit_script(text, input=data, file=os.path.basename(path), wheels=given.wheels, **options)


def show(found: ScriptResult) -> None:
    """Print what a script gave: its log on standard error, its result as JSON."""
    for line in found.log:
        terminal.say(one_line(line), err=True)
    output.json_object(found.value)


def run(
    path: str, script: bool, given: ScriptOptions, asked: RunOptions, as_json: bool, socket_path: str | None
) -> None:
    """Run the script and print its result. With ``--socket`` or ``--server``, its runs are jobs there."""
    text, data = _read(path, script, given, asked, "qmk.run_script")
    from qmk.api.scripting import run_script

    with connect(socket_path) if socket_path or find_server() else nullcontext() as client:
        found = run_script(
            text,
            input=data,
            seed=asked.seed,
            shots=asked.shots,
            timeout_ms=asked.timeout_ms,
            log=lambda line: terminal.say(one_line(line), err=True) if not as_json else None,
            file=os.path.basename(path),
            isolation=given.isolation or AUTO,
            wheels=given.wheels,
            client=client,
        )
    output.json_object(found if as_json else found.value)


def _read(path: str, script: bool, given: ScriptOptions, asked: RunOptions, call: str) -> tuple[str, Any]:
    """The text of the script and its input. Refuses options that ``call`` does not take."""
    if not script:
        raise call_error(f"--{given.first_name} is for a script", field=given.first_name, help="add --script")
    none = type(asked)()
    for name in asked.__struct_fields__:
        if name not in (*CALLS[call], *TAKEN) and getattr(asked, name) != getattr(none, name):
            fix = "leave it out; a script chooses for each of its runs"
            raise call_error(f"--{name.replace('_', '-')} does not apply to a script", field=name, help=fix)
    from qmk.frontends import read_file

    name = os.path.basename(path)
    try:
        text = read_file(path).decode()
    except UnicodeDecodeError as error:
        raise call_error(f"{name} is not UTF-8 at byte {error.start}", file=name, help="save it as UTF-8") from None
    return text, None if given.input is None else _json(read_file(given.input), given.input)


def _json(data: bytes, path: str) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:
        raise call_error(f"{path} is not JSON: {error}", field="input", help="give a file of JSON") from None
