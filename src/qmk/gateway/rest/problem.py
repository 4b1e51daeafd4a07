"""Errors as RFC 9457 writes them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException
from msgspec import Meta, Struct

from qmk.base.errors import Finding, QmkError
from qmk.gateway.http import without_places

MEDIA = "application/problem+json"
TYPE = "urn:qmk:error:"


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error (RFC 9457). Of an error of ours also its kind and how to mend it; what else it has is in ``fields``."""

    type: Annotated[str, Meta(description="urn:qmk:error: and the kind; about:blank for an error of HTTP")] = (
        "about:blank"
    )
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    kind: Annotated[str, Meta(description="name of the error, as in docs/reference/errors.md")] = ""
    code: Annotated[int, Meta(description="its code in JSON-RPC")] = 0
    retryable: Annotated[bool, Meta(description="the same request can be answered otherwise later")] = False
    help: Annotated[str, Meta(description="what to do instead")] = ""
    field: Annotated[str, Meta(description="field of the request that is wrong")] = ""
    findings: Annotated[list[Finding], Meta(description="of a wrong program, with lines and columns")] = []
    fields: dict[str, Any] = {}


def problem_of(error: Exception, status: int, message: str) -> Problem:
    """The problem that an error is. What is a defect of ours shows ``message`` only."""
    if not isinstance(error, QmkError) or status == 500:
        return Problem(title=HTTPStatus(status).phrase, status=status, detail=message, retryable=status >= 500)
    error = without_places(error)
    rest = {**error.fields}
    known = {name: str(rest.pop(name)) for name in ("help", "field") if name in rest}
    findings = error.findings
    rest.pop("findings", None)
    retryable = bool(rest.pop("retryable", error.kind.retryable))
    return Problem(
        type=TYPE + error.kind.name,
        title=error.kind.doc,
        status=status,
        detail=error.message,
        kind=error.kind.name,
        code=error.code,
        retryable=retryable,
        findings=findings,
        fields=rest,
        **known,
    )


def answer_error(error: Exception, status: int, message: str) -> Response[bytes]:
    """An error as the REST API answers it."""
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="qmk"'
    if isinstance(error, HTTPException):
        headers.update({name: text for name, text in (error.headers or {}).items() if name.lower() == "allow"})
    body = msgspec.json.encode(problem_of(error, status, message))
    return Response(body, status_code=status, media_type=MEDIA, headers=headers)
