"""Connections: bytes of the socket to calls, answers to bytes.

A connection may be slow, hostile or broken; none of that may cost the others more than their share. Calls are taken and
answers written one at a time (``host.turns``), so that one connection's thousand do not hold up another's one; reading
stops while the peer does not read its answers; what is unfinished is bounded in bytes and in time.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, cast

from qmk.abi.calls import METHODS
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.host.turns import Turns
from qmk.rpc import frame
from qmk.rpc.op_metrics import DESK_METHODS
from qmk.rpc.splitter import FrameSplitter

log = logging.getLogger("qmk.transport")
LONG_FRAME_BYTES = 1 << 15
"""A longer frame is read in another process: reading its program would keep everybody waiting for ten milliseconds."""

WRITE_HIGH_BYTES = 1 << 20
UNREAD_BYTES = 2 * LIMITS.frame_bytes
"""Answers that wait for a peer that does not read them; past this the connection is cut."""


LARGE_WAITING = 64
"""Large answers of one connection that may wait (``host.large_answers``); past this none of its calls is taken."""


class Batch:
    """The answers of one batch, gathered until all are there. ``begun``: a large one is among them, or being made."""

    __slots__ = ("begun", "missing", "replies", "size_bytes")

    def __init__(self, missing: int) -> None:
        self.begun = False
        self.missing = missing
        self.replies: list[bytes] = []
        self.size_bytes = 0


class CallHandler(Protocol):
    """Who takes calls. ``take`` must lead to ``connection.reply`` exactly once for each call, sooner or later."""

    def on_opened(self, connection: Connection) -> QmkError | None: ...
    def on_closed(self, connection: Connection) -> None: ...
    def on_drained(self, connection: Connection) -> None:
        """The peer has taken what it did not take before."""
        ...

    def take(self, connection: Connection, decoded: frame.Decoded, batch: Batch | None) -> None: ...
    def read(self, connection: Connection, data: bytes) -> None:
        """Reads a long frame; leads to ``connection.take_frame``, sooner or later."""
        ...


class Connection(asyncio.Protocol):
    """One peer. ``number`` is the kernel's name for it; ``operator``: it came to the operator's socket. ``owner``:
    whose work it brings, the tenant of its last call or else the user at the other end."""

    def __init__(self, handler: CallHandler, turns: Turns, number: int, operator: bool = False) -> None:
        self.number = number
        self.operator = operator
        self.peer_uid = -1
        self.owner = ""
        self.partial_since: float | None = None
        self._handler = handler
        self._turns = turns
        self._splitter = FrameSplitter()
        self._frames: deque[bytes] = deque()
        self._calls: deque[tuple[frame.Decoded, Batch | None]] = deque()
        self._answers: deque[Callable[[], None]] = deque()
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._unanswered = 0
        self._reading_bytes = 0
        self._gathered_bytes = 0
        self._large_waiting = 0
        self._untaken = (0, 0.0)
        self._turn_asked = False
        self._peer_slow = False
        self._peer_done = False
        self._leaving = False

    @property
    def pending_bytes(self) -> int:
        """Bytes held of a frame that is not complete, or that is being read."""
        return self._splitter.pending_bytes + self._reading_bytes

    @property
    def unread_bytes(self) -> int:
        """Bytes of answers that wait for the peer to read them, or for the rest of their batch."""
        return self._written_bytes + self._gathered_bytes

    @property
    def _written_bytes(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    @property
    def idle(self) -> bool:
        """Whether nothing has come that is not answered."""
        return not (self._unanswered or self._frames or self.pending_bytes)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by its methods only
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_BYTES)
        sock = transport.get_extra_info("socket")
        self.peer_uid = peer_uid(sock)
        self.owner = f"user {self.peer_uid}"
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, WRITE_HIGH_BYTES)  # the system may give less
        refusal = self._handler.on_opened(self)
        if refusal is not None:
            self.close(refusal)

    def connection_lost(self, exc: Exception | None) -> None:
        self._leaving = True
        self._frames.clear()
        self._calls.clear()
        self._answers.clear()
        self._transport = None
        self._handler.on_closed(self)

    def data_received(self, data: bytes) -> None:
        if self._leaving:
            return
        self._frames.extend(self._splitter.feed(data))
        if not self._splitter.pending_bytes:
            self.partial_since = None
        elif self.partial_since is None or b"\n" in data:
            self.partial_since = self._loop.time()
        self._ask_for_turn()
        if self._splitter.error is not None and not self._frames:
            self.close(self._splitter.error)

    def eof_received(self) -> bool:
        """The peer sends no more, but may well read what it asked for."""
        self._peer_done = True
        return not self._is_finished()

    def pause_writing(self) -> None:
        self._peer_slow = True
        self._settle_reading()

    def resume_writing(self) -> None:
        self._peer_slow = False
        self._settle_reading()
        self._ask_for_turn()
        self._handler.on_drained(self)

    def untaken_s(self, now_s: float) -> float:
        """For how long the peer, from which much waits, has taken nothing of it, by when this was last asked."""
        waiting = self._written_bytes
        last, since_s = self._untaken
        if not self._peer_slow or not last or waiting < last:
            since_s = now_s
        self._untaken = (waiting, since_s)
        return now_s - since_s

    @property
    def _must_wait(self) -> bool:
        """Whether no call is to be taken now."""
        return self._peer_slow or self._leaving or self._reading_bytes > 0 or self._large_waiting >= LARGE_WAITING

    @property
    def _has_turn(self) -> bool:
        """Whether there is something that may be done now."""
        if self._answers and not self._peer_slow:
            return True
        return bool(self._frames or self._calls) and not self._must_wait

    def _ask_for_turn(self) -> None:
        if not self._turn_asked and self._has_turn:
            self._turn_asked = True
            self._turns.ask(self)

    def post(self, write: Callable[[], None]) -> None:
        """Has ``write`` encode an answer and ``reply`` it: at once while a call of this connection is taken, else in
        its turn, after those that wait already."""
        if self._turns.taking is self and not self._answers:
            write()
        else:
            self._answers.append(write)
            self._ask_for_turn()

    def await_large(self, count: int) -> None:
        """So many large answers more, or less, wait to be made."""
        self._large_waiting += count
        if count < 0:
            self._settle_reading()
            self._ask_for_turn()

    def take_call(self) -> bool:
        """Writes one answer or takes one call; says whether others wait that may be taken. What a defect of ours stops
        is told to the caller by the end of the connection: one that waits for an answer would wait for ever."""
        self._turn_asked = True  # what is asked for meanwhile is told at the end
        try:
            self._take_one()
        except Exception:
            log.exception("a call could not be taken")
            self._answers.clear()
            self.close(QmkError("INTERNAL_ERROR", "a defect in QMK stopped a call; the daemon's log has more"))
        self._turn_asked = self._has_turn
        return self._turn_asked

    def _take_one(self) -> None:
        if self._answers and not self._peer_slow:
            self._answers.popleft()()
        elif not self._must_wait:
            if self._calls:
                self._handler.take(self, *self._calls.popleft())
            elif self._frames:
                self._take(self._frames.popleft())
        if self._splitter.error is not None and not (self._frames or self._calls or self._reading_bytes):
            self.close(self._splitter.error)
        self._settle_reading()
        self._leave_when_finished()

    def _take(self, data: bytes) -> None:
        if len(data) > LONG_FRAME_BYTES:
            self._reading_bytes = len(data)
            self._handler.read(self, data)
        else:
            self._take_calls(frame.decode(data, DESK_METHODS if self.operator else METHODS))

    def take_frame(self, decoded: frame.Frame) -> None:
        """Takes the calls of a long frame, which was read elsewhere, and goes on with the next frame."""
        self._reading_bytes = 0
        if self._leaving:
            return
        self._take_calls(decoded)
        while self._calls:
            self._handler.take(self, *self._calls.popleft())
        self._ask_for_turn()
        self._settle_reading()
        self._leave_when_finished()

    def _take_calls(self, decoded: frame.Frame) -> None:
        batch = Batch(len(decoded.calls)) if decoded.batch else None
        self._unanswered += len(decoded.calls)
        if batch is None:
            self._handler.take(self, decoded.calls[0], None)
        else:
            self._calls.extend((call, batch) for call in decoded.calls)

    def _settle_reading(self) -> None:
        if self._transport is None or self._leaving:
            return
        if self._must_wait or self._frames or self._calls:
            if self._transport.is_reading():
                self._transport.pause_reading()
        elif not self._transport.is_reading():
            self._transport.resume_reading()

    def reply(self, data: bytes, batch: Batch | None) -> None:
        """One call is answered; ``data`` is empty for a notification."""
        self._unanswered -= 1
        if batch is None:
            self._write([data] if data else [])
        else:
            batch.missing -= 1
            if data:
                batch.replies.append(data)
                batch.size_bytes += len(data)
                self._gathered_bytes += len(data)
            if batch.missing == 0:
                self._gathered_bytes -= batch.size_bytes
                self._write(frame.batch(batch.replies))
        self._leave_when_finished()

    def _write(self, parts: list[bytes]) -> None:
        """Writes a frame; one of large parts is not copied to be made one."""
        if not parts or self._transport is None or self._leaving:
            return
        if sum(map(len, parts)) < 1 << 16:
            self._transport.write(b"".join((*parts, b"\n")))
        else:
            self._transport.writelines((*parts, b"\n"))
        if self.unread_bytes > UNREAD_BYTES:
            self.abort()

    def _is_finished(self) -> bool:
        return self._peer_done and not self._unanswered and not self._frames and not self._reading_bytes

    def _leave_when_finished(self) -> None:
        if self._is_finished() and self._transport is not None and not self._leaving:
            self._leaving = True
            self._transport.close()

    def close(self, why: QmkError | None = None) -> None:
        """Say why, if there is a reason, let what was written go out, and close."""
        if self._transport is None or self._leaving:
            return
        while self._answers:
            self._answers.popleft()()
        if why is not None:
            self._transport.write(frame.error(frame.NULL_ID, why) + b"\n")
        self._leaving = True
        self._frames.clear()
        self._calls.clear()
        self._transport.close()

    def abort(self) -> None:
        """Close now, whatever is unsent."""
        self._leaving = True
        if self._transport is not None:
            self._transport.abort()


def peer_uid(sock: Any) -> int:
    """The user id of the process at the other end; -1 where the system does not say."""
    if sock is None or not hasattr(socket, "SO_PEERCRED"):
        return -1
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return uid
