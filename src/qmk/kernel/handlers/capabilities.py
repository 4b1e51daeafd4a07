"""Handles the calls that delegate and revoke capabilities: q_delegate, q_revoke."""

from __future__ import annotations

from qmk.abi.calls import q_delegate, q_revoke
from qmk.abi.rights import DELEGABLE, RIGHTS
from qmk.base.errors import QmkError
from qmk.base.ids import opaque, trace
from qmk.base.limits import check
from qmk.base.units import SECOND_NS
from qmk.kernel import authority
from qmk.kernel.events import CallReceived
from qmk.kernel.objects.capability import Capability, Limits, insufficient, less, sooner
from qmk.kernel.objects.session import Session
from qmk.kernel.state import State


def delegate(kernel: State, event: CallReceived, session: Session) -> None:
    """Derives a capability: for another session or tenant to take up, or, without a receiver, for the caller."""
    request: q_delegate.Request = event.params
    parent = _source(kernel, session, request.capability)
    if parent.session != session.id and (request.to_tenant or request.to_session):
        raise kernel.refusals.on_offer(parent)
    rights = tuple(dict.fromkeys(request.rights))
    unknown = [name for name in rights if name not in RIGHTS]
    if unknown:
        raise kernel.refusals.unknown_right(unknown[0], "rights")
    within = parent.rights if session.bounds.rights is None else parent.rights & session.bounds.rights
    if not within.issuperset(rights):
        raise insufficient(rights, within)
    receiver = _receiver(kernel, session, request)
    limits = Limits(
        jobs=_jobs(kernel, parent, request.jobs),
        expires_ns=sooner(_expiry(kernel, request), session.expires_ns),
        expires_epoch=request.expiry_epoch or 0,
        shots=less(request.shots, session.bounds.shots),
        uses=request.uses,
    )
    if receiver != parent.tenant:
        _require_delegable(kernel, rights, limits)
    check("delegation_depth", parent.depth + 1, "delegations")
    check("capabilities", session.derived + 1, "the session")
    made = kernel.caps.derive(opaque("cap", event.entropy), parent, rights, limits)
    _place(kernel, session, made, request)
    kernel.audit(
        "cap.delegate",
        parent.tenant,
        capability=trace(made.id),
        parent=trace(parent.id),
        by=session.tenant.name,
        to=receiver,
        rights=sorted(made.rights),
        jobs=None if made.jobs is None else sorted(made.jobs)[:16],
        uses=made.uses,
    )
    kernel.reply(event, kernel.views.capability(made))


def _source(kernel: State, session: Session, id: str) -> Capability:
    """The capability to derive from: one the session holds, or one that is on offer to it."""
    found = kernel.caps.get(id)
    if found is None:
        raise kernel.refusals.no_capability(id)
    offered = found.for_root == session.caps.root.id or found.for_tenant == session.tenant.name
    if found.session != session.id and not offered:
        raise kernel.refusals.no_capability(id)
    if found.has_expired(kernel.now_ns, kernel.epoch()):
        authority.revoke(kernel, found, "expired")
        raise kernel.refusals.no_capability(id)
    if kernel.tenant(found.tenant).config.suspended:
        raise kernel.refusals.no_capability(id)
    return found


def _receiver(kernel: State, session: Session, request: q_delegate.Request) -> str:
    """The tenant that the new capability is for."""
    if request.to_tenant and request.to_session:
        raise QmkError("INVALID_PARAMS", "both 'to_tenant' and 'to_session' are given", field="to_session")
    if not request.to_session:
        receiver = request.to_tenant or session.tenant.name
        if receiver != session.tenant.name and kernel.only_local:
            help = f"hand it to a session of '{session.tenant.name}' with to_session"
            raise kernel.refusals.nobody(
                kernel.config.local.name, "q_delegate", "to_tenant", f"could take up what '{receiver}' is given", help
            )
        return receiver
    root = kernel.caps.get(request.to_session)
    if root is None or root.parent is not None:
        raise kernel.refusals.no_root(request.to_session)
    return root.tenant


def _jobs(kernel: State, parent: Capability, named: list[str] | None) -> frozenset[str] | None:
    """The jobs that the new capability is for: at most the parent's, be that held or on offer."""
    if not named:
        return parent.jobs
    for job_id in named:
        job = kernel.jobs.by_id.get(job_id)
        if job is None or not authority.covers(kernel, parent, job):
            raise QmkError("JOB_NOT_FOUND", f"no job '{job_id[:64]}'", job_id=job_id[:64])
    return frozenset(named)


def _expiry(kernel: State, request: q_delegate.Request) -> int:
    if request.expiry is None:
        return 0
    at_ns = int(request.expiry * SECOND_NS)
    if at_ns <= kernel.now_ns:
        raise QmkError("INVALID_PARAMS", "expiry is in the past", field="expiry", expected="Unix time to come")
    return at_ns


def _require_delegable(kernel: State, rights: tuple[str, ...], limits: Limits) -> None:
    """Raises unless the capability may cross to another tenant: rights over named jobs may, and nothing else."""
    if limits.jobs is None:
        raise kernel.refusals.jobs_not_named()
    refused = [name for name in rights if name not in DELEGABLE]
    if refused:
        raise kernel.refusals.not_delegable(refused[0])


def _place(kernel: State, session: Session, made: Capability, request: q_delegate.Request) -> None:
    """Puts the new capability where it belongs: on offer, or into the session itself."""
    made.maker = session.id
    session.derived += 1
    made.for_tenant, made.for_root = request.to_tenant, request.to_session
    if not request.to_tenant and not request.to_session:
        made.session = session.id
        session.caps.add(made)
    authority.set_expiry(kernel, made)


def revoke(kernel: State, event: CallReceived, session: Session) -> None:
    """Revokes what the session holds, or what derives from something it holds, whoever holds that."""
    request: q_revoke.Request = event.params
    found = kernel.caps.get(request.capability)
    if found is None or not any(item.session == session.id for item in found.chain()):
        raise kernel.refusals.no_capability(request.capability)
    kernel.reply(event, q_revoke.Reply(*authority.revoke(kernel, found, "q_revoke")))
