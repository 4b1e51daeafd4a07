"""A gate is declared once: no other file lists gates by name, in Python or in Rust."""

from __future__ import annotations

import re
from pathlib import Path

from qmk.qvm.families.gates import FIXED_SIZE

ROOT = Path(__file__).resolve().parents[2]
MOST_NAMES = 12
LITERAL = re.compile(r"""["'](?:core\.)?([a-z0-9_]+)["']""")
SOURCES = sorted([*ROOT.glob("src/qmk/**/*.py"), *ROOT.glob("native/src/**/*.rs")])
DECLARED = {"src/qmk/qvm/families/gates.py", "native/src/circuit/table.rs", "native/src/qasm/table.rs"}

LISTS: dict[str, str] = {
    "src/qmk/sdk/kit/programs.py": "programs of the kit, written out gate by gate",
    **dict.fromkeys(
        (
            "src/qmk/adapters/cirq/gates.py",
            "src/qmk/adapters/cirq/written.py",
            "src/qmk/adapters/pennylane/gates.py",
            "src/qmk/cloud/ionq.py",
            "src/qmk/compiling/pytket_circuits.py",
            "src/qmk/engines/amazon_braket/__init__.py",
            "src/qmk/frontends/braket/gates.py",
            "src/qmk/frontends/braket/reader.py",
            "src/qmk/frontends/pytket_json/gates.py",
            "src/qmk/frontends/quil/emit.py",
            "src/qmk/frontends/quil/gates.py",
            "src/qmk/ir/qoqo_gates.py",
        ),
        "which gate of a framework is which of ours, with its own phase and order of angles",
    ),
    "src/qmk/engines/jax/__init__.py": "the gates of one angle whose matrices have one form",
}
"""Files that may name more gates, with the reason."""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def gates_named(path: Path) -> set[str]:
    """Short names of the gates that a file has as literals."""
    return set(LITERAL.findall(path.read_text())) & set(FIXED_SIZE)


def test_no_second_table_of_gates() -> None:
    named = {name_of(path): gates_named(path) for path in SOURCES}
    wrong = [
        f"{name}: {len(found)} gates by name: {', '.join(sorted(found))}; ask qmk.ir.names"
        for name, found in named.items()
        if name not in DECLARED and name not in LISTS and len(found) > MOST_NAMES
    ]
    assert not wrong, "\n".join(wrong)


def test_every_exception_is_needed() -> None:
    for name, reason in LISTS.items():
        assert reason
        assert len(gates_named(ROOT / name)) > MOST_NAMES, f"{name} no longer needs its exception"
