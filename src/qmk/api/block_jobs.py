"""Blocks as jobs: a worker that has the blocks of a job run by the daemon, and joins what they give.

It talks to the daemon as a script does (``host.lines``): over a connection that the host holds for it, in a session of
the job's own. Block i has an idempotency key of its number, so that a second worker, after a crash, finds the blocks
that are done. Answers are joined in the order of the blocks, whichever is done first.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from msgspec import structs

from qmk.api.script_jobs import Line
from qmk.base.errors import FALLBACKS, QmkError
from qmk.client.sync import LineClient
from qmk.qvm.graph import Graph, Output, unpack
from qmk.worker.blocks import Block, Joined, divide
from qmk.worker.failure import failure
from qmk.worker.memory import PEAK
from qmk.worker.messages import Done, Failed, Run, RunProgress, ToWorker
from qmk.worker.partials import Turns
from qmk.worker.wire import Channel

if TYPE_CHECKING:
    from qmk.client.result import Result

WINDOW = 64
"""Blocks that are with the daemon at once, at most."""
TAG = "qmk:block"
"""Lists of jobs show those with it only if asked."""
WISHES = ("cache", "isolation", "resources", "priority", "attempts", "deadline_epochs")
"""What a block takes over of the wishes of its job."""


def run_blocks(channel: Channel[ToWorker], run: Run) -> Done | Failed:
    """Has the blocks of a job run, with the calls on the same channel."""
    if run.graph is None:
        return Failed(run.fence, "INTERNAL_ERROR", "a program is not kept for its blocks", missing_graph=True)
    assert run.blocks is not None
    assert run.outputs is not None
    began_s, cpu_s = time.perf_counter(), time.process_time()
    joined = Joined(run.fence, run.shots, run.outputs)
    show = Turns(lambda partial: channel.send(RunProgress(run.fence, partial.shots, partial=partial)))
    blocks = divide(run.shots, run.seed, run.outputs, run.blocks.count)
    took_s = 0.0
    try:
        for done in _Blocks(channel, run, unpack(run.graph)).answers(blocks):
            joined.add(done)
            took_s += done.cpu_s
            if show.wants():
                show(joined.partial())
    except QmkError as error:
        return _failure(run.fence, error)
    whole = joined.answer()
    own_s = time.process_time() - cpu_s
    note = {"count": len(blocks), "cpu_s": took_s, "own_cpu_s": own_s, "wall_s": time.perf_counter() - began_s}
    return structs.replace(
        whole,
        prepare_s=0.0,
        run_s=own_s,  # the blocks are charged for themselves
        cpu_s=own_s,
        peak_rss_bytes=PEAK.bytes(),
        notes={**whole.notes, "blocks": note},
    )


class _Blocks:
    """The jobs of the blocks of one run."""

    def __init__(self, channel: Channel[ToWorker], run: Run, graph: Graph) -> None:
        assert run.blocks is not None
        self._client = LineClient(Line(channel, run.fence), "blocks")
        self._run, self._graph = run, graph
        engine = f"{run.blocks.engine}:{run.method}" if run.method else run.blocks.engine
        self._common: dict[str, Any] = {
            **{name: value for name in WISHES if (value := run.blocks.policy.get(name)) is not None},
            "engine": engine,
            "keep_events": run.keep_events,
            "tags": TAG,
        }

    def answers(self, blocks: list[Block]) -> Iterator[Done]:
        """What the blocks give, in their order. Raises the error of the first that fails, with its number."""
        out: deque[tuple[int, str]] = deque()
        for number, block in enumerate(blocks):
            if len(out) >= WINDOW:
                yield self._answer(*out.popleft())
            job = self._submit(number, block)
            while not job:  # a quota is full of those that are out
                if not out:
                    job = self._submit(number, block, last=True)
                    break
                yield self._answer(*out.popleft())
                job = self._submit(number, block)
            out.append((number, job))
        while out:
            yield self._answer(*out.popleft())

    def _submit(self, number: int, block: Block, *, last: bool = False) -> str:
        """The id of the block's job; "" where a quota has no room, which raises on the ``last`` try."""
        engine = self._common["engine"]
        try:
            return self._client.submit(
                self._graph,
                shots=block.shots,
                seed=block.seed,
                outputs=block.outputs,
                idempotency_key=f"{number}-{engine}",
                name=f"block {number}",
                **self._common,
            ).job_id
        except QmkError as error:
            if last or error.kind.name not in ("QUOTA_EXCEEDED", "RESOURCE_EXHAUSTED"):
                raise
            return ""

    def _answer(self, number: int, job: str) -> Done:
        try:
            return _answer_of(self._run.fence, self._client.job(job).result())
        except QmkError as error:
            error.fields.setdefault("block", number)
            raise


def _answer_of(fence: int, found: Result) -> Done:
    """The answer of a block, as its worker gave it."""
    events = found.packed_events().tobytes() if found.has_events else b""
    return Done(
        fence=fence,
        counts=dict(found.counts),
        registers=[Output(row.name, tuple(row.bits), row.descending) for row in found.registers],
        event_names=list(found.event_names),
        event_widths=list(found.event_widths),
        event_bits=events,
        shots=found.shots,
        prepare_s=found.usage.get("prepare_seconds", 0.0),
        run_s=found.usage.get("run_seconds", 0.0),
        cpu_s=found.usage.get("cpu_seconds", 0.0),
        peak_rss_bytes=0,
        notes=dict(found.provenance.notes),
        values=found.values,
    )


def _failure(fence: int, error: QmkError) -> Failed:
    """The error of a block as that of its job: one for which another engine is tried stays what it is."""
    failed = failure(fence, error)
    if failed.kind in {*FALLBACKS, "QUOTA_EXCEEDED", "JOB_FAILED"}:
        return failed
    block = failed.fields.get("block")
    where = "" if block is None else f"block {block}: "
    return Failed(fence, "JOB_FAILED", f"{where}{failed.kind}: {failed.message}", failed.fields)
