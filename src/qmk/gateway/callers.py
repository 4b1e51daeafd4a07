"""Who calls. A request shows a QMK token in the place where its protocol has a secret; one client of the daemon serves
each token, and the daemon alone decides what it may do.

A request without a token is the gateway's own user, which is only let in on loopback and not from a web page.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import os
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from qmk.abi.call import Call
from qmk.abi.calls import (
    q_close_session,
    q_estimate,
    q_events,
    q_negotiate_caps,
    q_query_resources,
    q_replay,
    q_restore,
    q_submit,
)
from qmk.abi.shapes import Program
from qmk.abi.token import PREFIX
from qmk.base.errors import QmkError
from qmk.client.aio import AsyncClient
from qmk.client.patience import Outage, new_key
from qmk.gateway.accounts.roles import OPERATOR, Actor
from qmk.gateway.children import Children
from qmk.gateway.hosts import is_here
from qmk.gateway.observe.watch import current_trace, note_call
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Outputs
from qmk.request.options import read_options
from qmk.rpc import frame, refusals

if TYPE_CHECKING:
    from qmk.gateway.accounts.accounts import Accounts
    from qmk.gateway.accounts.billing import Billing

KEPT_CLIENTS = 1024
KEPT_CLIENTS_OF_A_TENANT = 16
SESSIONS_OF_A_TOKEN = 256
"""Sessions of remote clients; with one more, the one that was opened first is closed."""
RETRY_S = 5.0
SPENDING = (q_submit.CALL, q_restore.CALL, q_replay.CALL)
"""Calls that make a job."""


class Caller(AsyncClient):
    """A client whose session is opened again when it has expired. ``tenant`` and ``rights`` of its session
    are known once it is connected."""

    tenant: str = ""
    rights: frozenset[str] = frozenset()
    _under_way = 0
    _retired = False
    _opened: q_negotiate_caps.Reply | None = None
    _renews_session = True

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        token: str | None,
        children: Children,
        accounts: Accounts | None = None,
        acts_as: Actor | None = None,
    ) -> None:
        super().__init__(path, token=token, patience_s=RETRY_S)
        self.children = children
        """The gateway's processes that read programs."""
        self.accounts, self.acts_as = accounts, acts_as
        """The accounts of this gateway, and who acts where that is not for the token to say."""
        self.shown = token or ""
        self.sessions: OrderedDict[str, None] = OrderedDict()
        """Those that were opened with this token for whoever shows it, the one that was opened first first."""
        self.revoked: set[str] = set()
        """Capabilities that this session had, and has no longer."""
        self._polls: dict[tuple[str, int], asyncio.Task[q_events.Reply]] = {}

    async def retire(self) -> None:
        """Leave, as soon as no call is under way: a call would only connect again."""
        self._retired = True
        if not self._under_way:
            await self.leave()

    async def submit_text(
        self, text: str, *, format: str, shots: int, key: str, params: Mapping[str, Any] | None = None
    ) -> q_submit.Reply:
        """Queue source text, which the daemon reads in a process of its own; the same ``key`` gives the same job."""
        program = Program(format=format, text=text, params=dict(params or {}))
        return await self.submit_program(program=program, shots=shots, idempotency_key=key)

    async def submit_program(self, **fields: Any) -> q_submit.Reply:
        """Queue a program that the daemon reads; ``fields`` of q_submit's request, a key among them."""
        return await self._ask(q_submit.CALL, True, **fields)

    async def ask(self, call: Call, **fields: Any) -> Any:
        """The reply to a call of the session."""
        return await self._ask(call, **fields)

    async def describe_session(self) -> q_negotiate_caps.Reply:
        """What the daemon answered when the session was opened."""
        await self.session_id()
        assert self._opened is not None
        return self._opened

    async def poll_events(self, job: str, after: int, wait_ms: int) -> q_events.Reply:
        """``events``, asked once for all who follow a job from the same place: the daemon bounds how many may wait."""
        key = (job, after)
        if (poll := self._polls.get(key)) is None:
            poll = self._polls[key] = asyncio.get_running_loop().create_task(self.events(job, after, wait_ms))
            poll.add_done_callback(lambda _: self._polls.pop(key))
        return await asyncio.shield(poll)

    async def submit_graph(
        self, graph: Graph, *, shots: int | None, key: str, outputs: Outputs | None
    ) -> q_submit.Reply:
        """Queue a graph, for values where ``outputs`` are given; the same ``key`` gives the same job."""
        options = read_options("Client.submit", {"shots": shots, "idempotency_key": key, "outputs": outputs})
        wire, asked = self._submission(graph, options)
        return await self._ask_about(wire, q_submit.CALL, True, **asked)

    async def _negotiate(self) -> q_negotiate_caps.Reply:
        reply = await super()._negotiate()
        self.tenant = reply.tenant
        self.rights = frozenset(reply.rights)
        self._opened = reply
        self.revoked.clear()
        return reply

    async def _ask(self, call: Call, repeatable: bool | None = None, **fields: Any) -> Any:
        """Jobs are named by their whole ids here: the daemon is not searched for one that begins or ends like this."""
        outage = Outage(self._patience_s, call, repeatable)
        if call is not q_submit.CALL or self.accounts is None:
            return await self._patiently(outage, lambda: self._attempt(call, fields))
        await self.session_id()
        return await self.accounts.billing.submit(
            self.tenant,
            fields,
            lambda asked: self._ask(q_estimate.CALL, **asked),
            lambda: self._patiently(outage, lambda: self._attempt(call, fields)),
            lambda reply: reply.job_id,
            _with_warnings,
        )

    async def _request(self, call: Call, fields: dict[str, Any]) -> Any:
        if call is q_query_resources.CALL:  # whose figures of the queue are those of the session's tenant
            return call.request(session_id=await self.session_id())
        if call is q_submit.CALL and (trace := current_trace()):
            fields = {**fields, "trace": trace}
        return await super()._request(call, fields)

    async def _attempt(self, call: Call, fields: dict[str, Any]) -> Any:
        self._under_way += 1
        try:
            return await super()._attempt(call, fields)
        finally:
            await self._end_call(call)

    async def _ask_all(self, call: Call, repeatable: bool, each: Sequence[dict[str, Any]]) -> list[Any]:
        self._under_way += 1
        try:
            return await super()._ask_all(call, repeatable, each)
        finally:
            await self._end_call(call)

    async def pass_on(self, asked: Sequence[tuple[Call, Any]]) -> list[frame.Answer]:
        """Make calls in sessions of their own, with parameters as they are, and give the answers as they are. Sessions
        that are opened or closed so are kept in mind. Raises CONNECTION_LOST."""
        self._under_way += 1
        if trace := current_trace():
            asked = [
                (call, _with_trace(request, trace) if call is q_submit.CALL else request) for call, request in asked
            ]
        try:
            spends = self.accounts is not None and any(call in SPENDING for call, _ in asked)
            if self.accounts is not None and spends and await self.accounts.billing.budget(self.tenant):
                found = [await self._pass_on_within_budget(self.accounts.billing, *each) for each in asked]
            else:
                found = await self._exchange_each(asked)
            for (call, request), answer in zip(asked, found, strict=True):
                if call is q_negotiate_caps.CALL and answer.error is None:
                    self.sessions[_session_of(answer.result or b"{}")] = None
                elif call is q_close_session.CALL and answer.error is None:
                    self.sessions.pop(_session_of(request), None)
            while len(self.sessions) > SESSIONS_OF_A_TOKEN:
                oldest = q_close_session.Request(session_id=self.sessions.popitem(last=False)[0])
                await self._exchange_each([(q_close_session.CALL, oldest)])
            return found
        finally:
            await self._end_call()

    async def _pass_on_within_budget(self, billing: Billing, call: Call, request: Any) -> frame.Answer:
        """The answer to one call, of one that makes a job only if there is money for it."""

        async def exchange(call: Call, request: Any) -> frame.Answer:
            (answer,) = await self._exchange_each([(call, request)])
            if answer.error is not None:
                raise answer.error
            return answer

        async def estimate(asked: dict[str, Any]) -> q_estimate.Reply:
            answer = await exchange(q_estimate.CALL, q_estimate.Request(session_id=fields["session_id"], **asked))
            return msgspec.json.decode(answer.result or b"{}", type=q_estimate.Reply)

        try:
            if call is not q_submit.CALL:
                await billing.require_left(self.tenant) if call in SPENDING else None
                return await exchange(call, request)
            asked = msgspec.json.decode(request, type=q_submit.Request)
            if not asked.idempotency_key:  # by which the job is found, should the answer be lost
                request = asked = msgspec.structs.replace(asked, idempotency_key=new_key())
            fields = msgspec.structs.asdict(asked)
            if not bytes(fields["graph"]):
                del fields["graph"]
            return await billing.submit(
                self.tenant, fields, estimate, lambda: exchange(call, request), _job_of, _answer_with_warnings
            )
        except msgspec.ValidationError as error:
            return frame.Answer(None, error=refusals.bad_params(call, str(error)))
        except QmkError as error:
            return frame.Answer(None, error=error)

    async def _exchange_each(self, asked: Sequence[tuple[Call, Any]]) -> list[frame.Answer]:
        begin_s = time.perf_counter()
        answers = await super()._exchange_each(asked)
        for (call, _), answer in zip(asked, answers, strict=True):
            note_call(call, begin_s, answer.result, self.tenant)
        return answers

    async def _end_call(self, call: Call | None = None) -> None:
        """A call is no longer under way: whoever is let go of leaves after the last one."""
        self._under_way -= 1
        if self._retired and not self._under_way and call is not q_close_session.CALL:
            await self.leave()


