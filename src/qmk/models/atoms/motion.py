"""How long it takes to carry an atom."""

from __future__ import annotations

import math

from qmk.models.atoms.machine import Transport


def travel_us(transport: Transport, distance: float) -> float:
    """The time in us for ``distance`` um from rest to rest, without picking up and dropping: the jerk is plus or minus
    ``transport.jerk`` at all times, but for stretches at the greatest acceleration and the greatest speed. 0 where the
    device bounds none of the three.

    With jerk J alone the acceleration is a triangle up and one down, and T = (32 d / J)^(1/3). Where it reaches A, it
    is held: with tau = A / J, T = tau + sqrt(tau^2 + 4 d / A). Where the speed reaches V, the rest is covered at V.
    """
    jerk, top, speed = transport.jerk, transport.acceleration, transport.speed
    if distance <= 0:
        return 0.0
    ramp = top / jerk if jerk and top else 0.0
    if top and (not jerk or distance >= 2 * jerk * ramp**3):
        whole = ramp + math.sqrt(ramp * ramp + 4 * distance / top)
        peak = top * (whole / 2 - ramp)
        rise = speed / top + ramp
    elif jerk:
        whole = (32 * distance / jerk) ** (1 / 3)
        peak = jerk * (whole / 4) ** 2
        rise = 2 * math.sqrt(speed / jerk)
    else:
        return distance / speed if speed else 0.0
    if not speed or peak <= speed:
        return whole
    if jerk and top and speed < top * ramp:
        rise = 2 * math.sqrt(speed / jerk)
    return rise + distance / speed


def move_us(transport: Transport, distance: float) -> float:
    """The time in us of a move: picking up, travel, dropping."""
    return transport.pick + travel_us(transport, distance) + transport.drop
