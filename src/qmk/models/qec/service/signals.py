"""What the decoder service tells the scheduler."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How loaded the service is. The scheduler starts no merges and no T gates from THROTTLE on."""

    OK = 0
    WARN = 1
    THROTTLE = 2
    SHED = 3
    OVERDUE = 4


@dataclass(frozen=True)
class Thresholds:
    """Where levels begin. ``load``: CPU time that arrives over CPU time there is. ``age_windows``: how long the oldest
    undecoded window has waited. A level is left once the load is ``slack`` below where it began.

    Raising the code distance is not an answer to any level: it raises the load (``Cost.load``).
    """

    warn_load: float = 0.70
    throttle_load: float = 0.85
    shed_load: float = 0.95
    warn_age_windows: float = 1.0
    throttle_age_windows: float = 2.0
    deadline_windows: float = 4.0
    slack: float = 0.02

    def level(self, load: float, age_windows: float, before: Level = Level.OK) -> Level:
        """The level at this load and age, after level ``before``."""
        if age_windows > self.deadline_windows:
            return Level.OVERDUE

        def reaches(level: Level, begins: float) -> bool:
            return load > begins - (self.slack if before >= level else 0.0)

        if reaches(Level.SHED, self.shed_load):
            return Level.SHED
        if reaches(Level.THROTTLE, self.throttle_load) or age_windows > self.throttle_age_windows:
            return Level.THROTTLE
        if reaches(Level.WARN, self.warn_load) or age_windows > self.warn_age_windows:
            return Level.WARN
        return Level.OK
