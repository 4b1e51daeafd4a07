"""A lower bound on the time that any engine can take, from the limits of the machine. No prediction is below it.

It is far below what engines take, and bounds what a cost model may forget: a model without a term for the shots would
else be chosen for a hundred million of them.
"""

from __future__ import annotations

from qmk.sdk.engine import Features

BYTES_S = 1 / 100e9
"""Seconds to write one byte: no memory of one machine takes more than 100 GB/s"""
OP_S = 1e-10
"""Seconds to look at one operation of a program."""


def least_s(features: Features, shots: int) -> float:
    """Seconds to look at each operation once and to write each bit of each shot once, eight to a byte."""
    return OP_S * features.n_ops + BYTES_S * shots * features.n_events / 8
