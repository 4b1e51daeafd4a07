"""``qmk explain``: the router's decision, without running anything."""

from __future__ import annotations

from typing import Any

import click

from qmk.cli import noisy, options
from qmk.cli.failure import FAILED_RUN, Console


@click.command()
@options.program_options
@options.job_options
@noisy.noise_options
@options.engine_python_option
@options.json_option
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
    as_json: bool,
) -> int:
    """Say which engine would run PROGRAM, what it would cost, and what the others lack. Nothing is run."""
    import msgspec

    from qmk.base.errors import invalid_graph
    from qmk.cli import decision, output, source
    from qmk.cli.run import DEFAULT_SHOTS
    from qmk.host import machine
    from qmk.qvm.verify import verify
    from qmk.router import choose, explain, rates
    from qmk.router.features import features
    from qmk.router.native import rewrites, shape

    options.check_engine(engine)
    loaded = source.load(program, format_name, options.collect_params(params), console)
    wish = noisy.asked(loaded.graph, shots, noise, error)
    report = verify(wish.graph)
    if not report.ok:
        raise invalid_graph(list(report.findings))
    shots = wish.shots or loaded.graph.shots or DEFAULT_SHOTS
    facts = features(wish.graph, native="auto")
    memory_bytes = machine.memory_bytes()
    rating = rates.installed()
    rewritten = rewrites(wish.graph, shots)
    if as_json:
        chosen = choose(facts, shots, engine=engine, memory_bytes=memory_bytes, declarations=rating.declarations)
        told = {"calibrated": rating.rated, "notes": rating.notes}
        output.json_object(
            {
                "shots": shots,
                "features": facts,
                "shape": shape(wish.graph),
                "decision": chosen,
                "rewrites": rewritten,
                "rates": told,
            }
        )
        return 0
    click.echo(
        f"{facts.n_qubits} qubits, {facts.n_ops} operations ({facts.n_two_qubit} entangling, "
        f"{facts.n_non_clifford} not Clifford), {facts.n_measure} measurements, feed-forward: {facts.feed_forward}"
    )
    output.lines(decision.shape_lines(shape(wish.graph)))
    candidates = explain(facts, shots, engine=engine, memory_bytes=memory_bytes, declarations=rating.declarations)
    output.lines(decision.candidate_lines(msgspec.to_builtins(candidates)))
    output.lines(f"the native core rewrites it: {text}" for text in decision.rewrite_texts(rewritten))
    output.lines(rating.notes)
    return 0 if any(candidate.chosen for candidate in candidates) else FAILED_RUN
