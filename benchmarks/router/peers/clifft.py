"""Clifft: as it comes, with its opt-in active-width scheduling, and with its own reader of OpenQASM 2."""

from __future__ import annotations

import re

import clifft

from benchmarks.router.peers.stim_text import write
from benchmarks.router.peers.walk import Refused, from_rows, load, operations, unrolled

METHODS = ("", "schedule", "own_reader")
_WORDS = (
    "measure reset barrier id x y z h s sdg sx sxdg t tdg rx ry rz p u u1 u2 u3 cx cy cz ch cp cu1 crx "
    "cry crz rxx ryy rzz swap iswap cswap ccx ccz if_else"
)
_KNOWN = frozenset(_WORDS.split())


def _scheduled() -> clifft.HirPassManager:
    passes = clifft.default_hir_pass_manager()
    passes.add(clifft.ActiveWidthSchedulePass())
    return passes


def sample(text: str, shots: int, method: str) -> dict[str, int]:
    if method == "own_reader":
        return _own(text, shots)
    circuit = load(text)
    written, records = write(operations(unrolled(circuit, _KNOWN), feedback=True), angles=True)
    passes = {"hir_passes": _scheduled()} if method == "schedule" else {}
    rows = clifft.sample(clifft.compile(written, **passes), shots).measurements
    return from_rows(rows, {cbit: k for k, cbit in enumerate(records)}, circuit.num_clbits)


_MEASURE = re.compile(r"measure\s+(\w+)(?:\[(\d+)\])?\s*->\s*(\w+)(?:\[(\d+)\])?\s*;")
_REGISTER = re.compile(r"\b(qreg|creg)\s+(\w+)\s*\[(\d+)\]\s*;")
_AFTER = re.compile(r"(?:\s|//[^\n]*|barrier[^;]*;|measure[^;]*;)*")


def _own(text: str, shots: int) -> dict[str, int]:
    """Its reader takes gates only: the final measurements are cut off, and put back behind what it read."""
    first = _MEASURE.search(text)
    if first is None or not _AFTER.fullmatch(text, first.start()):
        raise Refused("its reader takes gates only")
    starts: dict[str, dict[str, tuple[int, int]]] = {"qreg": {}, "creg": {}}
    total = {"qreg": 0, "creg": 0}
    for kind, name, size in _REGISTER.findall(text):
        starts[kind][name] = (total[kind], int(size))
        total[kind] += int(size)
    read: dict[int, int] = {}
    for qreg, q, creg, c in _MEASURE.findall(text):
        low, size = starts["qreg"][qreg]
        into = starts["creg"][creg][0]
        for k in [int(q)] if q else range(size):
            read[into + (int(c) if c else k)] = low + k
    found = clifft.parse_qasm2(re.sub(r"\bcreg[^;]*;", "", text[: first.start()]))
    lines = [
        f"{node.gate.name}({', '.join(map(repr, node.args))}) {' '.join(str(t.value) for t in node.targets)}"
        if node.args
        else f"{node.gate.name} {' '.join(str(t.value) for t in node.targets)}"
        for node in found.circuit.nodes
    ]
    wanted = sorted(set(read.values()))
    lines.append("M " + " ".join(map(str, wanted)))
    rows = clifft.sample(clifft.compile("\n".join(lines)), shots).measurements
    return from_rows(rows, {c: wanted.index(q) for c, q in read.items()}, total["creg"])


def canonical(counts: dict[str, int], text: str) -> dict[str, int]:
    return counts
