"""The entanglement firewall: which programs may join qubits of several tenants, and for how long.

The verifier (QVM-F01) lets qubits of two tenants meet only where the program has opened a channel between them. But a
program cannot give itself leave: here every such channel.open must be backed by a channel that the submitting tenant
and the other owner have both approved, named in ``policy.channels``, with what it grants still enough. Qubits of a
tenant whom no such channel joins to the submitter cannot be in its program at all.

A job's uses are counted before it is accepted: ``PAIRS`` for each channel.use, and for an op that acts on both sides at
once what doing it through Bell pairs takes, times the shots. When a channel ends, jobs that wait for it fail, and jobs
that run with it are stopped at their next fence and fail there unless no use of it is before them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from qmk.kernel import interrupts
from qmk.kernel.effects import Kill, SetTimer
from qmk.kernel.events import ChannelChanged, ChannelUse, Failed, Submitted
from qmk.kernel.objects.channel import EXPIRED, Channel
from qmk.kernel.objects.job import QUEUED, RUNNING, Job
from qmk.kernel.tables import Tables
from qmk.qvm import link
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node, once
from qmk.qvm.link import bell_pairs

CHANNEL_TIMER = "chan:"
YIELD_WHY = "channel"


class Opening(NamedTuple):
    """One channel.open of a program, with the owners of its two qubits and what is done through it: Bell pairs a shot,
    and the last epoch in which one is made."""

    node: Node
    owners: tuple[str, str]
    pairs: int
    last_epoch: int

    @property
    def handle(self) -> str:
        return self.node.chs[0]

    @property
    def crosses(self) -> bool:
        return self.owners[0] != self.owners[1]


def openings(graph: Graph, tenant: str) -> tuple[list[Opening], dict[str, Node]]:
    """The openings of a verified graph, and the owners it names with the first allocation of each."""
    owner_of: dict[str, str] = {}
    owners: dict[str, Node] = {}
    found: list[Opening] = []
    at: dict[str, int] = {}
    epoch = 1
    for node in graph.nodes:
        op = OPS[node.op]
        if op.name == "core.alloc":
            owner: str = node.args.get("tenant_id", tenant)
            owners.setdefault(owner, node)
            owner_of.update(dict.fromkeys(node.vqs, owner))
        elif op.op_class == "fence":
            epoch += 1
        elif op.channel_effect == "open":
            a, b = node.vqs
            at[node.chs[0]] = len(found)
            found.append(Opening(node, (owner_of[a], owner_of[b]), 0, epoch))
        elif op.channel_effect == "use":
            _count(found, at[node.chs[0]], link.PAIRS[link.semantic(node)], epoch)
        elif op.channel_effect == "close":
            del at[node.chs[0]]
        elif op.name == "core.free":
            for handle in [handle for handle, k in at.items() if not set(found[k].node.vqs).isdisjoint(node.vqs)]:
                del at[handle]
        elif len(node.vqs) > 1 and op.entangling and at:
            for k in at.values():
                if found[k].crosses and set(found[k].node.vqs) <= set(node.vqs):
                    _count(found, k, bell_pairs(node), epoch)
    return found, owners


def _count(found: list[Opening], k: int, pairs: int, epoch: int) -> None:
    found[k] = found[k]._replace(pairs=found[k].pairs + pairs, last_epoch=epoch)


def admit(
    kernel: Tables, tenant: str, graph: Graph, named: Mapping[str, str], shots: int
) -> tuple[Graph, tuple[ChannelUse, ...]]:
    """Binds a graph's channels to the device's links and to the channels ``named``. Gives the graph and what it takes
    of those. Raises CHANNEL_REQUIRED, CHANNEL_NOT_FOUND, CHANNEL_NOT_APPROVED, CHANNEL_CLOSED, CHANNEL_EXPIRED,
    CHANNEL_MISMATCH or CHANNEL_EXHAUSTED; INVALID_PARAMS when a name is of no channel of the program."""
    backed, uses = _find_backing(kernel, tenant, graph, named, shots)
    require(kernel, uses)
    for node in graph.nodes if backed else ():
        channel = backed.get(node.id)
        if channel is not None and len(channel.tenants) > 1:
            _require_link(kernel, node, channel)
    return bound(graph, kernel.config.link, backed), uses


def readmit(kernel: Tables, record: Submitted, graph: Graph, epochs_done: int) -> tuple[ChannelUse, ...]:
    """What a job takes of channels that runs the (bound) program of an earlier one again, from where ``epochs_done``
    epochs are behind it: every channel with a use left is charged anew. Raises as ``admit`` does."""
    _, uses = _find_backing(kernel, record.tenant, graph, record.policy.get("channels", {}), record.shots)
    left = tuple(use for use in uses if use.last_epoch > epochs_done)
    require(kernel, left)
    return left


def names_owners(graph: Graph) -> bool:
    """Whether an allocation names the tenant that owns its qubits."""
    return any(node.op == "core.alloc" and "tenant_id" in node.args for node in graph.nodes)


def _find_backing(
    kernel: Tables, tenant: str, graph: Graph, named: Mapping[str, str], shots: int
) -> tuple[dict[str, Channel], tuple[ChannelUse, ...]]:
    """The channel behind each channel.open that has one, and what is taken of them."""
    if not graph.chs and not named and not once(graph, "names owners", names_owners):
        return {}, ()
    found, owners = openings(graph, tenant)
    _require_handles(kernel, named, found)
    backed: dict[str, Channel] = {}
    for opening in found:
        if opening.handle in named:
            backed[opening.node.id] = _backing(kernel, tenant, opening, named[opening.handle])
        elif opening.crosses and not kernel.only_local:
            raise kernel.refusals.channel_required(opening.node, opening.owners)
    if not kernel.only_local:
        joined = {owner for opening in found if opening.node.id in backed for owner in opening.owners}
        for owner, node in owners.items():
            if owner != tenant and owner not in joined:
                raise kernel.refusals.not_invited(owner, node)
    return backed, _uses(found, backed, shots)


def _require_handles(kernel: Tables, named: Mapping[str, str], found: list[Opening]) -> None:
    opened = {opening.handle for opening in found}
    stray = next((handle for handle in named if handle not in opened), None)
    if stray is not None:
        raise kernel.refusals.stray_channel(stray)


def _backing(kernel: Tables, tenant: str, opening: Opening, id: str) -> Channel:
    """The channel, if it grants what ``opening`` does."""
    channel = party(kernel, tenant, id)
    if set(opening.owners) != set(channel.tenants):
        raise kernel.refusals.channel_of_others(channel, opening.node, opening.owners)
    if not channel.usable:
        raise kernel.refusals.no_channel(id, channel)
    asked = opening.node.args.get("fidelity")
    if asked is not None and asked > channel.granted:
        raise kernel.refusals.low_fidelity(channel, opening.node, asked)
    return channel


def _require_link(kernel: Tables, node: Node, channel: Channel) -> None:
    """Refuses a link of the program's own in a channel that two tenants agreed on for this device."""
    raw, granted = node.args.get("raw"), kernel.config.link.raw_fidelity
    if raw is not None and raw != granted:
        raise kernel.refusals.other_link(channel, node, raw, granted)


