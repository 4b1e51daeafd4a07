"""The gRPC server: a service for each resource, health and reflection beside them.

The token is the metadata ``authorization: Bearer ...``. An error has a status code, and in the trailing metadata
``grpc-status-details-bin`` a ``google.rpc.Status`` with an ``ErrorInfo``, whose ``reason`` is our kind, and our
``Problem``, which is that of the REST API.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

import grpc
import msgspec
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from qmk.base.errors import QmkError
from qmk.gateway.callers import Caller
from qmk.gateway.grpc import files, shapes
from qmk.gateway.grpc.codec import pack, unpack
from qmk.gateway.grpc.health import HealthService
from qmk.gateway.http import BODY_BYTES, Gate, status_of
from qmk.gateway.rest.problem import Problem, problem_of
from qmk.gateway.service import serving
from qmk.gateway.service.operation import Operation
from qmk.gateway.service.operations import OPERATIONS, RESOURCES
from qmk.gateway.tls import Tls

log = logging.getLogger("qmk.gateway")
DOMAIN = "qmk"
RPCS = 1024
"""Most calls at one time."""
STOP_S = 5.0
DETAILS_BYTES = 4096
"""Of an error's details: clients take 8 KiB of metadata."""
OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", BODY_BYTES),
    ("grpc.max_send_message_length", -1),
)
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.FAILED_PRECONDITION,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}


@dataclass(frozen=True)
class Place:
    """Where the server listens, and with which certificates."""

    host: str
    port: int
    tls: Tls | None = None

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@asynccontextmanager
async def serving_at(gate: Gate, place: Place) -> AsyncGenerator[int]:
    """The port of a server that answers until the end. Raises INVALID_PARAMS where it cannot listen."""
    server, health = make_server(gate, place.tls)
    try:
        if place.tls is not None:
            port = server.add_secure_port(place.address, _credentials(place.tls))
        else:
            port = server.add_insecure_port(place.address)
    except RuntimeError as error:
        raise QmkError("INVALID_PARAMS", f"cannot listen at {place.address} for gRPC", field="grpc") from error
    await server.start()
    try:
        yield port
    finally:
        await health.close()
        await server.stop(STOP_S)


def _credentials(tls: Tls) -> grpc.ServerCredentials:
    """Those of the files, which are read for each new connection."""

    def read() -> Any:
        authorities = tls.client_ca.read_bytes() if tls.client_ca is not None else None
        pair = (tls.key.read_bytes(), tls.cert.read_bytes())
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=authorities)

    def read_again() -> Any:
        try:
            return read()
        except OSError as error:
            log.error("the certificate of gRPC stays what it was: %s", error)
            return None

    return grpc.dynamic_ssl_server_credentials(read(), read_again, tls.client_ca is not None)


def make_server(gate: Gate, tls: Tls | None = None) -> tuple[aio.Server, HealthService]:
    """The server with every service, and the one that tells of their health. ``tls``: how its port is served."""
    server = aio.server(options=OPTIONS, maximum_concurrent_rpcs=RPCS)
    for resource in RESOURCES:
        methods: dict[str, Any] = {}
        for each in (each for each in OPERATIONS if each.resource == resource):
            methods[shapes.method_of(each)] = grpc.unary_unary_rpc_method_handler(_unary(gate, each, tls))
            if stream := shapes.stream_of(each):
                methods[stream] = grpc.unary_stream_rpc_method_handler(_stream(gate, each, tls))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(shapes.service_of(resource), methods),))
    return server, _add_standard_services(server, gate)


def _add_standard_services(server: aio.Server, gate: Gate) -> HealthService:
    own = [shapes.service_of(resource) for resource in RESOURCES]
    checks = HealthService(gate, own)
    cast("Any", health_pb2_grpc).add_HealthServicer_to_server(checks, server)
    known = files.pool()
    with suppress(TypeError):  # it is there already
        known.AddSerializedFile(health_pb2.DESCRIPTOR.serialized_pb)
    reflection.enable_server_reflection([*own, "grpc.health.v1.Health", reflection.SERVICE_NAME], server, pool=known)
    return checks


