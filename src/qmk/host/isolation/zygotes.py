"""Starts workers in jails: forks of an engine's zygote.

A zygote has loaded the engine and runs nothing. The jail that it forks is a child of this process, so that its end is
heard as that of any other, and it knows nothing of the zygote's other children. One zygote serves every tenant; a
worker serves one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import ClassVar, NamedTuple

from qmk.base.isolation import Level
from qmk.host import spawn
from qmk.host.isolation import jail_host
from qmk.host.isolation.driver import Ask, Site
from qmk.host.launcher import Loss
from qmk.host.losses import UNKNOWN, judge_end
from qmk.host.process import ChildProcess
from qmk.host.watch import Watch
from qmk.worker.jail.keeper import REPORT, SIGNAL_STATUS
from qmk.worker.messages import Born, Failed, FromZygote, Ready
from qmk.worker.zygote import BIRTH

log = logging.getLogger("qmk.pool")


class JailedProcess:
    """A jail's first process, which ends as its worker ended; what ``spawn.Child`` needs of a ``Popen``."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Waits until it has ended; gives the worker's status, negative for a signal."""
        if self.returncode is None:
            _, status = os.waitpid(self.pid, 0)
            code = os.waitstatus_to_exitcode(status)
            self.returncode = SIGNAL_STATUS - code if code > SIGNAL_STATUS else code
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)


class _Birth(NamedTuple):
    """A worker that was asked for: our ends of what joins us to it."""

    sock: socket.socket
    stderr_fd: int
    reports_fd: int
    ask: Ask

    def drop(self) -> None:
        self.sock.close()
        os.close(self.stderr_fd)
        os.close(self.reports_fd)


class Zygote:
    """One engine's zygote. Births are asked for, and come, in order."""

    def __init__(self, engine: str, child: spawn.Child, on_end: Callable[[Failed | None], None]) -> None:
        self._engine = engine
        self._child = child
        self._on_end = on_end
        self._waiting: deque[Ask] = deque()
        self._births: deque[_Birth] = deque()
        self._complaint: Failed | None = None
        self._ready = False
        self.process = ChildProcess(child, FromZygote, self._on_message, self._on_exit)
        self._watch = Watch(child.pid)

    def ask(self, ask: Ask) -> None:
        """Has a worker made, once the engine is loaded. Raises ``Shortage``."""
        if self._ready:
            self._send(ask)
        else:
            self._waiting.append(ask)

    def _send(self, ask: Ask) -> None:
        ours, theirs, files = *spawn.pair(), list[int]()
        try:
            with theirs:
                for _ in range(2):
                    files += os.pipe()
                birth = _Birth(ours, files[0], files[2], ask)
                socket.send_fds(self._child.sock, [BIRTH], [theirs.fileno(), files[1], files[3]])
        except OSError as error:
            for fd in files:
                os.close(fd)
            ours.close()
            raise spawn.Shortage(error) from error
        os.close(files[1])
        os.close(files[3])
        self._births.append(birth)

    def _on_message(self, message: object) -> None:
        if isinstance(message, Ready):
            self._ready = True
            while self._waiting:
                ask = self._waiting.popleft()
                try:
                    self._send(ask)
                except spawn.Shortage as error:
                    ask.on_failed(Failed(0, error.kind.name, error.message), None)
        elif isinstance(message, Born):
            birth = self._births.popleft()
            _follow(birth.reports_fd, birth.ask.on_refused)
            birth.ask.on_child(spawn.Child(JailedProcess(message.pid), birth.sock, birth.stderr_fd))
        elif isinstance(message, Failed) and not self._ready:
            self._complaint = message
        elif isinstance(message, Failed):
            birth = self._births.popleft()
            birth.drop()
            birth.ask.on_failed(message, None)

    def _on_exit(self, status: int) -> None:
        self._watch.close()
        failed, loss = self._complaint, None
        if failed is None:
            lost = judge_end(self._engine, status, self.process.last_words, self.process.fault, False, UNKNOWN)
            failed, loss = Failed(0, lost.error.kind.name, lost.error.message, lost.error.fields), Loss(lost.cause)
        asks = [*(birth.ask for birth in self._births), *self._waiting]
        for birth in self._births:
            birth.drop()
        self._births.clear()
        self._waiting.clear()
        self._on_end(self._complaint)
        for ask in asks:
            ask.on_failed(failed, loss)

    def look(self) -> None:
        """Ends it if it will never answer; those who wait hear of it as of a lost worker."""
        why = self._watch.look()
        if why:
            log.warning("zygote %d of engine %s %s; it is ended", self.process.pid, self._engine, why)
            self.process.kill()

    def close(self) -> None:
        """Has it end once it has answered what it was asked."""
        try:
            self._child.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.process.kill()


def _follow(fd: int, on_refused: Callable[[int, int], None]) -> None:
    """Reads a keeper's reports until it ends."""
    loop = asyncio.get_running_loop()
    os.set_blocking(fd, False)

    def readable() -> None:
        try:
            data = os.read(fd, 8 << 10)
        except BlockingIOError:
            return
        for number, count in REPORT.iter_unpack(data[: len(data) // REPORT.size * REPORT.size]):
            on_refused(number, count)
        if not data:
            loop.remove_reader(fd)
            os.close(fd)

    loop.add_reader(fd, readable)


class Jails:
    """Level ``jail``: a worker is a fork of its engine's zygote, which is started when it is first needed."""

    level: ClassVar[Level] = "jail"
    ahead: ClassVar[bool] = False
    probe = staticmethod(jail_host.probe)

    def __init__(self, site: Site) -> None:
        self._site = site
        self._zygotes: dict[str, Zygote] = {}
        self._ended: asyncio.Future[None] | None = None

    @property
    def pids(self) -> list[int]:
        return [zygote.process.pid for zygote in self._zygotes.values()]

    def single(self, engine: str) -> spawn.Child:
        return self._spawn(engine, zygote=False)

    def start(self, engine: str, ask: Ask) -> None:
        zygote = self._zygotes.get(engine)
        if zygote is None:
            child = self._spawn(engine, zygote=True)
            zygote = self._zygotes[engine] = Zygote(engine, child, partial(self._on_end, engine))
        zygote.ask(ask)

    def _spawn(self, engine: str, *, zygote: bool) -> spawn.Child:
        site = self._site
        external = site.external.get(engine)
        return spawn.in_jail(engine, site.threads, external, site.nice, site.memory_bytes, zygote=zygote)

    def _on_end(self, engine: str, complaint: Failed | None) -> None:
        self._zygotes.pop(engine, None)
        if complaint is not None and complaint.kind == "UNSUPPORTED":
            self._site.on_unfit(engine, self.level, complaint.message)
        if self._ended is not None and not self._zygotes and not self._ended.done():
            self._ended.set_result(None)

    def prepare(self, engine: str) -> None:
        return  # its zygote is as quick as a process

    def look(self) -> None:
        for zygote in list(self._zygotes.values()):
            zygote.look()

    async def close(self) -> None:
        self._ended = asyncio.get_running_loop().create_future()
        for zygote in self._zygotes.values():
            zygote.close()
        if self._zygotes:
            await self._ended
