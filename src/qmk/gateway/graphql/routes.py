"""GraphQL over HTTP: ``POST /graphql`` with one request as JSON, and as a stream of server-sent events where these are
asked for, in the form of the protocol graphql-sse with a connection for each request.

Nothing is answered to a GET and to a form, so that no page of another origin can ask without its browser asking first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from qmk.gateway.http import AnyRequest, Gate, Refusal, body_of, enter
from qmk.gateway.rest.problem import problem_of
from qmk.gateway.rest.routes import EVENT_STREAM
from qmk.gateway.service.handlers import HEARTBEAT_S

if TYPE_CHECKING:
    from strawberry.types import ExecutionResult

MEDIA, GRAPHQL_MEDIA = "application/json", "application/graphql-response+json"


class Asked(msgspec.Struct):
    """A request of GraphQL. Its extensions are ignored, as the specification has it."""

    query: str
    variables: dict[str, Any] | None = None
    operationName: str | None = None


@post("/")
async def graphql(request: AnyRequest) -> Response[Any]:
    """The answer to a query or mutation, or the answers to a subscription."""
    from qmk.gateway.graphql.schema import Asker, schema

    caller, _ = await enter(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA:
        raise Refusal(415, f"a request of GraphQL is sent as {MEDIA}")
    asked = await body_of(request, Asked)
    gate: Gate = request.app.state.gate
    given: dict[str, Any] = {
        "variable_values": asked.variables,
        "operation_name": asked.operationName,
        "context_value": Asker(gate, caller),
    }
    accept = request.headers.get("accept", "")
    if EVENT_STREAM in accept:
        return await _stream(await schema().stream(asked.query, **given))
    try:
        result = await schema().execute(asked.query, allowed_operation_types=_one_answer(), **given)
    except Exception as error:
        result = _refusal(error)
    whole = GRAPHQL_MEDIA in accept
    status = 400 if whole and _is_refused(result) else 200
    media = GRAPHQL_MEDIA if whole else MEDIA
    return Response(_encode(result), status_code=status, media_type=media, headers={"Cache-Control": "no-store"})


HANDLERS: tuple[HTTPRouteHandler, ...] = (graphql,)


def answer_error(error: Exception, status: int, message: str) -> Response[bytes]:
    """A request that is refused before it is read as GraphQL, in the form of its errors."""
    problem = problem_of(error, status, message)
    shown = {"message": problem.detail, "extensions": problem}
    headers = {"WWW-Authenticate": 'Bearer realm="qmk"'} if status == 401 else {}
    body = msgspec.json.encode({"errors": [shown]})
    return Response(body, status_code=status, media_type=MEDIA, headers={**headers, "Cache-Control": "no-store"})


@cache
def _one_answer() -> Any:
    from strawberry.types.graphql import OperationType

    return (OperationType.QUERY, OperationType.MUTATION)


def _refusal(error: Exception) -> ExecutionResult:
    """What is wrong with a request whose operation cannot be told, or which is a subscription without a stream."""
    from graphql import GraphQLError
    from strawberry.types import ExecutionResult

    given = error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)
    return ExecutionResult(data=None, errors=[given])


def _encode(result: Any) -> bytes:
    from qmk.gateway.graphql.schema import format_error

    errors = [format_error(each) for each in result.errors or ()]
    return msgspec.json.encode(
        ({} if _is_refused(result) else {"data": result.data}) | ({"errors": errors} if errors else {})
    )


def _is_refused(result: Any) -> bool:
    """Whether nothing of a request was done."""
    return result.data is None and not any(each.path for each in result.errors or ())


async def _stream(results: AsyncGenerator[Any]) -> Response[Any]:
    """The answers as they come, with a comment now and then where there is none, which finds out who has left."""

    async def lines() -> AsyncIterator[bytes]:
        async with aclosing(results):
            pending: asyncio.Task[Any] | None = None
            try:
                while True:
                    pending = pending or asyncio.ensure_future(_next(results))
                    done, _ = await asyncio.wait([pending], timeout=HEARTBEAT_S)
                    if not done:
                        yield b": nothing new\n\n"
                        continue
                    result, pending = pending.result(), None
                    if result is None:
                        break
                    yield b"event: next\ndata: " + _encode(result) + b"\n\n"
                yield b"event: complete\ndata: \n\n"
            finally:
                if pending is not None:
                    pending.cancel()
                    await asyncio.wait([pending])

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Stream(lines(), status_code=200, media_type=EVENT_STREAM, headers=headers)


async def _next(results: AsyncGenerator[Any]) -> Any:
    """The next answer; None after the last."""
    try:
        return await anext(results)
    except StopAsyncIteration:
        return None
    except Exception as error:
        return _refusal(error)
