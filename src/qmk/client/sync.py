"""The blocking client: a plain socket, no event loop, one call at a time."""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from qmk.abi.call import Call
from qmk.abi.calls import (
    q_alloc,
    q_cancel,
    q_close_session,
    q_delegate,
    q_estimate,
    q_events,
    q_get_telemetry,
    q_negotiate_caps,
    q_query_resources,
    q_release,
    q_result,
    q_revoke,
    q_status,
    q_submit,
    q_wait,
)
from qmk.abi.shapes import Policy
from qmk.base.errors import QmkError
from qmk.client import calls
from qmk.client.channels import Channels
from qmk.client.checkpoints import Checkpoints
from qmk.client.lists import Lists
from qmk.client.patience import Outage, new_key
from qmk.client.result import Result
from qmk.qvm.outputs import Outputs
from qmk.request.build import Drift, notes, sent
from qmk.request.program import ProgramLike
from qmk.rpc import frame, places
from qmk.rpc.places import socket_path
from qmk.rpc.splitter import FrameSplitter

if TYPE_CHECKING:
    from qmk.models.qec.logical import Machine
    from qmk.request.physical import NoiseLike

PROGRESS_EVERY_MS = 200


class Client(Lists, Checkpoints, Channels):
    """A session with the daemon at ``path`` (by default where ``qmk serve`` listens).

    It connects with the first call and opens a session by itself. ``token`` None takes the one of ``QMK_TOKEN`` or
    ``QMK_TOKEN_FILE``, if any; ``capabilities`` None asks for what policy grants by default, and ``quota`` gives its
    sessions limits of their own, by name of the quota. Methods are the calls of the ABI by their names without ``q_``
    and answer the call's ``Reply``; ``run`` and ``result`` give a ``Result``. Threads may share a client; their calls
    then take turns.

    Every method raises ``QmkError``: CONNECTION_LOST when there is no daemon or it goes away, SESSION_NOT_FOUND after
    the session has expired, and what the call's page lists. A lost connection is renewed by the next call, with a new
    session; accepted jobs outlive both. A call that only reads is repeated by itself, once.

    ``patience_s``: how long a daemon that went away may take to come back, counted for each call. Calls are then made
    again with growing pauses, ``wait`` goes on waiting through restarts, and ``submit`` gives itself an idempotency
    key, so that nothing is run twice.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        token: str | None = None,
        capabilities: list[str] | None = None,
        patience_s: float = 0.0,
        quota: Mapping[str, int] | None = None,
    ) -> None:
        self._patience_s = patience_s
        self.path = Path(path) if path is not None else socket_path()
        self._token = places.token() if token is None else token
        self._capabilities = capabilities
        self._quota = quota
        self._socket: socket.socket | None = None
        self._splitter = FrameSplitter()
        self._frames: list[bytes] = []
        self._session = ""
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the session ends with its time, jobs go on."""
        with self._lock:
            self._disconnect()

    def leave(self) -> None:
        """End the session, if one is open, and close the connection; jobs go on."""
        with self._lock:
            try:
                if self._session and not self._gone():
                    self.close_session()
            except QmkError as error:
                if error.kind.name == "INTERNAL_ERROR":
                    raise
                # else the daemon is going, or serves this tenant no longer: the session ends with its time
            finally:
                self._disconnect()

    @property
    def session_id(self) -> str:
        """The session, opened when there is none."""
        if not self._session or self._socket is None:
            self._negotiate()
        return self._session

    def negotiate(self) -> q_negotiate_caps.Reply:
        """Open a session: granted and denied capabilities, quota, limits, families."""
        return self._patiently(Outage(self._patience_s, q_negotiate_caps.CALL), self._negotiate)

    def _negotiate(self) -> q_negotiate_caps.Reply:
        request = calls.negotiate_request(self._capabilities, self._token, self._quota)
        reply = self._attempt(q_negotiate_caps.CALL, lambda: request)
        self._session = reply.session_id
        return reply

    def submit(
        self,
        program: ProgramLike,
        *,
        shots: int | None = None,
        seed: int | None = None,
        engine: str | None = None,
        timeout_ms: int | None = None,
        priority: int = 0,
        deadline_epochs: int | None = None,
        idempotency_key: str = "",
        channels: Mapping[str, str] | None = None,
        keep_events: bool = True,
        outputs: Outputs | None = None,
        cache: bool = True,
        params: Mapping[str, Any] | None = None,
        format: str | None = None,
        noise: NoiseLike | Drift | None = None,
        error: float | None = None,
        qec: Machine | str | None = None,
        device: str | None = None,
    ) -> q_submit.Reply:
        """Queue a program (graph, file or source text) as a job. It survives a restart of the daemon from here on.

        ``shots`` None takes the program's own default, else 1000; ``seed`` None draws one. ``deadline_epochs`` are
        scheduling epochs from acceptance by which the job should end. Submitting again with the
        same ``idempotency_key`` and request gives the same job. ``channels`` says which channel (``open_channel``)
        stands behind each channel handle of the program. ``cache`` False: the job runs, even where an earlier one with
        this seed has the result. ``noise``, ``error``, ``qec`` and ``device`` are those of ``qmk.run``; with ``qec``,
        ``noise`` may be a ``Drift``. ``outputs``: what the job shall give beyond counts (``qmk.outputs`` makes them).
        """
        wish = sent(
            program, format, params, shots=shots, noise=noise, error=error, outputs=outputs, qec=qec, device=device
        )
        key = idempotency_key or (new_key() if self._patience_s else "")
        policy = Policy(
            priority=priority,
            deadline_epochs=deadline_epochs,
            seed=seed,
            timeout_ms=timeout_ms,
            engine=engine,
            channels=dict(channels or {}),
            cache=cache,
            qec=wish.qec,
        )
        return self._ask(
            q_submit.CALL,
            bool(key),
            graph=calls.raw_graph(wish.graph),
            shots=wish.shots,
            policy=policy,
            idempotency_key=key,
            keep_events=keep_events,
            outputs=outputs,
        )

    def status(self, job: str) -> q_status.Reply:
        """The state of a job, now."""
        return self._ask(q_status.CALL, job_id=job)

    def wait(self, job: str, timeout_ms: int | None = None) -> q_wait.Reply:
        """The state of a job once it has ended, with its result; or, after ``timeout_ms``, the state it is in."""
        outage = Outage(self._patience_s, q_wait.CALL)
        while True:
            reply = self._ask(q_wait.CALL, job_id=job, timeout_ms=timeout_ms)
            if not self._patience_s or timeout_ms is not None or reply.state in calls.ENDED:
                return reply
            time.sleep(outage.delay_s(calls.stopped_waiting(self.path)))  # the daemon is going and let us go

    def result(self, job: str, from_shot: int = 0) -> Result:
        """The result of a COMPLETED job; its per-shot events begin at ``from_shot`` and are fetched page by page."""
        return Result(self._result(job, from_shot), lambda shot: self._result(job, shot).events)

    def _result(self, job: str, from_shot: int) -> q_result.Reply:
        return self._ask(q_result.CALL, job_id=job, from_shot=from_shot)

    def cancel(self, job: str, reason: str = "") -> q_cancel.Reply:
        """Stop a job that has not ended."""
        return self._ask(q_cancel.CALL, job_id=job, reason=reason)

    def events(self, job: str, after: int = 0, timeout_ms: int = q_events.LONG_POLL_MS) -> q_events.Reply:
        """The job's history after event ``after``; waits up to ``timeout_ms`` for the next one."""
        return self._ask(q_events.CALL, job_id=job, after=after, timeout_ms=timeout_ms)

    def telemetry(self, job: str | None = None) -> q_get_telemetry.Reply:
        """Figures of the session, and of ``job`` when given."""
        return self._ask(q_get_telemetry.CALL, job_id=job)

    def query_resources(self) -> q_query_resources.Reply:
        """Devices, engines, capacity and queue. Needs no session."""
        return self._call(q_query_resources.CALL, q_query_resources.Request)

    def estimate(
        self,
        program: ProgramLike,
        *,
        shots: int | None = None,
        params: Mapping[str, Any] | None = None,
        format: str | None = None,
        noise: NoiseLike | Drift | None = None,
        error: float | None = None,
        qec: Machine | str | None = None,
        device: str | None = None,
        outputs: Outputs | None = None,
    ) -> q_estimate.Reply:
        """Memory and time that each engine would need for a program, without running it; ``outputs`` beyond counts."""
        wish = sent(
            program, format, params, shots=shots, noise=noise, error=error, outputs=outputs, qec=qec, device=device
        )
        return self._ask(
            q_estimate.CALL, graph=calls.raw_graph(wish.graph), shots=wish.shots, outputs=outputs, qec=wish.qec
        )

    def alloc(self, n: int, profile: str = "") -> q_alloc.Reply:
        """Reserve ``n`` logical qubits for the session."""
        return self._ask(q_alloc.CALL, n=n, profile=profile)

    def release(self, handles: list[str]) -> q_release.Reply:
        """Give back reserved qubits."""
        return self._ask(q_release.CALL, handles=handles)

    def delegate(self, capability: str, rights: list[str], **bounds: Any) -> q_delegate.Reply:
        """Derive a narrower capability; ``bounds`` are the other fields of q_delegate's request. With ``to_tenant`` or
        ``to_session`` it is on offer there; without, this session holds it."""
        return self._ask(q_delegate.CALL, capability=capability, rights=rights, **bounds)

    def revoke(self, capability: str) -> q_revoke.Reply:
        """Give up a capability, or take back what was delegated, with all that derives from it."""
        return self._ask(q_revoke.CALL, capability=capability)

    def close_session(self) -> q_close_session.Reply:
        """End the session now and release what it holds. The next call opens another."""
        reply = self._ask(q_close_session.CALL)
        self._session = ""
        return reply

    def run(
        self,
        program: ProgramLike,
        *,
        progress: Callable[[int], None] | None = None,
        **wishes: Any,
    ) -> Result:
        """Submit, wait, and give the result. ``wishes`` are those of ``submit``; ``progress`` is called with the
        number of shots done.

        Raises, beside what ``submit`` does: the job's own error when it fails, TIMEOUT when its time limit passes,
        JOB_CANCELLED when somebody cancels it. On KeyboardInterrupt the job is cancelled.
        """
        job = self.submit(program, **wishes).job_id
        try:
            status = self.wait(job, None if progress is None else PROGRESS_EVERY_MS)
            while status.state not in calls.ENDED:
                if progress is not None:
                    progress(status.progress.shots_done)
                status = self.wait(job, PROGRESS_EVERY_MS)
        except KeyboardInterrupt:
            self.cancel(job, "interrupted")
            raise
        if status.result is None:
            raise calls.job_ended_badly(status.state, status.error)
        status.result.provenance.notes.update(notes(wishes))
        return Result(status.result, lambda shot: self._result(job, shot).events)

    def _ask(self, call: Call, repeatable: bool | None = None, **fields: Any) -> Any:
        return self._call(call, lambda: call.request(session_id=self.session_id, **fields), repeatable)

    def _call(self, call: Call, request: Callable[[], Any], repeatable: bool | None = None) -> Any:
        return self._patiently(Outage(self._patience_s, call, repeatable), lambda: self._attempt(call, request))

    def _patiently(self, outage: Outage, attempt: Callable[[], Any]) -> Any:
        while True:
            try:
                return attempt()
            except QmkError as error:
                delay_s = outage.delay_s(error)
            time.sleep(delay_s)

    def _attempt(self, call: Call, request: Callable[[], Any]) -> Any:
        """One call and its answer. ``request`` is made after the connection, so that it names its session."""
        with self._lock:
            if self._gone():
                self._disconnect()
            fresh = self._socket is None
            try:
                return self._exchange(call, request)
            except (ConnectionError, EOFError) as error:
                self._disconnect()
                if fresh or call.journaled:
                    raise calls.connection_lost(self.path, call) from error
            except BaseException as error:
                if not isinstance(error, QmkError) or error.kind.name == "CONNECTION_LOST":
                    self._disconnect()  # between a call and its answer, or past what can be understood
                raise
            try:
                return self._exchange(call, request)
            except (ConnectionError, EOFError) as error:
                self._disconnect()
                raise calls.connection_lost(self.path, call) from error

    def _gone(self) -> bool:
        """Whether the daemon has closed the connection since the last call."""
        if self._socket is None:
            return False
        try:
            return self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return True

    def _exchange(self, call: Call, request: Callable[[], Any]) -> Any:
        body = request()
        sock = self._connected()
        number = next(self._numbers)
        sock.sendall(calls.line_of(number, call, body))
        while True:
            for answer in frame.answers(self._line(sock)):
                if answer.id == number:
                    return calls.reply_of(call, answer)
                if answer.id is None and answer.error is not None:
                    self._disconnect()  # the daemon gave up on this connection and says why
                    raise answer.error

    def _line(self, sock: socket.socket) -> bytes:
        while not self._frames:
            data = sock.recv(calls.RECEIVE_BYTES)
            if not data:
                raise EOFError
            self._frames = self._splitter.feed(data)
            if self._splitter.error is not None:
                self._disconnect()
                raise self._splitter.error
        return self._frames.pop(0)

    def _connected(self) -> socket.socket:
        if self._socket is None:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                sock.connect(os.fspath(self.path))
            except OSError as error:
                sock.close()
                raise calls.not_running(self.path, error) from error
            self._socket = sock
        return self._socket

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._session = ""
        self._splitter = FrameSplitter()
        self._frames = []
