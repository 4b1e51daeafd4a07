"""Sessions: q_negotiate_caps, q_revoke, q_close_session."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from qmk.abi.calls import q_close_session, q_negotiate_caps, q_revoke
from qmk.base.errors import QmkError
from qmk.base.ids import opaque
from qmk.base.limits import TABLE
from qmk.kernel.config import TenantConfig
from qmk.kernel.objects.session import Session
from qmk.kernel.session_bounds import account_of
from qmk.qvm.families import FAMILIES

if TYPE_CHECKING:
    from qmk.kernel.events import CallReceived
    from qmk.kernel.state import State

_LIMITS = {name: row.value for name, row in TABLE.items()}
_FAMILIES = [q_negotiate_caps.FamilyRow(family.name, family.version, family.doc) for family in FAMILIES]


def negotiate(kernel: State, event: CallReceived) -> None:
    """Opens a session for the token's tenant; whatever policy does not allow is denied by name."""
    request: q_negotiate_caps.Request = event.params
    config = _authenticate(kernel, request.token)
    tenant = kernel.tenant(config.name)
    account = account_of(kernel, event, tenant)
    _make_room(kernel, event.now_ns)
    root = opaque("cap", event.entropy, "root")
    session = Session(opaque("ses", event.entropy), tenant, root, event.conn, event.now_ns, account)
    granted: list[q_negotiate_caps.Granted] = []
    denied: list[q_negotiate_caps.Denied] = []
    wanted = config.default_caps if request.requested is None else dict.fromkeys(request.requested)
    for name in wanted:
        if name in config.allowed_caps:
            capability = session.caps.derive(opaque("cap", event.entropy, name), name)
            granted.append(q_negotiate_caps.Granted(name, capability.id))
        else:
            known = name in kernel.known_caps
            reason = "not allowed for this tenant" if known else "there is no such capability"
            denied.append(q_negotiate_caps.Denied(name, reason))
    kernel.sessions.add(session)
    reply = q_negotiate_caps.Reply(
        session_id=session.id,
        tenant=tenant.name,
        root=root,
        granted=granted,
        denied=denied,
        quota=kernel.accounts.figures(session, event.now_ns),
        limits=_LIMITS,
        families=_FAMILIES,
        devices=list(kernel.config.devices),
    )
    kernel.reply(event, reply)


def revoke(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_revoke.Request = event.params
    gone = session.caps.revoke(session.caps.find(request.capability))
    ids = {capability.id for capability in gone}
    released = [handle for handle, origin in session.qubits.items() if origin in ids]
    session.release(released)
    kernel.reply(event, q_revoke.Reply([capability.id for capability in gone], released))


def close_session(kernel: State, event: CallReceived, session: Session) -> None:
    kernel.reply(event, q_close_session.Reply(kernel.end_session(session)))


def _authenticate(kernel: State, token: str) -> TenantConfig:
    """The tenant of the token. Tokens are looked up by hash, so the time taken tells nothing about them."""
    tokens = kernel.config.tokens
    if not tokens:
        if token:
            raise QmkError(
                "AUTH_FAILED",
                "this daemon runs in local mode and knows no tokens",
                help="leave the token out",
            )
        config = kernel.config.local
    else:
        found = tokens.get(hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()) if token else None
        if found is None:
            raise QmkError("AUTH_FAILED", "the token is unknown" if token else "a token is needed")
        config = found
    if config.suspended:
        raise QmkError("TENANT_SUSPENDED", f"tenant '{config.name}' is suspended", tenant=config.name)
    return config


def _make_room(kernel: State, now_ns: int) -> None:
    for session in kernel.sessions.expired(now_ns):
        kernel.end_session(session)
    displaced = kernel.sessions.displaced()
    if displaced is not None:
        kernel.end_session(displaced)
    kernel.sessions.require_room()
