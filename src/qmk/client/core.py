"""What both clients do: sessions, calls, and when a call is made again.

``Core`` is written once, as coroutines over a ``Link``. ``AsyncClient`` is a ``Core`` whose link waits in the event
loop; ``Client`` drives the same coroutines over a link that blocks, so that none of them is ever suspended.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from qmk.abi.call import Call
from qmk.abi.calls import (
    q_cancel,
    q_close_session,
    q_delegate,
    q_estimate,
    q_events,
    q_get_telemetry,
    q_negotiate_caps,
    q_query_resources,
    q_result,
    q_revoke,
    q_status,
    q_submit,
    q_wait,
)
from qmk.base.errors import Finding, QmkError
from qmk.client import calls, contexts, ids
from qmk.client.address import Server
from qmk.client.channels import Channels
from qmk.client.checkpoints import Checkpoints
from qmk.client.link import MakeLink
from qmk.client.many import Many
from qmk.client.matching import Matching
from qmk.client.patience import Outage, is_outage, new_key
from qmk.client.result import Fetch, Result
from qmk.client.scripts import Scripts
from qmk.client.wire import Wire, WireGraphs
from qmk.request import arguments
from qmk.request.build import notes_of, policy_of
from qmk.request.options import RunOptions, read_options
from qmk.request.program import ProgramLike
from qmk.request.progress import showing
from qmk.request.signature import takes
from qmk.request.warn import warn_of
from qmk.rpc import frame
from qmk.rpc.kept import Kept

if TYPE_CHECKING:
    from typing import Unpack

    from qmk.request.keywords import ClientEstimateKeywords, ClientRunKeywords, ClientSubmitKeywords

SENT_GRAPHS = 1000
"""So many graphs a client remembers to have sent."""
PROGRESS_EVERY_MS = 200
RENEWALS = 3
KNOWN_IDS = 1000
"""So many short ids of jobs a client remembers with the whole ones."""


class Core(Many, Matching, Checkpoints, Channels, Scripts):
    """The calls of a session, each a coroutine."""

    _renews_session = False
    """Whether another session is opened when the daemon has this one no longer."""

    def __init__(
        self,
        make_link: MakeLink,
        place: Server | Path,
        token: str | None,
        capabilities: list[str] | None,
        patience_s: float,
        quota: Mapping[str, int] | None,
    ) -> None:
        if token is not None:
            arguments.text("token", token)
        if capabilities is not None:
            arguments.texts("capabilities", capabilities)
        if quota is not None:
            arguments.mapping("quota", quota)
        if arguments.number_between("patience_s", patience_s, -1.0, float("inf")) is None:
            raise arguments.refuse("patience_s", patience_s, "a number of seconds", "give one from 0, such as 30")
        self._patience_s = patience_s
        server = place if isinstance(place, Server) else None
        self.place, self.path = place, place if isinstance(place, Path) else place.url
        self._token = contexts.token_for(server) if token is None else token
        self._capabilities = capabilities
        self._quota = quota
        self._link = link = make_link(server, self._token)
        self._renews_session = self._renews_session or server is not None
        self._interrupts, self._shield = link.interrupts, link.shield
        self._graphs = WireGraphs()
        self._sent: Kept[str, bool] = Kept()
        self._full_ids: dict[Any, str] = {}
        self._session = ""
        self._numbers = itertools.count(1)
        self._connecting = link.lock()
        self._negotiating = link.lock()

    async def close(self) -> None:
        """Close the connection; the session ends with its time, jobs go on."""
        async with self._link.turn():
            self._link.close()
            self._session = ""

    async def leave(self) -> None:
        """End the session, if one is open, and close the connection; jobs go on."""
        try:
            if self._session and self._link.is_open():
                await self.close_session()
        except QmkError as error:
            if error.kind.name == "INTERNAL_ERROR":
                raise
            # else the daemon is going, or serves this tenant no longer: the session ends with its time
        finally:
            await self.close()

    async def session_id(self) -> str:
        """The session, opened when there is none."""
        async with self._link.turn():
            await self._connect()
            if not self._session:
                async with self._negotiating:
                    if not self._session:
                        await self._negotiate()
            return self._session

    async def negotiate(self) -> q_negotiate_caps.Reply:
        """Open a session: granted and denied capabilities, quota, limits, families."""
        return await self._patiently(Outage(self._patience_s, q_negotiate_caps.CALL), self._negotiate)

    async def _negotiate(self) -> q_negotiate_caps.Reply:
        request = calls.negotiate_request(self._capabilities, self._token, self._quota)
        reply = await self._exchange(q_negotiate_caps.CALL, request)
        self._session = reply.session_id
        return reply

    @takes("Client.submit")
    async def submit(self, program: ProgramLike, **keywords: Unpack[ClientSubmitKeywords]) -> q_submit.Reply:
        """Queue a program (circuit, file, source text or graph) as a job. It survives a restart of the daemon from here
        on. ``client.job(reply.job_id)`` is its handle, which waits, gives results and cancels."""
        return await self._submit(program, read_options("Client.submit", keywords))

    async def _submit(self, program: ProgramLike, options: RunOptions) -> q_submit.Reply:
        wire, asked = self._submission(program, options)
        reply = await self._ask_about(wire, q_submit.CALL, bool(asked["idempotency_key"]), **asked)
        warn_of(msgspec.convert(reply.warnings, list[Finding]))
        return reply

    def _submission(self, program: ProgramLike, options: RunOptions) -> tuple[Wire, dict[str, Any]]:
        wire = self._graphs.write(program, options)
        return wire, {
            "shots": wire.shots,
            "policy": policy_of(options, wire.qec),
            "idempotency_key": options.idempotency_key or (new_key() if self._patience_s else ""),
            "keep_events": options.keep_events,
            "outputs": options.all_outputs or wire.usual,
            "strict": options.strict,
            "name": options.name,
            "tags": options.tags,
        }

    async def status(self, job: str) -> q_status.Reply:
        """The state of a job, now."""
        return await self._ask(q_status.CALL, job_id=job)

    async def wait(self, job: str, timeout_ms: int | None = None) -> q_wait.Reply:
        """The state of a job once it has ended, with its result; or, after ``timeout_ms``, the state it is in."""
        outage = Outage(self._patience_s, q_wait.CALL)
        while True:
            reply = await self._ask_waiting(q_wait.CALL, timeout_ms, job_id=job)
            if not self._patience_s or timeout_ms is not None or reply.state in calls.ENDED:
                return reply
            # the daemon is going and let us go
            await self._link.sleep(outage.delay_s(calls.stopped_waiting(self.path)))

    async def result(self, job: str, from_shot: int = 0) -> Result:
        """The result of a COMPLETED job; its per-shot events begin at ``from_shot`` and come page by page: a blocking
        client's ``Result`` fetches the later ones, with asyncio ``rows`` gives them all."""
        return Result(await self._result(job, from_shot), self._pages(job))

    async def _result(self, job: str, from_shot: int) -> q_result.Reply:
        return await self._ask(q_result.CALL, job_id=job, from_shot=from_shot)

    def _pages(self, job: str) -> Fetch | None:
        """What fetches later pages of a result's events, where that can be done without awaiting."""
        return None

    async def cancel(self, job: str, reason: str = "") -> q_cancel.Reply:
        """Stop a job that has not ended."""
        return await self._ask(q_cancel.CALL, job_id=job, reason=reason)

    async def events(self, job: str, after: int = 0, timeout_ms: int = q_events.LONG_POLL_MS) -> q_events.Reply:
        """The job's history after event ``after``; waits up to ``timeout_ms`` for the next one."""
        return await self._ask_waiting(q_events.CALL, timeout_ms, job_id=job, after=after)

    async def telemetry(self, job: str | None = None) -> q_get_telemetry.Reply:
        """Figures of the session, and of ``job`` when given."""
        return await self._ask(q_get_telemetry.CALL, job_id=job)

    async def query_resources(self) -> q_query_resources.Reply:
        """Devices, engines, capacity and queue. Needs no session."""
        return await self._ask(q_query_resources.CALL)

    @takes("Client.estimate")
    async def estimate(self, program: ProgramLike, **keywords: Unpack[ClientEstimateKeywords]) -> q_estimate.Reply:
        """Memory and time that each engine would need for a program, without running it; ``outputs`` beyond counts."""
        options = read_options("Client.estimate", keywords)
        wire = self._graphs.write(program, options)
        asked: dict[str, Any] = {"shots": wire.shots, "outputs": options.outputs, "strict": options.strict}
        reply = await self._ask_about(wire, q_estimate.CALL, qec=wire.qec, **asked)
        warn_of(msgspec.convert(reply.warnings, list[Finding]))
        return reply

    async def delegate(self, capability: str, rights: list[str], **bounds: Any) -> q_delegate.Reply:
        """Derive a narrower capability; ``bounds`` are the other fields of q_delegate's request. With ``to_tenant`` or
        ``to_session`` it is on offer there; without, this session holds it."""
        return await self._ask(q_delegate.CALL, capability=capability, rights=rights, **bounds)

    async def revoke(self, capability: str) -> q_revoke.Reply:
        """Give up a capability, or take back what was delegated, with all that derives from it."""
        return await self._ask(q_revoke.CALL, capability=capability)

    async def close_session(self) -> q_close_session.Reply:
        """End the session now and release what it holds. The next call opens another."""
        reply = await self._ask(q_close_session.CALL)
        self._session = ""
        return reply

    @takes("Client.run")
    async def run(self, program: ProgramLike, **keywords: Unpack[ClientRunKeywords]) -> Result:
        """Submit, wait, and give the result.

        Raises, beside what ``submit`` does: the job's own error when it fails, TIMEOUT when its time limit passes,
        JOB_CANCELLED when somebody cancels it. When the caller is interrupted or cancelled, so is the job.
        """
        options = read_options("Client.run", keywords)
        job = (await self._submit(program, options)).job_id
        try:
            with showing(options) as options:
                return await self._follow(job, options)
        except self._link.interrupts:
            await self._link.shield(self.cancel(job, "interrupted"))
            raise

    async def _follow(self, job: str, options: RunOptions, shots_before: int = 0) -> Result:
        """The result of a job once it has ended. A function of progress gets its shots, and those before."""
        progress = options.report
        status = await self.wait(job, None if progress is None else PROGRESS_EVERY_MS)
        while status.state not in calls.ENDED:
            if progress is not None:
                progress(shots_before + status.progress.shots_done)
            status = await self.wait(job, PROGRESS_EVERY_MS)
        if status.result is None:
            raise calls.job_ended_badly(status.state, status.error)
        if progress is not None:
            progress(shots_before + status.result.shots)
        status.result.provenance.notes.update(notes_of(options))
        return Result(status.result, self._pages(job))

    async def _ask(self, call: Call, repeatable: bool | None = None, **fields: Any) -> Any:
        job = fields.get("job_id")
        if isinstance(job, str) and job in self._full_ids:
            fields["job_id"] = self._full_ids[job]
        outage = Outage(self._patience_s, call, repeatable)
        try:
            return await self._patiently(outage, lambda: self._attempt(call, fields))
        except QmkError as error:
            if error.kind.name != "JOB_NOT_FOUND" or not ids.is_part(job):
                raise
            full = await ids.find(cast("str", job), self._rows())
            if full is None:
                raise
        if len(self._full_ids) >= KNOWN_IDS:
            self._full_ids.clear()
        self._full_ids[job] = full
        return await self._ask(call, repeatable, **fields)

    async def _ask_waiting(self, call: Call, timeout_ms: int | None, **fields: Any) -> Any:
        """A call that is answered once there is something to tell, or after ``timeout_ms``: several calls, where the
        link bounds how long one may wait."""
        while True:
            longest = self._link.longest_wait_ms
            step = min((each for each in (timeout_ms, longest) if each is not None), default=None)
            reply = await self._ask(call, timeout_ms=step, **fields)
            if step == timeout_ms or calls.has_news(reply):
                return reply
            timeout_ms = None if timeout_ms is None or step is None else timeout_ms - step

    async def _ask_about(self, wire: Wire, call: Call, repeatable: bool | None = None, **fields: Any) -> Any:
        """A call with a program. A long one goes over the wire once; from then on its hash does."""
        if self._was_sent(wire):
            try:
                return await self._ask(call, repeatable, graph_sha256=wire.sha256, **fields)
            except QmkError as error:
                if error.kind.name != "GRAPH_NOT_FOUND":
                    raise
        reply = await self._ask(call, repeatable, graph=wire.graph, **fields)
        self._remember_sent(wire)
        return reply

    def _was_sent(self, wire: Wire) -> bool:
        return bool(wire.sha256 and self._sent.get(wire.sha256))

    def _remember_sent(self, wire: Wire) -> None:
        if wire.sha256:
            self._sent.put(wire.sha256, True, 1, SENT_GRAPHS)

    async def _ask_all(self, call: Call, repeatable: bool, each: Sequence[dict[str, Any]]) -> list[Any]:
        """One batch of calls: their replies, and the errors of those that were refused."""
        outage = Outage(self._patience_s, call, repeatable)

        async def attempt() -> list[Any]:
            requests = [await self._request(call, fields) for fields in each]
            session = self._session
            found = [calls.reply_or_error(call, one) for one in await self._exchange_all(call, requests)]
            if isinstance(found[0], QmkError) and self._forgets(session, found[0]):
                return await attempt()
            lost = next((one for one in found if isinstance(one, QmkError) and is_outage(one)), None)
            if lost is not None and self._patience_s:
                raise lost
            return found

        return await self._patiently(outage, attempt)

    async def _patiently(self, outage: Outage, attempt: Callable[[], Awaitable[Any]]) -> Any:
        while True:
            try:
                async with self._link.turn():
                    return await attempt()
            except QmkError as error:
                delay_s = outage.delay_s(error)
            await self._link.sleep(delay_s)

    async def _attempt(self, call: Call, fields: dict[str, Any]) -> Any:
        """One call; a lost connection is renewed once where the call only reads, a lost session a few times."""
        may_reconnect, renewals = self._link.is_open() and not call.journaled, 0
        while True:
            session = self._session
            try:
                request = await self._request(call, fields)
                session = self._session
                return await self._exchange(call, request)
            except QmkError as error:
                if self._forgets(session, error) and renewals < RENEWALS:
                    renewals += 1
                elif may_reconnect and error.kind.name == "CONNECTION_LOST":
                    may_reconnect = False
                else:
                    raise

    def _forgets(self, session: str, error: QmkError) -> bool:
        """Whether the call is to be made again, in another session, because the daemon has that one no longer."""
        if error.kind.name != "SESSION_NOT_FOUND" or not self._renews_session or not session:
            return False
        if self._session == session:
            self._session = ""
        return True

    async def _request(self, call: Call, fields: dict[str, Any]) -> Any:
        """The request of a call, in the session where it is one of a session."""
        if call is q_query_resources.CALL:
            return call.request()
        return call.request(session_id=await self.session_id(), **fields)

    async def _exchange(self, call: Call, request: Any) -> Any:
        return calls.reply_of(call, (await self._exchange_all(call, [request]))[0])

    async def _exchange_all(self, call: Call, requests: Sequence[Any]) -> list[frame.Answer]:
        return await self._exchange_each([(call, request) for request in requests])

    async def _exchange_each(self, asked: Sequence[tuple[Call, Any]]) -> list[frame.Answer]:
        """The answers to calls that are sent in one frame, each with its request."""
        await self._connect()
        numbers = [next(self._numbers) for _ in asked]
        line = calls.line_of(numbers, asked)
        try:
            return await self._link.exchange(numbers, line, getattr(asked[0][1], "timeout_ms", None) or 0)
        except (ConnectionError, EOFError) as error:
            raise calls.connection_lost(self.path, asked[0][0]) from error

    async def _connect(self) -> None:
        if self._link.is_open():
            return
        async with self._connecting:
            if self._link.is_open():
                return
            self._session = ""
            try:
                await self._link.open(os.fspath(self.path))
            except OSError as error:
                raise calls.not_running(self.path, error) from error
