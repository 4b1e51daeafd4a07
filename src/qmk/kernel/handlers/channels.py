"""Handles the calls on channels between tenants: q_open_chan, q_close_chan, q_chan_status.

Each tenant gives its own word only: the proposer by proposing, the peer by approving. The tenant is the session's; the
names in ``peers`` only say whom the proposal is for. Where an operator has registered other tenants, whether one of
that name exists is not answered: a proposal would tell anybody who else uses the daemon. Where there is nobody but the
local tenant there is nothing to tell, and a channel to another is refused."""

from __future__ import annotations

import math

import msgspec

from qmk.abi.calls import q_chan_status, q_close_chan, q_open_chan
from qmk.base.errors import QmkError
from qmk.base.ids import opaque
from qmk.base.units import SECOND_NS
from qmk.kernel import firewall
from qmk.kernel.events import CallReceived, ChannelChanged
from qmk.kernel.objects.channel import CLOSED, OPEN, PROPOSED, Channel
from qmk.kernel.objects.session import Session
from qmk.kernel.state import State
from qmk.qvm import link


def open_channel(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_open_chan.Request = event.params
    if (request.peers is None) == (request.channel is None):
        raise _invalid("peers", "give either peers, to propose a channel, or channel, to approve one")
    changed = _propose(kernel, event, session) if request.peers is not None else _approve(kernel, event, session)
    _answer(kernel, event, changed)


def _propose(kernel: State, event: CallReceived, session: Session) -> Channel:
    request: q_open_chan.Request = event.params
    assert request.peers is not None
    tenant = session.tenant.name
    if tenant not in request.peers:
        raise _invalid("peers", f"one of the two is the session's own tenant, '{tenant}'")
    if request.fidelity is None or request.entanglements_max is None:
        missing = "fidelity" if request.fidelity is None else "entanglements_max"
        raise _invalid(missing, f"a proposal says what it is for: {missing} is missing")
    a, b = request.peers
    peer = b if a == tenant else a
    if peer != tenant and kernel.only_local:
        help = f"name '{tenant}' twice for a channel within it"
        raise kernel.refusals.nobody(
            kernel.config.local.name, "q_open_chan", "peers", f"could approve a channel to '{peer[:64]}'", help
        )
    kernel.require_quota(session.tenant.channels)
    made = link.delivery(kernel.config.link, request.fidelity)
    channel = Channel(
        id=opaque("chan", event.entropy),
        proposer=tenant,
        peer=peer,
        state=OPEN if peer == tenant else PROPOSED,
        fidelity=request.fidelity,
        granted=made.fidelity,
        rounds=made.rounds,
        raw_pairs=made.raw_pairs,
        pairs_max=request.entanglements_max,
        expiry_ns=_expiry_ns(kernel, request.expiry),
        approved=peer == tenant,
        proposed_ns=kernel.now_ns,
    )
    _record(kernel, channel)
    kernel.audit("chan.open", tenant, channel=channel.id, peer=peer, fidelity=channel.fidelity, pairs=channel.pairs_max)
    return channel


def _approve(kernel: State, event: CallReceived, session: Session) -> Channel:
    """Approves a channel under the stricter of both sides' bounds. Approving twice changes nothing."""
    request: q_open_chan.Request = event.params
    assert request.channel is not None
    channel = firewall.party(kernel, session.tenant.name, request.channel)
    if channel.has_ended:
        raise kernel.refusals.no_channel(channel.id, channel)
    bounds = (request.fidelity, request.entanglements_max, request.expiry)
    if not channel.awaits(session.tenant.name):
        if any(bound is not None for bound in bounds):
            raise _invalid("channel", f"this side's bounds of {channel.id} stand; propose another channel for others")
        return channel
    kernel.require_quota(session.tenant.channels)
    fidelity = max(channel.fidelity, request.fidelity or 0.0)
    expiries = [ns for ns in (channel.expiry_ns, _expiry_ns(kernel, request.expiry)) if ns]
    made = link.delivery(kernel.config.link, fidelity)
    approved = channel.with_state(
        OPEN,
        fidelity=fidelity,
        granted=made.fidelity,
        rounds=made.rounds,
        raw_pairs=made.raw_pairs,
        pairs_max=min(channel.pairs_max, request.entanglements_max or channel.pairs_max),
        expiry_ns=min(expiries, default=0),
        approved=True,
    )
    _record(kernel, approved)
    for tenant in approved.tenants:
        kernel.audit("chan.approve", tenant, channel=channel.id, by=session.tenant.name)
    return approved


def close_channel(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_close_chan.Request = event.params
    channel = firewall.party(kernel, session.tenant.name, request.channel)
    if not channel.has_ended:
        firewall.end(kernel, channel.with_state(CLOSED, closed_by=session.tenant.name))
    _answer(kernel, event, kernel.channels.by_id[channel.id])
    kernel.launch_ready()


def status(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_chan_status.Request = event.params
    _answer(kernel, event, firewall.party(kernel, session.tenant.name, request.channel))


def _answer(kernel: State, event: CallReceived, channel: Channel) -> None:
    kernel.reply(event, kernel.views.channel(channel, len(kernel.channels.needing(channel.id))))


def _record(kernel: State, channel: Channel) -> None:
    kernel.commit(ChannelChanged(now_ns=kernel.now_ns, channel=channel.id, state=msgspec.to_builtins(channel)))
    firewall.set_expiry(kernel, channel)


def _expiry_ns(kernel: State, expiry: float | None) -> int:
    if expiry is None:
        return 0
    ns = int(expiry * SECOND_NS) if math.isfinite(expiry) else 0
    if ns <= kernel.now_ns:
        raise _invalid("expiry", f"expiry {expiry:g} is not in the future (Unix time in seconds)")
    if ns >= 1 << 63:
        raise _invalid("expiry", f"expiry {expiry:g} is beyond the year 2262; leave it out for no expiry")
    return ns


def _invalid(field: str, message: str) -> QmkError:
    return QmkError("INVALID_PARAMS", f"q_open_chan: {message}", field=field)
