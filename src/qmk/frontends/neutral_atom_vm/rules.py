"""The rules of jobs of lupalberto/neutral-atom-vm, one row a rule. What the machine of a job asks of its program are
the rules of devices (ATOM)."""

from __future__ import annotations

from qmk.formats.json_rules import Rule

_ROWS = (
    Rule(
        "NAVM-01",
        "not a job",
        "The document is one JSON object with the fields of a job of versions 1.0 and 1.1, and no others.",
        "write the job as its SDK does",
    ),
    Rule("NAVM-02", "unknown version", "isa_version is 1.0 or 1.1.", "write version 1.1"),
    Rule("NAVM-03", "wrong shots", "A job has at least one shot, and at most as many as any job.", "ask for 1 or more"),
    Rule(
        "NAVM-04",
        "too many qubits",
        "An array has at least one qubit; a job on a state vector fewer than 64 in all, and any job no more than all "
        "programs.",
        "allocate fewer, or take the device 'stabilizer' for Clifford programs",
    ),
    Rule(
        "NAVM-05",
        "no such qubit",
        "Targets are qubits that were allocated before; an instruction names none twice.",
        "correct the targets",
    ),
    Rule(
        "NAVM-06",
        "unknown gate",
        "A gate is X, Y, Z, H, S, SDG, T, TDG, RX, RY, RZ, CX, CY or CZ, with its number of targets; param is the "
        "angle of RX, RY and RZ, and 0 elsewhere.",
        "use one of these gates",
    ),
    Rule(
        "NAVM-07",
        "pulse without an amplitude",
        "A Pulse says detuning and duration, but no amplitude and no phase: there is nothing that it does to an atom.",
        "write the evolution as an analog program",
    ),
    Rule(
        "NAVM-08",
        "geometry is missing",
        "Every slot has a place: in coordinates, in sites by its site id, or in positions; a point has one to three "
        "coordinates.",
        "give coordinates",
    ),
    Rule(
        "NAVM-09",
        "numbers of the noise do not fit",
        "Chances are from 0 to 1 and add up to at most 1; the correlated matrix has four rows of four; rates are "
        "not negative.",
        "correct the noise",
    ),
    Rule("NAVM-10", "circuit beside the program", "stim_circuit is empty.", "give the circuit as a program in Stim's"),
    Rule("NAVM-11", "parameters", "A job has no parameters.", "give none"),
)
NAVM_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}
