"""The schema: operations that read are queries, others mutations, and those that can be followed subscriptions too.

A request is bounded before anything of it is done: in tokens, depth, fields (those of fragments each time that they are
spread) and operations, of which each is a call of the daemon.
"""

from __future__ import annotations

import inspect as signatures
import logging
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any, cast

import msgspec
import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from qmk.base.errors import QmkError
from qmk.gateway.callers import Caller
from qmk.gateway.graphql.types import SCALARS, argument_of, object_of, plain_fields
from qmk.gateway.http import Gate, Refusal, status_of
from qmk.gateway.rest.problem import problem_of
from qmk.gateway.service import serving
from qmk.gateway.service.operation import Operation
from qmk.gateway.service.operations import OPERATIONS
from qmk.gateway.service.types import fields_of
from qmk.rpc import refusals

log = logging.getLogger("qmk.gateway")
TOKENS = 3000
DEPTH = 16
"""Fields within fields; the query by which tools read the schema has 13."""
FIELDS = 1000
"""Fields of a request, those of a fragment counted wherever it is spread."""
AT_ONCE = 10
"""Queries or mutations of one request."""

_OF_REQUESTS: dict[type, str] = {
    MissingQueryError: "the request has no text",
    CannotGetOperationTypeError: "the request has no operation of this name",
    InvalidOperationTypeError: "a subscription is asked for with Accept: text/event-stream",
}


class Asker(msgspec.Struct):
    """Who asks; the context of an execution."""

    gate: Gate
    caller: Caller


class Bounds(SchemaExtension):
    """Refuses what exceeds a bound, before it is looked at closer."""

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        try:
            document = parse(context.query or "", max_tokens=TOKENS)
            require_bounds(document)
        except RecursionError:
            raise GraphQLError(f"the request is too deep: the limit is {DEPTH}") from None
        context.graphql_document = document
        yield


def require_bounds(document: DocumentNode) -> None:
    """Raises GraphQLError for a request that is too deep or too large. Each fragment is looked at once."""
    named = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    sizes: dict[str, tuple[int, int, int]] = {}

    def measure(selection: SelectionSetNode | None, within: tuple[str, ...]) -> tuple[int, int, int]:
        """Depth, fields, and fields of the first level."""
        depth = count = first = 0
        for each in selection.selections if selection else ():
            if isinstance(each, FieldNode):
                deeper, more, _ = measure(each.selection_set, within)
                found = (deeper + 1, more + 1, 1)
            elif isinstance(each, FragmentSpreadNode):
                found = measure_fragment(each.name.value, within)
            else:
                found = measure(cast("Any", each).selection_set, within)
            depth, count, first = max(depth, found[0]), count + found[1], first + found[2]
        return depth, count, first

    def measure_fragment(name: str, within: tuple[str, ...]) -> tuple[int, int, int]:
        if name in within:
            raise GraphQLError(f"fragment '{name}' contains itself")
        if name not in sizes:
            sizes[name] = measure(named[name].selection_set, (*within, name)) if name in named else (0, 0, 0)
        return sizes[name]

    for each in document.definitions:
        if isinstance(each, OperationDefinitionNode):
            found = measure(each.selection_set, ())
            for what, limit, asked in zip(
                ("levels", "fields", "operations"), (DEPTH, FIELDS, AT_ONCE), found, strict=True
            ):
                if asked > limit:
                    raise GraphQLError(f"the request has too many {what}: the limit is {limit}")


class Schema(strawberry.Schema):
    """Logs nothing but defects of ours."""

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        for error in errors:
            cause = cause_of(error)
            if status_of_error(cause) == 500:
                log.error("%s of a GraphQL request failed", error.path, exc_info=cause)


def status_of_error(error: Exception) -> int:
    """The HTTP status that an error would have."""
    if isinstance(error, Refusal):
        return error.status
    return status_of(error) if isinstance(error, QmkError) else 500


def cause_of(error: GraphQLError) -> Exception:
    """What is behind an error: one of ours, INVALID_PARAMS where the request is not right, or a defect."""
    cause = error.original_error
    text = _OF_REQUESTS.get(type(cause))
    if text or cause is None or isinstance(cause, GraphQLError):
        return QmkError("INVALID_PARAMS", text or error.message)
    return cause


def format_error(error: GraphQLError) -> dict[str, Any]:
    """An error as GraphQL has it, with the problem of the REST API as its extensions."""
    cause = cause_of(error)
    status = status_of_error(cause)
    message = "a defect in the gateway; its log has the details" if status == 500 else str(cause)
    problem = problem_of(cause, status, message)
    return {**error.formatted, "message": problem.detail, "extensions": msgspec.to_builtins(problem)}


@cache
def schema() -> Schema:
    """The schema of all operations."""
    reads = [each for each in OPERATIONS if each.method == "GET"]
    writes = [each for each in OPERATIONS if each.method != "GET"]
    followed = [each for each in OPERATIONS if each.follow is not None]
    return Schema(
        query=_root("Query", {_name(each): _field(each) for each in reads}),
        mutation=_root("Mutation", {_name(each): _field(each) for each in writes}),
        subscription=_root("Subscription", {_name(each): _subscription(each) for each in followed}),
        extensions=[Bounds],
        config=StrawberryConfig(auto_camel_case=False, scalar_map=SCALARS),
    )


@cache
def text() -> str:
    """The schema in its own language."""
    return schema().as_str() + "\n"


def _root(name: str, fields: dict[str, Any]) -> type:
    return strawberry.type(type(name, (), fields))


def _name(operation: Operation) -> str:
    return operation.call.name.replace(".", "_")


def _field(operation: Operation) -> Any:
    async def resolve(info: strawberry.Info, **given: Any) -> Any:
        who = cast("Asker", info.context)
        return await serving.serve(who.gate, operation, who.caller, _request(operation, given))

    return strawberry.field(_sign(resolve, operation, object_of(operation.call.reply)), description=operation.doc)


def _subscription(operation: Operation) -> Any:
    assert operation.item is not None

    async def follow(info: strawberry.Info, **given: Any) -> AsyncIterator[Any]:
        assert operation.follow is not None
        who = cast("Asker", info.context)
        with serving.hold(who.gate, who.caller):
            async for item in operation.follow(who.caller, _request(operation, given)):
                if item is not None:
                    yield item

    item = AsyncIterator[object_of(operation.item)]  # type: ignore[misc]
    return strawberry.subscription(_sign(follow, operation, item), description=operation.doc)


def _sign(function: Any, operation: Operation, reply: Any) -> Any:
    """The function with the fields of the request as its arguments."""
    kind = signatures.Parameter.KEYWORD_ONLY
    found = [signatures.Parameter("info", kind, annotation=strawberry.Info)]
    for row in fields_of(operation.call.request):
        annotation, default = argument_of(row)
        more = {} if row.required else {"default": default}
        found.append(signatures.Parameter(row.name, kind, annotation=annotation, **more))
    function.__signature__ = signatures.Signature(found, return_annotation=reply)
    function.__annotations__ = {each.name: each.annotation for each in found} | {"return": reply}
    function.__name__ = _name(operation)
    return function


def _request(operation: Operation, given: dict[str, Any]) -> Any:
    """The request. Raises INVALID_PARAMS naming the field."""
    call = operation.call
    wanted: type[Any] = call.request
    try:
        return msgspec.convert(plain_fields(given), wanted)
    except msgspec.ValidationError as error:
        raise refusals.bad_params(call, str(error)) from None
