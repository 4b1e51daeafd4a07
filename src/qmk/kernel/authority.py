"""Decides who may do what: which rights a call needs, which capability allows it, and what ends with one.

Narrowest first: when several capabilities of a session allow a call, the one that allows least answers for it, and if
its uses are counted, one is spent of it and of whatever it derives from. Absent and another's are never told apart: a
job that no capability of the session covers is not found.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qmk.abi.call import Call
from qmk.abi.calls import CALLS, METHODS
from qmk.abi.rights import CAP_ALLOC, CAP_STATUS, CAP_SUBMIT, RIGHTS
from qmk.base.errors import QmkError
from qmk.base.ids import trace
from qmk.base.units import MS_NS
from qmk.kernel import interrupts
from qmk.kernel.effects import ClearTimer, ReplyError, SetTimer
from qmk.kernel.events import CallReceived
from qmk.kernel.objects.capability import Capability, insufficient
from qmk.kernel.objects.job import Job
from qmk.kernel.objects.session import Session
from qmk.kernel.open_calls import Ask, Wait
from qmk.kernel.tables import Tables
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, once

CAPABILITY_TIMER = "cap:"
SESSION_TIMER = "ses:"
IDLE_TIMER = "idle"

_ABOUT_A_JOB = frozenset(call.name for call in CALLS if hasattr(call.request, "job_id"))


def require(session: Session, call: Call) -> None:
    """INSUFFICIENT_CAPS unless the session holds what the call asks for; for a call about a job, over some job."""
    held = session.caps.anywhere if call.name in _ABOUT_A_JOB else session.caps.held
    if not held.issuperset(call.rights):
        raise insufficient(call.rights, held)


def covers(kernel: Tables, capability: Capability, job: Job) -> bool:
    """Whether the capability is about this job: its tenant's, and named if jobs are. A suspended tenant's capabilities
    are about nothing."""
    return _is_about(capability, job) and not kernel.tenant(job.tenant).config.suspended


def _is_about(capability: Capability, job: Job) -> bool:
    return capability.tenant == job.tenant and (capability.jobs is None or job.id in capability.jobs)


def rights_over(kernel: Tables, session: Session, job: Job) -> frozenset[str]:
    """What the session may do with this job."""
    if kernel.tenant(job.tenant).config.suspended:
        return frozenset()
    return frozenset[str]().union(*[item.rights for item in session.caps.items.values() if _is_about(item, job)])


def narrowest(kernel: Tables, session: Session, right: str) -> Capability:
    """The capability that answers for the right; INSUFFICIENT_CAPS without any."""
    found = _answering(kernel, session, right)
    if found is None:
        raise insufficient((right,), session.caps.held)
    return found


def _answering(
    kernel: Tables, session: Session, right: str, job: Job | None = None, shots: int = 0
) -> Capability | None:
    """The narrowest capability that allows a call, about ``job`` if there is one. ``shots`` are those of a new job."""
    able = [
        item
        for item in session.caps.items.values()
        if right in item.rights
        and (item.jobs is None if job is None else covers(kernel, item, job))
        and (right != CAP_SUBMIT or item.shots is None or shots <= item.shots)
    ]
    return min(able, key=lambda item: item.breadth, default=None)


def spend(kernel: Tables, session: Session, rights: Iterable[str], job: Job | None = None, shots: int = 0) -> None:
    """Counts one use of each capability that answers for the rights of a call that was carried out, and of what those
    derive from. One that is used up is revoked, or, while qubits are held or calls unanswered under it, left without
    rights: its last use is good for the whole call, be it a wait."""
    used: dict[str, Capability] = {}
    for right in rights:
        found = _answering(kernel, session, right, job, shots)
        for item in found.chain() if found is not None else ():
            if item.uses is not None:
                used[item.id] = item
    for item in sorted(used.values(), key=lambda item: item.depth):
        assert item.uses is not None
        item.uses -= 1
        _use_up(kernel, item)


def _use_up(kernel: Tables, capability: Capability) -> None:
    """Ends the capability if no use is left, or leaves it without rights while it keeps something."""
    if capability.uses != 0 or kernel.caps.get(capability.id) is not capability:
        return
    below = capability.subtree()
    ids = {item.id for item in below}
    holders = _holders(kernel, below)
    if not any(_keeps(kernel, holder, ids) for holder in holders):
        revoke(kernel, capability, "used up")
        return
    for item in below:
        item.spend()
    for holder in holders:
        holder.caps.refresh()
        recheck(kernel, holder)


def _keeps(kernel: Tables, session: Session, ids: set[str]) -> bool:
    """Whether the session has something that was begun under one of these: qubits, or calls that are not answered."""
    unanswered = [*kernel.waits.of_session(session.id), *kernel.asks.of_session(session.id)]
    return any(origin in ids for origin in session.qubits.values()) or any(call.under in ids for call in unanswered)


def settle(kernel: Tables, session: Session) -> None:
    """Clears away used-up capabilities under which the session has nothing left."""
    for item in list(session.caps.items.values()):
        for used in item.chain():
            _use_up(kernel, used)


def origin(kernel: Tables, event: CallReceived, session: Session, job: Job, right: str) -> dict[str, Any]:
    """Whose an open call about the job is. ``under``: the capability that lets it in, where its uses are counted."""
    found = _answering(kernel, session, right, job) if session.caps.metered else None
    under = found.id if found is not None else ""
    return {"conn": event.conn, "ref": event.ref, "session": session.id, "job": job.id, "under": under}


def rights_paid(kernel: Tables, id: str, job: Job) -> frozenset[str]:
    """What a call about the job, begun ``under`` this capability, may still do although the last use is spent."""
    found = kernel.caps.get(id)
    return found.paid if found is not None and covers(kernel, found, job) else frozenset()


def program_rights(graph: Graph) -> frozenset[str]:
    """What the ops of a verified program need of its session."""
    return once(graph, "rights", _find_rights)


def _find_rights(graph: Graph) -> frozenset[str]:
    found: set[str] = set()
    for node in graph.nodes:
        op = OPS[node.op]
        found.update((op.cap, op.session_cap, *node.caps))
    return frozenset(found & RIGHTS.keys())


def revoke(kernel: Tables, capability: Capability, why: str = "") -> tuple[list[str], list[str]]:
    """Ends a capability and all that derives from it, in every session: ids of the capabilities and handles of the
    qubits that went with them. Revoking what a session was granted by name takes the right out of the session."""
    gone, less = _strike(kernel, capability) if capability.granted else (kernel.caps.remove(capability), [])
    ids = {item.id for item in gone}
    origins = ids | {item.id for item in less if CAP_ALLOC in capability.rights}
    holders = _holders(kernel, [*gone, *less])
    released: list[str] = []
    for holder in holders:
        holder.caps.drop(ids)
        handles = [handle for handle, origin in holder.qubits.items() if origin in origins]
        holder.release(handles)
        released += handles
    for item in gone:
        maker = kernel.sessions.get(item.maker)
        if maker is not None:
            maker.derived -= 1
        if item.maker and (item.expires_ns or item.expires_epoch):
            kernel.out.append(ClearTimer(CAPABILITY_TIMER + item.id))
    kernel.audit("cap.revoke", capability.tenant, capability=trace(capability.id), derived=len(gone) - 1, why=why)
    for holder in holders:
        recheck(kernel, holder)
    for item in [*capability.chain(), *less]:  # what was used up may have kept only what has just gone
        _use_up(kernel, item)
    return [item.id for item in gone], released


def strike(kernel: Tables, session: Session, rights: frozenset[str]) -> None:
    """Takes rights out of a session for ever, by revoking what it was granted under those names."""
    for item in [item for item in session.caps.items.values() if item.granted and item.rights & rights]:
        if kernel.caps.get(item.id) is item:
            revoke(kernel, item, "no longer allowed for the tenant")


def _strike(kernel: Tables, granted: Capability) -> tuple[list[Capability], list[Capability]]:
    """Takes a granted capability's subtree out, and its right from whatever else the session's root has handed on:
    what is gone, and what stays with less."""
    root = granted.parent
    assert root is not None
    gone = kernel.caps.remove(granted)
    less: list[Capability] = []
    for item in root.subtree():
        if kernel.caps.get(item.id) is not item or not (item.rights | item.paid) & granted.rights:
            continue
        item.rights -= granted.rights
        item.paid -= granted.rights
        if item.rights or item.paid or item is root:
            less.append(item)
        else:
            gone += kernel.caps.remove(item)
    return gone, less


def _holders(kernel: Tables, capabilities: Iterable[Capability]) -> list[Session]:
    """The open sessions that hold any of these."""
    names = dict.fromkeys(item.session for item in capabilities if item.session)
    return [session for name in names if (session := kernel.sessions.get(name)) is not None]


def recheck(kernel: Tables, session: Session) -> None:
    """Answers the session's open calls about jobs for which it may make them no longer: waits, and what is to happen at
    a fence. A launch that was asked for that does it all the same."""
    for wait in kernel.waits.of_session(session.id):
        error = _why_barred(kernel, session, wait, (CAP_STATUS,))
        if error is not None:
            kernel.close_wait(wait)
            kernel.out.append(ReplyError(wait.conn, wait.ref, error))
    for ask in kernel.asks.of_session(session.id):
        error = _why_barred(kernel, session, ask, METHODS[f"q_{ask.kind}"].rights)
        if error is not None:
            interrupts.refuse(kernel, ask, error)


def _why_barred(kernel: Tables, session: Session, call: Wait | Ask, rights: tuple[str, ...]) -> QmkError | None:
    """Why the session could not make the call now; None if it could, or if the call was its capability's last use."""
    try:
        session.tenant.require_active()
        if not rights_paid(kernel, call.under, kernel.jobs.by_id[call.job]).issuperset(rights):
            kernel.job_of(session, call.job, rights)
    except QmkError as error:
        return error
    return None


