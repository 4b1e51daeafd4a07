"""Runs jobs that give values beyond counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from qmk.base.errors import QmkError
from qmk.ir.labels import labels
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Outputs
from qmk.worker.memory import PEAK
from qmk.worker.messages import Done
from qmk.worker.values import values_of

if TYPE_CHECKING:
    from qmk.worker.partials import Show
    from qmk.worker.runner import Runner


def execute_with_outputs(
    runner: Runner,
    run: Callable[..., Done],
    graph: Graph,
    method: str,
    outputs: Outputs,
    size: tuple[int, int, int],
    show: Show | None = None,
) -> Done:
    """Runs a job with outputs, of ``size`` (shots, seed, fence). ``run`` runs a graph for its counts; those of a sweep
    are with its points. Raises RESOURCE_EXHAUSTED when memory ends."""
    shots, seed, fence = size
    cpu, started = time.process_time(), time.perf_counter()
    if outputs.counts and not outputs.points:
        done = run(graph, method, shots, seed, fence=fence)
    else:
        done = Done(fence, {}, [], [], [], b"", shots, 0.0, 0.0, 0.0, 0, labels(graph))
    name = runner.declaration.name
    try:
        values = values_of(runner, graph, method, outputs, shots, seed, show)
    except MemoryError as full:
        text = f"engine '{name}' ran out of memory: {full}"
        raise QmkError("RESOURCE_EXHAUSTED", text, engine=name, method=method, resource="memory_bytes") from full
    return msgspec.structs.replace(
        done,
        run_s=time.perf_counter() - started - done.prepare_s,
        cpu_s=time.process_time() - cpu,
        peak_rss_bytes=PEAK.bytes(),
        values=values,
    )