def _unary(gate: Gate, operation: Operation, tls: Tls | None) -> Any:
    async def answer(data: bytes, context: aio.ServicerContext[bytes, bytes]) -> bytes:
        try:
            shown = _shown_token(gate, context, tls)
            caller, asked = await serving.enter(gate, operation, shown), unpack(operation.call, data)
            if getattr(asked, "wait_s", 0):
                caller = await gate.callers.with_token(shown)
            reply = await serving.serve(gate, operation, caller, asked)
            return pack(reply).SerializeToString()
        except Exception as error:
            await _refuse(context, operation, error)
            raise AssertionError from error

    return answer


def _stream(gate: Gate, operation: Operation, tls: Tls | None) -> Any:
    async def answer(data: bytes, context: aio.ServicerContext[bytes, bytes]) -> AsyncIterator[bytes]:
        try:
            caller = await gate.callers.with_token(_shown_token(gate, context, tls))
            asked = unpack(operation.call, data)
            with serving.hold(gate, caller):
                async for item in (operation.follow or _pages(operation))(caller, asked):
                    if item is not None:
                        yield pack(item).SerializeToString()
        except Exception as error:
            await _refuse(context, operation, error)

    return answer


def _pages(operation: Operation) -> Any:
    """Replies of ranges one after another, up to the last."""

    async def follow(caller: Caller, asked: Any) -> AsyncIterator[Any]:
        while True:
            page = await operation.serve(caller, asked)
            yield page
            if page.next_shot is None:
                return
            asked = msgspec.structs.replace(asked, from_shot=page.next_shot)

    return follow


def _shown_token(gate: Gate, context: aio.ServicerContext[bytes, bytes], tls: Tls | None) -> str:
    """The token of whoever calls, whose call counts as a request. Where no token is asked for, only this machine can
    reach the port. gRPC itself knows no lists of revoked certificates."""
    if tls is not None and any(map(tls.is_revoked, context.auth_context().get("x509_pem_cert", ()))):
        raise QmkError("AUTH_FAILED", "the certificate of the caller is revoked", help="ask for another: its operator")
    shown = [str(value) for name, value in context.invocation_metadata() or () if name == "authorization"]
    headers = {"host": "localhost"} | ({"authorization": shown[0]} if shown else {})
    gate.rates.count(address_of(context.peer()), headers)
    return gate.callers.shown_token(headers)


def address_of(peer: str) -> str:
    """The host of a caller as gRPC names it, such as ``ipv4:127.0.0.1:50000`` or ``ipv6:%5B::1%5D:50000``."""
    return unquote(peer.partition(":")[2]).rpartition(":")[0].strip("[]")


async def _refuse(context: aio.ServicerContext[bytes, bytes], operation: Operation, error: Exception) -> None:
    """Ends the call with an error. Raises what gRPC ends calls by."""
    if isinstance(error, aio.AbortError):
        raise error
    status = status_of(error) if isinstance(error, QmkError) else 500
    if status == 500:
        log.error("%s by gRPC failed", operation.call.name, exc_info=error)
    problem = problem_of(error, status, "a defect in the gateway; its log has the details")
    code = _CODES.get(status, grpc.StatusCode.INTERNAL)
    details = status_message(code, problem)
    await context.abort(code, clip(problem.detail, 256), (("grpc-status-details-bin", details),))


def clip(text: str, limit: int) -> str:
    """A text of at most so many bytes."""
    return text.encode()[:limit].decode(errors="ignore")


def status_message(code: grpc.StatusCode, problem: Problem) -> bytes:
    """The details of an error, with as many findings as clients take."""
    shown = clip(problem.detail, 256)
    problem = msgspec.structs.replace(problem, detail=clip(problem.detail, 1024), help=clip(problem.help, 512))
    texts = {"code": str(problem.code), "status": str(problem.status), "help": problem.help, "field": problem.field}
    given = {key: text for key, text in texts.items() if text}
    info = files.class_of(files.ERROR_INFO)(reason=problem.kind or "INTERNAL_ERROR", domain=DOMAIN, metadata=given)
    while True:
        made = files.class_of(files.RPC_STATUS)(code=cast("tuple[int, str]", code.value)[0], message=shown)
        for each in (info, pack(problem)):
            made.details.add().Pack(each)
        data = cast("bytes", made.SerializeToString())
        if len(data) <= DETAILS_BYTES or not (problem.findings or problem.fields):
            return data
        fewer = problem.findings[: len(problem.findings) // 2]
        problem = msgspec.structs.replace(problem, findings=fewer, fields=problem.fields if fewer else {})
