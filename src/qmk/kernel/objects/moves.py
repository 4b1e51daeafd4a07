"""Tables of the moves that an object may make between its states; any other is a bug."""

from __future__ import annotations

from typing import NamedTuple


class Move(NamedTuple):
    source: str
    target: str
    cause: str


class IllegalMove(AssertionError):
    """A move that is not in its table: a bug of the kernel, never of a caller."""


class Moves(tuple[Move, ...]):
    """A table: the moves in the order of the docs, and a check of one at the cost of a look-up."""

    _allowed: frozenset[tuple[str, str]]

    def __new__(cls, *moves: Move) -> Moves:
        made = super().__new__(cls, moves)
        made._allowed = frozenset((move.source, move.target) for move in made)
        return made

    def require(self, what: str, source: str, target: str) -> None:
        """Raise IllegalMove unless ``what`` may go from one state to the other."""
        if (source, target) not in self._allowed:
            raise IllegalMove(f"{what}: {source} -> {target}")
