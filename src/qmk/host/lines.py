"""Lines: connections to the daemon of the scripts that it runs.

What a script's worker sends is taken as bytes of a connection, like those of any client, and bounded like them. Every
call is made in the script's own session, whatever it names, and only calls that submit jobs and wait for them are
taken: the worker may be in the hands of the script.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import structs

from qmk.abi.calls import METHODS, q_cancel, q_result, q_status, q_submit, q_wait
from qmk.base.limits import LIMITS
from qmk.host.tasks import Worker
from qmk.host.transport import CallHandler, Connection
from qmk.host.turns import Turns
from qmk.kernel.effects import Launch
from qmk.kernel.objects.script import HOST_UID, SESSION
from qmk.rpc import frame, refusals
from qmk.worker.messages import Call, Done, Failed, FromAnyWorker, FromWorker, Reply

CALLS = frozenset(each.CALL.name for each in (q_submit, q_wait, q_status, q_result, q_cancel))
"""What a script may ask of the daemon."""
Send = Callable[[bytes], None]


class ScriptConnection(Connection):
    """A connection whose calls are made in the session of a script."""

    def __init__(self, handler: CallHandler, turns: Turns, number: int, job: str) -> None:
        super().__init__(handler, turns, number)
        self._session = SESSION + job

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
            given["idempotency_key"] = f"{self._session}-{decoded.request.idempotency_key}"
        return structs.replace(decoded, request=structs.replace(decoded.request, **given))


class Line(asyncio.Transport):
    """The transport of a script's connection: ``feed`` takes bytes of its worker, ``send`` is given those for it, none
    at the end."""

    def __init__(self, connection: Connection, send: Send) -> None:
        super().__init__()
        self._connection, self._send = connection, send
        self._loop = asyncio.get_running_loop()
        self._reading = self._open = True
        self._untaken_bytes = 0
        connection.connection_made(self)

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
            self._send(b"")
            self._loop.call_soon(self._connection.connection_lost, None)

    abort = close

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if self._open and data:
            self._send(bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        self.write(b"".join(list_of_data))

    def is_reading(self) -> bool:
        return self._reading

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """What is written has left."""


class Lines:
    """``connect`` makes the connection of a job's script; None: there is no daemon, and no script has one."""

    def __init__(self, connect: Callable[[str, Send], Line] | None = None) -> None:
        self._connect = connect

    def listen(
        self, worker: Worker, on_message: Callable[[FromWorker], None], on_exit: Callable[[int], None]
    ) -> tuple[Callable[[FromAnyWorker], None], Callable[[int], None]]:
        """What hears the worker in place of these two, and takes out what belongs to a script's connection."""
        line: Line | None = None
        of: Launch | None = None

        def close() -> None:
            nonlocal line, of
            if line is not None:
                line.close()
            line = of = None

        def hear(message: FromAnyWorker) -> None:
            nonlocal line, of
            if not isinstance(message, Call):
                if isinstance(message, (Done, Failed)):
                    close()
                on_message(message)
                return
            task = worker.task
            if task is None or not task.launch.script or message.fence != task.launch.fence:
                return
            if of is not task.launch:
                close()
                of, send = task.launch, _sender(worker, message.fence)
                line = self._connect(of.job, send) if self._connect is not None else None
                if line is None:
                    send(b"")
            if line is not None:
                line.feed(message.data)

        def leave(status: int) -> None:
            close()
            on_exit(status)

        return hear, leave


def _sender(worker: Worker, fence: int) -> Send:
    def send(data: bytes) -> None:
        if worker.process is not None and worker.task is not None and worker.task.launch.fence == fence:
            worker.process.send(Reply(fence, data))

    return send
