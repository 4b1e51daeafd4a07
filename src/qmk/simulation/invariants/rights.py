"""Every answer is one that the caller had the right to: compared with a model of rights (``simulation.rights``).

A call that was not refused must have come from a session that is open, of a tenant that is not suspended, under a token
that is good, and each right it needs must be in some capability that the session holds, over the job it is about and
within the uses that it was given. What a capability derives from bounds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import structs

from qmk.abi.calls import METHODS
from qmk.abi.rights import CAP_SUBMIT, RIGHTS
from qmk.abi.token import Token, bounds_of, read
from qmk.base.units import SECOND_NS
from qmk.kernel.effects import Effect, Estimate, Journal, Reply, ReplyError, Route
from qmk.kernel.events import CallReceived, Event, Submitted
from qmk.qvm.families import OPS
from qmk.simulation.invariants.invariant import Invariant
from qmk.simulation.rights import Book, Capability, Session

if TYPE_CHECKING:
    from qmk.simulation.network import Call
    from qmk.simulation.world import World

LATER = ("q_replay", "q_restore")
"""Calls that use capabilities when the program is at hand."""

SEEN = {("q_get_mapping", "INVALID_PARAMS")}
"""Refusals that only somebody is given who may see the job."""


class Rights(Invariant):
    name = "rights"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.book = Book()
        self._suspending: dict[int, str] = {}

    def on_start(self) -> None:
        self.book.restart()

    def on_step(self, event: Event, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Journal) and isinstance(effect.record, Submitted):
                self.book.owners[effect.record.job] = effect.record.tenant
        if not isinstance(event, CallReceived):
            return
        mine = [effect for effect in effects if isinstance(effect, (Reply, ReplyError)) and effect.ref == event.ref]
        reply = next((effect.result for effect in mine if isinstance(effect, Reply)), None)
        error = next((effect.error for effect in mine if isinstance(effect, ReplyError)), None)
        if event.operator:
            if error is None:
                self._operate(event, reply)
        elif error is None or (event.method, error.kind.name) in SEEN:
            fresh = any(isinstance(effect, (Route, Estimate)) for effect in effects)  # not a request that was repeated
            self._let_in(event if fresh else structs.replace(event, graph=None), reply, refused=error is not None)

    def on_answer(self, call: Call) -> None:
        """What only narrows counts from when its answer leaves: a crash may undo it before."""
        if call.error is not None:
            return
        if call.method == "op_token_revoke":
            self.book.revoked.update(call.result.revoked)
        elif call.method == "op_tenant_suspend":
            tenant = self._suspending.pop(call.ref, None)
            if tenant is not None:  # else it was resumed before this answer left
                self.book.suspended.add(tenant)

    def _operate(self, event: CallReceived, reply: Any) -> None:
        if event.method == "op_token_issue":
            self.book.issued[reply.serial] = event.params.tenant
        elif event.method == "op_tenant_suspend":
            self._suspending[event.ref] = event.params.tenant
        elif event.method == "op_tenant_resume":
            tenant = event.params.tenant
            self._suspending = {ref: name for ref, name in self._suspending.items() if name != tenant}
            self.book.suspended.discard(tenant)

    def _let_in(self, event: CallReceived, reply: Any, refused: bool) -> None:
        """``refused``: for another reason than a right."""
        now_ns = event.now_ns
        if event.method == "q_negotiate_caps":
            self._open(event, reply, now_ns)
            return
        session_id = getattr(event.params, "session_id", "")
        if not session_id or event.method not in METHODS:
            return
        session = self.book.sessions.get(session_id)
        if session is None:
            self.broken(f"{event.method} is answered to a session that was never opened, or is closed")
        what = f"{event.method} of session {session_id[:12]}"
        self._require_standing(session.tenant, session.serial, what)
        self.holds(not session.has_expired(now_ns), f"{what} is answered after its token has expired")
        self._require_rights(session, event, what, refused)
        if refused:
            return
        if event.method == "q_delegate":
            self._delegate(session, event, reply, what)
        elif event.method == "q_revoke":
            self.book.revoke(event.params.capability)
        elif event.method == "q_close_session":
            self.book.close(session_id)

    def _require_standing(self, tenant: str, serial: str, what: str) -> None:
        self.holds(serial not in self.book.revoked, f"{what} is answered under a token that was revoked")
        self.holds(tenant not in self.book.suspended, f"{what} is answered to '{tenant}', which is suspended")

    def _open(self, event: CallReceived, reply: Any, now_ns: int) -> None:
        token: Token = read(event.params.token)
        bounds = bounds_of(token.caveats)
        what = f"q_negotiate_caps of '{token.tenant}'"
        self.holds(self.book.issued.get(token.serial_text) == token.tenant, f"{what}: nobody made its token")
        self._require_standing(token.tenant, token.serial_text, what)
        session = Session(reply.session_id, token.tenant, token.serial_text, bounds)
        self.holds(not session.has_expired(now_ns), f"{what} is answered though its token has expired")
        self.holds(reply.tenant == token.tenant, f"{what} opens a session of '{reply.tenant}'")
        rights = frozenset(reply.rights)
        self.holds(bounds.rights is None or rights <= bounds.rights, f"{what} grants more than its token allows")
        self.book.sessions[session.id] = session
        expires_ns = 0 if bounds.expires is None else bounds.expires * SECOND_NS
        root = Capability(
            reply.root, token.tenant, rights, session=session.id, expires_ns=expires_ns, shots=bounds.shots
        )
        self.book.add(root)
        for row in reply.granted:
            self.holds(row.name in rights, f"{what} grants {row.name} beside its root")
            name = frozenset((row.name,))
            self.book.add(Capability(row.capability, token.tenant, name, root, session.id, granted=True))

    def _require_rights(self, session: Session, event: CallReceived, what: str, refused: bool) -> None:
        needed = set(METHODS[event.method].rights)
        if event.graph is not None:
            for node in event.graph.nodes:
                needed |= {OPS[node.op].cap, OPS[node.op].session_cap, *node.caps} & RIGHTS.keys()
        named = getattr(event.params, "job_id", None) or ""
        certain: set[Capability] = set()
        for right in needed:
            job = "" if right == CAP_SUBMIT else named
            able = self.book.able(session, right, job, event.now_ns, self.world.daemon.kernel.epoch())
            self.holds(bool(able), f"{what} needs {right}{f' over {job}' if job else ''}, which it does not hold")
            chains = [{item for item in found.chain() if item.uses is not None} for found in able]
            certain |= chains[0].intersection(*chains)
        if refused or event.method in LATER:
            return
        for item in certain:
            item.forced += 1
            uses = item.uses or 0
            self.holds(item.forced <= uses, f"{what}: {item.id} is good for {uses} calls, and this is one more")

    def _delegate(self, session: Session, event: CallReceived, reply: Any, what: str) -> None:
        """The new capability is within what it derives from, which the session holds or is offered."""
        parent = self.book.capabilities.get(event.params.capability)
        if parent is None:
            self.broken(f"{what} derives from a capability that is gone")
        self.holds(parent.session in ("", session.id), f"{what} derives from what another session holds")
        jobs = None if reply.jobs is None else frozenset(reply.jobs)
        made = Capability(
            reply.capability,
            parent.tenant,
            frozenset(reply.rights),
            parent,
            session="" if event.params.to_session or event.params.to_tenant else session.id,
            jobs=jobs,
            expires_ns=0 if reply.expiry is None else int(reply.expiry * SECOND_NS),
            expires_epoch=reply.expiry_epoch or 0,
            shots=reply.shots,
            uses=event.params.uses,
        )
        self.holds(made.rights <= parent.rights, f"{what} gives more rights than it derives from")
        self.holds(parent.jobs is None or (jobs is not None and jobs <= parent.jobs), f"{what} gives more jobs")
        self.holds(parent.shots is None or (made.shots or 1 << 62) <= parent.shots, f"{what} gives more shots")
        late = parent.expires_ns and not 0 < made.expires_ns <= parent.expires_ns + SECOND_NS
        self.holds(not late, f"{what} gives more time")
        if made.session and session.bounds.rights is not None:
            self.holds(made.rights <= session.bounds.rights, f"{what} takes up more than its token allows")
        self.book.add(made)