class _Opened(msgspec.Struct):
    session_id: str = ""
    job_id: str = ""


def _session_of(text: bytes | msgspec.Raw) -> str:
    return msgspec.json.decode(text, type=_Opened).session_id


def _with_trace(request: Any, trace: str) -> Any:
    """The request with the trace; what does not fit the call is left for the daemon to refuse."""
    try:
        return msgspec.structs.replace(msgspec.json.decode(request, type=q_submit.Request), trace=trace)
    except msgspec.ValidationError:
        return request


def _with_warnings(reply: q_submit.Reply, warnings: list[dict[str, object]]) -> q_submit.Reply:
    return msgspec.structs.replace(reply, warnings=[*reply.warnings, *warnings])


def _answer_with_warnings(answer: frame.Answer, warnings: list[dict[str, object]]) -> frame.Answer:
    if not warnings:
        return answer
    reply = _with_warnings(msgspec.json.decode(answer.result or b"{}", type=q_submit.Reply), warnings)
    return msgspec.structs.replace(answer, result=msgspec.Raw(msgspec.json.encode(reply)))


def _job_of(answer: frame.Answer) -> str:
    return msgspec.json.decode(answer.result or b"{}", type=_Opened).job_id


class Callers:
    """The clients of the daemon at ``path``, by token; those used least recently are let go."""

    def __init__(
        self, path: str | os.PathLike[str] | None, *, needs_token: bool, accounts: Accounts | None = None
    ) -> None:
        self._path = path
        self.accounts = accounts
        self._needs_token = needs_token
        self._children = Children()
        self._kept: OrderedDict[str, Caller] = OrderedDict()

    async def caller_of(self, headers: Mapping[str, str]) -> Caller:
        """Raises AUTH_FAILED for a token that is missing or no good, CONNECTION_LOST without a daemon."""
        return await self.with_token(self.shown_token(headers))

    def shown_token(self, headers: Mapping[str, str]) -> str:
        """The token of a request, "" for one that is let in without. Raises AUTH_FAILED where one is asked for."""
        shown = token_of(headers)
        if not self._needs_token and not shown.startswith(PREFIX):
            shown = ""  # clients must show something: where none is asked for, what is not a token is none
        if not shown:
            self._require_local_program(headers)
        return shown

    async def client_of(self, shown: str) -> Caller:
        """As ``with_token``, but whether the token is still good is not asked of the daemon: for calls in sessions,
        which end with their token."""
        caller = self._kept.get(shown)
        if caller is None:
            return await self.with_token(shown)
        self._kept.move_to_end(shown)
        return caller

    async def with_token(self, shown: str) -> Caller:
        """The client of whoever has shown this token."""
        caller = self._kept.get(shown)
        if caller is None:
            caller = Caller(self._path, shown or None, self._children, self.accounts)
            try:
                await caller.session_id()
            except BaseException:
                await caller.close()
                raise
            first = self._kept.setdefault(shown, caller)
            if first is not caller:
                await caller.leave()
                caller = first
            await self._bound_clients(caller.tenant)
        else:
            await self._still_good(shown, caller)
        if shown in self._kept:
            self._kept.move_to_end(shown)
        return caller

    async def _still_good(self, shown: str, caller: Caller) -> None:
        """A token that was revoked, or has ended, opens nothing, not even what only the gateway knows."""
        try:
            await caller.telemetry()
        except QmkError as error:
            if error.kind.name in ("AUTH_FAILED", "TENANT_SUSPENDED") and self._kept.pop(shown, None) is not None:
                await caller.close()
            if error.kind.name != "INSUFFICIENT_CAPS":  # a session that may not ask for figures is one
                raise

    def operating(self) -> Caller:
        """Whoever acts on the machine of the daemon as the user who runs it; its calls are those of no tenant."""
        return Caller(self._path, None, self._children, self.accounts, OPERATOR)

    def require_local(self, headers: Mapping[str, str]) -> None:
        """Lets in whoever is on this machine, a page of ours in a browser too. Raises AUTH_FAILED."""
        if self._needs_token:
            help = "start the gateway with --observe-token-file"
            raise QmkError("AUTH_FAILED", "metrics and traces are for whoever runs this gateway", help=help)
        if headers.get("sec-fetch-site") == "same-origin" and "origin" not in headers:
            headers = {"host": headers.get("host", "")}
        self._require_local_program(headers)

    async def probe(self) -> None:
        """Asks the daemon something on a connection of its own. Raises CONNECTION_LOST without a daemon."""
        async with AsyncClient(self._path) as client:
            await client.query_resources()

    def lets_in_local(self, headers: Mapping[str, str]) -> bool:
        """Whether somebody at this machine may use a page of the gateway's own without a token."""
        return not self._needs_token and is_here(headers)

    def _require_local_program(self, headers: Mapping[str, str]) -> None:
        if self._needs_token:
            raise QmkError("AUTH_FAILED", "this gateway asks for a token", help="show a QMK token as the page says")
        from_a_page = "origin" in headers or headers.get("sec-fetch-site", "none") != "none"
        if from_a_page or not is_here(headers):
            raise QmkError("AUTH_FAILED", "without a token only programs on this machine are let in")

    async def _bound_clients(self, tenant: str) -> None:
        """A tenant with many tokens makes its own wait for a connection, not another's."""
        own = [token for token, caller in self._kept.items() if caller.tenant == tenant]
        gone = own[: max(0, len(own) - KEPT_CLIENTS_OF_A_TENANT)]
        gone += [token for token in list(self._kept)[: max(0, len(self._kept) - KEPT_CLIENTS)] if token not in gone]
        for token in gone:
            if (caller := self._kept.pop(token, None)) is not None:  # another request may have let go of it meanwhile
                await caller.retire()

    async def close(self) -> None:
        while self._kept:
            await self._kept.popitem()[1].leave()


def token_of(headers: Mapping[str, str]) -> str:
    """The token that a request shows, or "". Braket: the AWS session token, whose access key signs for nothing here.
    QLAM: a bearer token, or the password of basic authentication. Pasqal: a bearer token."""
    if found := headers.get("x-amz-security-token"):
        return found
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            raise QmkError("AUTH_FAILED", "the basic credentials cannot be read") from None
    return ""
