"""The clients: what each knows from the answers that reached it, and what it would ask again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qmk.kernel.config import TenantConfig
from qmk.simulation.network import Call

REMEMBERED = 40


class Client:
    """``conn`` is None while it is not connected. ``unsure`` are submits with a key whose answer never came."""

    def __init__(self, number: int, tenant: TenantConfig) -> None:
        self.number = number
        self.tenant = tenant
        self.token = ""
        self.roots: list[str] = []
        self.rights: list[str] = []
        self.conn: int | None = None
        self.sessions: list[str] = []
        self.capabilities: list[str] = []
        self.handles: list[str] = []
        self.jobs: list[str] = []
        self.checkpoints: list[str] = []
        self.unsure: list[Call] = []

    def hears(self, call: Call) -> None:
        """Takes in an answer that arrived."""
        if call.error is not None:
            if call.error.kind.name == "SESSION_NOT_FOUND":
                self._forget_session(call.request.session_id)
            if call.error.kind.name == "AUTH_FAILED" and call.request.token == self.token:
                self.token = ""  # it was revoked: the operator gives another
            return
        learn = LEARN.get(call.method)
        if learn is not None:
            learn(self, call.request, call.result)

    def loses(self, call: Call) -> None:
        """Notes that an answer will never arrive."""
        if getattr(call.request, "idempotency_key", ""):
            self.unsure.append(call)
            del self.unsure[:-REMEMBERED]

    def disconnect(self, daemon_gone: bool) -> None:
        self.conn = None
        if daemon_gone:
            self.sessions.clear()
            self.capabilities.clear()
            self.roots.clear()
            self.handles.clear()

    def _forget_session(self, session: str) -> None:
        if session in self.sessions:
            self.sessions.remove(session)

    def knows_session(self, request: Any, reply: Any) -> None:
        self.sessions.append(reply.session_id)
        self.capabilities = [*(row.capability for row in reply.granted), reply.root]
        self.roots.append(reply.root)
        self.rights = reply.rights

    def knows_job(self, request: Any, reply: Any) -> None:
        if reply.job_id not in self.jobs:
            self.jobs.append(reply.job_id)
            del self.jobs[:-REMEMBERED]

    def knows_capability(self, request: Any, reply: Any) -> None:
        self.capabilities.append(reply.capability)

    def knows_checkpoint(self, request: Any, reply: Any) -> None:
        self.checkpoints.append(reply.checkpoint_id)

    def knows_handles(self, request: Any, reply: Any) -> None:
        self.handles += reply.handles

    def knows_released(self, request: Any, reply: Any) -> None:
        gone = set(reply.released)
        self.handles = [handle for handle in self.handles if handle not in gone]

    def knows_closed(self, request: Any, reply: Any) -> None:
        self.knows_released(request, reply)
        self._forget_session(request.session_id)


LEARN: dict[str, Callable[[Client, Any, Any], None]] = {
    "q_negotiate_caps": Client.knows_session,
    "q_submit": Client.knows_job,
    "q_replay": Client.knows_job,
    "q_restore": Client.knows_job,
    "q_delegate": Client.knows_capability,
    "q_checkpoint": Client.knows_checkpoint,
    "q_alloc": Client.knows_handles,
    "q_release": Client.knows_released,
    "q_revoke": Client.knows_released,
    "q_close_session": Client.knows_closed,
}
"""What a client learns from an answer, by call. A call that gives its caller something new needs a row."""
