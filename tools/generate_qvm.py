"""``docs/reference/ops.md`` from the op families; ``docs/reference/rules.md`` from the rules a program can break."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from pages import NOTICE, table, write_or_check

from qmk.formats.asm.rules import ASM_RULES
from qmk.formats.binary import BINARY_RULES
from qmk.formats.json_rules import JSON_RULES
from qmk.frontends.ahs import AHS_RULES
from qmk.frontends.blackbird import BLACKBIRD_RULES
from qmk.frontends.cirq_json import CIRQ_RULES
from qmk.frontends.dynamics import DYN_RULES
from qmk.frontends.hugr.rules import HUGR_RULES
from qmk.frontends.kirin import KIRIN_RULES
from qmk.frontends.lanes import LANES_RULES
from qmk.frontends.neutral_atom_vm import NAVM_RULES
from qmk.frontends.pulser.rules import PULSER_RULES
from qmk.frontends.pytket_json import PYTKET_RULES
from qmk.frontends.qir import QIR_RULES
from qmk.frontends.quera import QUERA_RULES
from qmk.frontends.quil import QUIL_RULES
from qmk.frontends.stim import STIM_RULES
from qmk.frontends.tfq import TFQ_RULES
from qmk.frontends.yao_json import YAO_RULES
from qmk.models.atoms import ATOM_RULES
from qmk.models.atoms.channel_rules import CHANNEL_RULES
from qmk.qvm import verify
from qmk.qvm.families import CAPABILITIES, FAMILIES
from qmk.qvm.op import Family, Op, Param, Step

READERS = (
    ("QVM-J", "Reading QVM JSON", "what can be read as QVM JSON", tuple(JSON_RULES.values())),
    ("ASM", "Assembly", "what the assembler accepts", tuple(ASM_RULES.values())),
    ("AHS", "Analog programs of Amazon Braket", "what can be read as an AHS program", tuple(AHS_RULES.values())),
    ("CIRQ", "Circuits of Cirq in JSON", "what can be read as a circuit of Cirq's", tuple(CIRQ_RULES.values())),
    ("TFQ", "Circuits of TensorFlow Quantum", "what can be read as a serialized circuit", tuple(TFQ_RULES.values())),
    ("DYN", "Models of open systems", "what can be read as a dynamics model", tuple(DYN_RULES.values())),
    ("KIRIN", "Squin kernels of Kirin", "what can be read as a kernel of squin", tuple(KIRIN_RULES.values())),
    ("STIM", "Circuits of Stim", "what can be read and written as a Stim circuit", tuple(STIM_RULES.values())),
    ("LANES", "Programs for lanes", "what can be read as a program of bloqade-lanes", tuple(LANES_RULES.values())),
    ("NAVM", "Jobs of neutral-atom-vm", "what can be read as a job of neutral-atom-vm", tuple(NAVM_RULES.values())),
    ("YAO", "Blocks of Yao", "what can be read and written as blocks of Yao", tuple(YAO_RULES.values())),
    ("BLACKBIRD", "Programs in Blackbird", "what can be read as Blackbird", tuple(BLACKBIRD_RULES.values())),
    ("QUERA", "Task specifications of QuEra", "what can be read as a QuEra task", tuple(QUERA_RULES.values())),
    ("ATOM", "Devices of neutral atoms", "what a device asks of a program for atoms", tuple(ATOM_RULES.values())),
    ("PULSER", "Sequences of Pulser", "what can be read as a sequence of Pulser", tuple(PULSER_RULES.values())),
    ("ATOM-8", "Channels of neutral atoms", "what a device's channels ask of pulses", tuple(CHANNEL_RULES.values())),
    ("PYTKET", "Circuits of pytket", "what can be read as pytket's JSON", tuple(PYTKET_RULES.values())),
    ("QUIL", "Sources of Quil", "what can be read and written as Quil", tuple(QUIL_RULES.values())),
    ("HUGR", "Programs in HUGR", "what can be read as HUGR", tuple(HUGR_RULES.values())),
    ("QIR", "Sources of QIR", "what can be read and written as QIR, and read as Q#", tuple(QIR_RULES.values())),
    ("QVMB", "Binary", "what can be read as QVM binary", tuple(BINARY_RULES.values())),
)
"""Prefix, title, subject and rules of each reader; OpenQASM's rules have a page of their own."""

OPS_INTRO = """# Ops

Every op that QVM knows, by family. A program names an op by its family and short name (`core.h`) or, in QVM 0.1, by the
spelling given there (`APPLY_H`). What the columns mean, and the semantics of guards, events and handles, is in the
[specification](../spec/qvm.md).

Angles are in radians. A matrix is over the computational basis with the **first operand as the most significant bit**.
A flow says what a Pauli product on the operands becomes, one letter per operand in operand order. A lowering is an
equivalent sequence of simpler ops, each with the numbers of the operands it acts on.

```python
from qmk.qvm.families import OPS

cnot = OPS["core.cnot"]
assert cnot.matrix({}) == ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 0, 1), (0, 0, 1, 0))
assert cnot.flow["XI"] == "+XX"
```

"""

RULES_INTRO = """# Rules

Every rule that a program can break. The verifier reports all findings in one answer, each with its rule, place, a
message that names what was asked and what is allowed, and the way out. Errors refuse the program; warnings do not.

```python
from qmk.qvm.graph import Graph, Node
from qmk.qvm.verify import verify

report = verify(Graph(vqs=("q",), nodes=(Node("h", "core.h", vqs=("q",)),)))
assert not report.ok
assert [finding.rule for finding in report.findings] == ["QVM-L01"]
```

A program that breaks each rule of the verifier, and no other, is in `tests/golden/verify/`.

"""

