"""Source text to graphs, and graphs to those of machines of logical qubits, outside the daemon: one translator process,
a queue, a bound on time and on memory."""

from __future__ import annotations

import asyncio
import base64
import binascii
import itertools
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from qmk.abi.shapes import Program
from qmk.base.decoding import Decoding
from qmk.base.errors import Finding, QmkError
from qmk.base.limits import check
from qmk.host import patches, spawn
from qmk.host.process import ChildProcess
from qmk.host.spawn import end_text
from qmk.qvm.graph import Graph, unpack
from qmk.worker.messages import Failed, FromTranslator, Ready, Translate, Translated, Write, Written

log = logging.getLogger("qmk.translation")
Then = Callable[[Graph | None, list[Finding], QmkError | None], None]
"""What hears of the outcome: a graph and the reader's warnings, or an error."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A program to be read, or written for a machine. ``turn``: how many of the same owner stood before it when it
    came; the queue is in order of turns, so that nobody waits for more than one program of each other owner per program
    of its own. ``then`` hears the translator's answer, or an error."""

    request: Translate | Write
    owner: int | str
    turn: int
    then: Callable[[Any, QmkError | None], None]


@dataclass(frozen=True, slots=True)
class TextBounds:
    """What reading one program may take, and how many may wait for it."""

    seconds: float = 30.0
    memory_bytes: int = 4 << 30
    waiting: int = 64


