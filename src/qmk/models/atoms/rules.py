"""What devices ask of analog programs: one row a rule, from which findings and the rules page are made; and the table
of all rules for atoms."""

from __future__ import annotations

from qmk.formats.json_rules import Rule
from qmk.models.atoms.gate_rules import OF_DEVICES, OF_PROGRAMS, OF_TIMELINES

_ROWS = (
    Rule("ATOM-01", "too many sites", "A program has as many sites as the device at most.", "use fewer sites"),
    Rule(
        "ATOM-02",
        "outside the region",
        "The sites fit into the device's field of view: their extent is at most its width and height, and they are "
        "within its radius about the origin.",
        "move the sites closer together",
    ),
    Rule(
        "ATOM-03",
        "sites too close",
        "Two sites are apart by the least spacing of the device, vacant ones too; on every device they are apart.",
        "move the sites apart",
    ),
    Rule(
        "ATOM-04",
        "rows too close",
        "Sites whose heights differ are in rows, and rows are apart by the device's least row spacing.",
        "move the rows apart, or bring their sites to one height",
    ),
    Rule(
        "ATOM-05",
        "position between steps",
        "Coordinates are multiples of the device's position step.",
        "round the coordinates",
    ),
    Rule("ATOM-06", "evolution too long", "An evolution ends within the device's time.", "shorten the evolution"),
    Rule("ATOM-07", "time between steps", "Times are multiples of the device's time step.", "round the times"),
    Rule(
        "ATOM-08",
        "times too close",
        "Two times of a field follow each other after the device's least interval.",
        "move the times apart, or leave some out",
    ),
    Rule(
        "ATOM-09", "amplitude out of range", "The Rabi frequency is within the device's range.", "lower the amplitude"
    ),
    Rule(
        "ATOM-10",
        "amplitude changes too fast",
        "The Rabi frequency changes no faster than the device's slew rate.",
        "change it over a longer time",
    ),
    Rule(
        "ATOM-11",
        "amplitude on at an end",
        "Where the device asks for it, the Rabi frequency begins and ends with 0.",
        "ramp the amplitude from 0 and back to it",
    ),
    Rule("ATOM-12", "detuning out of range", "The detuning is within the device's range.", "lower the detuning"),
    Rule(
        "ATOM-13",
        "detuning changes too fast",
        "The detuning changes no faster than the device's slew rate.",
        "change it over a longer time",
    ),
    Rule("ATOM-14", "phase out of range", "The phase is within the device's range.", "take the phase modulo 2 pi"),
    Rule(
        "ATOM-15",
        "value between steps",
        "Amplitudes, detunings and phases are multiples of the device's steps.",
        "round the values",
    ),
    Rule(
        "ATOM-16",
        "no such drive",
        "The device has as many uniform drives and local detunings as it says.",
        "leave the drive out, or take a device that has it",
    ),
    Rule(
        "ATOM-17",
        "local detuning out of range",
        "A local detuning is within the device's range, and begins and ends with 0 where the device asks for it.",
        "change the local detuning",
    ),
    Rule(
        "ATOM-18",
        "local detuning changes too fast",
        "A local detuning changes no faster than the device's slew rate.",
        "change it over a longer time",
    ),
    Rule(
        "ATOM-19",
        "pattern out of range",
        "A pattern's weights are between 0 and 1, and no more sites have one than the device can address.",
        "scale the pattern, and put its size into the field",
    ),
    Rule(
        "ATOM-20",
        "addressed sites too close",
        "Sites with a local detuning are apart by the device's least spacing for it.",
        "move the sites apart",
    ),
    Rule("ATOM-21", "shots out of range", "A task has as many shots as the device takes.", "ask for fewer shots"),
    Rule("ATOM-22", "evolution too short", "An evolution takes the device's least time.", "make the evolution longer"),
)
ATOM_RULES: dict[str, Rule] = {row.id: row for row in (*_ROWS, *OF_DEVICES, *OF_PROGRAMS, *OF_TIMELINES)}