GROUP_TEXT = {
    "structure": "the shape of a graph: version, ids, ops and families that exist, handles that are declared and used",
    "linearity": "qubits and channels live from allocation to release, on every path, with one owner at a time",
    "events": "events are written once, and read after they are written",
    "types": "operands and arguments fit what the op declares",
    "capabilities": "what the program needs, declares, and what the session holds",
    "firewall": "qubits of two tenants are entangled only through an open channel",
    "bounds": "sizes, each a row of [limits](limits.md)",
}


def ops_page() -> str:
    parts = [NOTICE.format(script="generate_qvm.py"), OPS_INTRO]
    rows = [(f"[`{f.name}`](#family-{f.name})", str(f.version), str(len(f.ops)), f.doc) for f in FAMILIES]
    parts.append(table(("family", "version", "ops", "what it holds"), rows))
    parts.append(f"\nCapabilities: {', '.join(f'`{cap}`' for cap in CAPABILITIES)}.\n")
    parts += (_family(family) for family in FAMILIES)
    return "".join(parts)


def _family(family: Family) -> str:
    rows = [(f"[`{op.name}`](#{_anchor(op.name)})", f"`{op.legacy}`" if op.legacy else "", op.doc) for op in family.ops]
    head = f"\n## Family {family.name}\n\n{family.doc[0].upper()}{family.doc[1:]}.\n\n"
    return head + table(("op", "0.1 spelling", "does"), rows) + "".join(_op(op) for op in family.ops)


def _op(op: Op) -> str:
    operands = [
        arity.of(what)
        for what, arity in (
            ("qubit", op.vqs),
            ("channel", op.chs),
            ("input event", op.inputs),
            ("produced event", op.produces),
        )
        if arity.high != 0
    ]
    rows = [("class", op.op_class), ("operands", ", ".join(operands) or "none")]
    rows += [("argument", _param(param)) for param in op.params]
    if op.cap:
        rows.append(("capability", f"`{op.cap}`"))
    if op.session_cap != op.cap:
        rows.append(("capability of the session", f"`{op.session_cap}`, without being declared"))
    if op.inverse:
        rows.append(("inverse", _inverse(op)))
    if op.flow:
        rows.append(("flow", ", ".join(f"{pauli} -> {image}" for pauli, image in op.flow.items())))
    if op.lower is not None and not op.params:
        rows.append(("lowering", _steps(op.lower({}, op.vqs.low))))
    return f"\n### {op.name}\n\n{op.doc[0].upper()}{op.doc[1:]}.\n\n" + table(("", ""), rows)


def _param(param: Param) -> str:
    words = [f"`{param.name}` ({param.kind}{', ' + param.unit if param.unit else ''}): {param.doc}"]
    if not param.required:
        words.append("optional" if param.default is None else f"optional, {param.default} if absent")
    if param.low is not None or param.high is not None:
        low = "" if param.low is None else f"from {param.low:g}"
        high = "" if param.high is None else f"to {param.high:g}"
        words.append(f"{low} {high}".strip())
    if param.choices:
        words.append("one of " + ", ".join(param.choices))
    if param.synonyms:
        words.append("also spelt " + ", ".join(f"`{name}`" for name in param.synonyms))
    return "; ".join(words)


def _inverse(op: Op) -> str:
    change = f" with {', '.join('-' + name.rpartition('=')[2] for name in op.negated)}" if op.negated else ""
    return f"`{op.inverse}`{change}"


def _steps(steps: Iterable[Step]) -> str:
    return "; ".join(f"{step.op.partition('.')[2]} {' '.join(map(str, step.operands))}" for step in steps)


def rules_page() -> str:
    parts = [NOTICE.format(script="generate_qvm.py"), RULES_INTRO]
    rows = [
        (f"[QVM-{rules[0].id[4]}](#{group})", f"{len(rules)}", GROUP_TEXT[group])
        for group, rules in verify.GROUPS.items()
    ]
    rows += [(f"[{prefix}](#{_anchor(title)})", str(len(found)), about) for prefix, title, about, found in READERS]
    parts.append(table(("rules", "how many", "about"), rows))
    for group, rules in verify.GROUPS.items():
        parts.append(f"\n## {group.capitalize()}\n\nQVM-{rules[0].id[4]}: {GROUP_TEXT[group]}.\n")
        for rule in rules:
            severity = "Error" if rule.severity == "error" else "Warning (error with `strict`)"
            parts.append(_rule(rule.id, rule.title, rule.doc, rule.help, severity))
    for _, title, _, found in READERS:
        parts.append(f"\n## {title}\n")
        parts += (_rule(r.id, r.title, r.doc, r.help, r.severity.capitalize()) for r in found)
    headings = [part.partition(":")[0] for part in parts if part.startswith("\n### ")]
    assert len(set(headings)) == len(headings), "two rules have the same id"
    return "".join(parts)


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-").replace(".", "")


def _rule(name: str, title: str, doc: str, help: str, severity: str) -> str:
    fix = f" Way out: {help}." if help else ""
    return f"\n### {name}: {title}\n\n{doc} {severity}.{fix}\n"


if __name__ == "__main__":
    sys.exit(
        write_or_check({"docs/reference/ops.md": ops_page(), "docs/reference/rules.md": rules_page()}, sys.argv[1:])
    )
