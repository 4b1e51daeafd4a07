"""Runs the checks of this folder with larger bounds than the suite's, and prints what was visited: ``make models``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tests.exhaustive import capability_bounds, job_model, launch_model
from tests.exhaustive.capability_model import Capabilities
from tests.exhaustive.capability_system import KernelOfCapabilities
from tests.exhaustive.checker import conform, explore
from tests.exhaustive.graph_checks import LARGE, check_all
from tests.exhaustive.job_model import Jobs
from tests.exhaustive.job_system import KernelOfJobs
from tests.exhaustive.launch_model import Launches
from tests.exhaustive.launch_system import KernelOfLaunches

JOBS = {
    "two, three attempts": job_model.Bounds(2, timed=(0,), kept=1, attempts=3, waits=2),
    "two, both kept": job_model.Bounds(2, timed=(0,), kept=2, waits=2),
    "three": job_model.Bounds(3, kept=1, callers=1),
}


class Case(NamedTuple):
    """One model within its bounds, and what makes the kernel that is driven by it."""

    name: str
    model: Any
    make: Callable[[], Any]


def cases() -> Iterator[Case]:
    for name, bounds in capability_bounds.scenarios(large=True).items():
        yield Case(f"capabilities: {name}", Capabilities(bounds), lambda bounds=bounds: KernelOfCapabilities(bounds))
    for name, bounds in JOBS.items():
        yield Case(f"jobs: {name}", Jobs(bounds), lambda bounds=bounds: KernelOfJobs(bounds))
    bounds = launch_model.Bounds(stops=2)
    yield Case("launches: two ends of the daemon", Launches(bounds), lambda: KernelOfLaunches(bounds))


def main(only: str = "") -> None:
    print(f"{'model':34} {'states':>9} {'steps':>9} {'refused':>9} {'depth':>5} {'model':>7} {'kernel':>8}")
    for case in cases():
        if only not in case.name:
            continue
        began_s = time.perf_counter()
        space = explore(case.model)
        model_s = time.perf_counter() - began_s
        conform(case.model, space, case.make)
        kernel_s = time.perf_counter() - began_s - model_s
        row = f"{len(space.parent):9,} {space.transitions:9,} {space.forbidden:9,} {space.depth:5}"
        print(f"{case.name:34} {row} {model_s:5.1f} s {kernel_s:6.1f} s", flush=True)
    print(f"{'graphs':34} {'graphs':>9} {'accepted':>9} {'orders':>9}")
    for name, of in LARGE.items():
        if only not in f"graphs: {name}":
            continue
        began_s = time.perf_counter()
        count = check_all(of())
        row = f"{count.graphs:9,} {count.accepted:9,} {count.orders:9,}"
        print(f"{'graphs: ' + name:34} {row} {time.perf_counter() - began_s:6.1f} s", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
