"""Calls on sessions and the logical qubits that they reserve: q_negotiate_caps, q_close_session, q_alloc, q_release."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.abi.calls import q_alloc, q_close_session, q_negotiate_caps, q_release
from qmk.abi.quotas import QUOTAS, check_limits
from qmk.abi.rights import CAP_ALLOC, JOB_RIGHTS, RIGHTS
from qmk.base.errors import QmkError
from qmk.base.ids import opaque, trace
from qmk.base.limits import LIMITS
from qmk.kernel import authority, tokens
from qmk.kernel.audit import clip_names
from qmk.kernel.events import CallReceived
from qmk.kernel.objects.account import Account
from qmk.kernel.objects.quota import SESSION
from qmk.kernel.objects.session import Session
from qmk.kernel.objects.tenant import Tenant
from qmk.kernel.opening import open_session
from qmk.kernel.state import State
from qmk.kernel.tokens import Bearer
from qmk.qvm import profile as profiles


def negotiate(kernel: State, event: CallReceived) -> None:
    """Opens a session for the token's tenant; whatever policy or the token does not allow is denied by name."""
    request: q_negotiate_caps.Request = event.params
    bearer = _authenticate(kernel, event, request.token)
    tenant = kernel.tenant(bearer.tenant)
    tenant.require_active()
    account = _account_of(kernel, event, tenant)
    _make_room(kernel, event.now_ns)
    wanted = tenant.config.default_caps if request.requested is None else tuple(dict.fromkeys(request.requested))
    names, denied = _decide(tenant, bearer, wanted)
    who = {"conn": event.conn, "uid": event.peer_uid}
    session = open_session(kernel, opaque("ses", event.entropy), event.entropy, bearer, names, account, **who)
    caps = session.caps
    granted = [q_negotiate_caps.Granted(next(iter(c.rights)), c.id) for c in caps.items.values() if c.granted]
    who = {"session": trace(session.id)}
    kernel.audit("session.open", tenant.name, **who, token=bearer.serial, uid=event.peer_uid)
    kernel.audit("cap.grant", tenant.name, **who, caps=clip_names(sorted(caps.held)), count=len(caps.held))
    if denied:
        refused = clip_names([row.name for row in denied])
        kernel.audit("cap.deny", tenant.name, **who, call=event.method, caps=refused, count=len(denied))
    quotas = kernel.accounts.figures(session, event.now_ns)
    kernel.reply(event, kernel.views.session(session, granted, denied, quotas, kernel.config.devices))


def close_session(kernel: State, event: CallReceived, session: Session) -> None:
    kernel.reply(event, q_close_session.Reply(kernel.end_session(session)))


def _authenticate(kernel: State, event: CallReceived, token: str) -> Bearer:
    """Whom the caller speaks for: the token's tenant, or, without one where that is allowed, the local tenant."""
    config = kernel.config
    if not token:
        if not config.local_allowed:
            raise kernel.refusals.token_needed()
        return Bearer(config.local.name, "", tokens.Bounds())
    bearer = tokens.check(config.token_key, token, event.now_ns, event.peer_uid)
    if not kernel.tenants.live(bearer.tenant, bearer.serial):
        raise tokens.refusal()
    return bearer


def _decide(tenant: Tenant, bearer: Bearer, wanted: tuple[str, ...]) -> tuple[list[str], list[q_negotiate_caps.Denied]]:
    """What is granted of what was asked for, and why the rest is not."""
    names: list[str] = []
    denied: list[q_negotiate_caps.Denied] = []
    allowed = {*tenant.config.allowed_caps, *JOB_RIGHTS}
    for name in wanted:
        if name not in RIGHTS:
            denied.append(q_negotiate_caps.Denied(name, "there is no such capability"))
        elif name not in allowed:
            denied.append(q_negotiate_caps.Denied(name, "not allowed for this tenant"))
        elif bearer.bounds.rights is not None and name not in bearer.bounds.rights:
            denied.append(q_negotiate_caps.Denied(name, "not among the rights of the token"))
        else:
            names.append(name)
    return names, denied


def _make_room(kernel: State, now_ns: int) -> None:
    authority.end_idle(kernel)
    displaced = kernel.sessions.find_displaced()
    if displaced is not None:
        kernel.end_session(displaced, "to make room for another")
    if len(kernel.sessions) >= kernel.sessions.limit:
        raise kernel.refusals.too_many_sessions(kernel.sessions.limit)


def _account_of(kernel: State, event: CallReceived, tenant: Tenant) -> Account | None:
    """The account of the session that a q_negotiate_caps opens, None when it has no quotas of its own.

    Raises QUOTA_EXCEEDED when the tenant calls too fast or has too many sessions, or the connection has; INVALID_PARAMS
    for a quota that is not one, or is wider than the tenant's. At the tenant's bound the longest unused of its sessions
    whose connection is gone makes room.
    """
    try:
        kernel.accounts.call((tenant.account,), event.now_ns)
        narrowed = _narrow(kernel, tenant, event.params.quota)
        if kernel.sessions.count_of_conn(event.conn) >= LIMITS.connection_sessions:
            raise kernel.refusals.too_many_on_connection()
        sessions = tenant.quota("sessions")
        if not sessions.fits():
            idle = kernel.sessions.idle_of(tenant)
            if idle is not None:
                kernel.end_session(idle, "to make room for another of its tenant")
        kernel.require_quota(sessions)
    except QmkError as error:
        error.fields["tenant"] = tenant.name  # there is no session yet that could tell whom it is about
        raise
    return narrowed


def _narrow(kernel: State, tenant: Tenant, wanted: Mapping[str, int] | None) -> Account | None:
    if not wanted:
        return None
    check_limits(wanted)
    for name, limit in wanted.items():
        if not QUOTAS[name].per_session:
            raise kernel.refusals.quota_of_tenants(name)
        bound = tenant.quota(name).limit
        if limit > bound:
            raise kernel.refusals.wide_quota(name, bound, limit)
    return Account(SESSION, wanted)


def alloc(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_alloc.Request = event.params
    capability = authority.narrowest(kernel, session, CAP_ALLOC)
    spelling, note = _profile(kernel, request.profile) if request.profile else ("", "")
    quotas = [quota for account in session.accounts for quota in account.qubits]
    for quota in quotas:
        kernel.require_quota(quota, request.n)
    lead = opaque("lq", event.entropy)
    handles = [f"{lead}_{number}" for number in range(request.n)]
    session.qubits.update(dict.fromkeys(handles, capability.id))
    for quota in quotas:
        quota.take(request.n)
    kernel.reply(event, q_alloc.Reply(handles, spelling, note))


def release(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_release.Request = event.params
    seen: set[str] = set()
    for index, handle in enumerate(request.handles):
        if handle not in session.qubits or handle in seen:
            raise kernel.refusals.not_held(handle, index, handle in seen)
        seen.add(handle)
    session.release(request.handles)
    authority.settle(kernel, session)
    kernel.reply(event, q_release.Reply(request.handles))


def _profile(kernel: State, text: str) -> tuple[str, str]:
    """The profile's one spelling and the note on what was granted; INVALID_PARAMS when it is none."""
    try:
        found = profiles.parse(text)
    except profiles.ProfileError as error:
        raise kernel.refusals.bad_profile(text, str(error)) from None
    return found.canonical, found.note
