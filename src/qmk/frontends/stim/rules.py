"""The rules of Stim's circuit language, one row a rule."""

from __future__ import annotations

from qmk.formats.json_rules import Rule

_ROWS = (
    Rule(
        "STIM-01",
        "not a Stim circuit",
        "The text is UTF-8; each line is an instruction (its name, a tag in brackets, arguments in parentheses, "
        "targets), a block REPEAT n { ... }, or a comment; there is at least one instruction.",
        "write the circuit as Stim does",
    ),
    Rule("STIM-02", "unknown instruction", "The instruction is one of Stim's.", "use an instruction of Stim 1.16"),
    Rule(
        "STIM-03",
        "wrong arguments",
        "An instruction has as many arguments as Stim gives it; probabilities are between 0 and 1 and add up to at "
        "most 1.",
        "correct the arguments",
    ),
    Rule(
        "STIM-04",
        "wrong targets",
        "Targets have the kind that the instruction asks for, in pairs where it acts on two qubits; no operation names "
        "a qubit twice; a product of Paulis is Hermitian.",
        "correct the targets",
    ),
    Rule(
        "STIM-05",
        "no such measurement",
        "rec[-k] names one of the measurements before it.",
        "count the measurements before this line",
    ),
    Rule(
        "STIM-06",
        "unknown tag",
        "Tags of I, II, S, S_DAG, I_ERROR and II_ERROR change what a run gives: [T], [R_X(theta=0.3*pi)], "
        "[U3(theta=.., phi=.., lambda=..)], [loss], [correlated_loss:k], [leakage]. Another tag there is refused; "
        "elsewhere tags are comments.",
        "correct the tag, or take it off",
    ),
    Rule(
        "STIM-07",
        "tag not followed",
        "A tag of an instruction that needs none is taken as a comment.",
        "take it off if it was meant to change the circuit",
        "warning",
    ),
    Rule(
        "STIM-08",
        "too large",
        "The circuit stays within the limits of nodes, qubits, bits, steps and nesting that all programs have, with "
        "every REPEAT unrolled.",
        "lower the numbers of repetitions",
    ),
    Rule(
        "STIM-09",
        "wrong parameter",
        "The only parameter is sweep, a list of 0 and 1, the values of sweep bits; those beyond it are 0.",
        "give sweep=[...] or nothing",
    ),
    Rule(
        "STIM-20",
        "no form in Stim",
        "An op, a guard or an event of the graph has no form in Stim's language: gates that are not Clifford gates "
        "(except tagged ones), guards, event logic other than parities, Kraus channels.",
        "rewrite the program, or write another format",
    ),
)
STIM_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}
