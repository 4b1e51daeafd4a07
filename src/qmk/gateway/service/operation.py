"""What the declaration of an operation is, and how its request is derived from that of a call of the ABI."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec

from qmk.abi import shapes
from qmk.abi.call import Call

if TYPE_CHECKING:
    from qmk.gateway.callers import Caller

COMMON = (
    "INVALID_PARAMS",
    "AUTH_FAILED",
    "TENANT_SUSPENDED",
    "INSUFFICIENT_CAPS",
    "QUOTA_EXCEEDED",
    "RESOURCE_EXHAUSTED",
    "CONNECTION_LOST",
    "INTERNAL_ERROR",
)
"""Errors that every operation may answer."""
OF_THE_GATEWAY = ("SESSION_NOT_FOUND", "GRAPH_NOT_FOUND")
"""Errors of the ABI that the gateway deals with."""
OF_THE_SESSION = ("session_id", "graph", "graph_sha256", "trace")
"""Fields of the ABI's requests that no caller of the service gives: the gateway holds the session, programs are text,
and the trace is that of the request."""

Place = Literal["path", "query", "header", "body"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Operation:
    """One thing that a caller can do. ``call`` has its name (resource and verb), words, request, reply, rights and
    errors, in the form of the ABI's own calls; ``serve`` does it for a caller.

    What only a protocol with addresses needs: ``method`` and ``path``, whose names in braces are fields of the request.
    ``made``: the path of what it makes, with names of fields of the reply. ``media``: the reply's only field is sent as
    it is, with this media type. ``follow``: gives the items of the reply as they come, None now and then where there is
    none. ``ranged``: the unit in which parts of the reply can be asked for. ``note``: what is to be said of it beside
    ``call.doc`` where there are addresses.
    """

    call: Call
    serve: Callable[[Caller, Any], Awaitable[Any]]
    method: Method
    path: str
    made: str = ""
    media: str = ""
    follow: Callable[[Caller, Any], AsyncIterator[Any]] | None = None
    item: type | None = None
    ranged: str = ""
    note: str = ""
    places: dict[str, Place] = field(init=False)
    """Where a request has each field."""
    _fields: dict[Place, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        rest: Place = "body" if self.has_body else "query"
        names = msgspec.structs.fields(self.call.request)
        places = {each.name: self._place_of(each.name, rest) for each in names}
        object.__setattr__(self, "places", places)
        found = {there: [name for name, place in places.items() if place == there] for there in places.values()}
        object.__setattr__(self, "_fields", found)

    def _place_of(self, name: str, rest: Place) -> Place:
        return "path" if f"{{{name}}}" in self.path else "header" if name == "idempotency_key" else rest

    @property
    def has_body(self) -> bool:
        return self.method in ("POST", "PUT", "PATCH")

    @property
    def resource(self) -> str:
        return self.call.name.partition(".")[0]

    @property
    def doc(self) -> str:
        """What it does, with the rights that it needs."""
        return self.call.doc + (f" Rights: {', '.join(self.call.rights)}." if self.call.rights else "")

    @property
    def takes_program(self) -> bool:
        return "program" in self.places

    @property
    def proves_token(self) -> bool:
        """Whether the daemon is asked for something that needs a right, and so refuses a token that was revoked."""
        return bool(self.call.rights)

    def text_of(self, reply: Any) -> str:
        """What is sent of a reply whose only field is text of a media type."""
        (text,) = msgspec.structs.asdict(reply).values()
        return text

    def fields_at(self, place: Place) -> list[str]:
        return self._fields.get(place, [])


def declare(
    name: str,
    address: str,
    doc: str,
    request: type,
    reply: type,
    serve: Callable[[Caller, Any], Awaitable[Any]],
    *over: Call,
    errors: tuple[str, ...] = (),
    **more: Any,
) -> Operation:
    """A row of the table. ``address``: method and path. ``over``: calls of the ABI, whose rights and errors it has."""
    of_calls = (error for call in over for error in call.errors if error not in OF_THE_GATEWAY)
    found = dict.fromkeys((*of_calls, *errors, *COMMON))
    rights = tuple(dict.fromkeys(right for call in over for right in call.rights))
    call = Call(name=name, doc=doc, request=request, reply=reply, rights=rights, errors=tuple(found))
    method, path = address.split()
    return Operation(call=call, serve=serve, method=cast("Method", method), path=path, **more)


def narrow(struct: type, name: str, *, drop: tuple[str, ...] = (), **replaced: Any) -> type:
    """A request like ``struct`` without its session and the fields of ``drop``. ``replaced``: fields that have another
    type or are new, each as its type, or as a pair of type and default."""
    kept = [row for row in msgspec.structs.fields(struct) if row.name not in (*OF_THE_SESSION, *drop, *replaced)]
    fields: list[Any] = [(key, *given) if isinstance(given, tuple) else (key, given) for key, given in replaced.items()]
    fields += map(field_of, kept)
    return msgspec.defstruct(name, fields, bases=(shapes.Request,), frozen=True, kw_only=True, module=__name__)


def field_of(row: msgspec.structs.FieldInfo) -> Any:
    """A field as ``defstruct`` takes it: name, type, and a default where it has one."""
    if row.required:
        return row.name, row.type
    if row.default is not msgspec.NODEFAULT:
        return row.name, row.type, row.default
    return row.name, row.type, msgspec.field(default_factory=row.default_factory)
