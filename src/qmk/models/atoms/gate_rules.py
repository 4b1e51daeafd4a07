"""What devices ask of programs of gates, and of themselves: one row a rule; ``rules`` has those of analog programs."""

from __future__ import annotations

from qmk.formats.json_rules import Rule

OF_DEVICES = (
    Rule(
        "ATOM-23",
        "unknown name in a device",
        "Ids of sites and zones and names of configurations are there once; what names one names one that is there. A "
        "configuration has no site twice.",
        "correct the device",
    ),
    Rule("ATOM-24", "sites at one place", "No two sites of a device are at one place.", "move one of the sites"),
    Rule(
        "ATOM-25",
        "native gate is none",
        "A native gate is a gate of family core with its number of qubits, its angles from low to high.",
        "name gates as the reference of ops does, such as cz with arity 2",
    ),
    Rule(
        "ATOM-26",
        "numbers of a device do not fit",
        "Lengths, times, rates and limits are finite and at least 0, chances at most 1; the longest wait is at least "
        "twice the least; the noise model of a device has no waiting of its own.",
        "correct the number",
    ),
)

OF_PROGRAMS = (
    Rule(
        "ATOM-27",
        "no such op on this device",
        "A device without a geometry runs no gates, one without light over time no evolutions, and none has channels.",
        "take a device that has it; 'qmk atoms devices' lists them",
    ),
    Rule(
        "ATOM-28",
        "more qubits than atoms",
        "A program holds at most as many qubits at a time as the configuration has atoms.",
        "free qubits earlier, or take another configuration or device",
    ),
    Rule("ATOM-29", "no site there", "Atoms are placed at sites, and moved to sites.", "give the place of a site"),
    Rule(
        "ATOM-30",
        "site is taken",
        "There is one atom at a site at most.",
        "take a free site, or move its atom away first",
    ),
    Rule(
        "ATOM-31",
        "atoms too close",
        "Atoms are apart by the device's least spacing.",
        "leave sites free between them",
    ),
    Rule(
        "ATOM-32",
        "no native gate for it",
        "Every gate is one that the device has, or can be written in those.",
        "use gates of the device, or take a device with more of them",
    ),
    Rule(
        "ATOM-33", "angle out of range", "Angles are within the range of the native gate.", "take the angle modulo 2 pi"
    ),
    Rule(
        "ATOM-34",
        "atoms are not neighbours",
        "A gate with the connectivity of a chain or a grid joins neighbours only.",
        "route with swaps, or give the qubits another order",
    ),
    Rule(
        "ATOM-35",
        "pair is not joined",
        "A gate with an interaction graph joins the pairs of sites that it names, and no others.",
        "use a pair of the graph",
    ),
    Rule(
        "ATOM-36",
        "atoms too far apart",
        "The atoms of a gate are within the blockade radius of each other, or can be brought there.",
        "use atoms that are closer, or a device that moves them",
    ),
    Rule(
        "ATOM-37",
        "another atom within the radius",
        "Where the light of a gate reaches a whole zone, no atom without part in it is within the blockade radius of "
        "one that has.",
        "move the other atom away first",
    ),
    Rule(
        "ATOM-38",
        "zone does not do that",
        "Gates on several qubits run in zones that entangle, measurements in zones that measure.",
        "move the atom to another zone first",
    ),
    Rule("ATOM-39", "wait out of range", "A wait is as long as the device takes.", "split the wait, or make it longer"),
    Rule(
        "ATOM-40",
        "no way there",
        "Atoms move on devices that carry them, and along a lane where the device has lanes; those of one move on "
        "lanes of one bus.",
        "move along lanes, one bus at a time",
    ),
    Rule("ATOM-41", "move too fast", "A move takes the time that its distance needs.", "give the move more time, or 0"),
    Rule(
        "ATOM-42",
        "too many moves",
        "An atom, a shot and one move have no more moves and atoms than the device takes.",
        "move fewer atoms, or less often",
    ),
    Rule("ATOM-43", "moved too far", "An atom goes no further in all than the device takes.", "move it less"),
    Rule("ATOM-44", "move too late", "No move begins after the time until which atoms move.", "move earlier"),
    Rule(
        "ATOM-45",
        "moves cross",
        "Atoms that move together keep their order along x and along y, and those of a column or row stay in one.",
        "move them one after the other",
    ),
    Rule(
        "ATOM-46",
        "not in this version",
        "A program for a version of the instructions uses what the version has.",
        "take version 2.0, or write it otherwise",
    ),
    Rule("ATOM-47", "version is not taken", "The version is known, and the device takes it.", "take another version"),
)

OF_TIMELINES = (
    Rule("ATOM-48", "atom used twice at a time", "An atom does one thing at a time.", "start the later one later"),
    Rule(
        "ATOM-49",
        "no cooldown",
        "After a measurement nothing is done to its atom for the device's cooldown.",
        "start the next one later",
    ),
    Rule(
        "ATOM-50",
        "too many at once",
        "No more gates run at once than the device and the zone take.",
        "start some of them later",
    ),
    Rule(
        "ATOM-51",
        "gates at once too close",
        "Gates on several qubits that run at once are apart by more than the blockade radius, and run while no atom "
        "moves.",
        "start one of them later",
    ),
    Rule(
        "ATOM-52",
        "timeline does not fit the program",
        "A timeline names nodes of the program, each once with its atoms and the duration that it has on the device.",
        "make the timeline again",
    ),
    Rule(
        "ATOM-53",
        "different gates at once",
        "Where one light serves every atom, gates on one qubit that run at one time are the same gate and begin "
        "together.",
        "start the later one when the other has ended",
    ),
)
