"""Fills the generated parts of docs/spec/assembly.md, binary.md and json.md: tables of rules and functions.

A generated part stands between ``<!-- name -->`` and ``<!-- end -->``. With ``--check`` nothing is written.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from qmk.formats.asm import ASM_RULES
from qmk.formats.binary import BINARY_RULES
from qmk.formats.expression_values import FUNCTIONS
from qmk.formats.json_rules import JSON_RULES, Rule

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "spec"
PART = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def rules(rows: Iterable[Rule]) -> str:
    lines = [f"| {row.id} | {row.title} | {row.doc} |" for row in rows]
    return "\n".join(["| rule | fault | what is asked |", "|---|---|---|", *lines]) + "\n"


def functions() -> str:
    lines = [f"| `{name}` | {row.doc} |" for name, row in FUNCTIONS.items()]
    return "\n".join(["| function | gives |", "|---|---|", *lines]) + "\n"


def parts() -> dict[str, str]:
    return {
        "functions": functions(),
        "asm_rules": rules(ASM_RULES.values()),
        "json_rules": rules(JSON_RULES.values()),
        "binary_rules": rules(BINARY_RULES.values()),
    }


def filled(text: str) -> str:
    """``text`` with every generated part made anew."""
    made = parts()
    return PART.sub(lambda match: f"{match[1]}\n{made[match[2]]}\n{match[3]}", text)


def main(check: bool) -> int:
    stale = 0
    for name in ("assembly.md", "binary.md", "json.md"):
        path = FOLDER / name
        text = path.read_text(encoding="utf-8")
        if filled(text) != text:
            stale += 1
            sys.stdout.write(f"{'stale' if check else 'written'}: docs/spec/{name}\n")
            if not check:
                path.write_text(filled(text), encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
