"""How long a program waits for its decoder when each T gate needs the results before it.

Terhal, Rev. Mod. Phys. 87 (2015) 307, section on the backlog: rounds that come in while one waits are to be decoded
before the next T gate, so that a wait is multiplied by the load at each.
"""

from __future__ import annotations


def wait_us(gates: int, load: float, *, rounds: float, round_us: float, latency_us: float) -> float:
    """The wait at the last of ``gates`` T gates, ``rounds`` rounds apart: w -> load (rounds round_us + w) + latency.

    Tends to (load rounds round_us + latency) / (1 - load) below load 1, and grows as load^gates above.
    """
    wait = 0.0
    for _ in range(gates):
        wait = load * (rounds * round_us + wait) + latency_us
    return wait
