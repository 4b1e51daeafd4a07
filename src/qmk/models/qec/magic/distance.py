"""When the code distance changes: a policy as a pure function of measured rates.

Raising the distance lowers the logical error and raises the load of the decoder, which grows with the detection events
of d^2 qubits; a decoder that is overloaded already falls behind for good (Terhal, Rev. Mod. Phys. 87, 307 (2015)). So
the policy raises no distance that the decoder cannot follow, and says what to do instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from qmk.base.decoding import THROTTLE_LOAD, Decoding
from qmk.base.errors import QmkError

SHRINK_MARGIN = 0.3
"""A smaller distance must keep its upper bound below this part of the target, or noise would swing it up and down."""

Action = Literal["keep", "grow", "shrink", "throttle"]


@dataclass(frozen=True)
class Measured:
    """Rates at one distance, measured or extrapolated by a stated model: logical error of a patch a round, with its
    interval, and the load that all patches at this distance put on the decoder (its time a round over the round's)."""

    per_round_low: float
    per_round_high: float
    decoder_load: float


@dataclass(frozen=True)
class Decision:
    """What to do with the patch, and why."""

    action: Action
    d: int
    reason: str


def decoder_load(events_per_round: float, event_s: float, patches: int, cores: int, round_s: float) -> float:
    """The time that decoding takes over the time there is: rho of the backlog model. The cost follows the detection
    events, which grow with the area of a patch and with the noise."""
    return Decoding(event_s=event_s, cores=cores, round_s=round_s).load(patches * events_per_round)


def choose(measured: Mapping[int, Measured], d: int, target_per_round: float) -> Decision:
    """The distance to go on with. ``measured`` holds rates for ``d`` and, where they are known, for others."""
    if d not in measured:
        raise QmkError("INVALID_PARAMS", f"no rates at distance {d}", field="measured", help="measure the patch first")
    now = measured[d]
    if now.decoder_load > THROTTLE_LOAD:
        return _throttle(measured, d, target_per_round)
    if now.per_round_low > target_per_round:
        larger = [other for other in sorted(measured) if other > d]
        better = [other for other in larger if measured[other].per_round_high < now.per_round_low]
        if not better:
            return _no_larger(measured, d, bool(larger))
        wanted = next((other for other in better if measured[other].per_round_high <= target_per_round), better[-1])
        load = measured[wanted].decoder_load
        if load > THROTTLE_LOAD:
            reason = (
                f"distance {wanted} would load the decoder with {load:.2f}, above {THROTTLE_LOAD}: admit less first"
            )
            return Decision("throttle", d, reason)
        return Decision("grow", wanted, f"{now.per_round_low:.2g} a round is above the target {target_per_round:.2g}")
    smaller = [other for other in measured if other < d]
    for other in sorted(smaller):
        if measured[other].per_round_high <= SHRINK_MARGIN * target_per_round:
            return Decision("shrink", other, f"distance {other} keeps {SHRINK_MARGIN} of the target")
    return Decision("keep", d, "within the target")


def _no_larger(measured: Mapping[int, Measured], d: int, larger: bool) -> Decision:
    """Above threshold, or beyond the best distance of a code without one (Napp and Preskill, Quantum Inf. Comput. 13,
    490 (2013)): a smaller distance that errs less, the best of them first."""
    now = measured[d]
    less = [other for other in measured if other < d and measured[other].per_round_high < now.per_round_low]
    if less:
        best = min(less, key=lambda other: (measured[other].per_round_high, other))
        return Decision("shrink", best, f"distance {best} errs less than {d}, and no larger distance does")
    reason = "no larger distance is known to err less: the noise is at or above the threshold"
    return Decision("throttle" if larger else "keep", d, reason)


def _throttle(measured: Mapping[int, Measured], d: int, target_per_round: float) -> Decision:
    """The decoder cannot follow: a smaller distance where it is good enough, never a larger one."""
    load = measured[d].decoder_load
    for other in sorted(other for other in measured if other < d):
        if measured[other].per_round_high <= target_per_round:
            return Decision("shrink", other, f"the decoder is loaded with {load:.2f}, and distance {other} is enough")
    return Decision("throttle", d, f"the decoder is loaded with {load:.2f}: start no merge, admit no job")
