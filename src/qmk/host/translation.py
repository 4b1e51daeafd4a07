"""Programs to graphs, and graphs to those of machines of logical qubits, outside the daemon: in a few translator
processes, shared fairly, with bounds on time and memory.

Nobody has more than one process at a time, so that the others find one free; of those who wait, whoever has taken the
least time of late goes first. A process that has read a long program is ended, and its memory with it.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from qmk.abi.shapes import Program
from qmk.base.decoding import Decoding
from qmk.base.errors import QmkError
from qmk.host import patches, spawn
from qmk.host.checking import graph_of
from qmk.host.losses import OUTSIDE
from qmk.host.process import ChildProcess
from qmk.host.spawn import end_text
from qmk.host.translation_tasks import Owner, Task, TextBounds, Then
from qmk.host.translations import (
    FrameRead,
    FromTranslator,
    ReadFrame,
    ReadProgram,
    Request,
    Translate,
    Translated,
    Wanted,
    Write,
    Written,
    describe_request,
)
from qmk.rpc.graphs import source_of
from qmk.worker.messages import Failed, Ready

log = logging.getLogger("qmk.translation")
LONG_BYTES = 8 << 20
"""A process that was sent so much is ended when it is done, since its memory does not shrink; and a frame of more is
not kept for a second process."""

IDLE_S = 60.0
"""A process that nobody needed for so long is ended, but for one."""

PROCESSES_A_PROGRAM = 3
"""A program whose process was killed from outside or stood still is read by another, up to so many."""

LOOK_S = 5.0
"""How often a process is looked at, and how long it must have stood still before that is held against it."""

START_S = 30.0
"""The same for one that starts, which may wait for a disk; and how much time of a processor it may take for that."""

_ANSWERS: dict[type, type] = {Translate: Translated, ReadProgram: Translated, ReadFrame: FrameRead, Write: Written}


@dataclass(slots=True, eq=False)
class _Translator:
    """A process, and what it does or, while it starts, will do. ``ran_s``: processor time that it had had when that
    began; ``looked``: when it was last looked at, and how long it had run or waited for a processor by then."""

    process: ChildProcess | None = None
    ready: bool = False
    killed: bool = False
    task: Task | None = None
    sent_bytes: int = 0
    used_s: float = 0.0
    ran_s: float = 0.0
    looked: tuple[float, float] = (0.0, 0.0)
    deadline: asyncio.TimerHandle | None = None


class Translation:
    """``translate(program, ...)`` calls ``then`` later. It is ``patches.Writing`` too; ``decoding`` is the decoder that
    the loads of jobs are told of."""

    def __init__(self, bounds: TextBounds, decoding: Decoding | None = None) -> None:
        self._bounds = bounds
        self._decoding = decoding
        self._loop = asyncio.get_running_loop()
        self._fences = itertools.count(1)
        self._owners: dict[str, Owner] = {}
        self._translators: list[_Translator] = []
        self._ended: asyncio.Future[None] | None = None
        self._sweeper = self._loop.call_later(IDLE_S, self._sweep)

    def translate(self, program: Program, owner: str, connection: int, wanted: Wanted, then: Then) -> None:
        """Have ``program`` read for ``owner``, until ``drop(connection)``; ``then`` gets a ``Translated``."""
        try:
            _require_portable(program.params)
            data = source_of(program)
        except QmkError as error:
            self._loop.call_soon(then, None, error)
            return
        request = Translate(next(self._fences), data, program.format, program.params, wanted)
        self._put(Task(request, owner, connection, len(data), then))

    def read_frame(self, data: bytes, operator: bool, owner: str, connection: int, then: Then) -> None:
        """Have a long frame read; ``then`` gets a ``FrameRead``, and may ask for its programs one after another."""
        request = ReadFrame(next(self._fences), data, operator)
        self._put(Task(request, owner, connection, len(data), then, request))

    def write(self, wish: patches.Wish, then: patches.Then) -> None:
        """Have the graph written in the gates of a machine."""

        def on_written(message: Written | None, error: QmkError | None) -> None:
            found = None
            if message is not None:
                program = message.program
                told = (program.graph, program.facts.digest, message.footprint, message.reason)
                found = patches.Written(graph_of(program, wish.wanted), *told)
            then(found, error)

        told = (wish.packed, wish.qec, wish.now_s, wish.rewrite, self._decoding, wish.wanted)
        request = Write(next(self._fences), *told)
        self._put(Task(request, wish.owner, 0, len(wish.packed), on_written))

    def _put(self, task: Task) -> None:
        owner = self._owners.setdefault(task.owner, Owner())
        held = sum(each.size_bytes for each in owner.tasks) if owner.tasks else 0
        bounds = self._bounds
        if len(owner.tasks) >= bounds.waiting or held + task.size_bytes > bounds.waiting_bytes:
            full = QmkError(
                "RESOURCE_EXHAUSTED",
                f"{len(owner.tasks)} of your programs, {held} bytes, wait to be read; try again later",
                limit=bounds.waiting,
            )
            self._loop.call_soon(task.then, None, full)
            return
        owner.tasks.append(task)
        self._pump()

    def drop(self, connection: int) -> None:
        """The connection is gone: what it still wants read is not read."""
        for owner in self._owners.values():
            if owner.tasks:
                owner.tasks = deque(task for task in owner.tasks if task.connection != connection)
        for each in self._translators:
            if each.task is not None and each.task.connection == connection:
                self._release(each)
                self._kill(each)

    async def close(self) -> None:
        """Kill the translators and return when they are gone."""
        self._sweeper.cancel()
        self._owners.clear()
        self._ended = self._loop.create_future()
        for each in self._translators:
            _stop_clock(each)
            each.task = None
            self._kill(each)
        if self._translators:
            await self._ended

    def _pump(self) -> None:
        """Give work to whoever is free."""
        while self._ended is None and (owner := self._next()) is not None:
            each = next((each for each in self._translators if each.task is None and not each.killed), None)
            if each is None and len(self._translators) >= self._bounds.processes:
                return
            owner.busy = True
            task = owner.tasks.popleft()
            if each is None:
                try:
                    each = self._start()
                except QmkError as error:
                    owner.busy = False
                    task.then(None, error)
                    continue
            each.task, each.used_s = task, self._loop.time()
            if each.ready:
                self._begin(each)
            else:
                self._watch(each)

    def _next(self) -> Owner | None:
        now_s = self._loop.time()
        waiting = (owner for owner in self._owners.values() if owner.tasks and not owner.busy)
        return min(waiting, key=lambda owner: owner.recent.of(now_s), default=None)

    def _start(self) -> _Translator:
        each = _Translator()
        child = spawn.translator(self._bounds.memory_bytes)
        each.process = ChildProcess(
            child, FromTranslator, partial(self._on_message, each), partial(self._on_exit, each)
        )
        self._translators.append(each)
        return each

    def _begin(self, each: _Translator) -> None:
        """A process that had none of its task before needs the frame first."""
        assert each.task is not None
        self._send(each, each.task.frame or each.task.request)

    def _send(self, each: _Translator, request: Request) -> None:
        assert each.process is not None
        assert each.task is not None
        self._watch(each)
        each.sent_bytes += each.task.size_bytes
        each.process.send(request)
        if isinstance(request, ReadFrame) and len(request.data) > LONG_BYTES:
            each.task.frame = None
            if each.task.request is request:
                each.task.request = replace(request, data=b"")

    def _on_message(self, each: _Translator, message: Any) -> None:
        task = each.task
        if isinstance(message, Ready):
            each.ready = True
            if task is not None:
                self._begin(each)
        elif task is not None and isinstance(message, FrameRead) and isinstance(task.request, ReadProgram):
            _stop_clock(each)
            self._send(each, task.request)  # its calls were taken when a process before read it
        elif task is not None and message.fence == task.request.fence:
            _stop_clock(each)
            if isinstance(message, Failed):
                found, error = None, QmkError(message.kind, message.message, **message.fields)
            elif type(message) is _ANSWERS[type(task.request)]:
                found, error = message, None
            else:
                found, error = None, QmkError("INTERNAL_ERROR", "the translator's answer is to another question")
            follow = self._tell(task, found, error)
            if follow is not None and each.task is task:
                task.request = follow
                self._send(each, follow)
            elif each.task is task:
                self._release(each)
                if each.sent_bytes > LONG_BYTES:
                    self._kill(each)
        self._pump()

    def _tell(self, task: Task, found: Any, error: QmkError | None) -> Request | None:
        try:
            return task.then(found, error)
        except Exception:
            log.exception("what follows from reading a program failed")
            return None

    def _release(self, each: _Translator) -> None:
        """Its task is over: count what that took."""
        _stop_clock(each)
        task, each.task = each.task, None
        if task is None or (owner := self._owners.get(task.owner)) is None:
            return
        now_s = self._loop.time()
        owner.recent.add(now_s - each.used_s, now_s)
        owner.busy, each.used_s = False, now_s

    def _watch(self, each: _Translator) -> None:
        """Looks at the process from now on, until its clock is stopped."""
        assert each.process is not None
        _stop_clock(each)
        each.ran_s = each.process.ran_s
        each.looked = self._loop.time(), each.ran_s + each.process.waited_s
        look_s, bound_s = self._bounds_of(each)
        each.deadline = self._loop.call_later(min(look_s, bound_s), self._look, each)

    def _bounds_of(self, each: _Translator) -> tuple[float, float]:
        """How long it may stand still, and how much time of a processor it may take."""
        return (LOOK_S, self._bounds.seconds) if each.ready else (START_S, START_S)

    def _look(self, each: _Translator) -> None:
        """Looks at a process that starts or is at work: it may go on until it has had its time of a processor, unless
        it neither ran nor waited for one since the last look."""
        assert each.process is not None
        look_s, bound_s = self._bounds_of(each)
        (last_s, awake_s), ran_s = each.looked, each.process.ran_s
        now = self._loop.time(), ran_s + each.process.waited_s
        left_s = bound_s - (ran_s - each.ran_s)
        late = now[0] - last_s >= look_s
        if left_s < 0.05 * bound_s and each.ready:
            self._lose(each, self._too_slow(each))
        elif left_s < 0.05 * bound_s:
            self._lose(each, _loss("did not start and was replaced"), outside=True)
        elif late and now[1] - awake_s < 0.05 * (now[0] - last_s):
            self._lose(each, _loss("stood still and was replaced"), outside=True)
        else:
            each.looked = now if late else each.looked
            each.deadline = self._loop.call_later(min(look_s, left_s), self._look, each)

    def _too_slow(self, each: _Translator) -> QmkError:
        assert each.task is not None
        request = each.task.request
        writes = isinstance(request, Write)
        seconds = self._bounds.seconds
        return QmkError(
            "QUOTA_EXCEEDED",
            f"{describe_request(request)} takes more than {seconds:g} s",
            quota="translation_seconds",
            limit=seconds,
            help="submit a smaller program" if writes else "read it with 'qmk convert' and submit the graph",
        )

    def _lose(self, each: _Translator, error: QmkError, outside: bool = False) -> None:
        """The process is of no use any more, and with it what it had of its task. ``outside``: no fault of the program,
        so that another process may read it."""
        self._kill(each)
        self._fail(each, error, outside)
        self._pump()

    def _fail(self, each: _Translator, error: QmkError, outside: bool) -> None:
        task = each.task
        self._release(each)
        if task is not None and outside and task.may_be_sent_again and task.lost + 1 < PROCESSES_A_PROGRAM:
            task.lost += 1
            self._owners.setdefault(task.owner, Owner()).tasks.appendleft(task)
            return
        while task is not None and self._tell(task, None, error) is not None:
            pass  # a frame has more programs, which are lost too

    def _kill(self, each: _Translator) -> None:
        assert each.process is not None
        each.killed = True
        each.process.kill()

    def _on_exit(self, each: _Translator, status: int) -> None:
        assert each.process is not None
        self._translators.remove(each)
        if self._ended is not None:
            if not self._translators and not self._ended.done():
                self._ended.set_result(None)
            return
        if not each.killed:
            log.warning("a translator %s; its last words:\n%s", end_text(status), each.process.last_words)
            each.killed = True
            outside = -status in OUTSIDE
            what = end_text(status)
            error = _loss(what) if outside else QmkError("INTERNAL_ERROR", f"the process that reads programs {what}")
            self._fail(each, error, outside)
        self._pump()

    def _sweep(self) -> None:
        """Ends the processes that nobody has needed for long, and forgets those who have not come for long."""
        now_s = self._loop.time()
        idle = [each for each in self._translators if each.task is None and each.used_s < now_s - IDLE_S]
        for each in idle[: max(0, len(self._translators) - 1)]:
            self._kill(each)
        for name in [name for name, owner in self._owners.items() if not (owner.tasks or owner.busy)]:
            if self._owners[name].recent.of(now_s) < 0.01:
                del self._owners[name]
        self._sweeper = self._loop.call_later(IDLE_S, self._sweep)


def _stop_clock(each: _Translator) -> None:
    if each.deadline is not None:
        each.deadline.cancel()
        each.deadline = None


def _loss(what: str) -> QmkError:
    return QmkError("RESOURCE_EXHAUSTED", f"the process that reads programs {what}; try again later")


def _require_portable(params: dict[str, Any]) -> None:
    """INVALID_PARAMS for values that no message to the translator can carry."""
    try:
        msgspec.msgpack.encode(params)
    except (OverflowError, RecursionError) as error:
        raise QmkError(
            "INVALID_PARAMS",
            "a value of program.params does not fit 64 bits or nests too deep",
            field="program.params",
            help="give it as text; expressions are evaluated",
        ) from error
