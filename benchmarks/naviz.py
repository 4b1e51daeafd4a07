"""What mqt.qmap's zoned compilers write (.naviz) as a program of the atom VM, so that one model scores both.

A wave, from the first ``load`` until no atom is held, is one move from trap to trap. It takes a transfer for each
``load`` and each ``store``. The moves between two of these are one ride along their whole way, at rest only at its
ends, which is less than the peer's own evaluation counts (``merge`` False: each move begins and ends at rest). Waves
after the last gate are left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from qmk.models.atoms import Profile
from qmk.models.atoms.array import Array
from qmk.models.atoms.machine import Transport
from qmk.models.atoms.motion import travel_us
from qmk.models.atoms.zoning import mates
from qmk.qvm.graph import Graph, Node

Place = tuple[float, float]
_PLACE = re.compile(r"\((\S+), (\S+)\) (\w+)")


def statements(text: str) -> Iterator[tuple[list[str], list[str]]]:
    """(words, rows): rows are those in brackets, or the rest of a line after its keyword."""
    lines = iter(line.strip() for line in text.splitlines())
    for line in lines:
        if line.endswith("["):
            rows: list[str] = []
            for row in lines:
                if row == "]":
                    break
                rows.append(row)
            yield line[:-1].split(), rows
        elif line:
            yield line.split(), []


class _Wave:
    """Atoms on their way, and how long it takes."""

    def __init__(self, law: Transport, merge: bool) -> None:
        self.law, self.merge = law, merge
        self.duration = 0.0
        self.atoms: dict[str, None] = {}
        self.way: dict[str, float] = {}

    def move(self, steps: dict[str, float]) -> None:
        for atom, length in steps.items():
            self.way[atom] = self.way.get(atom, 0.0) + length
        if not self.merge:
            self.stop()

    def stop(self, transfer: float = 0.0) -> None:
        self.duration += travel_us(self.law, max(self.way.values(), default=0.0)) + transfer
        self.way = {}


class _Reader:
    def __init__(self, profile: Profile, merge: bool) -> None:
        assert profile.transport is not None
        self.law, self.merge = profile.transport, merge
        self.array = Array(profile)
        self.mates = mates(self.array)
        self.at: dict[str, Place] = {}
        self.nodes: list[Node] = []
        self.held: set[str] = set()
        self.wave = _Wave(self.law, merge)

    def add(self, op: str, args: dict[str, object], atoms: tuple[str, ...]) -> None:
        self.nodes.append(Node(f"n{len(self.nodes)}", op, args, atoms))

    def take(self, words: list[str], rows: list[str]) -> None:
        kind = words[1]
        names = rows or words[2:3]
        if kind == "load":
            self.held.update(names)
            self.wave.atoms.update(dict.fromkeys(names))
            self.wave.stop(self.law.pick)
        elif kind == "store":
            self.wave.stop(self.law.drop)
            self.held.difference_update(names)
            if not self.held:
                atoms = tuple(self.wave.atoms)
                to = [[*self.at[atom], 0.0] for atom in atoms]
                self.add("atoms.move", {"to": to, "duration": self.wave.duration}, atoms)
                self.wave = _Wave(self.law, self.merge)
        elif kind == "move":
            self.move(rows or [" ".join(words[2:])])
        elif kind == "cz":
            self.pulse()
        else:
            keys = {"u": ("theta", "phi", "lam"), "rz": ("theta",)}[kind]
            angles = dict(zip(keys, map(float, words[2 : 2 + len(keys)]), strict=True))
            for atom in rows or words[2 + len(keys) :]:
                self.add(f"core.{kind}", dict(angles), (atom,))

    def move(self, rows: list[str]) -> None:
        steps: dict[str, float] = {}
        for row in rows:
            found = _PLACE.fullmatch(row)
            assert found is not None, row
            place = float(found[1]), float(found[2])
            steps[found[3]] = math.dist(place, self.at[found[3]])
            self.at[found[3]] = place
        self.wave.move(steps)

    def pulse(self) -> None:
        there = {self.array.site_at((*place, 0.0)): atom for atom, place in self.at.items()}
        for site, atom in there.items():
            other = None if site is None else self.mates.get(site)
            if site is not None and other is not None and site < other and other in there:
                self.add("core.cz", {}, (atom, there[other]))


def read_naviz(text: str, profile: Profile, merge: bool = True) -> Graph:
    """The program, its atoms at the places where the text has them first."""
    reader = _Reader(profile, merge)
    begin: dict[str, Place] = {}
    for words, rows in statements(text):
        if words[0] == "atom":
            found = _PLACE.fullmatch(" ".join(words[1:]))
            assert found is not None, words
            begin[found[3]] = reader.at[found[3]] = float(found[1]), float(found[2])
        else:
            reader.take(words, rows)
    atoms = tuple(begin)
    head = [
        Node("load", "core.alloc", {"n": len(atoms)}, atoms),
        Node("place", "atoms.place", {"positions": [[*begin[atom], 0.0] for atom in atoms]}, atoms),
    ]
    last = max((k for k, node in enumerate(reader.nodes) if node.op != "atoms.move"), default=-1)
    return Graph(nodes=(*head, *reader.nodes[: last + 1]), vqs=atoms, caps=("CAP_ALLOC",), families=())
