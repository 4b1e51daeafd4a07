"""Where something stands in a circuit of pytket, for refusals."""

from __future__ import annotations

from typing import NamedTuple

from qmk.base.errors import QmkError
from qmk.sdk.adapter import cannot


class Place(NamedTuple):
    """``command``: its number among those of the circuit; ``within``: the boxes around it."""

    command: int
    within: str = ""

    def refuse(self, what: str, fix: str) -> QmkError:
        return cannot("pytket", what, f"{self.within}command {self.command}", fix)
