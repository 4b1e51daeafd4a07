"""Entanglement links: how good the Bell pairs are that a channel delivers, and what they cost.

A link makes raw pairs: Werner states of fidelity ``raw``, the three errors equally likely (Bennett et al., Phys. Rev.
Lett. 76, 722 (1996)). Where a program asks for more, two pairs are made into one better pair, in rounds, by the
protocol of Deutsch et al. (Phys. Rev. Lett. 77, 2818 (1996)): both sides turn their halves by +-pi/2 about X, apply a
CNOT from the first pair to the second, measure the second, and keep the first where the two results agree. Everything
stays Bell-diagonal, so the recurrence below is exact for noiseless local gates.

A pair is written by the Pauli error that one half of a perfect pair |00> + |11> has suffered; its fidelity is the
probability of no error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from qmk.base.errors import QmkError
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node

RAW_FIDELITY = 0.95
MAX_ROUNDS = 8

OPEN = "channel.open"
USE = "channel.use"
TELEPORT, SWAP = "teleport", "swap"
PAIRS = {TELEPORT: 1, SWAP: 2}
"""Bell pairs that one use takes, by its semantic."""


def bell_pairs(node: Node) -> int:
    """Bell pairs that suffice to do an entangling op across any cut of its qubits: one for an op of rank two (Eisert et
    al., Phys. Rev. A 62, 052317 (2000)), else the smaller side is sent over and back."""
    return 1 if (op := OPS.get(node.op)) is not None and op.rank_two else 2 * (len(node.vqs) // 2)


class Pair(NamedTuple):
    """Probabilities of the errors X, Y and Z on one half of a Bell pair."""

    x: float
    y: float
    z: float

    @property
    def infidelity(self) -> float:
        return self.x + self.y + self.z

    @property
    def fidelity(self) -> float:
        return 1.0 - self.infidelity


class Link(msgspec.Struct, frozen=True):
    """The links of a device. ``raw_fidelity``: of the pairs they make; ``max_rounds``: of purification, at most
    ``MAX_ROUNDS``; each at least doubles what a delivered pair costs."""

    raw_fidelity: float = RAW_FIDELITY
    max_rounds: int = MAX_ROUNDS


class Delivery(NamedTuple):
    """What a channel delivers: ``pair`` after as many rounds as ``successes`` has entries, each the probability that
    one attempt of that round succeeds."""

    raw_fidelity: float
    pair: Pair
    successes: tuple[float, ...]

    @property
    def fidelity(self) -> float:
        return self.pair.fidelity

    @property
    def rounds(self) -> int:
        return len(self.successes)

    @property
    def raw_pairs(self) -> float:
        """Expected raw pairs for one delivered pair: an attempt takes two pairs of the round before."""
        cost = 1.0
        for success in self.successes:
            cost *= 2.0 / success
        return cost


def werner(fidelity: float) -> Pair:
    """The raw pair of this fidelity, a Werner state."""
    error = (1.0 - fidelity) / 3.0
    return Pair(error, error, error)


def purify(pair: Pair) -> tuple[Pair, float]:
    """Makes one pair of two in a round of purification. Gives the pair that is kept, and the probability that it is
    kept."""
    good = pair.fidelity
    even, odd = good + pair.y, pair.x + pair.z
    success = even * even + odd * odd
    x = (pair.x * pair.x + pair.z * pair.z) / success
    return Pair(x, 2 * pair.x * pair.z / success, 2 * good * pair.y / success), success


def delivery(link: Link, asked: float | None) -> Delivery:
    """The fewest rounds that reach fidelity ``asked`` (None: raw pairs will do). Raises UNSUPPORTED {fidelity,
    raw_fidelity, infidelity, reached_infidelity, rounds} when ``max_rounds`` do not."""
    pair, successes = werner(link.raw_fidelity), list[float]()
    if asked is None or asked <= link.raw_fidelity:
        return Delivery(link.raw_fidelity, pair, ())
    best = pair
    while pair.infidelity > 1.0 - asked:
        if len(successes) >= link.max_rounds:
            raise _unreachable(link, asked, best)
        pair, success = purify(pair)
        successes.append(success)
        best = min(best, pair, key=lambda found: found.infidelity)
    return Delivery(link.raw_fidelity, pair, tuple(successes))


def _unreachable(link: Link, asked: float, best: Pair) -> QmkError:
    if link.raw_fidelity <= 0.5:
        why = f"its raw pairs have fidelity {link.raw_fidelity:g}, and purification needs more than 0.5"
    else:
        why = f"raw pairs of {link.raw_fidelity:g} come to {best.infidelity:.3g} in {link.max_rounds} rounds"
    return QmkError(
        "UNSUPPORTED",
        f"the link cannot deliver pairs of fidelity {asked:.12g} (infidelity {1.0 - asked:.3g}): {why}",
        feature="channel fidelity",
        fidelity=asked,
        raw_fidelity=link.raw_fidelity,
        infidelity=1.0 - asked,
        reached_infidelity=best.infidelity,
        rounds=link.max_rounds,
        help="ask for a lower fidelity, or for a device with better links",
    )


def of_node(node: Node, max_rounds: int = MAX_ROUNDS) -> Delivery:
    """What a channel.open delivers. Its ``raw`` is the link's fidelity, filled in by the kernel; a graph that never
    went through one has the default link. Raises UNSUPPORTED when the fidelity it asks for cannot be reached."""
    raw, asked = node.args.get("raw"), node.args.get("fidelity")
    link = Link(RAW_FIDELITY if raw is None else float(raw), max_rounds)
    try:
        return delivery(link, None if asked is None else float(asked))
    except QmkError as error:
        raise QmkError("UNSUPPORTED", f"node '{node.id}': {error.message}", node=node.id, **error.fields) from None


def semantic(node: Node) -> str:
    """What a channel.use does; a bare use teleports."""
    return node.args.get("semantic") or TELEPORT


class Use(NamedTuple):
    """One channel.use with the channel.open it draws on."""

    node: Node
    opened: Node

    @property
    def qubits(self) -> tuple[str, str]:
        """Sender and receiver of a teleport, the two ends of a swap."""
        return self.opened.vqs[0], self.opened.vqs[1]


def uses(graph: Graph) -> Iterator[Use]:
    """Every use of a verified graph, in program order."""
    opened: dict[str, Node] = {}
    for node in graph.nodes if graph.chs else ():
        if node.op == OPEN:
            opened[node.chs[0]] = node
        elif node.op == USE:
            yield Use(node, opened[node.chs[0]])
