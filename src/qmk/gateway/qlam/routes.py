"""QLAM's adapter: every route, and how it answers an error."""

from __future__ import annotations

from litestar import Response

from qmk.base.errors import QmkError
from qmk.gateway.http import answer
from qmk.gateway.qlam import compilations, definitions, profiles, results, tasks, tenants

GENERIC = 1000
"""The code of an error that has none of its own."""


def answer_error(error: Exception, status: int, message: str) -> Response[bytes]:
    """An error as QLAM answers it."""
    messages = [message]
    if isinstance(error, QmkError) and error.kind.name == "INVALID_GRAPH":
        messages = [finding.text() for finding in error.findings] or messages
    return answer({"messages": messages, "code": GENERIC}, status)


HANDLERS = [
    *tasks.HANDLERS,
    *results.HANDLERS,
    *definitions.HANDLERS,
    *compilations.HANDLERS,
    *profiles.HANDLERS,
    *tenants.HANDLERS,
]