def party(kernel: Tables, tenant: str, id: str) -> Channel:
    """The channel if ``tenant`` is one of its two; any other is answered exactly like one that does not exist."""
    channel = kernel.channels.by_id.get(id)
    if channel is None or tenant not in channel.tenants:
        raise kernel.refusals.no_channel(id)
    return channel


def _uses(found: list[Opening], backed: Mapping[str, Channel], shots: int) -> tuple[ChannelUse, ...]:
    """What the program takes of each channel; one that it opens and never uses counts with no pair."""
    pairs: dict[str, int] = {}
    last: dict[str, int] = {}
    for opening in found:
        channel = backed.get(opening.node.id)
        if channel is not None:
            pairs[channel.id] = pairs.get(channel.id, 0) + opening.pairs * shots
            last[channel.id] = max(last.get(channel.id, 0), opening.last_epoch)
    return tuple(ChannelUse(id, count, last[id]) for id, count in pairs.items())


def require(kernel: Tables, uses: tuple[ChannelUse, ...]) -> None:
    """Raises unless a new job may take ``uses`` now. It is called again right before a job is accepted, since others
    may have taken what was free before."""
    for use in uses:
        channel = kernel.channels.by_id.get(use.channel)
        if channel is None or not channel.usable:
            raise kernel.refusals.no_channel(use.channel, channel)
        if use.pairs > channel.pairs_left:
            raise kernel.refusals.too_few_pairs(channel, use.pairs)


