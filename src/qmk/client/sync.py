"""The blocking client: the coroutines of ``Core`` over a plain socket, no event loop, one call at a time."""

from __future__ import annotations

import functools
import os
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from qmk.client.address import Server
from qmk.client.batch import Batch
from qmk.client.contexts import place_of
from qmk.client.core import Core
from qmk.client.drive import drive
from qmk.client.group import Group
from qmk.client.job import AsyncJob, Job, as_completed
from qmk.client.link import Link
from qmk.client.result import Fetch
from qmk.request.signature import takes
from qmk.rpc import frame
from qmk.rpc.forks import ForkedLock
from qmk.rpc.splitter import RECEIVE_BYTES, FrameSplitter

if TYPE_CHECKING:
    from typing import Unpack

    from qmk.client.watch import Watch
    from qmk.request.batches import BatchLike
    from qmk.request.keywords import ClientSubmitKeywords
    from qmk.request.program import ProgramLike
    from qmk.request.sweeps import PointsLike

P = ParamSpec("P")
R = TypeVar("R")


class _Turn:
    """A lock of threads, for ``async with``."""

    def __init__(self, lock: ForkedLock) -> None:
        self._lock = lock

    async def __aenter__(self) -> None:
        self._lock.acquire()

    async def __aexit__(self, *failure: object) -> None:
        self._lock.release()


class BlockingLink:
    """A connection of one call at a time, whose coroutines end without being suspended."""

    interrupts: tuple[type[BaseException], ...] = (KeyboardInterrupt,)

    def __init__(self) -> None:
        self._lock = ForkedLock()

    def turn(self) -> AbstractAsyncContextManager[Any]:
        return _Turn(self._lock)

    def lock(self) -> AbstractAsyncContextManager[Any]:
        return nullcontext()

    async def sleep(self, delay_s: float) -> None:
        time.sleep(delay_s)

    async def shield(self, work: Awaitable[Any]) -> None:
        await work


class SocketLink(BlockingLink):
    """A connection by a socket that blocks."""

    longest_wait_ms: int | None = None

    def __init__(self) -> None:
        super().__init__()
        self._socket: socket.socket | None = None
        self._splitter = FrameSplitter()
        self._frames: list[bytes] = []
        self._pid = os.getpid()

    def is_open(self) -> bool:
        if self._socket is None:
            return False
        try:
            gone = self._pid != os.getpid() or self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            gone = True
        if gone:
            self.close()
        return not gone

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._splitter = FrameSplitter()
        self._frames = []

    async def open(self, path: str) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(path)
        except OSError:
            sock.close()
            raise
        self._socket, self._pid = sock, os.getpid()

    async def exchange(self, numbers: Sequence[int], line: bytes, held_ms: int = 0) -> list[frame.Answer]:
        try:
            return self._exchange(numbers, line)
        except BaseException:
            self.close()  # between a call and its answer, or past what can be understood
            raise

    def _exchange(self, numbers: Sequence[int], line: bytes) -> list[frame.Answer]:
        if self._socket is None:
            raise EOFError
        self._socket.sendall(line)
        found: dict[Any, frame.Answer] = {}
        while len(found) < len(numbers):
            for answer in frame.answers(self._line(self._socket)):
                if answer.id in numbers:
                    found[answer.id] = answer
                elif answer.id is None and answer.error is not None:
                    raise answer.error  # the daemon gave up on this connection and says why
        return [found[number] for number in numbers]

    def _line(self, sock: socket.socket) -> bytes:
        while not self._frames:
            data = sock.recv(RECEIVE_BYTES)
            if not data:
                raise EOFError
            self._frames = self._splitter.feed(data)
            if self._splitter.error is not None:
                raise self._splitter.error
        return self._frames.pop(0)


class LineLink(SocketLink):
    """A connection that is there already: ``line`` sends and receives bytes, as a socket does."""

    def __init__(self, line: Any) -> None:
        super().__init__()
        self._socket = line

    def is_open(self) -> bool:
        return self._socket is not None

    async def open(self, path: str) -> None:
        raise ConnectionError("the connection has ended, and there is no other")


def _link(server: Server | None, token: str) -> Link:
    if server is None:
        return SocketLink()
    from qmk.client.http import HttpLink

    return HttpLink(server, token)


class _BlockingCore(Core):
    _watch: Watch | None = None

    def enter(self, session: str) -> None:
        """Makes the calls to come in a session that is open already."""
        self._session = session

    def _pages(self, job: str) -> Fetch:
        return lambda shot: drive(self._result(job, shot)).events

    def _when_ended(self, job: AsyncJob, tell: Callable[[], None]) -> None:
        if self._watch is None:
            from qmk.client.watch import Watch

            own = {"token": self._token, "capabilities": self._capabilities, "quota": self._quota}
            self._watch = Watch(self.place, patience_s=self._patience_s, **own)
        self._watch.add(job, tell)


def _blocking(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[Client, P], R]:
    """A method of ``Core`` as one that gives its result."""

    @functools.wraps(method)
    def call(self: Client, /, *args: P.args, **keywords: P.kwargs) -> R:
        return drive(method(self._core, *args, **keywords))  # pyright: ignore[reportPrivateUsage]  # a method to be

    return call


