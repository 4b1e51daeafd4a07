"""``qmk scenario``: a machine over time, with and without adaptation, and the replay of its decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qmk.cli import options, output, terminal

if TYPE_CHECKING:
    from qmk.adapting.report import Arm, Comparison, Figure
    from qmk.adapting.scenarios import Scenario
    from qmk.qvm.graph import Graph


@click.command(short_help="run a machine over time, with and without adaptation")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--journal",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write every decision there, with what it rests on: a JSON object a line.",
)
@click.option(
    "--replay",
    "replayed",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Run nothing: decide again what is in a journal of this scenario, and say whether the same comes out.",
)
@options.json_option
def command(file: str, journal: str | None, replayed: str | None, as_json: bool) -> None:
    """Run the scenario in FILE with and without adaptation: success and time of its program, and every decision.

    FILE is JSON: a program, a machine, a policy, and events at rounds of the machine's clock.
    """
    from qmk.adapting.scenarios import Scenario

    scenario = Scenario.load(file)
    if replayed is not None:
        _replay(scenario, replayed, as_json)
        return
    import msgspec

    from qmk.adapting.report import compare

    found = compare(scenario, _count_zeros)
    if journal is not None:
        lines = [msgspec.json.encode(decision) for course in found.decisions for decision in course]
        output.write_file(journal, b"".join(line + b"\n" for line in lines))
    if as_json:
        output.json_object(msgspec.to_builtins(found))
        return
    _show(found)


def _count_zeros(graph: Graph, shots: int, seed: int) -> int:
    import qmk

    counts = qmk.sample(graph, shots=shots, seed=seed, cache=False).counts
    return sum(count for bits, count in counts.items() if "1" not in bits)


def _replay(scenario: Scenario, path: str, as_json: bool) -> None:
    from qmk.adapting.choice import Decision, replay
    from qmk.adapting.files import decode
    from qmk.models import files

    decisions = [decode(line, Decision, "journal") for line in files.read(path).splitlines() if line]
    for decision in decisions:
        replay(decision, scenario.policy)
    output.show(as_json, {"replayed": len(decisions)}, [f"{len(decisions)} decisions come out as they are written"])


def _show(found: Comparison) -> None:
    terminal.say(f"{found.name}: {found.courses} courses of {found.shots} shots")
    rows = [_row("without", found.without), _row("adaptive", found.adaptive)]
    output.lines(output.table(("", "success", "rounds", "rounds per success", "us"), rows))
    terminal.say(f"rounds per success, adaptive over without: {_text(found.ratio)}")
    terminal.say("course 1:")
    output.lines(f"  {decision.line}" for decision in found.decisions[0])


def _row(name: str, arm: Arm) -> tuple[str, ...]:
    return name, _text(arm.success), _text(arm.rounds), _text(arm.time_per_success), f"{arm.seconds * 1e6:.4g}"


def _text(figure: Figure) -> str:
    return f"{figure.value:.4g} ({figure.low:.4g} to {figure.high:.4g})"
