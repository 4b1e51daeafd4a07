"""Devices of gates as data: which sites there are, which are coupled, which gates they have and how good they are."""

from qmk.models.devices.names import target_named
from qmk.models.devices.target import NativeGate, Site, Target, Timing

__all__ = ["NativeGate", "Site", "Target", "Timing", "target_named"]
