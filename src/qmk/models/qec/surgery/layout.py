"""The checks that are measured while a set of patches and merges is in place.

Data qubits sit at integer ``(row, col)``; the check at ``(row, col)`` covers the up to four data qubits to its upper
left. Checks have the colour ``(row + col) % 2``. Where the frame of a data qubit is 0, checks of colour 0 measure Z on
it and checks of colour 1 measure X; frame 1 exchanges the two, so that a domain wall is a line of checks of both kinds.

A boundary has a colour too: the checks that are cut by it stay where they have that colour. A patch has boundaries of
either colour. Seams and tiles of a merge have boundaries of the colour that is measured, which makes the product of all
their checks of that colour equal to the measured product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from qmk.models.qec.surgery.floor import Floor, Joint, Route, Tile

Place = tuple[int, int]

CORNERS: dict[str, Place] = {"NW": (-1, -1), "SW": (0, -1), "NE": (-1, 0), "SE": (0, 0)}
FOUR_LAYERS = {"vertical": ("NW", "SW", "NE", "SE"), "horizontal": ("NW", "NE", "SW", "SE")}
"""Gates of a check in order, named by the direction of the pair that a fault halfway leaves behind."""
FIVE_LAYERS = {"vertical": ("NW", "SW", "NE", None, "SE"), "horizontal": ("NW", None, "NE", "SW", "SE")}
"""The same orders with a pause, so that both may stand side by side without two gates on a qubit at once."""


@dataclass(frozen=True)
class Cell:
    """A rectangle of data qubits with one rule for its boundary: a tile, or a seam."""

    top: int
    left: int
    height: int
    width: int
    frame: int
    colours: Mapping[str, int]
    """The colour of the boundary by side."""
    measured: int | None = None
    """The colour that a merge measures here; None in a patch."""
    open_sides: tuple[str, ...] = ()
    """The sides at which a tile or seam of a merge is joined."""

    def places(self) -> Iterable[Place]:
        return (
            (row, col)
            for row in range(self.top, self.top + self.height)
            for col in range(self.left, self.left + self.width)
        )

    def hooks(self, check: Place) -> str:
        """The direction in which a fault halfway through this check may spread without shortening a logical operator:
        across the operator of the check's colour that runs here."""
        colour = sum(check) % 2
        if self.measured is None:
            return "vertical" if colour == self.colours["left"] else "horizontal"
        row, col = check[0] - self.top, check[1] - self.left
        away = {"top": row, "bottom": self.height - row, "left": col, "right": self.width - col}
        near = min(self.open_sides, key=lambda side: (away[side], side))
        along = "vertical" if near in ("top", "bottom") else "horizontal"
        if colour == self.measured:
            return along
        return "horizontal" if along == "vertical" else "vertical"


@dataclass(frozen=True)
class Placed:
    """A patch in place: its frame, and whether its operator of colour 0 runs vertically."""

    name: str
    cell: Cell
    frame: int
    d: int

    def colour(self, pauli: str) -> int:
        """The colour of the checks that measure this Pauli operator."""
        return self.frame if pauli == "Z" else 1 - self.frame

    def support(self, colour: int) -> frozenset[Place]:
        """The data qubits of the logical operator of this colour: the top row or the left column."""
        across = colour == self.cell.colours["left"]
        return frozenset((self.cell.top, self.cell.left + i) if across else (self.cell.top + i, self.cell.left)
                         for i in range(self.d))  # fmt: skip


@dataclass(frozen=True)
class Joined:
    """A merge in place."""

    key: str
    colour: int
    names: tuple[str, ...]
    cells: tuple[Cell, ...]
    """The seams and free tiles of the merge."""


@dataclass
class Layout:
    """Data qubits with their frames, and checks with their data qubits."""

    frame: dict[Place, int] = field(default_factory=dict[Place, int])
    owner: dict[Place, Cell] = field(default_factory=dict[Place, Cell])
    checks: dict[Place, tuple[Place, ...]] = field(default_factory=dict[Place, tuple[Place, ...]])
    hooks: dict[Place, str] = field(default_factory=dict[Place, str])

    def pauli(self, check: Place, data: Place) -> str:
        """What a check measures on a data qubit."""
        return pauli(sum(check) % 2, self.frame[data])

    def paulis(self, check: Place) -> dict[Place, str]:
        return {data: self.pauli(check, data) for data in self.checks[check]}

    def orders(self) -> Mapping[str, Sequence[str | None]]:
        """Four layers of gates where no two meet on a qubit, else five."""
        for check, hooks in self.hooks.items():
            # only the check one step down and left, of the same colour, may want a shared qubit at the same time
            if self.hooks.get((check[0] + 1, check[1] - 1), hooks) != hooks:
                return FIVE_LAYERS
        return FOUR_LAYERS


