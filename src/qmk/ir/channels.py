"""Channel ops as physics: Bell pairs, the errors they carry, Bell measurements and Pauli corrections.

A use makes its Bell pairs on the spot. The qubit that is to receive becomes one half; the other half, and for a swap a
place to put the first state meanwhile, are link qubits, which a program has once and behind all its others. What
purification leaves of a pair's errors is one ``PauliNoise`` on the receiving half, so teleporting through a pair of
fidelity F gives each state back with fidelity (2F + 1)/3 on average (Horodecki et al., Phys. Rev. A 60, 1888 (1999)).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from qmk.base.seeds import substream
from qmk.ir.program import Cond, Gate, Instruction, Measure, PauliNoise, Reset
from qmk.ir.resolver import Piece, Resolver
from qmk.qvm import link
from qmk.qvm.graph import Node

NOTE = "channels"
"""Key of a result's notes under which the channels are accounted."""


class Account(msgspec.Struct):
    """One channel.open in a result's notes. ``pairs`` are Bell pairs delivered in a shot; ``raw_pairs_expected`` is
    what one of them takes of the link on average. ``successes`` are the chances of the rounds of purification."""

    node: str
    channel: str
    asked: float | None
    fidelity: float
    raw_fidelity: float
    rounds: int
    raw_pairs_expected: float
    successes: list[float]
    pairs: int = 0


class Channels:
    """The open channels while a graph is lowered. Link qubits are numbered -1 and -2 until ``number_links``."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._open: dict[str, tuple[int, int, link.Pair, Account]] = {}
        self._links = 0
        self.accounts: list[Account] = []

    def open(self, node: Node, a: int, b: int) -> None:
        """Raises UNSUPPORTED when the fidelity asked for cannot be reached."""
        made = link.of_node(node)
        account = Account(
            node.id,
            node.chs[0],
            node.args.get("fidelity"),
            made.fidelity,
            made.raw_fidelity,
            made.rounds,
            made.raw_pairs,
            list(made.successes),
        )
        self.accounts.append(account)
        self._open[node.chs[0]] = (a, b, made.pair, account)

    def close(self, node: Node) -> None:
        del self._open[node.chs[0]]

    def use(self, node: Node, first_cbit: int) -> list[Instruction]:
        """The instructions of one use, which writes the two cbits of each of its Bell measurements."""
        a, b, pair, account = self._open[node.chs[0]]
        kind = link.semantic(node)
        account.pairs += link.PAIRS[kind]
        if kind == link.TELEPORT:
            return [*self._teleport(a, b, pair, first_cbit), Reset(a)]
        aside = self._link_qubit(1)
        return [
            *self._teleport(a, aside, pair, first_cbit),
            *self._teleport(b, a, pair, first_cbit + 2),
            Reset(b),
            *self._gate("swap", aside, b),
        ]

    def _link_qubit(self, number: int) -> int:
        self._links = max(self._links, number + 1)
        return -1 - number

    def _teleport(self, source: int, target: int, pair: link.Pair, first_cbit: int) -> Iterator[Instruction]:
        """Moves the state of ``source`` to ``target`` through a Bell pair of its own (Bennett et al., Phys. Rev. Lett.
        70, 1895 (1993)). The source is left in a basis state."""
        half = self._link_qubit(0)
        yield Reset(half)
        yield Reset(target)
        yield from self._gate("h", half)
        yield from self._gate("cnot", half, target)
        if pair.infidelity > 0:
            yield PauliNoise(target, *pair)
        yield from self._gate("cnot", source, half)
        yield from self._gate("h", source)
        phase, parity = first_cbit, first_cbit + 1
        yield Measure(source, phase)
        yield Measure(half, parity)
        yield from self._gate("x", target, cond=("bit", parity))
        yield from self._gate("z", target, cond=("bit", phase))

    def _gate(self, short: str, *qubits: int, cond: Cond | None = None) -> Iterator[Instruction]:
        for piece in self._resolver.pieces(f"core.{short}", {}, len(qubits)):
            yield place_gate(piece, qubits, cond)

    def number_links(self, instructions: list[Instruction], width: int) -> tuple[list[Instruction], int]:
        """Numbers the link qubits behind the ``width`` others. Gives the instructions and the whole width."""
        if not self._links:
            return instructions, width

        def number(qubit: int) -> int:
            return qubit if qubit >= 0 else width - 1 - qubit

        return [_renumber(item, number) for item in instructions], width + self._links


def place_gate(piece: Piece, qubits: tuple[int, ...], cond: Cond | None) -> Gate:
    """Places a gate of a lowering on the qubits of its op."""
    return Gate(piece.name, tuple([qubits[k] for k in piece.operands]), piece.params, cond, piece.args)


def _renumber(item: Instruction, number: Callable[[int], int]) -> Instruction:
    if isinstance(item, Gate):
        return item if min(item.qubits, default=0) >= 0 else replace(item, qubits=tuple(map(number, item.qubits)))
    if isinstance(item, (Measure, Reset, PauliNoise)) and item.qubit < 0:
        return replace(item, qubit=number(item.qubit))
    return item


def count_raw_pairs(notes: Mapping[str, Any], shots: int, seed: int) -> dict[str, Any]:
    """Counts the Bell pairs in the ``NOTE`` of a run of ``shots`` shots: with ``pairs_total``, the Bell pairs
    delivered, and ``raw_pairs``, the link's pairs that went into them, drawn from the exact distribution with a
    generator of its own. Empty without channels.

    To deliver k pairs after a round that succeeds with probability p takes k + NB(k, p) attempts on two pairs of the
    round before (NB: failures before the k-th success).
    """
    rows = notes.get(NOTE)
    if not rows:
        return {}
    import numpy as np  # only runs come here; lowering happens in the daemon too

    drawn: list[dict[str, Any]] = []
    for row in rows:
        rng = np.random.Generator(np.random.PCG64(substream(seed, "raw pairs", row["node"])))
        pairs: int = row["pairs"]
        successes: tuple[float, ...] = row["successes"]
        total = count = pairs * shots
        for success in reversed(successes):
            count = 2 * (count + (int(rng.negative_binomial(count, success)) if count else 0))
        drawn.append({**row, "pairs_total": total, "raw_pairs": count})
    return {NOTE: drawn}
