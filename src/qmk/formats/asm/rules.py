"""The rules of the assembler: one row a rule, from which findings and the rules page are made."""

from __future__ import annotations

from qmk.formats.json_rules import Rule

_ROWS = (
    Rule(
        "ASM-001",
        "statement cannot be read",
        "A statement is `label: OPCODE operands, key=value -> outputs if guard [CAPS] @[notes]`; all but the opcode "
        "may be left out.",
        "write `label: OPCODE q0, q1`",
    ),
    Rule("ASM-002", "unknown directive", "A line that begins with a dot is a directive; there are no others.", ""),
    Rule(
        "ASM-003",
        "block is not closed or not open",
        "`.for`, `.if` and `.macro` are closed by `.endfor`, `.endif` and `.endmacro`, last opened first.",
        "close each block once",
    ),
    Rule(
        "ASM-004",
        "unknown opcode",
        "An opcode is an op of a family, in its own spelling (`core.h`) or that of QVM 0.1 (`APPLY_H`), or a macro.",
        "see the list of ops",
    ),
    Rule(
        "ASM-005",
        "expression has no value",
        "Expressions are arithmetic over the variables in scope; an undefined name is an error, never a text.",
        "define the name with `.set` or `.param` before it is used",
    ),
    Rule(
        "ASM-006",
        "braces do not interpolate",
        "`{expression}` or `{expression:format}` is replaced by the value; `{{` and `}}` stand for braces.",
        "write `{name}`",
    ),
    Rule(
        "ASM-007",
        "label is taken",
        "A label is the id of one node.",
        "make the label unique, in a loop with its variable: `h_{i}:`",
    ),
    Rule(
        "ASM-008",
        "include cannot be read",
        "`.include` names a file beside the program, or below it; files are never taken from elsewhere.",
        "put the file into the program's folder",
    ),
    Rule(
        "ASM-009",
        "macro cannot be expanded",
        "A macro is defined by `.macro NAME(a, b)` before it is called as `NAME(x, y)` with as many arguments.",
        "define the macro, or correct the call",
    ),
    Rule(
        "ASM-010",
        "parameter does not fit",
        "Parameters given from outside must be declared with `.param` or used by the program, and every `.param` "
        "without a default must be given.",
        "declare `.param name = default`",
    ),
    Rule(
        "ASM-011",
        "malformed guard",
        "A guard compares events with numbers: `if m0==1 and (m1==0 or m2==1)`.",
        "write `if m0==1`",
    ),
    Rule(
        "ASM-012",
        "malformed capability list",
        "Brackets after the operands name capabilities, `[CAP_LINK]`, or hold one guard, `[m0 == 1]`.",
        "write `[CAP_NAME]`",
    ),
    Rule("ASM-013", "directive has a wrong value", "Each directive has the form its section of the page shows.", ""),
    Rule(
        "ASM-014",
        "argument cannot be read",
        "`key=value` gives one argument once: a number or expression, a text, a list `[a, b]` or a map `[key: value]`.",
        "write `key=value`",
    ),
)

ASM_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}
