"""Magic states: factories, their supply, and programs that wait for it."""

from __future__ import annotations

from qmk.models.qec.magic.distance import Decision, Measured, choose, decoder_load
from qmk.models.qec.magic.distill import Protocol, protocol, sample
from qmk.models.qec.magic.factories import FACTORIES, Factory, factory
from qmk.models.qec.magic.schedule import Scheduled, plant, schedule
from qmk.models.qec.magic.supply import Plant, Supply, expected_makespan, expected_stall, reaction_limited_rate_hz

__all__ = [
    "FACTORIES", "Decision", "Factory", "Measured", "Plant", "Protocol", "Scheduled", "Supply", "choose",
    "decoder_load", "expected_makespan", "expected_stall", "factory", "plant", "protocol", "reaction_limited_rate_hz",
    "sample", "schedule",
]  # fmt: skip
