"""The processor that decodes while a machine of logical qubits runs, as a site has measured it, and how much of it
may be asked for."""

from __future__ import annotations

import math

import msgspec

from qmk.base.errors import QmkError

THROTTLE_LOAD = 0.85
"""Load above which nothing may be added: waits grow with 1 / (1 - load) (Terhal, Rev. Mod. Phys. 87, 307 (2015))"""
FIELDS = {"event": "event_s", "cores": "cores", "round": "round_s"}
"""Of its text."""


class Decoding(msgspec.Struct, frozen=True, kw_only=True):
    """``event_s``: CPU seconds that a detection event takes to decode. ``cores`` decode, and do nothing else.
    ``round_s``: seconds of a round of syndrome extraction."""

    event_s: float
    cores: int = 1
    round_s: float = 1e-6

    def __post_init__(self) -> None:
        fine = 1 <= self.cores <= 1_000_000 and all(0 < value < math.inf for value in (self.event_s, self.round_s))
        if not fine:
            raise QmkError(
                "INVALID_PARAMS",
                f"a decoder of event={self.event_s:g},cores={self.cores},round={self.round_s:g}",
                field="decoder",
                help="event and round are seconds above 0, cores 1 to 1000000",
            )

    @classmethod
    def parse(cls, text: str) -> Decoding:
        """``event=1.2e-7,cores=4,round=1e-6``, the last two left out or not. Raises INVALID_PARAMS."""
        given: dict[str, float | int] = {}
        try:
            for part in text.split(","):
                name, _, value = part.partition("=")
                field = FIELDS[name.strip()]
                if field in given:
                    raise ValueError(name)
                given[field] = int(value) if field == "cores" else float(value)
            return cls(**given)  # pyright: ignore[reportArgumentType]
        except (KeyError, ValueError, TypeError):
            raise QmkError(
                "INVALID_PARAMS",
                f"'{text[:60]}' is not a decoder",
                field="decoder",
                help="write event=1.2e-7,cores=4,round=1e-6: seconds of CPU of a detection event, cores that decode, "
                "seconds of a round; 'qmk qec speed' measures the first",
            ) from None

    def load(self, events_per_round: float) -> float:
        """The time that decoding takes over the time there is: rho of the backlog model."""
        return events_per_round * self.event_s / (self.cores * self.round_s)
