"""What engines of providers declare alike. It imports nothing heavy."""

from __future__ import annotations

from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

UNKNOWN = "on a device of its provider: neither its time nor its price is known here"


def cost(_method: str, features: Features, shots: int) -> Cost:
    """The memory that samples take. Seconds are not predicted (``Declaration.devices``)."""
    return Cost(seconds=0.0, memory_bytes=(64 << 20) + 200 * shots * max(features.n_measure, 1), note=UNKNOWN)


def declare(
    name: str, doc: str, load: str, devices: Capabilities, *, requires: tuple[str, ...] = (), extra: str = ""
) -> Declaration:
    """The declaration of an engine whose methods are devices of a provider. Its results have no version to be kept
    under, so that none is taken from a cache."""
    needs = ("numpy", *requires)
    return Declaration(name, doc, load, {}, cost, devices=devices, requires=needs, extra=extra)
