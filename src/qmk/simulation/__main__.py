"""``python -m qmk.simulation``: run many seeds, or one with its trace."""

from __future__ import annotations

import sys
import time
from collections import Counter

import click

from qmk.simulation.run import Failure, run, shorten
from qmk.simulation.world import Outcome

SHOWN = ("crash", "power failure", "shutdown", "the journal is broken", "connection cut", "clock set", "late worker")


@click.command()
@click.option("--seeds", type=click.IntRange(1), default=100, show_default=True, help="How many seeds to run.")
@click.option("--first", type=click.IntRange(0), default=0, show_default=True, help="The first of them.")
@click.option("--seed", type=click.IntRange(0), help="Run this seed alone.")
@click.option("--keep", metavar="N,N,...", help="Of that seed, only the actions with these numbers.")
@click.option("--trace", is_flag=True, help="Of that seed, print everything that happens.")
def main(seeds: int, first: int, seed: int | None, keep: str | None, trace: bool) -> None:
    """Drive the whole system through random work and random faults, and check every promise it makes.

    Exits with 1 when a promise was broken, after printing the shortest run that breaks it.
    """
    if seed is not None:
        numbers = None if keep is None else [int(text) for text in keep.split(",") if text]
        _one(seed, numbers, trace)
        return
    if keep is not None or trace:
        raise click.UsageError("--keep and --trace need --seed")
    _many(range(first, first + seeds))


def _one(seed: int, keep: list[int] | None, trace: bool) -> None:
    outcome = run(seed, keep=keep, tracing=trace)
    for line in outcome.trace:
        click.echo(line)
    if outcome.violation is not None:
        if keep is None:
            _tell(shorten(seed, outcome))
        else:
            click.echo(f"seed {seed} fails: {outcome.violation}")
        sys.exit(1)
    click.echo(f"seed {seed}: {outcome.actions} actions, every promise kept")


def _many(seeds: range) -> None:
    begin = time.monotonic()
    seen: Counter[str] = Counter()
    actions, failed = 0, 0
    for seed in seeds:
        outcome = run(seed)
        actions += outcome.actions
        seen += outcome.seen
        if outcome.violation is not None:
            failed += 1
            _tell(shorten(seed, outcome))
    seconds = time.monotonic() - begin
    click.echo(f"{len(seeds)} seeds, {actions} actions in {seconds:.0f} s: {failed} seeds failed")
    engines = {name: count for name, count in seen.items() if name.startswith(("fallback", "hedged", "cached"))}
    patches = ("patches moved", "written anew", "change refused")
    engines |= {name: seen[name] for name in patches if seen[name]}
    click.echo("  engines: " + ", ".join(f"{count} x {name}" for name, count in sorted(engines.items())))
    calls = {name: count for name, count in seen.items() if name.startswith("q_")}
    click.echo("  calls: " + ", ".join(f"{count} {name}" for name, count in sorted(calls.items())))
    click.echo("  faults: " + ", ".join(f"{seen[name]} x {name}" for name in SHOWN))
    answers = {name.removeprefix("answer "): count for name, count in seen.items() if name.startswith("answer ")}
    click.echo("  answers: " + ", ".join(f"{count} {name}" for name, count in sorted(answers.items())))
    sys.exit(1 if failed else 0)


def _tell(failure: Failure) -> None:
    outcome: Outcome = failure.outcome
    click.echo(f"seed {failure.seed} fails: {outcome.violation}")
    click.echo(f"  {len(failure.keep)} actions suffice:")
    for line in outcome.trace:
        click.echo(line[:400])
    keep = ",".join(map(str, failure.keep))
    click.echo(f"  again: python -m qmk.simulation --seed {failure.seed} --keep {keep} --trace\n")


if __name__ == "__main__":
    main()