class Client:
    """A session with the daemon at ``path`` (by default where ``qmk serve`` listens), or behind the gateway at a URL,
    ``https://host``.

    It connects with the first call and opens a session by itself. ``token`` None takes the one of ``QMK_TOKEN`` or
    ``QMK_TOKEN_FILE``, if any; ``capabilities`` None asks for what policy grants by default, and ``quota`` gives its
    sessions limits of their own, by name of the quota. Methods are the calls of the ABI by their names without ``q_``
    and answer the call's ``Reply``; ``run`` and ``result`` give a ``Result``. Threads may share a client; their calls
    then take turns. A process that was forked opens a connection and a session of its own.

    Every method raises ``QmkError``: CONNECTION_LOST when there is no daemon or it goes away, SESSION_NOT_FOUND after
    the session has expired, and what the call's page lists. A lost connection is renewed by the next call, with a new
    session; accepted jobs outlive both. A call that only reads is repeated by itself, once.

    Over HTTP, ``token`` None takes the one that ``qmk login`` has kept for the URL, if the environment has none.
    Certificates are checked against those of the system, or of ``cafile``; plain http is for this machine alone, unless
    ``allow_http``. A server that asks for a certificate is shown the one that ``cert`` leads to, a reference such as
    ``file:client.pem`` to a certificate with its key. A connection that breaks is renewed, and the session goes on.

    ``patience_s``: how long a daemon that went away may take to come back, counted for each call. Calls are then made
    again with growing pauses, ``wait`` goes on waiting through restarts, and ``submit`` gives itself an idempotency
    key, so that nothing is run twice.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | Server | None = None,
        *,
        token: str | None = None,
        capabilities: list[str] | None = None,
        patience_s: float = 0.0,
        quota: Mapping[str, int] | None = None,
        cafile: str | None = None,
        allow_http: bool = False,
        cert: str = "",
    ) -> None:
        place = place_of(path, cafile, allow_http, cert)
        self._core = _BlockingCore(_link, place, token, capabilities, patience_s, quota)
        self.path = self._core.path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    @property
    def session_id(self) -> str:
        """The session, opened when there is none."""
        return drive(self._core.session_id())

    close = _blocking(Core.close)
    leave = _blocking(Core.leave)
    negotiate = _blocking(Core.negotiate)
    close_session = _blocking(Core.close_session)
    query_resources = _blocking(Core.query_resources)
    telemetry = _blocking(Core.telemetry)
    alloc = _blocking(Core.alloc)
    release = _blocking(Core.release)
    submit_script = _blocking(Core.submit_script)
    delegate = _blocking(Core.delegate)
    revoke = _blocking(Core.revoke)

    @takes("Client.submit")
    def submit_many(
        self,
        program: ProgramLike | BatchLike,
        points: PointsLike | None = None,
        **keywords: Unpack[ClientSubmitKeywords],
    ) -> Batch[Job]:
        """Queue a batch of programs and points (see ``qmk.run``) as jobs, and give their handles by index.

        All programs are read before the first is sent. The jobs are accepted together or not at all: if one is refused,
        those before it are cancelled, and its error is raised, with its entry in the field ``entry``. An
        ``idempotency_key`` gets the index of the entry after it, as ``key-3``.
        """
        found = drive(self._core.submit_many(program, points, **keywords))
        return Batch([Job(job) for job in found], found.entries, found.seed)

    def submit_each(self, programs: Sequence[tuple[ProgramLike, Mapping[str, Any]]]) -> list[Job]:
        """Queue programs as one batch, each with options of ``submit`` of its own, and give their handles by index.
        They are read and accepted as those of ``submit_many``: together or not at all."""
        return [Job(job) for job in drive(self._core.submit_each(programs))]

    def job(self, job: str) -> Job:
        """A handle of a job by its id. Nothing is asked of the daemon yet."""
        return Job(self._core.job(job))

    def group(self, tag: str) -> Group:
        """A handle of all jobs with a tag. Nothing is asked of the daemon yet."""
        return Group(self._core.group(tag))

    def as_completed(self, jobs: Iterable[Job], timeout: float | None = None) -> Iterator[Job]:
        """Give each handle once its job has ended, whichever does first, as ``concurrent.futures.as_completed`` does.
        Raises TIMEOUT if some have not after ``timeout`` seconds."""
        return as_completed(jobs, timeout)

    submit = _blocking(Core.submit)
    run_many = _blocking(Core.run_many)
    run = _blocking(Core.run)
    estimate = _blocking(Core.estimate)
    status = _blocking(Core.status)
    wait = _blocking(Core.wait)
    result = _blocking(Core.result)
    partial = _blocking(Core.partial)
    program = _blocking(Core.program)
    cancel = _blocking(Core.cancel)
    cancel_matching = _blocking(Core.cancel_matching)
    label = _blocking(Core.label)
    label_matching = _blocking(Core.label_matching)
    delete = _blocking(Core.delete)
    delete_matching = _blocking(Core.delete_matching)
    events = _blocking(Core.events)
    checkpoint = _blocking(Core.checkpoint)
    restore = _blocking(Core.restore)
    migrate = _blocking(Core.migrate)
    rollback = _blocking(Core.rollback)
    replay = _blocking(Core.replay)

    jobs = _blocking(Core.jobs)
    checkpoints = _blocking(Core.checkpoints)
    channels = _blocking(Core.channels)
    open_channel = _blocking(Core.open_channel)
    approve_channel = _blocking(Core.approve_channel)
    close_channel = _blocking(Core.close_channel)
    channel_status = _blocking(Core.channel_status)


class LineClient(Client):
    """A client over a connection that is there already (``LineLink``), in a session that is open already."""

    def __init__(self, line: Any, session: str) -> None:
        self._core = _BlockingCore(lambda server, token: LineLink(line), Path("line"), "", None, 0.0, None)
        self._core.enter(session)
        self.path = self._core.path
