"""The gateway as an ASGI application: one adapter a protocol, each under a path of its own.

| path | protocol |
|---|---|
| /braket | Amazon Braket, ``BRAKET_ENDPOINT`` |
| /s3 | its results, ``AWS_ENDPOINT_URL_S3`` |
| /qlam | QLAM, ``api_base_url`` |
| /pasqal | Pasqal Cloud, ``Endpoints(core=...)`` |
| /v1 | our own REST API, described by /openapi.json |
| /graphql | the same operations in GraphQL |
| /rpc | QMK's own clients, by URL |
| /observe, /metrics | what goes on here, for whoever runs it |
| / and what is below it otherwise | the web console |

Whatever goes wrong is answered in the form of the protocol, without a traceback; what is a defect of ours is
logged with one.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from litestar import Litestar, Request, Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.types import ControllerRouterHandler

from qmk.base.errors import QmkError
from qmk.gateway import rpc
from qmk.gateway.braket import routes as braket
from qmk.gateway.console import routes as console
from qmk.gateway.edge import Edge, Receive, Scope, Send, headers_of
from qmk.gateway.graphql import routes as graphql
from qmk.gateway.http import (
    BODY_BYTES,
    AnyRequest,
    Refusal,
    answer,
    status_of,
    without_places,
)
from qmk.gateway.observe import routes as observe
from qmk.gateway.observe.watch import Watch
from qmk.gateway.parts import Beside, Choices, Parts
from qmk.gateway.pasqal import routes as pasqal
from qmk.gateway.qlam import routes as qlam
from qmk.gateway.rates import Rates
from qmk.gateway.rest import routes as rest
from qmk.gateway.rest.direct import PREFIX, Direct
from qmk.gateway.whole import send_answer

log = logging.getLogger("qmk.gateway")
RETRY_AFTER_S = 1
"""Seconds after which a caller that was turned away for want of room may try again, where no more is known."""

Refused = Callable[[Exception, int, str], Response[bytes]]


@dataclass(frozen=True)
class ProtocolAdapter:
    """``refused`` writes an error in the protocol's own form."""

    path: str
    handlers: Sequence[ControllerRouterHandler]
    refused: Refused


ADAPTERS = (
    ProtocolAdapter("", console.HANDLERS, console.answer_error),  # first: the others are more precise
    ProtocolAdapter("/braket", braket.HANDLERS, braket.answer_error),
    ProtocolAdapter("/s3", braket.S3_HANDLERS, braket.refused_s3),
    ProtocolAdapter("/qlam", qlam.HANDLERS, qlam.answer_error),
    ProtocolAdapter("/pasqal", pasqal.HANDLERS, pasqal.answer_error),
    ProtocolAdapter("/v1", rest.HANDLERS, rest.answer_error),
    ProtocolAdapter("/graphql", graphql.HANDLERS, graphql.answer_error),
    ProtocolAdapter(rpc.PATH, (), rpc.answer_error),
)


@get("/health")
async def health() -> Response[bytes]:
    return answer({"status": "up"})


@get("/schema.graphql")
async def graphql_schema() -> Response[bytes]:
    from qmk.gateway.graphql import schema

    return Response(schema.text().encode(), media_type="text/plain")


@get("/qmk.proto")
async def grpc_schema() -> Response[bytes]:
    from qmk.gateway.grpc import proto

    return Response(proto.text().encode(), media_type="text/plain")


class Application(Litestar):
    """The routes of the protocols, behind what every request and answer passes. ``/rpc`` has no part in the routing,
    and operations of REST go past it where they can."""

    direct: Direct
    edge: Edge
    rates: Rates
    watch: Watch

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
        else:
            await self.watch(scope, receive, send)

    async def take(self, scope: Any, receive: Any, send: Any) -> None:
        """Takes a request that is watched."""
        headers = headers_of(scope)
        try:
            self.edge.check(scope.get("method", "CONNECT"), headers)
            self.rates.check(scope, headers)
        except (QmkError, Refusal) as error:
            await self._refuse(scope, receive, self.edge.send_with_headers(send, ""), error)
            return
        if scope["type"] == "http":
            send = self.edge.send_with_headers(send, headers.get("host", ""))
            if scope["path"].startswith(rpc.PATH) and scope["path"][len(rpc.PATH) :] in rpc.PATHS:
                scope["path_template"] = scope["path"]
                await self._serve(rpc.serve(self.state, headers, scope, receive, send), scope, receive, send)
                return
            if scope["path"].startswith(PREFIX) and (handler := self.direct.find(scope)) is not None:
                await self._serve(self.direct.serve(handler, headers, scope, receive, send), scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    async def _serve(self, work: Coroutine[Any, Any, None], scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await work
        except Exception as error:
            await self._refuse(scope, receive, send, error)

    async def _refuse(self, scope: Any, receive: Any, send: Send, error: Exception) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        made = _answer_error(Request(scope, receive), error)
        headers = {"content-type": f"{made.media_type}", **made.headers}
        await send_answer(scope, send, made.status_code or 500, made.content, headers)


def make_app(
    socket: Path | None,
    records: Path,
    *,
    needs_token: bool,
    edge: Edge | None = None,
    beside: Sequence[Beside] = (),
    **chosen: Unpack[Choices],
) -> Application:
    """The application; jobs go to the daemon at ``socket``, and ``records`` is the gateway's own file. Without ``edge``
    it serves every host. ``beside``: what runs from its start to its end, such as another server.

    Raises RESOURCE_EXHAUSTED when the file cannot be used.
    """
    parts = Parts(socket, records, needs_token=needs_token, chosen=chosen)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        async with parts.at_work(beside):
            yield

    app = Application(
        route_handlers=[
            health,
            *observe.HANDLERS,
            rest.SCHEMA,
            graphql_schema,
            grpc_schema,
            *(Router(path=each.path or "/", route_handlers=each.handlers) for each in ADAPTERS if each.handlers),
        ],
        exception_handlers={Exception: _answer_error, HTTPException: _answer_error},
        request_max_body_size=BODY_BYTES,
        state=State(parts.state),
        lifespan=[lifespan],
        openapi_config=None,
        logging_config=None,
        debug=False,
        pdb_on_exception=False,
    )
    app.edge, app.rates, app.direct = edge or Edge(), parts.rates, Direct(app)
    app.watch = Watch(app.take, parts.observer.counters, parts.observer.traces, parts.observer.take)
    return app


def _answer_error(request: AnyRequest, error: Exception) -> Response[Any]:
    """The answer to what went wrong, in the form of the protocol that was called."""
    path = request.scope["path"]
    if isinstance(error, QmkError):
        error = without_places(error)
        way = error.fields.get("help")
        status, message = status_of(error), f"{error.message} -> {way}" if way else error.message
    elif isinstance(error, Refusal):
        status, message = error.status, error.message
    elif isinstance(error, HTTPException):
        status, message = error.status_code, error.detail
    elif not _is_text(request.scope["query_string"]):
        status, message = 400, "the query of the address is not UTF-8 text"
    else:
        status, message = 500, ""
    if status == 500:
        log.error("%s %s failed", request.method, path, exc_info=error)
        message = "a defect in the gateway; its log has the details"
    made: Response[Any] = answer({"message": message}, status)
    for adapter in ADAPTERS:
        if path == adapter.path or path.startswith(adapter.path + "/"):
            made = adapter.refused(error, status, message)
    if status in (429, 503):
        wait_ms = error.fields.get("retry_after_ms", 0) if isinstance(error, QmkError) else 0
        made.headers["Retry-After"] = str(max(RETRY_AFTER_S, -(-int(wait_ms) // 1000)))
    return made


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
