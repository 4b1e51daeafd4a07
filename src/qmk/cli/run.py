"""``qmk run``: a program in, counts out, by a kernel of its own, or by a daemon (``--socket``, ``--server``)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

import click

from qmk.cli import options, output, request, scripting, terminal
from qmk.cli.failure import Console
from qmk.cli.session import connect, find_server
from qmk.cli.values import Wanted, output_options

if TYPE_CHECKING:
    from qmk.abi.calls.q_result import Provenance, Register
    from qmk.client.result import Result
    from qmk.request.options import RunOptions

DEFAULT_SHOTS = 1000


@click.command()
@options.program_options
@request.run_options(*request.RUN, "split", "attempts", "cache")
@options.engine_python_option
@options.json_option
@output_options
@click.option("--explain", is_flag=True, help="Say which engine was chosen and why, before the counts.")
@options.top_option
@click.option("--socket", "socket_path", type=click.Path(), metavar="PATH", help="Run on the daemon at this socket.")
@click.option(
    "--isolation",
    metavar="LEVEL",
    help="Run the engine at this level of isolation: process, jail, or auto for the strongest that can be had; "
    "with --script the sandbox: wasm, or for native Python jail or gvisor.",
)
@options.server_option("Run on the server at this URL, or of this context of 'qmk context'.")
@options.token_file_option
@scripting.script_options
@scripting.wheels_option
@click.pass_obj
def command(
    console: Console,
    program: str,
    format_name: str | None,
    params: dict[str, Any],
    asked: RunOptions,
    as_json: bool,
    explain: bool,
    top: int,
    socket_path: str | None,
    wanted: Wanted,
    script: bool,
    input_path: str | None,
    isolation: str | None,
    wheels: str | None,
) -> None:
    """Run PROGRAM and print its counts, or the values asked for.

    The router chooses the engine. Without --socket and --server nothing needs to be running.
    """
    given_script = scripting.ScriptOptions(input_path, isolation, wheels)
    if script or given_script.first_name:
        scripting.run(program, script, given_script, asked, as_json, socket_path)
        return
    asked = asked.replace(strict=console.strict)
    remote = bool(socket_path or find_server())
    if not (remote or wanted.anything or isolation):
        from qmk.api.at_once import run_at_once

        found = run_at_once(program, asked.replace(format=format_name, params=params), whole=as_json or explain)
        if found is not None:
            tell(found, os.path.basename(program), as_json, top, explain)
            return
    from qmk.api.embedded import Embedded
    from qmk.cli import values
    from qmk.request.build import build
    from qmk.request.progress import Bar

    loaded, outputs = values.load(wanted, program, format_name, params, console)
    asked = asked.replace(outputs=outputs)
    wish = build(loaded.graph, asked)
    shots = wish.shots or wish.graph.shots or DEFAULT_SHOTS
    names = ("seed", "engine", "timeout_ms", "split", "attempts", "outputs", "strict")
    given: Any = {"shots": shots, "keep_events": False} | {name: getattr(asked, name) for name in names}
    if remote:
        with connect(socket_path) as client, Bar("running", shots, as_json) as bar:
            result = client.run(wish.graph, cache=asked.cache, progress=bar, isolation=isolation or "auto", **given)
    else:
        options.check_engine(asked.engine)
        with Bar("running", shots, as_json) as bar, Embedded(isolate=True, isolation=isolation or "") as kernel:
            result = kernel.run(wish.graph, progress=bar, **given)  # Ctrl-C and the limit end it
    console.warn(result.warnings)
    result.provenance.notes.update(wish.notes)
    name = os.path.basename(program) if program != "-" else "standard input"
    tell(result, name, as_json, top, explain, wanted.expect)


def tell(result: Result, name: str, as_json: bool, top: int, explain: bool, observables: tuple[str, ...] = ()) -> None:
    """Print a result as one JSON object, or for people."""
    if as_json:
        output.json_object(result.to_dict())
    else:
        show(result, name, top, explain, observables)


def show(result: Result, name: str, top: int, explain: bool, observables: tuple[str, ...] = ()) -> None:
    """Print a result for people: what ran, then the counts as bars, then values beyond them (of ``observables`` as they
    were written)."""
    from qmk.cli import decision, histogram, values

    provenance = result.provenance
    if explain:
        output.lines(decision.candidate_lines(provenance.reasons))
        output.lines(decision.outcome_lines(provenance, result.usage))
        terminal.say()
    drawn = f"{result.shots} shots on " if result.counts or result.values is None else ""
    terminal.say(f"{name}: {drawn}{engine_text(provenance)}, seed {result.seed}")
    names = register_line(result.registers)
    if names:
        terminal.say(f"  {names}")
    if result.counts or result.values is None:
        wide, plain = terminal.width(), output.ascii_only()
        output.lines(histogram.lines(result.counts, result.shots, top=top, width=wide, ascii_only=plain))
        if set(result.counts) == {""}:
            terminal.say(
                "  note: the program measures nothing; add a measurement, in OpenQASM 3 such as: c = measure q;"
            )
    if result.values is not None:
        output.lines(values.lines(result.values, observables))
    if not explain:
        output.lines(decision.surprise_lines(provenance))
    output.lines(decision.change_lines(provenance))
    for name, note in provenance.notes.items():
        if name in ("rewrites", "simulator") or isinstance(note, dict):
            continue  # --explain and the first line tell, and JSON has what is no text
        for line in cast("list[Any]", note) if isinstance(note, list) else [note]:
            terminal.say(f"  note: {name}: {channel_text(line) if name == 'channels' else note_text(line)}")


def note_text(note: object) -> str:
    """A note for people: small numbers with the digits that matter."""
    return f"{note:.3g}" if isinstance(note, float) else str(note)


def engine_text(provenance: Provenance) -> str:
    """Engine, method or what it came to, and the library's version: ``aer statevector (0.17.2)``."""
    version = f"({provenance.version})" if provenance.version else ""
    method = provenance.notes.get("simulator", provenance.method)
    return " ".join(part for part in (provenance.engine, method, version) if part)


def channel_text(row: dict[str, Any]) -> str:
    """What a channel delivered: ``c: fidelity 0.9975 (2 rounds on raw pairs of 0.95), 1000 Bell pairs of 4588 raw``."""
    rounds = f"{row['rounds']} round{'s' if row['rounds'] != 1 else ''} on raw pairs of {row['raw_fidelity']:g}"
    made = f"{row['pairs_total']} Bell pairs from {row['raw_pairs']} raw ones"
    return f"{row['channel']}: fidelity {row['fidelity']:.6g} ({rounds}), {made}"


def register_line(registers: list[Register]) -> str:
    """The registers in printed order with their widths; nothing for one unnamed register."""
    return " ".join(f"{register.name}[{len(register.bits)}]" for register in registers if register.name)
