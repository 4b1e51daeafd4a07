"""Running seeds, and telling what was found."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

from qmk.simulation.actions import weights
from qmk.simulation.daemon import Parts
from qmk.simulation.plan import choose_actions, draw_actions, draw_setup
from qmk.simulation.shrink import shortest
from qmk.simulation.violation import Violation
from qmk.simulation.world import Outcome, World


class _Defects(logging.Handler):
    """What the host logs as an error is a defect that it survived; here it is a violation."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            error = record.exc_info[1] if record.exc_info else None
            raise Violation("defects", f"{record.getMessage()}: {error!r}") from error


def run(seed: int, parts: Parts | None = None, keep: Sequence[int] | None = None, tracing: bool = False) -> Outcome:
    """One run of a seed, or of those of its actions whose numbers are in ``keep``."""
    setup = draw_setup(seed)
    actions = choose_actions(draw_actions(seed, weights(setup)), keep)
    log, handler = logging.getLogger("qmk.host"), _Defects()
    propagate, log.propagate = log.propagate, False
    log.addHandler(handler)
    try:
        return World(setup, parts, tracing).run(actions)
    finally:
        log.removeHandler(handler)
        log.propagate = propagate


class Failure(NamedTuple):
    """A seed that fails, the numbers of the actions that suffice, and what the short run looks like."""

    seed: int
    keep: list[int]
    outcome: Outcome

    @property
    def invariant(self) -> str:
        assert self.outcome.violation is not None
        return self.outcome.violation.invariant


def shorten(seed: int, found: Outcome, parts: Parts | None = None) -> Failure:
    """The shortest run that breaks the same invariant."""
    assert found.violation is not None
    invariant = found.violation.invariant

    def fails(keep: Sequence[int]) -> bool:
        violation = run(seed, parts, keep).violation
        return violation is not None and violation.invariant == invariant

    keep = shortest(found.actions, fails)
    return Failure(seed, keep, run(seed, parts, keep, tracing=True))
