"""How every protocol serves an operation: what a tenant has wait or stream at one time is bounded."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from typing import Any

from qmk.base.errors import QmkError
from qmk.gateway.callers import Caller
from qmk.gateway.http import Gate
from qmk.gateway.service.operation import Operation

HELD_OF_A_TENANT = 2048
"""Most requests of one tenant that wait or stream at once."""


async def serve(gate: Gate, operation: Operation, caller: Caller, asked: Any) -> Any:
    """The reply to a request. Raises QUOTA_EXCEEDED where the tenant has enough requests that are held open."""
    with hold(gate, caller) if getattr(asked, "wait_s", 0) else nullcontext():
        return await operation.serve(caller, asked)


async def enter(gate: Gate, operation: Operation, shown: str) -> Caller:
    """The client of whoever has shown a token. Where the call itself proves that the token is still good, the daemon is
    not asked twice. Raises AUTH_FAILED."""
    return await (gate.callers.client_of if operation.proves_token else gate.callers.with_token)(shown)


def require_room(gate: Gate, caller: Caller) -> None:
    """Raises QUOTA_EXCEEDED where the tenant has enough requests that are held open."""
    if gate.held[caller.tenant] >= HELD_OF_A_TENANT:
        text = f"{HELD_OF_A_TENANT} requests of this tenant wait or stream already"
        raise QmkError("QUOTA_EXCEEDED", text, limit=HELD_OF_A_TENANT, help="end one of them first")


@contextmanager
def hold(gate: Gate, caller: Caller) -> Generator[None]:
    """Counts a request that is held open. Raises as ``require_room`` does."""
    require_room(gate, caller)
    gate.held[caller.tenant] += 1
    try:
        yield
    finally:
        gate.held[caller.tenant] -= 1
        if not gate.held[caller.tenant]:
            del gate.held[caller.tenant]
