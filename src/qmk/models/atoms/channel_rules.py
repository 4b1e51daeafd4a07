"""What the channels of a device ask of pulses: one row a rule, beside those of ``rules``."""

from __future__ import annotations

from qmk.formats.json_rules import Rule

_ROWS = (
    Rule(
        "ATOM-81",
        "layout does not fit",
        "A register has no more dimensions than the device, and its layout as many traps, filled to such a share, as "
        "the device says.",
        "take another layout, or fill it otherwise",
    ),
    Rule(
        "ATOM-82",
        "instruction too short or too long",
        "A pulse, a delay and what is left by truncation are within the channel's bounds, and a pulse between two "
        "ticks of its clock can be stretched.",
        "change the duration to a multiple of the clock period within the bounds",
    ),
    Rule(
        "ATOM-83",
        "no such channel",
        "Channels, detuning maps and masks are those of the device, and each is declared once unless it may be reused.",
        "use a channel that the device has",
    ),
    Rule(
        "ATOM-84",
        "targets do not fit",
        "Local channels have targets, as many as they can address at once; global ones have none.",
        "target fewer qubits, one group after the other",
    ),
    Rule(
        "ATOM-85",
        "amplitude too low",
        "The average amplitude of a pulse is 0, or at least what the channel needs.",
        "make the pulse stronger, and shorter",
    ),
    Rule(
        "ATOM-86",
        "detuning map out of range",
        "Weights of a detuning map are from 0 to 1, and its detuning is from its bottom to 0, on one site and on all "
        "together, and not too small on average.",
        "change the detuning or the weights",
    ),
)
CHANNEL_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}