def bound(graph: Graph, device: link.Link, backed: Mapping[str, Channel] | None = None) -> Graph:
    """The graph with the device's link in each channel.open that names none, and with the fidelity that both tenants
    agreed on where the program asks for less. Raises UNSUPPORTED when the link cannot deliver what is asked."""
    if not graph.chs:
        return graph
    nodes = [
        _bound(node, device, (backed or {}).get(node.id)) if node.op == link.OPEN else node for node in graph.nodes
    ]
    return msgspec.structs.replace(graph, nodes=tuple(nodes))


def _bound(node: Node, device: link.Link, channel: Channel | None) -> Node:
    args = {"raw": device.raw_fidelity, **node.args}
    if channel is not None:
        args["fidelity"] = max(node.args.get("fidelity", 0.0), channel.fidelity)
    made = msgspec.structs.replace(node, args=args)
    link.of_node(made, device.max_rounds)
    return made


def expire(kernel: Tables) -> None:
    """Ends the channels whose time is over."""
    for channel in kernel.channels.due(kernel.now_ns):
        end(kernel, channel.with_state(EXPIRED))


def end(kernel: Tables, channel: Channel) -> None:
    """Records that a channel has ended, and stops or fails the jobs that need it."""
    kernel.commit(ChannelChanged(now_ns=kernel.now_ns, channel=channel.id, state=msgspec.to_builtins(channel)))
    for tenant in channel.tenants:
        kernel.audit("chan.close", tenant, channel=channel.id, state=channel.state, by=channel.closed_by)
    for job in [kernel.jobs.by_id[id] for id in kernel.channels.needing(channel.id)]:
        if job.state == QUEUED:
            recheck(kernel, job)
        elif job.state == RUNNING and job.submitted.fenced:
            interrupts.interrupt(kernel, job, interrupts.YIELD, YIELD_WHY)


def look_again(kernel: Tables, job: Job) -> None:
    """Stops a running job at its next fence if a channel that it still needs has ended."""
    hold = kernel.channels.holds.get(job.id)
    for use in hold.uses if hold is not None and job.submitted.fenced else ():
        channel = kernel.channels.by_id.get(use.channel)
        if use.last_epoch > job.epochs_done and not (channel is not None and channel.usable):
            interrupts.interrupt(kernel, job, interrupts.YIELD, YIELD_WHY)
            return


def recheck(kernel: Tables, job: Job) -> None:
    """Fails a waiting job that needs a channel which has ended."""
    hold = kernel.channels.holds.get(job.id)
    for use in hold.uses if hold is not None and job.state == QUEUED else ():
        channel = kernel.channels.by_id.get(use.channel)
        if (channel is not None and channel.usable) or use.last_epoch <= job.epochs_done:
            continue
        found = kernel.refusals.no_channel(use.channel, channel)
        fence = job.fence
        kernel.commit(
            Failed(
                now_ns=kernel.now_ns,
                job=job.id,
                fence=0,
                kind=found.kind.name,
                message=found.message,
                fields=found.fields,
            )
        )
        if fence:
            kernel.out.append(Kill(job.id, fence))
        return


def set_expiry(kernel: Tables, channel: Channel) -> None:
    """Sets the timer for the channel's expiry."""
    if channel.expiry_ns and not channel.has_ended:
        kernel.out.append(SetTimer(CHANNEL_TIMER + channel.id, channel.expiry_ns))


def note_charges(kernel: Tables, job: Job) -> None:
    """Notes in the audit log what an accepted job takes of channels, for each of their tenants."""
    for use in job.submitted.channels:
        for tenant in kernel.channels.by_id[use.channel].tenants:
            kernel.audit("chan.use", tenant, channel=use.channel, job=job.id, pairs=use.pairs)
