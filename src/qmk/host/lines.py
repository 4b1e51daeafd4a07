"""Lines: connections to the daemon of the scripts that it runs.

What a script's worker sends is taken as bytes of a connection, like those of any client, and bounded like them. Every
call is made in the script's own session, whatever it names, and only calls that submit jobs and wait for them are
taken: the worker may be in the hands of the script.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from msgspec import structs

from qmk.abi.calls import METHODS, q_cancel, q_result, q_status, q_submit, q_wait
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.host.native_scripts import Checked
from qmk.host.tasks import Task, Worker, is_native
from qmk.host.transport import CallHandler, Connection
from qmk.host.turns import Turns
from qmk.kernel.effects import Launch
from qmk.kernel.objects.script import HOST_UID, SESSION
from qmk.rpc import frame, refusals
from qmk.worker.messages import Call, Done, Failed, FromAnyWorker, FromWorker, Ready, Reply

CALLS = frozenset(each.CALL.name for each in (q_submit, q_wait, q_status, q_result, q_cancel))
"""What a script may ask of the daemon."""


class Pipe(Protocol):
    """The way to a script's worker."""

    def send(self, data: bytes) -> None:
        """Gives bytes of the connection to the script; none: it has ended."""
        ...

    def unsent_bytes(self) -> int:
        """What the worker has not taken yet."""
        ...


class ScriptConnection(Connection):
    """A connection whose calls are made in the session of a script, which may submit so many ``runs``."""

    def __init__(
        self, handler: CallHandler, turns: Turns, number: int, job: str, runs: int = LIMITS.script_runs
    ) -> None:
        super().__init__(handler, turns, number)
        self._session, self._runs = SESSION + job, runs
        self.submitted = set[str]()
        """The keys of its runs."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.peer_uid = HOST_UID

    def _take_calls(self, decoded: frame.Frame) -> None:
        super()._take_calls(structs.replace(decoded, calls=[self._in_session(each) for each in decoded.calls]))

    def _in_session(self, decoded: frame.Decoded) -> frame.Decoded:
        if decoded.call is None:
            return decoded
        if decoded.call.name not in CALLS:
            allowed = {name: METHODS[name] for name in CALLS}
            return frame.Decoded(decoded.id, error=refusals.no_method(decoded.call.name, allowed))
        given: dict[str, Any] = {"session_id": self._session}
        if decoded.call is q_submit.CALL:
            key = given["idempotency_key"] = f"{self._session}-{decoded.request.idempotency_key}"
            if key not in self.submitted and len(self.submitted) >= self._runs:
                return frame.Decoded(decoded.id, error=_no_more_runs(self._runs))
            self.submitted.add(key)
        return structs.replace(decoded, request=structs.replace(decoded.request, **given))


def _no_more_runs(most: int) -> QmkError:
    message, fix = f"the script has run its {most} programs", "run fewer programs in one script"
    fields = {"quota": "script_runs", "asked": most + 1, "limit": most}
    return QmkError("QUOTA_EXCEEDED", message, **fields, help=fix, retryable=False)


class Line(asyncio.Transport):
    """The transport of a script's connection: ``feed`` takes bytes of its worker, ``pipe`` is given those for it."""

    def __init__(self, connection: ScriptConnection, pipe: Pipe) -> None:
        super().__init__()
        self._connection, self._pipe = connection, pipe
        self._loop = asyncio.get_running_loop()
        self._reading = self._open = True
        self._untaken_bytes = 0
        connection.connection_made(self)

    @property
    def runs(self) -> int:
        """How many runs its script has submitted."""
        return len(self._connection.submitted)

    def feed(self, data: bytes) -> None:
        """One that sends on and on while nothing is taken is cut: a client of ours waits for each answer."""
        self._untaken_bytes = 0 if self._reading else self._untaken_bytes + len(data)
        if self._untaken_bytes > LIMITS.frame_bytes:
            self.abort()
        if self._open:
            self._connection.data_received(data)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._pipe.send(b"")
            self._loop.call_soon(self._connection.connection_lost, None)

    abort = close

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if self._open and data:
            self._pipe.send(bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        self.write(b"".join(list_of_data))

    def is_reading(self) -> bool:
        return self._reading

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True

    def get_write_buffer_size(self) -> int:
        return self._pipe.unsent_bytes()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """What is unsent counts by its size alone (``transport.UNREAD_BYTES``)."""


class Lines:
    """``connect`` makes the connection of a job's script, which may submit so many runs; None: there is no daemon, and
    no script has one."""

    def __init__(self, connect: Callable[[str, int, Pipe], Line] | None = None) -> None:
        self._connect = connect

    def listen(
        self, worker: Worker, on_message: Callable[[FromWorker], None], on_exit: Callable[[int], None]
    ) -> tuple[Callable[[FromAnyWorker], None], Callable[[int], None]]:
        """What hears the worker in place of these two, and takes out what belongs to a script's connection."""
        line: Line | None = None
        of: Launch | None = None
        checked: Checked | None = None

        def close() -> None:
            nonlocal line, of, checked
            if line is not None:
                line.close()
            line = of = checked = None

        def begin(task: Task) -> None:
            nonlocal line, of, checked
            close()
            of, pipe = task.launch, _WorkerPipe(worker, task.launch.fence)
            checked = Checked(worker, task) if is_native(task.launch) else None
            runs = LIMITS.script_runs if checked is None else checked.bounds.runs
            line = self._connect(of.job, runs, pipe) if self._connect is not None else None
            if line is None:
                pipe.send(b"")

        def hear(told: FromAnyWorker) -> None:
            message: FromAnyWorker | None = told
            task = worker.task
            if isinstance(told, Ready):
                if not worker.ready:  # it says so once, before it is in the hands of a program
                    on_message(told)
                return
            if task is not None and task.launch.script and told.fence == task.launch.fence:
                if of is not task.launch:
                    begin(task)
                if checked is not None and not isinstance(told, Call):
                    checked.runs = 0 if line is None else line.runs
                    message = checked.message(told)
                elif isinstance(told, Call) and line is not None:
                    line.feed(told.data)
            if isinstance(message, (Done, Failed)):
                close()
            if message is not None and not isinstance(message, Call):
                on_message(message)

        def leave(status: int) -> None:
            close()
            on_exit(status)

        return hear, leave


class _WorkerPipe:
    """The way to a worker while it has this launch."""

    def __init__(self, worker: Worker, fence: int) -> None:
        self._worker, self._fence = worker, fence

    def send(self, data: bytes) -> None:
        process, task = self._worker.process, self._worker.task
        if process is not None and task is not None and task.launch.fence == self._fence:
            process.send(Reply(self._fence, data))

    def unsent_bytes(self) -> int:
        return 0 if self._worker.process is None else self._worker.process.unsent_bytes
