"""Handles launches under way: turns the kernel's effects into calls of the launcher, and the launcher's news into
events of the kernel.

A launch leaves at the end of the turn, with the saved state that it continues from. What the launcher says of one
launch reaches the kernel in the order said, states only once they are in the store.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.base.ids import opaque
from qmk.host import results
from qmk.host.entropy import ENTROPY_BYTES
from qmk.host.launcher import Launcher, Loss
from qmk.host.spawn import CANCELLING_S
from qmk.host.states import States
from qmk.kernel import effects as fx
from qmk.kernel import events as ev
from qmk.kernel.objects.alternative import Alternative
from qmk.kernel.objects.job import Job
from qmk.kernel.objects.refused import CallsRefused
from qmk.worker.messages import Done, Failed, NotDone, Partial, StateSaved

log = logging.getLogger("qmk.host")


class Sources(msgspec.Struct, frozen=True):
    """What launches need to know: the time, entropy, a job's packed graph, whether a checkpoint names a blob, the
    version of a job's engine, or of the one that is named, and a job."""

    clock_ns: Callable[[], int]
    entropy: Callable[[int], bytes]
    graph: Callable[[str], bytes]
    uses_blob: Callable[[str], bool]
    version: Callable[[str, str], str] = lambda job, engine: ""
    job: Callable[[str], Job | None] = lambda job: None


