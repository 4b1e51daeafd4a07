"""Runs jobs that give values beyond counts."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from qmk.base.errors import QmkError
from qmk.ir.labels import labels
from qmk.ir.lower import outputs_of
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Outputs
from qmk.worker.blocks import Joined, divide, run_in_turn
from qmk.worker.memory import PEAK
from qmk.worker.messages import Done
from qmk.worker.native import events_of
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
    progress: Callable[[int], None] | None = None,
) -> Done:
    """Runs a job with outputs, of ``size`` (shots, seed, fence). ``run`` runs a graph for its counts; those of a sweep
    are with its points. Raises RESOURCE_EXHAUSTED when memory ends."""
    shots, seed, fence = size
    if outputs.split:
        return _run_blocks(run, graph, method, outputs, size, (show, progress))
    cpu, started = time.process_time(), time.perf_counter()
    if outputs.counts and not outputs.points:
        done = run(graph, method, shots, seed, fence=fence)
    else:
        registers = outputs_of(graph, events_of(graph)[0]) if outputs.counts else ()
        done = Done(fence, {}, list(registers), [], [], b"", shots, 0.0, 0.0, 0.0, 0, labels(graph))
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


def _run_blocks(
    run: Callable[..., Done],
    graph: Graph,
    method: str,
    outputs: Outputs,
    size: tuple[int, int, int],
    hears: tuple[Show | None, Callable[[int], None] | None],
) -> Done:
    """Runs the blocks of the shots one after another. None of them stops at a fence, from which the others could not go
    on."""
    shots, seed, fence = size
    show, progress = hears

    def tell(joined: Joined) -> None:
        if progress is not None:
            progress(joined.shots)
        if show is not None and show.wants():
            show(joined.partial())

    alone = functools.partial(run, graph, method, progress=None, show=None, drive=None, start=None)
    blocks = divide(shots, seed, outputs, outputs.split)
    return run_in_turn(lambda block: alone(block.shots, block.seed), blocks, Joined(fence, shots, outputs), tell)
