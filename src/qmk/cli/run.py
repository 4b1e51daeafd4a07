"""``qmk run``: a program in, counts out, by a kernel of its own or (with ``--socket``) through the daemon."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from qmk.cli import noisy, options
from qmk.cli.failure import Console
from qmk.cli.session import connected
from qmk.cli.values import Wanted, output_options

if TYPE_CHECKING:
    from qmk.abi.calls.q_result import Provenance, Register
    from qmk.client.result import Result
    from qmk.qvm.graph import Graph
    from qmk.qvm.outputs import Outputs

DEFAULT_SHOTS = 1000


@click.command()
@options.program_options
@options.job_options
@noisy.noise_options
@noisy.qec_option
@options.device_option
@options.engine_python_option
@options.json_option
@output_options
@click.option("--explain", is_flag=True, help="Say which engine was chosen and why, before the counts.")
@options.cache_option
@click.option("--top", type=click.IntRange(1), default=20, metavar="N", help="Outcomes to show; 20 if not given.")
@click.option("--socket", "socket_path", type=click.Path(), metavar="PATH", help="Run on the daemon at this socket.")
@click.pass_obj
def command(
    console: Console,
    program: str,
    format_name: str | None,
    params: tuple[tuple[str, Any], ...],
    shots: int | None,
    seed: int | None,
    engine: str | None,
    timeout_s: float | None,
    noise: str | None,
    error: float | None,
    qec: str | None,
    device: str | None,
    as_json: bool,
    explain: bool,
    cache: bool,
    top: int,
    socket_path: str | None,
    wanted: Wanted,
) -> None:
    """Run PROGRAM and print its counts, or the values asked for.

    The router chooses the engine. Without --socket nothing needs to be running.
    """
    from qmk.cli import values

    loaded, outputs = values.load(wanted, program, format_name, options.collect_params(params), console)
    if loaded.findings and not as_json:
        console.findings(list(loaded.findings))
    wish = noisy.asked(loaded.graph, shots, noise, error, outputs, qec, device)
    shots = wish.shots or loaded.graph.shots or DEFAULT_SHOTS
    if socket_path:
        result = _through_daemon(socket_path, wish.graph, shots, seed, engine, timeout_s, outputs, cache, quiet=as_json)
    else:
        result = _embedded(wish.graph, shots, seed, engine, timeout_s, outputs, quiet=as_json)
    result.provenance.notes.update(wish.notes)
    if as_json:
        from qmk.cli import output

        output.json_object(result.to_dict())
    else:
        show(result, os.path.basename(program) if program != "-" else "standard input", top, explain, wanted.expect)


def _embedded(
    graph: Graph,
    shots: int,
    seed: int | None,
    engine: str | None,
    timeout_s: float | None,
    outputs: Outputs | None,
    quiet: bool,
) -> Result:
    """The kernel here, the engine in a worker process: Ctrl-C and the time limit end it whatever it is doing."""
    from qmk.api.embedded import run
    from qmk.cli.progress import Bar

    options.check_engine(engine)
    with Bar("running", shots, quiet) as bar:
        return run(
            graph,
            shots=shots,
            seed=seed,
            engine=engine,
            isolate=True,
            timeout_ms=milliseconds(timeout_s),
            keep_events=False,
            outputs=outputs,
            progress=bar,
        )


def _through_daemon(
    socket_path: str,
    graph: Graph,
    shots: int,
    seed: int | None,
    engine: str | None,
    timeout_s: float | None,
    outputs: Outputs | None,
    cache: bool,
    quiet: bool,
) -> Result:
    from qmk.cli.progress import Bar

    with connected(socket_path) as client, Bar("running", shots, quiet) as bar:
        limit_ms = milliseconds(timeout_s)
        return client.run(
            graph,
            progress=bar,
            shots=shots,
            seed=seed,
            engine=engine,
            timeout_ms=limit_ms,
            keep_events=False,
            outputs=outputs,
            cache=cache,
        )


def milliseconds(seconds: float | None) -> int | None:
    """As the kernel counts time limits; less than one is rounded up."""
    return None if seconds is None else max(1, round(seconds * 1000))


def show(result: Result, name: str, top: int, explain: bool, observables: tuple[str, ...] = ()) -> None:
    """Print a result for people: what ran, then the counts as bars, then values beyond them (of ``observables`` as they
    were written)."""
    from qmk.cli import decision, histogram, output, values
    from qmk.cli.failure import terminal_width

    provenance = result.provenance
    if explain:
        output.lines(decision.candidate_lines(provenance.reasons))
        output.lines(decision.outcome_lines(provenance, result.usage))
        click.echo()
    drawn = f"{result.shots} shots on " if result.counts or result.values is None else ""
    click.echo(f"{name}: {drawn}{engine_text(provenance)}, seed {result.seed}")
    names = register_line(result.registers)
    if names:
        click.echo(f"  {names}")
    if result.counts or result.values is None:
        wide, plain = terminal_width(), output.ascii_only()
        output.lines(histogram.lines(result.counts, result.shots, top=top, width=wide, ascii_only=plain))
        if set(result.counts) == {""}:
            click.echo("  note: the program measures nothing; add a measurement, in OpenQASM 3 such as: c = measure q;")
    if result.values is not None:
        output.lines(values.lines(result.values, observables))
    if not explain:
        output.lines(decision.surprise_lines(provenance))
    output.lines(decision.change_lines(provenance))
    for name, note in provenance.notes.items():
        if name in ("rewrites", "simulator") or isinstance(note, dict):
            continue  # --explain and the first line tell, and JSON has what is no text
        for line in note if isinstance(note, list) else [note]:
            click.echo(f"  note: {name}: {channel_text(line) if name == 'channels' else note_text(line)}")


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
