"""The floor plan: tiles that hold patches, and free tiles through which merges are routed.

A tile at ``(row, col)`` is ``d x d`` data qubits; between neighbouring tiles lies a seam, one line of data qubits that
is in use only while the two are joined, so that tiles repeat every ``d + 1`` qubits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import pairwise, product

import msgspec

from qmk.base.errors import QmkError

Tile = tuple[int, int]
Joint = tuple[Tile, Tile]
"""Two neighbouring tiles that are joined over their seam, the upper or left one first."""

SIDES: dict[str, Tile] = {"top": (-1, 0), "bottom": (1, 0), "left": (0, -1), "right": (0, 1)}
MAX_TILES = 10_000
MAX_DISTANCE = 49


class Patch(msgspec.Struct, frozen=True):
    """Where a logical qubit lives. ``turned`` False: its Z runs horizontally and its X vertically, so that Z is
    measured over the top and the bottom side, X over the left and the right one; True: the other way round."""

    row: int
    col: int
    turned: bool = False

    @property
    def tile(self) -> Tile:
        return (self.row, self.col)

    def sides(self, pauli: str) -> tuple[str, str]:
        """The two sides over which the patch joins a measurement of this Pauli operator."""
        return ("top", "bottom") if (pauli == "Z") != self.turned else ("left", "right")


class Floor(msgspec.Struct, frozen=True):
    """``rows x cols`` tiles, and the patches on them by name."""

    rows: int
    cols: int
    patches: Mapping[str, Patch]

    def __post_init__(self) -> None:
        if min(self.rows, self.cols) < 1 or self.rows * self.cols > MAX_TILES:
            raise wrong(f"{self.rows} x {self.cols} tiles", f"use 1 to {MAX_TILES} tiles")
        taken: dict[Tile, str] = {}
        for name, patch in self.patches.items():
            if not (0 <= patch.row < self.rows and 0 <= patch.col < self.cols):
                raise wrong(f"patch '{name}' stands at {patch.tile}, off the floor", f"use rows below {self.rows}")
            if patch.tile in taken:
                raise wrong(f"'{name}' and '{taken[patch.tile]}' stand at {patch.tile}", "give each a tile of its own")
            taken[patch.tile] = name

    def free(self) -> set[Tile]:
        """Tiles without a patch."""
        every = set(product(range(self.rows), range(self.cols)))
        return every - {patch.tile for patch in self.patches.values()}

    def data_qubits(self, d: int) -> int:
        """Data qubits of the whole floor with its inner seams."""
        return (self.rows * (d + 1) - 1) * (self.cols * (d + 1) - 1)

    def physical_qubits(self, d: int) -> int:
        """Data qubits and one ancilla for each but one of them (as a patch has d^2 and d^2 - 1)."""
        return 2 * self.data_qubits(d) - 1


class Route(msgspec.Struct, frozen=True):
    """The free tiles that a measurement occupies, and every pair of tiles that it joins."""

    tiles: tuple[Tile, ...]
    joints: tuple[Joint, ...]


def wrong(message: str, help: str) -> QmkError:
    return QmkError("INVALID_PARAMS", f"lattice surgery: {message}", field="surgery", help=help)


def check_distance(d: int) -> None:
    if d < 3 or d % 2 == 0 or d > MAX_DISTANCE:
        raise wrong(f"distance {d}", f"use an odd distance from 3 to {MAX_DISTANCE}")


def neighbour(tile: Tile, side: str) -> Tile:
    return (tile[0] + SIDES[side][0], tile[1] + SIDES[side][1])


def joint(a: Tile, b: Tile) -> Joint:
    return (a, b) if a < b else (b, a)


def route(floor: Floor, paulis: Mapping[str, str], free: Iterable[Tile]) -> Route | None:
    """The smallest tree found that joins these patches, each over a side of its Pauli operator; None if there is none.

    Two patches that face each other are joined directly. Else every choice of sides is tried, and for each a tree is
    grown along shortest paths through ``free``; ties go to the first in order of sides and tiles.
    """
    places = [(floor.patches[name], paulis[name]) for name in sorted(paulis)]
    if len(places) == 2 and (direct := _direct(*places)):
        return Route((), (direct,))
    allowed = set(free)
    best: Route | None = None
    for sides in product(*(patch.sides(pauli) for patch, pauli in places)):
        entries = [(patch.tile, neighbour(patch.tile, side)) for (patch, _), side in zip(places, sides, strict=True)]
        grown = _tree(entries, allowed)
        if grown and (best is None or len(grown.tiles) < len(best.tiles)):
            best = grown
    return best


def _direct(a: tuple[Patch, str], b: tuple[Patch, str]) -> Joint | None:
    for side in a[0].sides(a[1]):
        if neighbour(a[0].tile, side) == b[0].tile and b[0].tile != a[0].tile:
            facing = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}[side]
            if facing in b[0].sides(b[1]):
                return joint(a[0].tile, b[0].tile)
    return None


def _tree(entries: list[tuple[Tile, Tile]], allowed: set[Tile]) -> Route | None:
    if any(entry not in allowed for _, entry in entries):
        return None
    tiles = {entries[0][1]}
    joints = {joint(*entry) for entry in entries}
    for _, entry in entries[1:]:
        path = _path(entry, tiles, allowed)
        if path is None:
            return None
        joints |= {joint(a, b) for a, b in pairwise(path)}
        tiles |= set(path)
    return Route(tuple(sorted(tiles)), tuple(sorted(joints)))


def _path(start: Tile, goals: set[Tile], allowed: set[Tile]) -> list[Tile] | None:
    came: dict[Tile, Tile | None] = {start: None}
    todo = deque([start])
    while todo:
        tile = todo.popleft()
        if tile in goals:
            path = [tile]
            while (before := came[path[-1]]) is not None:
                path.append(before)
            return path
        for side in SIDES:
            near = neighbour(tile, side)
            if near in allowed and near not in came:
                came[near] = tile
                todo.append(near)
    return None
