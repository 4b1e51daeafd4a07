"""The gateway as an ASGI application: one adapter a protocol, each under a path of its own.

| path | protocol |
|---|---|
| /braket | Amazon Braket, ``BRAKET_ENDPOINT`` |
| /s3 | its results, ``AWS_ENDPOINT_URL_S3`` |
| /qlam | QLAM, ``api_base_url`` |
| /pasqal | Pasqal Cloud, ``Endpoints(core=...)`` |
| /v1 | our own REST API, described by /openapi.json |
| /rpc | QMK's own clients, by URL |
| / and what is below it otherwise | the web console |

Whatever goes wrong is answered in the form of the protocol, without a traceback; what is a defect of ours is
logged with one.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import Litestar, Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.types import ControllerRouterHandler

from qmk.base.errors import QmkError
from qmk.gateway import rpc
from qmk.gateway.accounts.sessions import Sessions, cipher_of
from qmk.gateway.braket import routes as braket
from qmk.gateway.callers import Callers
from qmk.gateway.console import routes as console
from qmk.gateway.http import BODY_BYTES, AnyRequest, Gate, Refusal, answer, status_of
from qmk.gateway.pasqal import routes as pasqal
from qmk.gateway.qlam import routes as qlam
from qmk.gateway.qlam.compiling import Compiling
from qmk.gateway.records import Records
from qmk.gateway.rest import routes as rest

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
    ProtocolAdapter("/rpc", rpc.HANDLERS, rpc.answer_error),
)


@get("/health")
async def health() -> Response[bytes]:
    return answer({"status": "up"})


def make_app(socket: Path | None, records: Path, *, needs_token: bool) -> Litestar:
    """The application; jobs go to the daemon at ``socket``, and ``records`` is the gateway's own file.

    Raises RESOURCE_EXHAUSTED when the file cannot be used.
    """
    gate, compiling = Gate(Callers(socket, needs_token=needs_token), Records(records)), Compiling()
    sessions = Sessions(gate.records, cipher_of(records.parent))

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await compiling.close()
            await gate.callers.close()
            gate.records.close()

    return Litestar(
        route_handlers=[
            health,
            rest.SCHEMA,
            *(Router(path=adapter.path or "/", route_handlers=adapter.handlers) for adapter in ADAPTERS),
        ],
        exception_handlers={Exception: _answer_error, HTTPException: _answer_error},
        request_max_body_size=BODY_BYTES,
        state=State({"gate": gate, "compiling": compiling, "room": rpc.Room(), "sessions": sessions}),
        lifespan=[lifespan],
        openapi_config=None,
        logging_config=None,
        debug=False,
        pdb_on_exception=False,
    )


def _answer_error(request: AnyRequest, error: Exception) -> Response[Any]:
    """The answer to what went wrong, in the form of the protocol that was called."""
    path = request.scope["path"]
    if isinstance(error, QmkError):
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
