"""An upper bound on the bond dimension that a program's state can reach, with its qubits in order of allocation.

A gate whose qubits lie on both sides of a cut multiplies the bond there by its operator Schmidt rank, at most. Gates
that are diagonal in one basis of a qubit are controlled by it: until something changes that basis, all of them together
are a sum over the two values of that qubit, of rank two across any cut. So a fan of CNOTs from one control, or onto one
target, counts once. The bond of a cut is also at most twice that of each neighbouring cut. An engine that reorders its
qubits on the way may exceed the bound; it must watch its own bonds. The link qubits of channels are not on the line:
while one is in use, they add at most one each to a bond.
"""

from __future__ import annotations

import math

from qmk.qvm.families import OPS, noise
from qmk.qvm.graph import Graph
from qmk.qvm.op import Op

WORK = 100_000
"""crossings of cuts that are followed before the bound is given up (then it is infinite)"""


def bond_log2(graph: Graph) -> float:
    """Upper bound on log2 of the bond dimension over all cuts, or ``inf`` when it costs too much to find."""
    cuts = _Cuts()
    opened: dict[str, tuple[str, ...]] = {}
    for node in graph.nodes:
        op = OPS[node.op]
        if op.name == "core.alloc":
            cuts.alloc(node.vqs)
        elif op.name == "core.free":
            cuts.free(node.vqs)
        elif op.op_class in ("unitary", "evolution", "composite", "measure", "reset", "feedforward"):
            cuts.take([cuts.line[name] for name in node.vqs], op, joint=op.op_class != "feedforward")
        elif op.op_class == "noise" and node.vqs and noise.kind(op, node) == "kraus":
            cuts.take([cuts.line[name] for name in node.vqs], op, joint=True)
        elif op.channel_effect == "open":
            opened[node.chs[0]] = node.vqs
        elif op.channel_effect == "use":
            cuts.take([cuts.line[name] for name in opened[node.chs[0]]], OPS["core.swap"], joint=True)
        if cuts.work > WORK:
            return math.inf
    return cuts.peak()


class _Cuts:
    """``bonds[k]``: log2 of what gates can have made of the bond between lines k and k + 1. ``counted[k]``: the bases,
    as (line, epoch), that are in it; an epoch of a line ends when an op is not diagonal in the line's basis.

    A gate diagonal on both sides may be counted by either; both counts are kept, first side first and last side first,
    and each is a bound.
    """

    def __init__(self) -> None:
        self.line: dict[str, int] = {}
        self.spare: list[int] = []
        self.bonds: list[list[int]] = []
        self.counted: list[tuple[set[tuple[int, int]], set[tuple[int, int]]]] = []
        self.epoch: list[int] = []
        self.basis: list[str] = []
        self.work = 0

    def alloc(self, names: tuple[str, ...]) -> None:
        for name in names:
            if self.spare:
                self.line[name] = self.spare.pop()
                continue
            self.line[name] = len(self.bonds)
            self.bonds.append([0, 0])
            self.counted.append((set(), set()))
            self.epoch.append(0)
            self.basis.append("-")

    def free(self, names: tuple[str, ...]) -> None:
        for name in names:
            line = self.line.pop(name)
            self.spare.append(line)
            self._change(line, "-")

    def _change(self, line: int, basis: str) -> None:
        if basis == "-" or basis != self.basis[line]:
            self.epoch[line] += 1
            self.basis[line] = basis

    def take(self, lines: list[int], op: Op, joint: bool) -> None:
        bases = op.bases or "-" * len(lines)
        for line, basis in zip(lines, bases, strict=True):
            self._change(line, basis)
        if len(lines) < 2 or not joint:
            return
        low, high = min(lines), max(lines)
        self.work += high - low
        for cut in range(low, high):
            left = [k for k, line in enumerate(lines) if line <= cut]
            right = [k for k, line in enumerate(lines) if line > cut]
            sides = (left, right) if len(left) <= len(right) else (right, left)
            alone = sorted(side[0] for side in sides if len(side) == 1 and bases[side[0]] != "-")
            owners = [(lines[k], self.epoch[lines[k]]) for k in alone]
            for which, counted in enumerate(self.counted[cut]):
                if not owners:
                    self.bonds[cut][which] += 2 * len(sides[0])
                elif not any(owner in counted for owner in owners):
                    counted.add(owners[-which])
                    self.bonds[cut][which] += 1

    def peak(self) -> float:
        """The largest bond, each at most twice its neighbour's; beyond the ends there is none."""
        bonds = [min(counts) for counts in self.bonds[:-1]]
        for order in (range(len(bonds)), range(len(bonds) - 1, -1, -1)):
            before = 0
            for cut in order:
                before = bonds[cut] = min(bonds[cut], before + 1)
        return float(max(bonds, default=0))