class Translation:
    """``translate(program, then)`` calls ``then(graph, warnings, None)`` or ``then(None, [], error)``, later. It is
    ``patches.Writing`` too; ``decoding`` is the decoder that the loads of jobs are told of."""

    def __init__(self, bounds: TextBounds, decoding: Decoding | None = None) -> None:
        self._bounds = bounds
        self._decoding = decoding
        self._loop = asyncio.get_running_loop()
        self._queue: deque[_Waiting] = deque()
        self._fences = itertools.count(1)
        self._process: ChildProcess | None = None
        self._ready = False
        self._killed = False
        self._current: _Waiting | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._ended: asyncio.Future[None] | None = None

    @property
    def pids(self) -> list[int]:
        return [] if self._process is None else [self._process.pid]

    def translate(self, program: Program, owner: int, then: Then) -> None:
        """Have ``program`` read for connection ``owner``."""
        try:
            _require_portable(program.params)
            request = Translate(
                fence=next(self._fences), data=source_of(program), format=program.format, params=program.params
            )
        except QmkError as error:
            self._loop.call_soon(then, None, list[Finding](), error)
            return

        def read(message: Translated | None, error: QmkError | None) -> None:
            graph = None
            if message is not None:
                graph, error = _unpack(message.graph)
            then(graph, message.warnings if graph is not None and message is not None else [], error)

        self._put(request, owner, read)

    def write(self, wish: patches.Wish, then: patches.Then) -> None:
        """Have the graph written in the gates of a machine."""

        def on_written(message: Written | None, error: QmkError | None) -> None:
            found = None
            if message is not None:
                graph, error = _unpack(message.graph)
                if graph is not None:
                    told = (message.graph, message.digest, message.footprint, message.reason)
                    found = patches.Written(graph, *told)
            then(found, error)

        request = Write(next(self._fences), wish.packed, wish.qec, wish.now_s, wish.rewrite, self._decoding)
        self._put(request, wish.owner, on_written)

    def _put(self, request: Translate | Write, owner: int | str, then: Callable[[Any, QmkError | None], None]) -> None:
        if len(self._queue) >= self._bounds.waiting:
            limit = self._bounds.waiting
            full = QmkError("RESOURCE_EXHAUSTED", f"{limit} programs wait to be read; try again later", limit=limit)
            self._loop.call_soon(then, None, full)
            return
        turn = sum(waiting.owner == owner for waiting in self._queue)
        place = next((i for i, waiting in enumerate(self._queue) if waiting.turn > turn), len(self._queue))
        self._queue.insert(place, _Waiting(request, owner, turn, then))
        self._pump()

    def drop(self, owner: int) -> None:
        """The connection is gone: what it still wants read is not read."""
        self._queue = deque(waiting for waiting in self._queue if waiting.owner != owner)
        if self._current is not None and self._current.owner == owner and self._process is not None:
            self._stop_clock()
            self._current = None
            self._ready, self._killed = False, True
            self._process.kill()

    async def close(self) -> None:
        """Kill the translator and return when it is gone."""
        self._queue.clear()
        self._current = None
        self._stop_clock()
        if self._process is not None:
            self._ended = self._loop.create_future()
            self._process.kill()
            await self._ended

    def _pump(self) -> None:
        if self._current is not None or not self._queue:
            return
        if self._process is None:
            try:
                self._start()
            except QmkError as error:
                self._queue.popleft().then(None, error)
                return
        if self._ready and self._process is not None:
            self._current = self._queue.popleft()
            self._deadline = self._loop.call_later(self._bounds.seconds, self._too_slow)
            self._process.send(self._current.request)

    def _start(self) -> None:
        child = spawn.translator(self._bounds.memory_bytes)
        self._process = ChildProcess(child, FromTranslator, self._on_message, self._on_exit)
        self._ready = self._killed = False

    def _on_message(self, message: Any) -> None:
        if isinstance(message, Ready):
            self._ready = True
        elif self._current is not None and message.fence == self._current.request.fence:
            self._finish(message)
        self._pump()

    def _finish(self, message: Translated | Written | Failed) -> None:
        assert self._current is not None
        wanted = Written if isinstance(self._current.request, Write) else Translated
        if isinstance(message, Failed):
            self._settle(None, QmkError(message.kind, message.message, **message.fields))
        elif type(message) is wanted:
            self._settle(message, None)
        else:
            self._settle(None, QmkError("INTERNAL_ERROR", "the translator's answer is to another question"))

    def _settle(self, message: Translated | Written | None, error: QmkError | None) -> None:
        self._stop_clock()
        if self._current is not None:
            then, self._current = self._current.then, None
            then(message, error)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        assert self._process is not None
        assert self._current is not None
        seconds = self._bounds.seconds
        reads = isinstance(self._current.request, Translate)
        doing = "reading this program" if reads else "writing this program for its machine"
        error = QmkError(
            "QUOTA_EXCEEDED",
            f"{doing} takes more than {seconds:g} s",
            quota="translation_seconds",
            limit=seconds,
            help="read it with 'qmk convert' and submit the graph" if reads else "submit a smaller program",
        )
        self._ready, self._killed = False, True
        self._process.kill()
        self._settle(None, error)

    def _on_exit(self, status: int) -> None:
        assert self._process is not None
        words = self._process.last_words
        self._process = None
        if self._ended is not None:
            self._ended.set_result(None)
            return
        if not self._killed:
            log.warning("the translator %s; its last words:\n%s", end_text(status), words)
            if self._current is None and self._queue and not self._ready:
                self._current = self._queue.popleft()  # it cannot even start: do not try for ever
            self._settle(None, QmkError("INTERNAL_ERROR", f"the process that reads programs {end_text(status)}"))
        self._pump()


def _unpack(packed: bytes) -> tuple[Graph | None, QmkError | None]:
    try:
        return unpack(packed), None
    except QmkError as error:
        return None, QmkError("INTERNAL_ERROR", f"the translator's graph cannot be read: {error.message}")


def source_of(program: Program) -> bytes:
    """The program's bytes. Raises INVALID_PARAMS unless exactly one of text and base64 is given."""
    if (program.text is None) == (program.base64 is None):
        raise QmkError("INVALID_PARAMS", "program: give exactly one of 'text' and 'base64'", field="program")
    if program.text is not None:
        data = program.text.encode()
    else:
        try:
            data = base64.b64decode(program.base64 or "", validate=True)
        except binascii.Error as error:
            raise QmkError("INVALID_PARAMS", f"program.base64: {error}", field="program.base64") from error
    check("source_bytes", len(data), "program")
    return data


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
