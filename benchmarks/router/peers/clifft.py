"""Clifft: as it comes, with its opt-in active-width scheduling, and with its own reader of unitary OpenQASM 2."""

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
    written, records = write(operations(unrolled(circuit, _KNOWN)), angles=True)
    passes = {"hir_passes": _scheduled()} if method == "schedule" else {}
    rows = clifft.sample(clifft.compile(written, **passes), shots).measurements
    return from_rows(rows, {cbit: k for k, cbit in enumerate(records)}, circuit.num_clbits)


_MEASURE = re.compile(r"measure\s+(\w+)(?:\[(\d+)\])?\s*->\s*(\w+)(?:\[(\d+)\])?\s*;")
_REGISTER = re.compile(r"\b(qreg|creg)\s+(\w+)\[(\d+)\]\s*;")


def _own(text: str, shots: int) -> dict[str, int]:
    starts: dict[str, dict[str, tuple[int, int]]] = {"qreg": {}, "creg": {}}
    for kind, name, size in _REGISTER.findall(text):
        before = sum(length for _, length in starts[kind].values())
        starts[kind][name] = (before, int(size))
    read: dict[int, int] = {}
    for qreg, q, creg, c in _MEASURE.findall(text):
        first, size = starts["qreg"][qreg]
        into = starts["creg"][creg][0]
        for k in range(size) if not q else [int(q)]:
            read[into + (k if not q else int(c))] = first + k
    unitary = re.sub(r"\bcreg[^;]*;", "", _MEASURE.sub("", text))
    program = clifft.compile(unitary, input_format="qasm2")
    wanted = sorted(set(read.values()))
    if not hasattr(program, "num_qubits"):
        raise Refused("no way to sample an imported circuit")
    rows = clifft.sample(program, shots).measurements
    if rows.shape[1] != len(wanted):
        raise Refused("its reader takes no measurements, and its compiler adds none")
    return from_rows(rows, {c: wanted.index(q) for c, q in read.items()}, max(read, default=-1) + 1)


def canonical(counts: dict[str, int], text: str) -> dict[str, int]:
    return counts
