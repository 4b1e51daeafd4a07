"""``q_query_resources``: what this machine has."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call


class Request(shapes.Request, frozen=True):
    session_id: Annotated[
        str, Meta(description="optional; checked when given, and then the queue is its tenant's", max_length=64)
    ] = ""


class Device(Struct, frozen=True):
    name: str
    doc: str
    families: list[str]


class EngineRow(Struct, frozen=True, kw_only=True):
    name: str
    doc: str
    methods: list[str]
    available: Annotated[bool, Meta(description="its libraries are installed")]
    reason: Annotated[str, Meta(description="why not, and the extra to install")] = ""


class Queue(Struct, frozen=True):
    queued: Annotated[int | None, Meta(description="jobs that wait; null without a session, where there are tenants")]
    running: Annotated[int | None, Meta(description="jobs on engines; null like queued")]
    workers: Annotated[int, Meta(description="launches at once")]


class Reply(Struct, frozen=True, kw_only=True):
    devices: list[Device]
    engines: list[EngineRow]
    capacity: Annotated[dict[str, Any], Meta(description="memory_bytes, cpus, ... of the machine")]
    queue: Queue


CALL = Call(
    name="q_query_resources",
    doc="Answers devices, engines, capacity and the state of the queue. Works without a session. The queue's figures "
    "are those of the session's tenant; of all jobs where there is only the local tenant, and for an operator.",
    request=Request,
    reply=Reply,
    errors=("SESSION_NOT_FOUND",),
    aliases=("qmk_resource_query",),
)
