"""``qmk explain``: the router's decision, without running anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from qmk.cli import options, output, request, terminal
from qmk.cli.failure import FAILED_RUN, Console
from qmk.cli.values import Wanted, output_options

if TYPE_CHECKING:
    from qmk.qvm.graph import Graph
    from qmk.qvm.outputs import Outputs
    from qmk.request.options import RunOptions
    from qmk.router.features import Look
    from qmk.sdk.engine import Features


@click.command()
@options.program_options
@request.run_options(*request.RUN)
@options.engine_python_option
@output_options
@options.json_option
@click.option(
    "-o", "--output", "path", type=click.Path(dir_okay=False), metavar="FILE", help="Draw the choice as SVG or PNG."
)
@click.pass_obj
def command(
    console: Console,
    program: str,
    format_name: str | None,
    params: dict[str, Any],
    asked: RunOptions,
    as_json: bool,
    wanted: Wanted,
    path: str | None,
) -> int:
    """Say which engine would run PROGRAM, what it would cost, and what the others lack. Nothing is run.

    With --expect and its kin: for these values.
    """
    import msgspec

    from qmk.cli import decision, plot_file, values
    from qmk.cli.run import DEFAULT_SHOTS
    from qmk.drawing.engines import chart
    from qmk.host import machine
    from qmk.request.build import build
    from qmk.router import choose, explain, rates
    from qmk.router.native import rewrites, shape
    from qmk.router.outputs import with_outputs

    if path is not None:
        plot_file.check(path)
    options.check_engine(asked.engine)
    loaded, outputs = values.load(wanted, program, format_name, params, console)
    wish = build(loaded.graph, asked.replace(outputs=outputs))
    shots = wish.shots or loaded.graph.shots or DEFAULT_SHOTS
    look = _look(wish.graph, outputs, shots, console)
    facts = with_outputs(look.features("auto"), wish.graph, outputs)
    rating = rates.installed_rating()
    given: Any = {"engine": asked.engine, "memory_bytes": machine.memory_bytes(), "declarations": rating.declarations}
    candidates = explain(facts, shots, **given)
    if path is not None:
        plot_file.write(chart(msgspec.to_builtins(candidates)), path)
    shown, rewritten = shape(look.circuit), rewrites(look.circuit, shots)
    if as_json:
        output.json_object(
            {
                "shots": shots,
                "features": facts,
                "shape": shown,
                "decision": choose(facts, shots, **given),
                "rewrites": rewritten,
                "warnings": list(console.reported),
                "rates": {"calibrated": rating.rated, "notes": rating.notes},
                **{name: wish.notes[name] for name in ("logical", "adapted") if name in wish.notes},
            }
        )
        return 0
    terminal.say(_summary(facts))
    output.lines(f"{name}: {line}" for name in ("adapt", "qec") for line in wish.notes.get(name, ()))
    output.lines(decision.shape_lines(shown))
    output.lines(decision.candidate_lines(msgspec.to_builtins(candidates)))
    output.lines(f"the native core rewrites it: {text}" for text in decision.rewrite_texts(rewritten))
    output.lines(rating.notes)
    return 0 if any(candidate.chosen for candidate in candidates) else FAILED_RUN


def _look(graph: Graph, outputs: Outputs | None, shots: int, console: Console) -> Look:
    """Examines a whole graph. Raises for a graph or a request that no kernel would take."""
    from qmk.api.source import check_graph
    from qmk.qvm.outputs import require
    from qmk.router.features import Look

    console.warn(check_graph(graph, console.strict))
    if outputs is not None:
        require(outputs, graph, shots)
    return Look(graph)


def _summary(facts: Features) -> str:
    return (
        f"{facts.n_qubits} qubits, {facts.n_ops} operations ({facts.n_two_qubit} entangling, "
        f"{facts.n_non_clifford} not Clifford), {facts.n_measure} measurements, feed-forward: {facts.feed_forward}"
    )
