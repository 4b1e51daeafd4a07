"""The asyncio client: one connection, any number of calls at once."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

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
from qmk.client.channels import AsyncChannels
from qmk.client.checkpoints import AsyncCheckpoints
from qmk.client.lists import AsyncLists
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


class _Answers(asyncio.Protocol):
    """Gives each answer to the future that waits for its number."""

    def __init__(self) -> None:
        self.waiting: dict[int, asyncio.Future[frame.Answer]] = {}
        self.transport: asyncio.Transport | None = None
        self._splitter = FrameSplitter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one by its methods only

    def data_received(self, data: bytes) -> None:
        try:
            for line in self._splitter.feed(data):
                for answer in frame.answers(line):
                    self._give(answer)
        except QmkError as error:
            self._fail(error)
        if self._splitter.error is not None:
            self._fail(self._splitter.error)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._fail(EOFError())

    def _give(self, answer: frame.Answer) -> None:
        if answer.id is None and answer.error is not None:
            self._fail(answer.error)  # the daemon gave up on this connection and says why
        elif isinstance(answer.id, int) and (future := self.waiting.pop(answer.id, None)) and not future.done():
            future.set_result(answer)

    def _fail(self, error: Exception) -> None:
        waiting, self.waiting = self.waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(error)
        if self.transport is not None:
            self.transport.close()
            self.transport = None


class AsyncClient(AsyncLists, AsyncCheckpoints, AsyncChannels):
    """``Client`` for asyncio: the same methods, awaited; see there for arguments and errors.

    Calls made at the same time share the connection and are answered in the order in which they finish.
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
        self._answers: _Answers | None = None
        self._session = ""
        self._numbers = itertools.count(1)
        self._connecting = asyncio.Lock()
        self._negotiating = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; the session ends with its time, jobs go on."""
        if self._answers is not None and self._answers.transport is not None:
            self._answers.transport.close()
        self._answers = None
        self._session = ""

    async def leave(self) -> None:
        """End the session, if one is open, and close the connection; jobs go on."""
        try:
            if self._session and self._answers is not None and self._answers.transport is not None:
                await self.close_session()
        except QmkError as error:
            if error.kind.name == "INTERNAL_ERROR":
                raise
            # else the daemon is going, or serves this tenant no longer: the session ends with its time
        finally:
            await self.close()

    async def session_id(self) -> str:
        """The session, opened when there is none."""
        await self._connected()
        async with self._negotiating:
            if not self._session:
                await self._negotiate()
            return self._session

    async def negotiate(self) -> q_negotiate_caps.Reply:
        """Open a session."""
        return await self._patiently(Outage(self._patience_s, q_negotiate_caps.CALL), self._negotiate)

    async def _negotiate(self) -> q_negotiate_caps.Reply:
        reply = await self._exchange(
            q_negotiate_caps.CALL, calls.negotiate_request(self._capabilities, self._token, self._quota)
        )
        self._session = reply.session_id
        return reply

    async def submit(
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
        """Queue a program as a job."""
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
        return await self._ask(
            q_submit.CALL,
            bool(key),
            graph=calls.raw_graph(wish.graph),
            shots=wish.shots,
            policy=policy,
            idempotency_key=key,
            keep_events=keep_events,
            outputs=outputs,
        )

    async def status(self, job: str) -> q_status.Reply:
        """The state of a job, now."""
        return await self._ask(q_status.CALL, job_id=job)

    async def wait(self, job: str, timeout_ms: int | None = None) -> q_wait.Reply:
        """The state of a job once it has ended, with its result; or, after ``timeout_ms``, the state it is in."""
        outage = Outage(self._patience_s, q_wait.CALL)
        while True:
            reply = await self._ask(q_wait.CALL, job_id=job, timeout_ms=timeout_ms)
            if not self._patience_s or timeout_ms is not None or reply.state in calls.ENDED:
                return reply
            await asyncio.sleep(outage.delay_s(calls.stopped_waiting(self.path)))

    async def result(self, job: str, from_shot: int = 0) -> Result:
        """The result of a COMPLETED job with one page of per-shot events; ``rows`` gives them all."""
        return Result(await self._result(job, from_shot))

    async def rows(self, job: str, from_shot: int = 0) -> AsyncIterator[str]:
        """One string of 0 and 1 a shot, events in the order of ``Result.event_names``, page by page."""
        at: int | None = from_shot
        while at is not None:
            page = (await self._result(job, at)).events
            if page is None:
                raise QmkError(
                    "NOT_COMPLETED", "no per-shot events were kept for this job", help="use keep_events=True"
                )
            for row in page.rows:
                yield row
            at = page.next_shot

    async def _result(self, job: str, from_shot: int) -> q_result.Reply:
        return await self._ask(q_result.CALL, job_id=job, from_shot=from_shot)

    async def cancel(self, job: str, reason: str = "") -> q_cancel.Reply:
        """Stop a job that has not ended."""
        return await self._ask(q_cancel.CALL, job_id=job, reason=reason)

    async def events(self, job: str, after: int = 0, timeout_ms: int = q_events.LONG_POLL_MS) -> q_events.Reply:
        """The job's history after event ``after``."""
        return await self._ask(q_events.CALL, job_id=job, after=after, timeout_ms=timeout_ms)

    async def telemetry(self, job: str | None = None) -> q_get_telemetry.Reply:
        """Figures of the session, and of ``job`` when given."""
        return await self._ask(q_get_telemetry.CALL, job_id=job)

    async def query_resources(self) -> q_query_resources.Reply:
        """Devices, engines, capacity and queue. Needs no session."""
        outage = Outage(self._patience_s, q_query_resources.CALL)
        return await self._patiently(
            outage, lambda: self._exchange(q_query_resources.CALL, q_query_resources.Request())
        )

    async def estimate(
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
        """Memory and time that each engine would need for a program."""
        wish = sent(
            program, format, params, shots=shots, noise=noise, error=error, outputs=outputs, qec=qec, device=device
        )
        return await self._ask(
            q_estimate.CALL, graph=calls.raw_graph(wish.graph), shots=wish.shots, outputs=outputs, qec=wish.qec
        )

    async def alloc(self, n: int, profile: str = "") -> q_alloc.Reply:
        return await self._ask(q_alloc.CALL, n=n, profile=profile)

    async def release(self, handles: list[str]) -> q_release.Reply:
        return await self._ask(q_release.CALL, handles=handles)

    async def delegate(self, capability: str, rights: list[str], **bounds: Any) -> q_delegate.Reply:
        return await self._ask(q_delegate.CALL, capability=capability, rights=rights, **bounds)

    async def revoke(self, capability: str) -> q_revoke.Reply:
        return await self._ask(q_revoke.CALL, capability=capability)

    async def close_session(self) -> q_close_session.Reply:
        """End the session now and release what it holds."""
        reply = await self._ask(q_close_session.CALL)
        self._session = ""
        return reply

    async def run(self, program: ProgramLike, **wishes: Any) -> Result:
        """Submit, wait, and give the result; when the task is cancelled, so is the job."""
        job = (await self.submit(program, **wishes)).job_id
        try:
            status = await self.wait(job)
        except asyncio.CancelledError:
            await asyncio.shield(self.cancel(job, "cancelled by the caller"))
            raise
        if status.result is None:
            raise calls.job_ended_badly(status.state, status.error)
        status.result.provenance.notes.update(notes(wishes))
        return Result(status.result)

    async def _ask(self, call: Call, repeatable: bool | None = None, **fields: Any) -> Any:
        outage = Outage(self._patience_s, call, repeatable)
        return await self._patiently(outage, lambda: self._attempt(call, fields))

    async def _patiently(self, outage: Outage, attempt: Callable[[], Awaitable[Any]]) -> Any:
        while True:
            try:
                return await attempt()
            except QmkError as error:
                delay_s = outage.delay_s(error)
            await asyncio.sleep(delay_s)

    async def _attempt(self, call: Call, fields: dict[str, Any]) -> Any:
        """One call; a lost connection is renewed once for a call that only reads."""
        old = self._answers is not None
        session = await self.session_id()
        try:
            return await self._exchange(call, call.request(session_id=session, **fields))
        except QmkError as error:
            if error.kind.name != "CONNECTION_LOST" or not old or call.journaled:
                raise
        return await self._exchange(call, call.request(session_id=await self.session_id(), **fields))

    async def _exchange(self, call: Call, request: Any) -> Any:
        answers = await self._connected()
        assert answers.transport is not None
        number = next(self._numbers)
        future: asyncio.Future[frame.Answer] = asyncio.get_running_loop().create_future()
        answers.waiting[number] = future
        answers.transport.write(calls.line_of(number, call, request))
        try:
            answer = await future
        except EOFError as error:
            raise calls.connection_lost(self.path, call) from error
        finally:
            answers.waiting.pop(number, None)
        return calls.reply_of(call, answer)

    async def _connected(self) -> _Answers:
        async with self._connecting:
            if self._answers is None or self._answers.transport is None:
                self._session = ""
                loop = asyncio.get_running_loop()
                try:
                    _, self._answers = await loop.create_unix_connection(_Answers, os.fspath(self.path))
                except OSError as error:
                    raise calls.not_running(self.path, error) from error
            return self._answers