def pauli(colour: int, frame: int) -> str:
    return "Z" if colour == frame else "X"


def place_patch(floor: Floor, name: str, frame: int, d: int) -> Placed:
    patch = floor.patches[name]
    colour = frame if not patch.turned else 1 - frame  # of the operator that runs horizontally
    sides = {"left": colour, "right": colour, "top": 1 - colour, "bottom": 1 - colour}
    top, left = patch.row * (d + 1), patch.col * (d + 1)
    return Placed(name, Cell(top, left, d, d, frame, sides), frame, d)


def place_merge(key: str, colour: int, names: tuple[str, ...], way: Route, d: int) -> Joined:
    """Seams and free tiles of a merge; they are in frame 0, so that a wall runs along the patches of frame 1."""
    all_sides: dict[str, int] = dict.fromkeys(("top", "bottom", "left", "right"), colour)
    cells: list[Cell] = []
    for tile in way.tiles:
        sides = tuple(sorted(_side(tile, pair) for pair in way.joints if tile in pair))
        cells.append(Cell(tile[0] * (d + 1), tile[1] * (d + 1), d, d, 0, all_sides, colour, sides))
    for (row, col), (below, _) in way.joints:
        if below > row:
            cells.append(Cell(row * (d + 1) + d, col * (d + 1), 1, d, 0, all_sides, colour, ("bottom", "top")))
        else:
            cells.append(Cell(row * (d + 1), col * (d + 1) + d, d, 1, 0, all_sides, colour, ("left", "right")))
    return Joined(key, colour, names, tuple(cells))


def _side(tile: Tile, pair: Joint) -> str:
    vertical = pair[0][0] != pair[1][0]
    if tile == pair[0]:
        return "bottom" if vertical else "right"
    return "top" if vertical else "left"


def layout(patches: Iterable[Placed], merges: Iterable[Joined]) -> Layout:
    """The checks of patches and merges that are in place together."""
    made = Layout()
    groups: list[list[Cell]] = []
    left = {placed.name: placed.cell for placed in patches}
    for merge in merges:
        groups.append([*(left.pop(name) for name in merge.names), *merge.cells])
    groups += [[cell] for cell in left.values()]
    for cells in groups:
        _add(made, {place: cell for cell in cells for place in cell.places()})
    return made


def _add(made: Layout, cells: dict[Place, Cell]) -> None:
    positions = sorted({(row + i, col + j) for row, col in cells for i in (0, 1) for j in (0, 1)})
    checks: dict[Place, tuple[Place, ...]] = {}
    dropped: set[Place] = set()
    for check in positions:
        data = tuple(place for step in CORNERS.values() if (place := (check[0] + step[0], check[1] + step[1])) in cells)
        if len(data) < 4:
            colours = _boundary(check, data, cells)
            if colours != {sum(check) % 2}:
                continue
            if len(data) == 1:  # a corner between two boundaries of its colour: no other check sees its errors
                dropped.add(data[0])
                continue
        checks[check] = data
    for place, cell in cells.items():
        if place not in dropped:
            made.frame[place], made.owner[place] = cell.frame, cell
    for check, data in checks.items():
        made.checks[check] = tuple(place for place in data if place not in dropped)
        made.hooks[check] = cells[data[0]].hooks(check)


def _boundary(check: Place, data: tuple[Place, ...], cells: Mapping[Place, Cell]) -> set[int]:
    """The colours of the boundaries that cut this check."""
    found: set[int] = set()
    for place in data:
        across = (place[0], 2 * check[1] - 1 - place[1])
        along = (2 * check[0] - 1 - place[0], place[1])
        if across not in cells:
            found.add(cells[place].colours["right" if across[1] > place[1] else "left"])
        if along not in cells:
            found.add(cells[place].colours["bottom" if along[0] > place[0] else "top"])
    return found