class Launches:
    """The launcher's ``Listener``. ``feed`` takes events; ``schedule`` calls at the end of the turn; ``drop_held``
    takes effects back that wait for the journal, and says whether there were any. ``soon`` calls within milliseconds: a
    launch that is over by then has its start told with its end, as one record; None: every start is told at once.
    ``arrived`` are results on their way into the journal, ``partials`` what launches that are out gave so far, each by
    launch."""

    def __init__(
        self,
        feed: Callable[[ev.Event], None],
        sources: Sources,
        states: States,
        schedule: Callable[[Callable[[], None]], object],
        drop_held: Callable[[Callable[[Any], bool]], bool],
        soon: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self.launcher: Launcher | None = None
        self.arrived: dict[tuple[str, int], results.Result] = {}
        self.partials: dict[tuple[str, int], Partial] = {}
        self._feed = feed
        self._sources = sources
        self._states = states
        self._schedule = schedule
        self._drop_held = drop_held
        self._waiting: list[fx.Launch] = []
        self._early: dict[tuple[str, int], list[fx.Interrupt]] = {}
        self._soon = soon
        self._begun: dict[tuple[str, int], int] = {}

    def reconcile(self, going: Iterable[Job]) -> tuple[tuple[str, int], ...]:
        """After a restart, gives the launches that the launcher still has of jobs that have not ended."""
        assert self.launcher is not None
        return tuple(self.launcher.reconcile({job.id: job.fence for job in going}))

    def launch(self, effect: fx.Launch) -> None:
        """Launch at the end of this turn: a worker that wakes at once would take the processor from the daemon before
        the answer of the submit has left."""
        if not self._waiting:
            self._schedule(self._launch_now)
        self._waiting.append(effect)

    def _launch_now(self) -> None:
        launches, self._waiting = self._waiting, []
        for effect in launches:
            if effect.start_from:
                self._early.setdefault((effect.job, effect.fence), [])
                self._states.get(effect.start_from, lambda state, launch=effect: self._launch_from(launch, state))
            else:
                self._hand_over(effect, None)

    def _launch_from(self, launch: fx.Launch, state: bytes | None) -> None:
        if (launch.job, launch.fence) in self._early:  # it was not killed while its state was being read
            self._hand_over(launch, state)

    def _hand_over(self, launch: fx.Launch, state: bytes | None) -> None:
        """A launch that cannot be handed over ends its job, and holds up no other."""
        assert self.launcher is not None
        try:
            self.launcher.launch(launch, self._sources.graph(launch.job), state)
        except Exception as error:
            log.exception("launch %d of %s could not be handed over", launch.fence, launch.job)
            self._early.pop((launch.job, launch.fence), None)
            why = error.message if isinstance(error, QmkError) else "a defect in QMK; the daemon's log has more"
            kind = (
                "UNSUPPORTED" if isinstance(error, QmkError) and error.kind.name == "UNSUPPORTED" else "INTERNAL_ERROR"
            )
            self.on_failed(launch.job, launch.fence, Failed(launch.fence, kind, why), None)
            return
        for interrupt in self._early.pop((launch.job, launch.fence), ()):
            self.launcher.interrupt(interrupt)

    def interrupt(self, effect: fx.Interrupt) -> None:
        """Passes an interrupt to the launcher, which may not have the launch yet."""
        assert self.launcher is not None
        early = self._early.get((effect.job, effect.fence))
        if early is not None:
            early.append(effect)
        elif any(_is_launch(launch, effect.job, effect.fence) for launch in self._waiting):
            self._early[effect.job, effect.fence] = [effect]
        else:
            self.launcher.interrupt(effect)

    def drop_unused(self, blobs: Iterable[str], then: Callable[[list[str]], None] | None = None) -> None:
        """Deletes the blobs that no checkpoint names any more; ``then`` gets their names."""
        self._states.drop([blob for blob in blobs if not self._sources.uses_blob(blob)], then)

    def kill(self, effect: fx.Kill) -> None:
        assert self.launcher is not None
        early = self._early.pop((effect.job, effect.fence), None)
        self._begun.pop((effect.job, effect.fence), None)
        self.partials.pop((effect.job, effect.fence), None)
        waiting = [launch for launch in self._waiting if _is_launch(launch, effect.job, effect.fence)]
        for launch in waiting:
            self._waiting.remove(launch)
        if waiting or self._drop_held(lambda held: _is_launch(held, effect.job, effect.fence)):
            return
        if early is None:
            job = self._sources.job(effect.job)
            wanted = job is not None and not job.has_ended  # by its next launch: what it has elsewhere stays
            self.launcher.cancel(effect.job, effect.fence, 0.0 if wanted else CANCELLING_S)

    def waited_s(self, job: str, fence: int) -> float:
        """Seconds for which that launch was ready to run and had no processor."""
        assert self.launcher is not None
        return self.launcher.waited_s(job, fence)

    def on_started(self, job: str, fence: int) -> None:
        if self._soon is None:
            self._tell_start(job, fence)
            return
        if not self._begun:
            self._soon(self._tell_starts)
        self._begun[job, fence] = self._sources.clock_ns()

    def _tell_start(self, job: str, fence: int) -> None:
        self._feed(ev.Started(now_ns=self._sources.clock_ns(), job=job, fence=fence))

    def _tell_starts(self) -> None:
        """Tell of the launches that have begun and are not over."""
        begun, self._begun = self._begun, {}
        for job, fence in begun:
            self._tell_start(job, fence)

    def _tell_start_of(self, job: str, fence: int) -> None:
        """Tell that the launch has begun, before anything else is told of it."""
        if self._begun.pop((job, fence), 0):
            self._tell_start(job, fence)

    def on_progressed(
        self, job: str, fence: int, shots_done: int, epoch: int = 0, partial: Partial | None = None
    ) -> None:
        if partial is not None:
            self.partials[job, fence] = partial
        now_ns = self._sources.clock_ns()
        self._hear(ev.Progressed(now_ns=now_ns, job=job, fence=fence, shots_done=shots_done, epoch=epoch))

    def on_saved(self, job: str, fence: int, saved: StateSaved) -> None:
        """Handles a saved state: it goes to the store, then into the journal."""
        self._tell_start_of(job, fence)
        if saved.stopped:
            self.partials.pop((job, fence), None)
        self._states.put((job, fence), saved.state, lambda blob, error: self._on_stored(job, fence, saved, blob, error))

    def _on_stored(self, job: str, fence: int, saved: StateSaved, blob: str, error: BaseException | None) -> None:
        now_ns = self._sources.clock_ns()
        if error is not None:
            self._not_stored(job, fence, saved, error)
            return
        state: dict[str, Any] = {
            "now_ns": now_ns,
            "job": job,
            "fence": fence,
            "checkpoint": saved.ref or opaque("chk", self._sources.entropy(ENTROPY_BYTES)),
            "epoch": saved.epoch,
            "blob": blob,
            "size_bytes": len(saved.state),
        }
        self._feed(ev.Yielded(**state, why="preempted") if saved.stopped else ev.Saved(**state))
        self.drop_unused([blob])

    def _not_stored(self, job: str, fence: int, saved: StateSaved, error: BaseException) -> None:
        """Handles a state that could not be stored, because the disk is full, say. The job loses its progress since the
        last state, but no attempt."""
        log.warning("%s: its state of %d bytes cannot be kept: %s", job, len(saved.state), error)
        errno = error.fields.get("errno") if isinstance(error, QmkError) else getattr(error, "errno", None)
        why = os.strerror(errno).lower() if isinstance(errno, int) else "a defect in QMK; the daemon's log has more"
        message = f"a state of {len(saved.state)} bytes cannot be kept: {why}"
        now_ns = self._sources.clock_ns()
        self._feed(ev.NotSaved(now_ns=now_ns, job=job, fence=fence, message=message, stopped=saved.stopped))
        if saved.ref and not saved.stopped:
            self.on_not_done(job, fence, NotDone(fence, saved.ref, message, saved.epoch))

    def on_not_done(self, job: str, fence: int, refusal: NotDone) -> None:
        self._hear(
            ev.NotInterrupted(
                now_ns=self._sources.clock_ns(),
                job=job,
                fence=fence,
                ref=refusal.ref,
                kind="NOT_CHECKPOINTABLE",
                message=refusal.message,
                epoch=refusal.epoch,
            )
        )

    def on_done(self, job: str, fence: int, done: Done, version: str, hedge: Alternative | None = None) -> None:
        """Handles a worker's result. It is stored in the transaction that records the end of the job."""
        began_ns = self._begun.pop((job, fence), 0)
        self.partials.pop((job, fence), None)
        self._states.in_turn((job, fence), lambda: self._finish(job, fence, done, version, hedge, began_ns))

    def _finish(
        self, job: str, fence: int, done: Done, version: str, hedge: Alternative | None, began_ns: int = 0
    ) -> None:
        try:
            self.arrived[job, fence] = results.of_done(done, version)
        except QmkError as error:
            if began_ns:
                self._tell_start(job, fence)
            self.on_failed(job, fence, Failed(fence, error.kind.name, error.message, error.fields), None)
            return
        self._feed(
            ev.Finished(
                now_ns=self._sources.clock_ns(),
                job=job,
                fence=fence,
                usage=results.usage_of(done),
                version=self._sources.version(job, hedge.engine if hedge is not None else ""),
                hedge=hedge,
                began_ns=began_ns,
                isolation=done.isolation,
            )
        )
        if (job, fence) in self.arrived:  # it was not recorded: of a stale launch, or the host is amid another step
            self._schedule(lambda: self._drop_arrived(job, fence))

    def _drop_arrived(self, job: str, fence: int) -> None:
        self.arrived.pop((job, fence), None)

    def on_failed(self, job: str, fence: int, failed: Failed, loss: Loss | None) -> None:
        self.partials.pop((job, fence), None)
        cause, workers = ("crashed", 1) if loss is None else (loss.cause, loss.workers)
        self._hear(
            ev.Failed(
                now_ns=self._sources.clock_ns(),
                job=job,
                fence=fence,
                kind=failed.kind,
                message=failed.message,
                fields=failed.fields,
                died=loss is not None,
                cause=cause,
                workers=workers,
            )
        )

    def on_calls_refused(self, launch: fx.Launch, calls: dict[str, int]) -> None:
        now_ns = self._sources.clock_ns()
        self._feed(CallsRefused(now_ns=now_ns, job=launch.job, tenant=launch.tenant, engine=launch.engine, calls=calls))

    def _hear(self, event: ev.Progressed | ev.NotInterrupted | ev.Failed) -> None:
        """Handles a message of a launch, after its earlier ones."""
        self._tell_start_of(event.job, event.fence)
        self._states.in_turn((event.job, event.fence), lambda: self._feed(event))


def _is_launch(effect: Any, job: str, fence: int) -> bool:
    return isinstance(effect, fx.Launch) and (effect.job, effect.fence) == (job, fence)