def set_expiry(kernel: Tables, capability: Capability) -> None:
    """Sets the timer for the capability's expiry."""
    due = [capability.expires_ns, capability.expires_epoch * kernel.config.epoch_ms * MS_NS]
    if any(due):
        kernel.out.append(SetTimer(CAPABILITY_TIMER + capability.id, min(at_ns for at_ns in due if at_ns)))


def expire(kernel: Tables, session: Session) -> None:
    """Revokes what the session holds and has expired."""
    for item in list(session.caps.items.values()):
        if item.maker and kernel.caps.get(item.id) is item and item.has_expired(kernel.now_ns, kernel.epoch()):
            revoke(kernel, item, "expired")


def end_idle(kernel: Tables) -> None:
    """Ends the sessions that were unused for too long. One that waits for an answer is in use."""
    for session in kernel.sessions.find_expired(kernel.now_ns):
        if kernel.waits.of_session(session.id) or kernel.asks.of_session(session.id):
            kernel.sessions.touch(session, kernel.now_ns)
        else:
            kernel.end_session(session, "unused for too long")


def set_idle_timer(kernel: Tables) -> None:
    """Has the host tell when the longest unused session may have to end: it ends by the clock, not when somebody else
    happens to call, who could be seen by what it gives back."""
    due_ns = kernel.sessions.idle_due_ns()
    if due_ns is not None:
        kernel.out.append(SetTimer(IDLE_TIMER, due_ns))


def timer(kernel: Tables, key: str) -> None:
    """Handles a timer of a capability or a session that came due; it is set again if it came too early."""
    if key.startswith(SESSION_TIMER):
        session = kernel.sessions.get(key.removeprefix(SESSION_TIMER))
        if session is None:
            return
        if kernel.now_ns >= session.expires_ns:
            kernel.end_session(session, "its token has expired")
        else:
            kernel.out.append(SetTimer(key, session.expires_ns))
        return
    capability = kernel.caps.get(key.removeprefix(CAPABILITY_TIMER))
    if capability is None or not capability.maker:
        return
    if capability.has_expired(kernel.now_ns, kernel.epoch()):
        revoke(kernel, capability, "expired")
    else:
        set_expiry(kernel, capability)
