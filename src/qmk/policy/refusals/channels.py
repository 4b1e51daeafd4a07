"""Refusals of channels between tenants."""

from __future__ import annotations

from qmk.base.errors import QmkError
from qmk.base.units import SECOND_NS
from qmk.kernel.objects.channel import CLOSED, PROPOSED, Channel
from qmk.policy.refusals.params import wrong
from qmk.qvm.graph import Node


def stray_channel(handle: str) -> QmkError:
    return wrong(
        "policy.channels",
        f"policy.channels names '{handle[:64]}', which is not a channel that the program opens",
        "its keys are channel handles of the program, its values ids from q_open_chan",
    )


def channel_required(node: Node, owners: tuple[str, str]) -> QmkError:
    (a, b), handle = owners, node.chs[0]
    return QmkError(
        "CHANNEL_REQUIRED",
        f"node '{node.id}' opens a channel between tenants '{a}' and '{b}' without their leave",
        node=node.id,
        handle=handle,
        tenants=[a, b],
        help=f'let both call q_open_chan, then submit with policy {{"channels": {{"{handle}": "chan_..."}}}}',
    )


def not_invited(owner: str, node: Node) -> QmkError:
    return QmkError(
        "CHANNEL_REQUIRED",
        f"node '{node.id}' allocates qubits of tenant '{owner}', to whom no approved channel of the program leads",
        node=node.id,
        tenants=[owner],
        help="leave tenant_id out, or open a channel with that tenant (q_open_chan) and name it in policy.channels",
    )


def no_channel(id: str, channel: Channel | None = None) -> QmkError:
    """Why a job may not use the channel, whatever it has left; ``channel`` is None where the caller sees none."""
    if channel is None:
        return QmkError("CHANNEL_NOT_FOUND", f"no channel '{id[:64]}'", channel=id[:64])
    fields = {"channel": channel.id, "state": channel.state}
    if channel.state == PROPOSED:
        waiting = f"tenant '{channel.peer}' has not approved channel {channel.id}"
        return QmkError("CHANNEL_NOT_APPROVED", waiting, **fields, help="the other tenant calls q_open_chan with it")
    if channel.state == CLOSED:
        return QmkError("CHANNEL_CLOSED", f"channel {channel.id} was closed by '{channel.closed_by}'", **fields)
    when = channel.expiry_ns / SECOND_NS
    return QmkError("CHANNEL_EXPIRED", f"channel {channel.id} expired", **fields, expiry=when)


def channel_of_others(channel: Channel, node: Node, owners: tuple[str, str]) -> QmkError:
    """``node`` opens a channel for ``owners``, and ``channel`` has other tenants."""
    joins = " and ".join(f"'{owner}'" for owner in dict.fromkeys(owners))
    message = f"node '{node.id}' opens a channel for {joins}, but {channel.id} is of other tenants"
    return QmkError("CHANNEL_MISMATCH", message, channel=channel.id, node=node.id, handle=node.chs[0])


def low_fidelity(channel: Channel, node: Node, asked: float) -> QmkError:
    return QmkError(
        "CHANNEL_MISMATCH",
        f"node '{node.id}' asks for pairs of fidelity {asked:g}; {channel.id} grants {channel.granted:.6g}",
        channel=channel.id,
        node=node.id,
        handle=node.chs[0],
        asked=asked,
        granted=channel.granted,
    )


def other_link(channel: Channel, node: Node, asked: float, granted: float) -> QmkError:
    message = f"node '{node.id}' counts on raw pairs of fidelity {asked:g}; the device's links make {granted:g}"
    return QmkError("CHANNEL_MISMATCH", message, channel=channel.id, node=node.id, asked=asked, granted=granted)


def too_few_pairs(channel: Channel, asked: int) -> QmkError:
    """Too few pairs are left for a job that asks for so many."""
    left = max(0, channel.pairs_left)
    return QmkError(
        "CHANNEL_EXHAUSTED",
        f"the job makes {asked} Bell pairs (over all its shots), but channel {channel.id} has {left} of "
        f"{channel.pairs_max} left",
        channel=channel.id,
        asked=asked,
        left=left,
        limit=channel.pairs_max,
        help="run fewer shots, or open a channel with more entanglements_max",
    )
