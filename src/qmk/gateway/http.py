"""What the protocol adapters share: bounded bodies, JSON in and out, ids made of job ids, the status that fits an
error."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from cryptography.fernet import Fernet
from litestar import Request, Response
from litestar.exceptions import InternalServerException

from qmk.base.errors import Finding, QmkError
from qmk.gateway.callers import Caller, Callers
from qmk.gateway.rates import RateLimits, Rates
from qmk.gateway.records import Records

BODY_BYTES = 16 << 20
"""Largest request body in bytes, before and after decompression."""
BODY_S = 60.0
"""Seconds within which a request body has to arrive."""
JOB_PREFIX = "job_"
_STATUS = {
    "AUTH_FAILED": 401,
    "TENANT_SUSPENDED": 403,
    "INSUFFICIENT_CAPS": 403,
    "JOB_NOT_FOUND": 404,
    "ALREADY_COMPLETED": 409,
    "NOT_COMPLETED": 409,
    "JOB_FAILED": 409,
    "JOB_CANCELLED": 409,
    "RESOURCE_EXHAUSTED": 503,
    "CONNECTION_LOST": 503,
    "INTERNAL_ERROR": 500,
}
Wanted = TypeVar("Wanted")
AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True)
class Gate:
    """What every adapter needs; ``request.app.state.gate``."""

    callers: Callers
    records: Records
    rates: Rates = field(default_factory=lambda: Rates(RateLimits()))
    links: Fernet = field(default_factory=lambda: Fernet(Fernet.generate_key()))
    """Seals into a link who may read what is behind it. Links are short-lived, and void after a restart."""
    held: Counter[str] = field(default_factory=lambda: Counter[str]())
    """Requests that each tenant has wait or stream."""


class Refusal(Exception):
    """A request that its adapter turns away, with the HTTP status and, where the protocol has one, a code."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


async def enter(request: AnyRequest) -> tuple[Caller, Records]:
    """The client of whoever calls, and the records. Raises AUTH_FAILED."""
    gate: Gate = request.app.state.gate
    return await gate.callers.caller_of(request.headers), gate.records


async def body_of(request: AnyRequest, wanted: type[Wanted]) -> Wanted:
    """The JSON body as ``wanted``. Raises ``Refusal`` 400, 408, 413 or 415."""
    data = await bytes_of(request)
    try:
        return msgspec.json.decode(data, type=wanted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, f"the body does not fit: {error}") from None


async def bytes_of(request: AnyRequest) -> bytes:
    """The body, decompressed. Raises ``Refusal`` 400, 408, 413 or 415."""
    data = await read_body(request)
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding == "gzip":
        return inflate(data)
    if coding != "identity":
        raise Refusal(415, f"content encoding '{coding[:40]}' is neither gzip nor identity")
    return data


async def read_body(request: AnyRequest) -> bytes:
    """The body as it came. Raises ``Refusal`` 400, 408 or 413."""
    try:
        async with asyncio.timeout(BODY_S):
            return await request.body()
    except TimeoutError:
        raise Refusal(408, f"the body did not come within {BODY_S:.0f} s") from None
    except InternalServerException:
        raise Refusal(400, "the caller went away before its body had come") from None


def inflate(data: bytes, bound: int = BODY_BYTES) -> bytes:
    """What a gzip stream holds, never more than ``bound`` bytes of it at a time. Raises ``Refusal``."""
    unpack = zlib.decompressobj(wbits=31)
    try:
        found = unpack.decompress(data, bound + 1)
    except zlib.error:
        raise Refusal(400, "the body is not a gzip stream") from None
    if len(found) > bound:
        raise Refusal(413, f"the body holds more than {bound} bytes")
    if not unpack.eof or unpack.unused_data:
        raise Refusal(400, "the gzip stream is cut short or followed by something")
    return found


WARNINGS = "qmk-warnings"
"""The header with the warnings about a task's program, a list of texts as JSON. The services have no place for them in
their bodies, and some of their clients refuse what they do not know."""
WARNINGS_BYTES = 4096


def answer(
    data: Any,
    status: int = 200,
    headers: dict[str, str] | None = None,
    warnings: Iterable[Mapping[str, object]] = (),
) -> Response[bytes]:
    """``data`` as JSON, with warnings about the program in a header: as many as fit it, and how many more there are."""
    texts = [msgspec.convert(row, Finding).text() for row in warnings]
    if texts:
        kept = len(texts)
        while len(shown := json.dumps([*texts[:kept], *_more(len(texts) - kept)])) > WARNINGS_BYTES and kept:
            kept -= 1
        headers = {**(headers or {}), WARNINGS: shown}
    return Response(msgspec.json.encode(data), status_code=status, media_type="application/json", headers=headers)


def _more(count: int) -> list[str]:
    return [f"... and {count} more"] if count else []


def status_of(error: QmkError) -> int:
    """The HTTP status of an error; 429 where trying again later can help."""
    name = error.kind.name
    if error.fields.get("absent"):
        return 404
    if name == "QUOTA_EXCEEDED":
        return 429 if error.fields.get("retryable", error.kind.retryable) else 400
    if name == "RESOURCE_EXHAUSTED" and error.fields.get("retryable") is False:
        return 400
    return _STATUS.get(name, 400 if error.kind.blame == "caller" else 500)


def without_places(error: QmkError) -> QmkError:
    """An error as callers from outside are told it: where the daemon's socket is stays here."""
    if error.kind.name != "CONNECTION_LOST":
        return error
    sent = {name: error.fields[name] for name in ("connected",) if name in error.fields}
    return QmkError("CONNECTION_LOST", "the daemon behind the gateway is away", hint="try again later", **sent)


def id_of_job(job: str) -> str:
    """A job's id as a UUID: the same 128 bits."""
    return str(uuid.UUID(job.removeprefix(JOB_PREFIX)))


def job_of_id(id: str) -> str:
    """The inverse of ``id_of_job``. Raises JOB_NOT_FOUND for what is not a UUID in its usual form."""
    try:
        found = uuid.UUID(id)
    except ValueError:
        found = None
    if found is None or str(found) != id:
        raise QmkError("JOB_NOT_FOUND", "no such task")
    return JOB_PREFIX + found.hex


def iso(seconds: float) -> str:
    """Unix seconds as ISO 8601 in UTC, to milliseconds."""
    whole = int(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int((seconds - whole) * 1000):03d}Z"
