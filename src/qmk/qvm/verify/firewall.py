"""QVM-F: the entanglement firewall. Qubits of different tenants share no entangling op unless a channel between the
two is open at that point."""

from __future__ import annotations

from qmk.qvm.graph import Node
from qmk.qvm.op import Op
from qmk.qvm.verify.rule import Rule
from qmk.qvm.verify.state import OPEN, State, quote

CROSS_TENANT = Rule(
    "QVM-F01",
    "entangling op across tenants without a channel",
    "An op that can entangle qubits of two tenants needs an open channel between those qubits. The owner is "
    "`tenant_id` of the ALLOC, or the session's own tenant.",
    "open a channel between the two qubits first (channel.open), or let one tenant own both",
)

LOST_END = Rule(
    "QVM-F02",
    "channel used after one of its qubits was freed",
    "A channel joins two qubits. Freeing one of them ends what the channel can be used for.",
    "use the channel before the free, or open it again between qubits that are alive",
)

RULES = (CROSS_TENANT, LOST_END)


_MOST_OPERANDS = 64
"""Operands of one op that spans tenants: keeps the search for channels between them linear in the program."""


def check_node(state: State, node: Node, op: Op) -> None:
    """Updates owners and open channels, then judges the node."""
    if op.op_class not in ("lifecycle", "channel"):
        if len(state.tenants) > 1 and len(node.vqs) > 1 and op.entangling:
            _judge(state, node, op)
    elif op.name == "core.alloc":
        owner = node.args.get("tenant_id", state.tenant)
        owner = owner if isinstance(owner, str) else state.tenant
        state.tenants.add(owner)
        state.owners.update(dict.fromkeys(node.vqs, owner))
    elif op.name == "core.free":
        if state.links:
            for qubit in node.vqs:
                for channel in tuple(state.channels_of.get(qubit, ())):
                    _unlink(state, channel)
    elif op.channel_effect == "open" and len(node.vqs) == 2:
        for channel in node.chs:
            _unlink(state, channel)
            _link(state, channel, node.vqs[0], node.vqs[1])
    elif op.channel_effect == "use":
        for channel in node.chs:
            if state.channels.get(channel) == OPEN and channel not in state.links:
                state.add(LOST_END, f"a qubit of the channel {quote(channel)} was freed since it was opened", node)
    elif op.channel_effect == "close":
        for channel in node.chs:
            _unlink(state, channel)


def _pair(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a <= b else (b, a)


def _link(state: State, channel: str, a: str, b: str) -> None:
    pair = _pair(a, b)
    state.links[channel] = pair
    state.joined[pair] = state.joined.get(pair, 0) + 1
    for qubit in pair:
        state.channels_of.setdefault(qubit, set()).add(channel)


def _unlink(state: State, channel: str) -> None:
    pair = state.links.pop(channel, None)
    if pair is None:
        return
    state.joined[pair] -= 1
    if not state.joined[pair]:
        del state.joined[pair]
    for qubit in pair:
        state.channels_of[qubit].discard(channel)


def _judge(state: State, node: Node, op: Op) -> None:
    """Checks that open channels between the operands connect all their tenants, directly or through others."""
    owners = state.owners
    operands = [name for name in dict.fromkeys(node.vqs) if name in owners]
    tenants = list(dict.fromkeys(owners[name] for name in operands))
    if len(tenants) < 2:
        return
    if len(operands) > _MOST_OPERANDS:
        message = f"{op.name} spans tenants with {len(operands)} qubits, but at most {_MOST_OPERANDS} are allowed"
        state.add(CROSS_TENANT, message, node, help="use several smaller ops")
        return
    group = {tenant: tenant for tenant in tenants}
    for position, a in enumerate(operands):
        for b in operands[position + 1 :]:
            if _pair(a, b) in state.joined:
                old, new = group[owners[a]], group[owners[b]]
                group = {tenant: new if root == old else root for tenant, root in group.items()}
    apart = next((tenant for tenant in tenants if group[tenant] != group[tenants[0]]), None)
    if apart is not None:
        a = next(name for name in operands if owners[name] == tenants[0])
        b = next(name for name in operands if owners[name] == apart)
        message = f"{op.name} joins {quote(a)} of tenant {quote(tenants[0])} and {quote(b)} of tenant"
        state.add(CROSS_TENANT, f"{message} {quote(apart)} without an open channel between them", node)
