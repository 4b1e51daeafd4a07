"""``qmk calibrate``: measure what the cost models of the engines reckon with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from qmk.cli import options, output, terminal
from qmk.cli.failure import FAILED_RUN, call_error

if TYPE_CHECKING:
    from qmk.host.calibration import Fit, Report

BUDGET_S, QUICK_S = 30.0, 5.0
ORDER = ("native", "stabilizer", "reference", "aer")
"""Engines that are measured first, since most programs run on them."""


@click.command()
@click.option("--quick", is_flag=True, help="Take 5 seconds rather than 30: the longest programs are left out.")
@click.option("--engines", "names", metavar="NAME,...", help="Only these; the file keeps what it has of others.")
@options.data_option("The daemon's folder; the file of rates is written there.")
@click.option("--dry-run", is_flag=True, help="Show the table, write nothing.")
@options.engine_python_option
@options.json_option
def command(quick: bool, names: str | None, data_dir: Path | None, dry_run: bool, as_json: bool) -> None:
    """Run small programs on every installed engine and fit the rates of its cost model to this machine.

    The router predicts with these rates from then on; a daemon reads them when it starts. They hold for this processor
    and these versions of the engines. Run it on an idle machine.
    """
    import time

    from qmk.host.calibration import calibrate
    from qmk.router import rates

    wanted = _engines_named(names)
    path = rates.default_path(data_dir)
    budget_s = QUICK_S if quick else BUDGET_S
    if not dry_run:
        rates.check_writable(path)
    report = calibrate(wanted, budget_s, time.time(), lambda name: terminal.say(f"measuring {name}", err=True))
    measured = bool(report.calibration.engines)
    written = measured and not dry_run
    if written:
        rates.save(path, rates.merge_calibration(path, report.calibration))
    if as_json:
        output.json_object({"path": str(path) if written else "", "report": report})
    else:
        show(report)
        terminal.say(f"written to {path}" if written else "nothing is written")
    if not measured:
        raise click.exceptions.Exit(FAILED_RUN)


def _engines_named(names: str | None) -> list[str]:
    from qmk.sdk.discovery import engines

    known = engines()
    if names is None:
        return sorted(known, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    wanted = list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    if not wanted:
        raise call_error("--engines names no engine", help=f"engines: {', '.join(sorted(known))}")
    for name in wanted:
        options.check_engine(name)
    return wanted


def show(report: Report) -> None:
    """Shows one row a method, then what was left out."""
    rows = [_row(row) for row in report.fits]
    head = ("engine", "method", "programs", "measured", "predicted before", "after", "worst error before", "after")
    if rows:
        output.lines(output.table(head, rows))
    for name, why in report.skipped.items():
        terminal.say(f"not measured: {name}: {why}")


def _row(row: Fit) -> tuple[str, ...]:
    from qmk.base.units import seconds_text

    times = (seconds_text(row.measured_s), seconds_text(row.before_s), seconds_text(row.after_s))
    errors = (f"x{row.error_before:.2f}", f"x{row.error_after:.2f}")
    return (row.engine, row.method or "-", str(row.programs), *times, *errors)
