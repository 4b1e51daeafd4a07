"""``python -m qmk.simulation.scheduling [TRACE]``: scheduling policies compared over recorded arrivals.

Wait is the time a job spent neither running nor ended. Bounded slowdown is (wait + run) / max(run, 1 s), at least 1
(Feitelson and others, JSSPP 1997). Jain's index (Jain, Chiu, Hawe, 1984) is over tenants: what each was served while it
had jobs waiting, over its share by weight of the workers in that time; 1 is fair, 1/n is one tenant taking all.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from qmk.base.errors import QmkError
from qmk.simulation.machine import POLICIES, Outcome, simulate
from qmk.simulation.trace import Machine, Trace, load, save, synthetic, trace_of_records

BOUND_S = 1.0
"""Shorter runs count as this long in the slowdown, so that a millisecond's job does not outweigh all others."""


def waits_s(outcome: Outcome) -> list[float]:
    return [run.ended_s - run.arrival.at_s - run.arrival.actual_s for run in outcome.runs]


def slowdowns(outcome: Outcome) -> list[float]:
    rows = ((run.ended_s - run.arrival.at_s, run.arrival.actual_s) for run in outcome.runs)
    return [max(1.0, response_s / max(actual_s, BOUND_S)) for response_s, actual_s in rows]


def served_shares(outcome: Outcome) -> dict[str, float]:
    """Of each tenant that ever waited: worker time served over its share by weight, while it had jobs waiting."""
    served: dict[str, float] = {}
    entitled: dict[str, float] = {}
    weights = outcome.machine.weights
    for stretch in outcome.stretches:
        length_s = stretch.end_s - stretch.begin_s
        total = sum(weights.get(tenant, 1.0) for tenant in {**stretch.waiting, **stretch.running})
        for tenant in stretch.waiting:
            share = outcome.machine.workers * weights.get(tenant, 1.0) / total
            served[tenant] = served.get(tenant, 0.0) + length_s * stretch.running.get(tenant, 0)
            entitled[tenant] = entitled.get(tenant, 0.0) + length_s * share
    return {tenant: served[tenant] / entitled[tenant] for tenant in sorted(served)}


def jain(values: list[float]) -> float:
    """(sum x)^2 / (n sum x^2); 1 for none."""
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 1.0


def percentile(values: list[float], share: float) -> float:
    """The smallest value with at least ``share`` of all at or below it."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, int(-(-share * len(ordered) // 1)) - 1))]


def figures(outcome: Outcome) -> dict[str, Any]:
    """What is reported of one policy; times in seconds."""
    waits, slow = waits_s(outcome), slowdowns(outcome)
    makespan_s = max(run.ended_s for run in outcome.runs)
    work_s = sum(run.arrival.actual_s for run in outcome.runs)
    return {
        "policy": outcome.policy,
        "jobs": len(outcome.runs),
        "wait_mean_s": sum(waits) / len(waits),
        "wait_p95_s": percentile(waits, 0.95),
        "wait_max_s": max(waits),
        "slowdown_mean": sum(slow) / len(slow),
        "slowdown_p95": percentile(slow, 0.95),
        "jain": jain(list(served_shares(outcome).values())),
        "served_shares": served_shares(outcome),
        "makespan_s": makespan_s,
        "utilisation": work_s / (makespan_s * outcome.machine.workers) if makespan_s else 1.0,
        "preemptions": sum(run.preemptions for run in outcome.runs),
    }


def compare(trace: Trace, names: list[str]) -> list[dict[str, Any]]:
    """The figures of each policy over the same trace."""
    return [figures(simulate(trace, POLICIES[name])) for name in names]


COLUMNS = {
    "policy": "policy",
    "wait_mean_s": "wait mean s",
    "wait_p95_s": "p95 s",
    "wait_max_s": "max s",
    "slowdown_mean": "slowdown",
    "slowdown_p95": "p95",
    "jain": "Jain",
    "utilisation": "busy",
    "preemptions": "preempted",
}


def table(rows: list[dict[str, Any]]) -> str:
    cells = [list(COLUMNS.values()), *([_cell(row[name]) for name in COLUMNS] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    )


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def trace_of(path: Path | None, journal: Path | None, workers: int, seed: int, jobs: int, tenants: int) -> Trace:
    """The trace that the options name: a file, a journal, or a synthetic one."""
    if path is not None:
        return load(path)
    if journal is not None:
        from qmk.host.blob_files import FileBlobs
        from qmk.host.sql.journal import SqlJournal
        from qmk.host.sql.sqlite import SqliteDatabase
        from qmk.host.store import BLOBS_NAME

        store = SqlJournal(SqliteDatabase(journal), FileBlobs(journal.parent / BLOBS_NAME))
        try:
            return trace_of_records(store.records(), Machine(workers=workers))
        finally:
            store.close()
    return synthetic(seed, jobs, tenants, workers)


@click.command()
@click.argument("trace", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--policy", type=click.Choice([*POLICIES, "all"]), default="all", show_default=True)
@click.option(
    "--journal", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="arrivals of a QMK journal"
)
@click.option("--workers", type=click.IntRange(1, 4096), default=4, show_default=True, help="without TRACE")
@click.option("--seed", type=int, default=1, show_default=True, help="of synthetic arrivals")
@click.option("--jobs", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="synthetic arrivals")
@click.option("--tenants", type=click.IntRange(1, 1000), default=3, show_default=True, help="of synthetic arrivals")
@click.option("--save", "target", type=click.Path(dir_okay=False, path_type=Path), help="write the trace to this file")
@click.option("--json", "as_json", is_flag=True, help="print JSON instead of a table")
def command(
    trace: Path | None,
    policy: str,
    journal: Path | None,
    workers: int,
    seed: int,
    jobs: int,
    tenants: int,
    target: Path | None,
    as_json: bool,
) -> None:
    """Compare scheduling policies over the arrivals in TRACE, in a journal, or (by default) synthetic ones.

    --journal is for the journal of a daemon that has ended, or a copy of it."""
    try:
        arrivals = trace_of(trace, journal, workers, seed, jobs, tenants)
    except QmkError as error:
        raise click.ClickException(error.message) from None
    if target is not None:
        save(arrivals, target)
    rows = compare(arrivals, list(POLICIES) if policy == "all" else [policy])
    click.echo(json.dumps(rows, indent=2) if as_json else table(rows))


if __name__ == "__main__":
    command()
