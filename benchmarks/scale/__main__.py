"""``python -m benchmarks.scale [--jobs N] [--slots N] [--only model|machine] [--json FILE]``: how far one kernel goes.

*Model*: a real daemon with 1, 2 and 4 slots runs empty jobs; from one slot it is predicted how many launches a second
more slots give, and where the daemon is the bound. *Machine*: 50 tenants of unequal weights and lengths of jobs submit
a million jobs at once to the real kernel and scheduler, which run them on 1,000 slots of a simulated clock, and one
more tenant has a single job at a time. Printed are the decisions a second, their processor time, memory, waits, and
the share of every tenant over its weight.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.results import write
from benchmarks.scale.machine import Machine, Size, Tenant
from benchmarks.scale.model import Measured, Model, measure, medians, model_of
from qmk import __version__
from qmk.base.units import seconds_text
from qmk.simulation.scheduling import percentile

SLOTS = (1, 2, 4)
LENGTHS_S = (0.0, 0.1, 1.0, 10.0, 60.0)


def show_model(rounds: int, jobs: int) -> dict[str, Any]:
    """Measures the daemon, in turns, and compares."""
    taken: dict[int, list[Measured]] = {slots: [] for slots in SLOTS}
    for _ in range(rounds):
        for slots in SLOTS:
            taken[slots].append(measure(slots, jobs))
    rows = [medians(taken[slots]) for slots in SLOTS]
    model = model_of(rows[0])
    print(f"a launch takes {seconds_text(model.kernel_s)} of the daemon, {seconds_text(model.worker_s)} of a worker's "
          f"processor, {seconds_text(model.slot_s)} of a slot beside the daemon; a submit "
          f"{seconds_text(rows[0].submit_s)} of the daemon")  # fmt: skip
    print(f"{'slots':>5} {'launches/s':>10} {'predicted':>10} {'ratio':>6}")
    for row in rows:
        predicted = model.launches_a_second(row.slots)
        print(f"{row.slots:5} {1 / row.launch_s:10.0f} {predicted:10.0f} {1 / row.launch_s / predicted:6.2f}")
    print(f"the daemon is the bound at {model.most:.0f} launches a second: with as many slots as")
    for length_s in LENGTHS_S:
        print(f"  {model.slots_at_saturation(length_s):8.0f} for jobs of {length_s:g} s")
    return {"model": asdict(model), "measured": [_compared(model, row) for row in rows]}


def _compared(model: Model, row: Measured) -> dict[str, Any]:
    return {**asdict(row), "per_second": 1 / row.launch_s, "predicted": model.launches_a_second(row.slots)}


def show_machine(size: Size) -> dict[str, Any]:
    """Runs the simulated machine until all jobs have ended."""
    gc.set_threshold(50_000, 20, 100)  # as the daemon does
    machine = Machine(size)
    empty = resident_bytes()
    submit_s = _cpu_s(machine.fill)
    job_bytes = (resident_bytes() - empty) / size.jobs
    launched = machine.launches
    print(f"{size.jobs:,} jobs of {size.tenants} tenants on {size.slots:,} slots: submitted in "
          f"{seconds_text(submit_s / size.jobs)} each, {job_bytes:,.0f} bytes each")  # fmt: skip
    begin_s = time.process_time()
    fairness = machine.share()
    busy_s, busy_launches = time.process_time() - begin_s, machine.launches - launched
    drain_s, left = _cpu_s(machine.drain), machine.launches
    drain_launches = left - launched - busy_launches
    print(f"while all wait ({fairness.seconds:.0f} s of its clock): {busy_launches / busy_s:,.0f} decisions a second, "
          f"{seconds_text(busy_s / busy_launches)} each; shares are at most {fairness.worst:.2%} off the weights, "
          f"Jain's index {fairness.index:.6f}")  # fmt: skip
    held = resident_bytes() / 2**30
    print(f"until the end: {seconds_text(drain_s / max(1, drain_launches))} a decision; {held:.2f} GiB")
    rows = [wait_row(tenant, fairness.ratios.get(tenant.name)) for tenant in (*machine.tenants, machine.single)]
    for row in (*rows[:12], rows[-1]):
        share = f"{row['share']:.4f}" if row["share"] is not None else "-"
        print(f"  {row['tenant']:>6} weight {row['weight']:g}, jobs of {row['length_s']:g} s: share {share}, "
              f"wait p50 {row['wait_p50_s']:.1f} s, p99 {row['wait_p99_s']:.1f} s")  # fmt: skip
    return {
        "size": asdict(size),
        "submit_s": submit_s / size.jobs,
        "job_bytes": job_bytes,
        "decision_s": busy_s / busy_launches,
        "decisions_per_second": busy_launches / busy_s,
        "drain_decision_s": drain_s / max(1, drain_launches),
        "seconds_shared": fairness.seconds,
        "jain": fairness.index,
        "worst_share": fairness.worst,
        "tenants": rows,
    }


def wait_row(tenant: Tenant, share: float | None) -> dict[str, Any]:
    """Waits are those until a slot took the job, of all jobs of the tenant."""
    return {
        "tenant": tenant.name,
        "weight": tenant.weight,
        "length_s": tenant.length_s,
        "jobs": len(tenant.waits_s),
        "share": share,
        "wait_p50_s": percentile(tenant.waits_s, 0.5),
        "wait_p99_s": percentile(tenant.waits_s, 0.99),
    }


def resident_bytes() -> int:
    """Of this process, now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _cpu_s(work: Callable[[], None]) -> float:
    begin_s = time.process_time()
    work()
    return time.process_time() - begin_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("model", "machine"), help="one of the two")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each number of slots")
    parser.add_argument("--launches", type=int, default=2_000, help="jobs of one measurement of the daemon")
    parser.add_argument("--slots", type=int, default=1_000)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--tenants", type=int, default=50)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    found: dict[str, Any] = {}
    if options.only != "machine":
        found["daemon"] = show_model(options.rounds, options.launches)
    if options.only != "model":
        found["machine"] = show_machine(Size(options.slots, options.jobs, options.tenants))
    if options.json:
        rows = found.get("machine", {}).pop("tenants", [])
        write(options.json, rows, {"qmk": __version__, "python": platform.python_version()}, **found)


if __name__ == "__main__":
    main()
