"""What can be wrong with a sequence of Pulser; what its device refuses has codes of ``models.atoms.rules``."""

from __future__ import annotations

from qmk.formats.json_rules import Rule

_ROWS = (
    Rule(
        "PULSER-01",
        "not a sequence of Pulser",
        "The document is one JSON object with the keys of Pulser's abstract representation and no others.",
        "write it with Sequence.to_abstract_repr()",
    ),
    Rule("PULSER-02", "unknown version", "The abstract representation is of version 1.", "write version 1"),
    Rule(
        "PULSER-03",
        "number out of range",
        "Every number is finite and of a magnitude of at most 1e9; durations are at least 1 ns.",
        "check the units: ns, rad/us, um and rad",
    ),
    Rule(
        "PULSER-04",
        "variable without a value",
        "Every variable is given a value of its type and size, by its name.",
        "give the value as a parameter, params={'NAME': VALUE}",
    ),
    Rule(
        "PULSER-05",
        "expression has no value",
        "Expressions have known operations, sizes that fit, arguments where the operation is defined, and are nested "
        "64 deep at most.",
        "correct the expression, or the values of its variables",
    ),
    Rule(
        "PULSER-06",
        "register does not fit",
        "Qubits have names of their own and places, all in a plane or all in space; those of a layout are its traps, "
        "and a mappable register has one and is told its traps.",
        "correct the register; params={'qubits': [...]} gives traps in the order of the qubits",
    ),
    Rule(
        "PULSER-07",
        "waveform has no samples",
        "A waveform's duration, area and points make sense together, and amplitudes are nowhere negative.",
        "correct the waveform",
    ),
    Rule(
        "PULSER-08",
        "operation does not fit",
        "Channels are declared, have targets with one phase reference before they are used, and are in EOM mode "
        "just where an operation asks for it.",
        "correct the order of the operations",
    ),
    Rule(
        "PULSER-09",
        "not supported",
        "The XY basis is not followed, nor a sequence whose measurement says nothing about what it drives.",
        "drive the bases ground-rydberg and digital, and measure one that is driven",
    ),
    Rule(
        "PULSER-10",
        "unknown parameter",
        "Parameters are the variables, qubits for a mappable register, samples ('spline' or 'hold') and c6.",
        "give one of these",
    ),
    Rule(
        "PULSER-11",
        "nothing to follow",
        "A sequence has at least one pulse, and takes 4 ns or more where samples are joined by a spline.",
        "add a pulse, or say samples=hold",
    ),
    Rule(
        "PULSER-12",
        "unknown Rydberg level",
        "C6 is known for Rydberg levels 50 to 100, and devices have the names that Pulser gives its own.",
        "give c6, or write the device into the file",
    ),
)
PULSER_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}
