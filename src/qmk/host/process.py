"""A child process inside the event loop: messages to and from it, its last words, its end.

Everything is driven by readiness of file descriptors on the loop's own thread, which must be a thread that lives as
long as the child: a child dies with the thread that started it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import select
import termios
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from qmk.host.machine import ProcessorTime
from qmk.host.spawn import LAST_WORDS_BYTES, Child
from qmk.rpc.splitter import RECEIVE_BYTES
from qmk.worker.wire import Unframer, WireError, frame

ENDING_S = 1.0


def _pidfd_of(pid: int) -> int:
    """The descriptor by which the end of a process is heard; -1 where there is none, and its socket tells."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return -1


class ChildProcess:
    """``on_message`` gets every message, ``on_end`` is called once, when the process is gone and was waited for."""

    def __init__(
        self,
        child: Child,
        kind: Any,
        on_message: Callable[[Any], None],
        on_end: Callable[[int], None],
    ) -> None:
        self._child = child
        self._loop = asyncio.get_running_loop()
        self._unframer: Unframer[Any] = Unframer(kind)
        self._on_message = on_message
        self._on_end = on_end
        self._unsent: deque[memoryview] = deque()
        self._words = bytearray()
        self._open = True
        self._time = ProcessorTime(child.pid)
        self._pidfd = _pidfd_of(child.pid)
        self.ended = False
        self.fault = ""
        """What it did wrong, for which it was ended."""
        child.sock.setblocking(False)
        os.set_blocking(child.stderr_fd, False)
        self._loop.add_reader(child.sock.fileno(), self._readable)
        self._loop.add_reader(child.stderr_fd, self._words_readable)
        if self._pidfd >= 0:
            self._loop.add_reader(self._pidfd, self._on_exit)

    @property
    def pid(self) -> int:
        return self._child.pid

    def measure(self, pid: int) -> None:
        """Has the times of process ``pid``, which the child has started, stand for the child's."""
        self._time.close()
        self._time = ProcessorTime(pid)

    @property
    def waited_s(self) -> float:
        """Seconds for which it was ready to run and had no processor; 0 where the system does not say."""
        return self._time.waited_s()

    @property
    def ran_s(self) -> float:
        """Seconds for which it ran; those of the clock where the system does not say."""
        return self._time.ran_s()

    @property
    def unread(self) -> bool:
        """Whether it has not read all that it was sent. On systems that do not say, it has."""
        if not self._open:
            return False
        try:
            return fcntl.ioctl(self._child.sock, termios.TIOCOUTQ, bytes(4)) != bytes(4)
        except OSError:
            return False

    @property
    def last_words(self) -> str:
        """The end of what it wrote to standard error."""
        return self._words.decode(errors="replace").strip()

    @property
    def unsent_bytes(self) -> int:
        """What its socket has not taken yet."""
        return sum(map(len, self._unsent))

    def send(self, message: msgspec.Struct) -> None:
        """Hand over a message; what the socket does not take now goes out as it drains."""
        if not self._open:
            return
        data = memoryview(frame(message))
        if not self._unsent:
            data = self._send_some(data)
            if not data:
                return
            self._loop.add_writer(self._child.sock.fileno(), self._writable)
        self._unsent.append(data)

    def _send_some(self, data: memoryview) -> memoryview:
        try:
            return data[self._child.sock.send(data) :]
        except (BlockingIOError, InterruptedError):
            return data
        except OSError:
            self._abandon()
            return data[:0]

    def _writable(self) -> None:
        while self._unsent:
            rest = self._send_some(self._unsent[0])
            if not self._open:
                return
            if rest:
                self._unsent[0] = rest
                return
            self._unsent.popleft()
        self._loop.remove_writer(self._child.sock.fileno())

    def _readable(self) -> None:
        try:
            data = self._child.sock.recv(RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._abandon(grace_s=ENDING_S)
            return
        try:
            messages = self._unframer.feed(data)
        except WireError as error:
            self.fault = f"sent what is not a message: {error}"
            self._abandon()
            return
        for message in messages:
            if self._open:
                self._on_message(message)

    def _words_readable(self) -> None:
        try:
            data = os.read(self._child.stderr_fd, 1 << 16)
        except (BlockingIOError, InterruptedError):
            return
        if not data:
            self._loop.remove_reader(self._child.stderr_fd)
            return
        self._words += data
        del self._words[:-LAST_WORDS_BYTES]

    def kill(self, ask: bool = False) -> None:
        """End it now; ``on_end`` follows when it is gone. No message is passed on any more. ``ask``: one that has a
        task elsewhere may cancel it first."""
        self._abandon(self._child.ask() if ask else 0.0)

    def _abandon(self, grace_s: float = 0.0) -> None:
        """Stops all communication and makes the process end; ``grace_s`` lets it end by itself, with its own status."""
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._child.sock.fileno())
        if self._unsent:
            self._loop.remove_writer(self._child.sock.fileno())
            self._unsent.clear()
        self._child.sock.close()
        if grace_s:
            self._loop.call_later(grace_s, self._end_silent)
        else:
            self._child.kill()
        if self._pidfd < 0:
            self._loop.run_in_executor(None, self._child.process.wait).add_done_callback(lambda _: self._finish())

    def _end_silent(self) -> None:
        """End it, as nobody hears it any more."""
        if not self.ended:
            self.fault = "closed its channel and did not end"
            self._child.kill()

    def _on_exit(self) -> None:
        """Handles the exit of the process: reads its last messages, as a child of it may still hold the socket, then
        ends."""
        while self._open and select.select([self._child.sock], [], [], 0)[0]:
            self._readable()
        self._abandon()
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._finish()

    def _finish(self) -> None:
        status = self._child.process.wait()
        self._time.close()
        self._loop.remove_reader(self._child.stderr_fd)
        self._drain_words()
        os.close(self._child.stderr_fd)
        self.ended = True
        self._on_end(status)

    def _drain_words(self) -> None:
        try:
            self._words += os.read(self._child.stderr_fd, 1 << 16)
        except (BlockingIOError, InterruptedError):
            return  # a grandchild holds the pipe open; there is nothing more to read
