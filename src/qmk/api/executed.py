"""What a run in this process gave, before it is a result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qmk.host.results import Result as Stored
    from qmk.qvm.outputs import Values
    from qmk.worker.native import Drawn


@dataclass(kw_only=True)
class Executed:
    """What a run gave. ``drawn`` holds the shots in the core's memory, ``stored`` those of another engine."""

    engine: str
    method: str
    version: str
    predicted_s: float
    uncertainty: float
    reasons: list[dict[str, Any]]
    usage: dict[str, Any]
    notes: dict[str, Any]
    drawn: Drawn | None = None
    stored: Stored | None = None
    values: Values | None = None
    fallbacks: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def counts(self) -> dict[str, int]:
        """Printed bitstrings to shots. Those in the core's memory are counted when this is first read."""
        if self.drawn is not None:
            return self.drawn.counts
        assert self.stored is not None, "the shots of every other engine are stored"
        return self.stored.head.counts

    @property
    def prints_nothing(self) -> bool:
        """Whether there are shots, and no register shows a bit of them."""
        if self.drawn is not None:
            return not any(cbits for _, cbits, _ in self.drawn.registers)
        return set(self.counts) == {""}
