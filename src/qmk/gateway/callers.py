"""Who calls. A request shows a QMK token in the place where its protocol has a secret; one client of the daemon serves
each token, and the daemon alone decides what it may do.

A request without a token is the gateway's own user, which is only let in on loopback and not from a web page.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from qmk.abi.call import Call
from qmk.abi.calls import q_close_session, q_negotiate_caps, q_query_resources, q_submit
from qmk.abi.shapes import Program
from qmk.abi.token import PREFIX
from qmk.base.errors import QmkError
from qmk.client.aio import AsyncClient
from qmk.client.patience import Outage
from qmk.gateway.children import Children
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Outputs
from qmk.request.options import read_options
from qmk.rpc import frame

KEPT_CLIENTS = 1024
KEPT_CLIENTS_OF_A_TENANT = 16
SESSIONS_OF_A_TOKEN = 256
"""Sessions of remote clients; with one more, the one that was opened first is closed."""
RETRY_S = 5.0
_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.ASCII | re.IGNORECASE)


class Caller(AsyncClient):
    """A client whose session is opened again when it has expired. ``tenant`` and ``rights`` of its session
    are known once it is connected."""

    tenant: str = ""
    rights: frozenset[str] = frozenset()
    _under_way = 0
    _retired = False
    _opened: q_negotiate_caps.Reply | None = None
    _renews_session = True

    def __init__(self, path: str | os.PathLike[str] | None, token: str | None, children: Children) -> None:
        super().__init__(path, token=token, patience_s=RETRY_S)
        self.children = children
        """The gateway's processes that read programs."""
        self.sessions: OrderedDict[str, None] = OrderedDict()
        """Those that were opened with this token for whoever shows it, the one that was opened first first."""

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
        return reply

    async def _ask(self, call: Call, repeatable: bool | None = None, **fields: Any) -> Any:
        """Jobs are named by their whole ids here: the daemon is not searched for one that begins or ends like this."""
        outage = Outage(self._patience_s, call, repeatable)
        return await self._patiently(outage, lambda: self._attempt(call, fields))

    async def _request(self, call: Call, fields: dict[str, Any]) -> Any:
        if call is q_query_resources.CALL:  # whose figures of the queue are those of the session's tenant
            return call.request(session_id=await self.session_id())
        return await super()._request(call, fields)

    async def _attempt(self, call: Call, fields: dict[str, Any]) -> Any:
        async with self._count_call(call):
            return await super()._attempt(call, fields)

    async def pass_on(self, asked: Sequence[tuple[Call, Any]]) -> list[frame.Answer]:
        """Make calls in sessions of their own, with parameters as they are, and give the answers as they are. Sessions
        that are opened or closed so are kept in mind. Raises CONNECTION_LOST."""
        async with self._count_call():
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

    @asynccontextmanager
    async def _count_call(self, call: Call | None = None) -> AsyncGenerator[None]:
        """A call that is under way: whoever is let go of leaves after the last one."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            if self._retired and not self._under_way and call is not q_close_session.CALL:
                await self.leave()


class _Opened(msgspec.Struct):
    session_id: str = ""


def _session_of(text: bytes | msgspec.Raw) -> str:
    return msgspec.json.decode(text, type=_Opened).session_id


class Callers:
    """The clients of the daemon at ``path``, by token; those used least recently are let go."""

    def __init__(self, path: str | os.PathLike[str] | None, *, needs_token: bool) -> None:
        self._path = path
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
            caller = Caller(self._path, shown or None, self._children)
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

    def lets_in_local(self, headers: Mapping[str, str]) -> bool:
        """Whether somebody at this machine may use a page of the gateway's own without a token."""
        return not self._needs_token and _LOOPBACK.fullmatch(headers.get("host", "")) is not None

    def _require_local_program(self, headers: Mapping[str, str]) -> None:
        if self._needs_token:
            raise QmkError("AUTH_FAILED", "this gateway asks for a token", help="show a QMK token as the page says")
        from_a_page = "origin" in headers or headers.get("sec-fetch-site", "none") != "none"
        if from_a_page or _LOOPBACK.fullmatch(headers.get("host", "")) is None:
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
