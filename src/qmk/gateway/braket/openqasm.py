"""OpenQASM as the Braket SDK writes it, as OpenQASM 3 that needs nothing else: its gates are defined, and which qubit
each classical bit holds is read off.

Braket's programs name gates that no include declares (``cnot``, ``xx``, ``gpi2`` ...; Amazon Braket's documentation has
their matrices). What stands in ``#pragma braket``, noise, result types and unitaries, is refused: a program that went
on without it would be another one.
"""

from __future__ import annotations

import re

from qmk.base.errors import Finding, invalid_graph
from qmk.formats.json_rules import Rule

_ROWS = (
    Rule(
        "BRAKET-01",
        "pragma is not supported",
        "Of Braket's pragmas only verbatim is taken: noise, result types and unitaries would be lost.",
        "run with shots and without it",
    ),
)
BRAKET_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}

GATES: dict[str, str] = {
    "i": "a { }",
    "v": "a { sx a; }",
    "vi": "a { inv @ sx a; }",
    "si": "a { sdg a; }",
    "ti": "a { tdg a; }",
    "phaseshift": "(t) a { p(t) a; }",
    "prx": "(t, f) a { rz(-f) a; rx(t) a; rz(f) a; }",
    "gpi": "(f) a { x a; rz(2 * f) a; }",
    "gpi2": "(f) a { rz(-f) a; rx(pi / 2) a; rz(f) a; }",
    "cnot": "a, b { cx a, b; }",
    "ccnot": "a, b, c { ccx a, b, c; }",
    "cv": "a, b { ctrl @ sx a, b; }",
    "cphaseshift": "(t) a, b { cp(t) a, b; }",
    "cphaseshift00": "(t) a, b { x a; x b; cp(t) a, b; x a; x b; }",
    "cphaseshift01": "(t) a, b { x a; cp(t) a, b; x a; }",
    "cphaseshift10": "(t) a, b { x b; cp(t) a, b; x b; }",
    "xx": "(t) a, b { h a; h b; cx a, b; rz(t) b; cx a, b; h a; h b; }",
    "yy": "(t) a, b { rx(pi / 2) a; rx(pi / 2) b; cx a, b; rz(t) b; cx a, b; rx(-pi / 2) a; rx(-pi / 2) b; }",
    "zz": "(t) a, b { cx a, b; rz(t) b; cx a, b; }",
    "xy": "(t) a, b { xx(-t / 2) a, b; yy(-t / 2) a, b; }",
    "iswap": "a, b { xy(pi) a, b; }",
    "pswap": "(t) a, b { swap a, b; cx a, b; p(t) b; cx a, b; }",
    "ecr": "a, b { h b; cx a, b; rz(pi / 2) b; cx a, b; h b; x a; }",
    "ms": "(f, g, t) a, b { rz(-f) a; rz(-g) b; xx(t) a, b; rz(f) a; rz(g) b; }",
}
"""Arguments and body of each gate that Braket has and ``stdgates.inc`` has not; angles in rad."""

_COMMENT = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_VERSION = re.compile(r"\s*OPENQASM\s+3(?:\.\d+)?\s*;")
_PRAGMA = re.compile(r"#?pragma[ \t]+braket[ \t]+(\w+)")
_QUBITS = re.compile(r"\bqubit(?:\s*\[\s*(\d{1,6})\s*\])?\s+(\w+)\s*;")
_ONE = re.compile(r"\b(\w+)\s*\[\s*(\d{1,6})\s*\]\s*=\s*measure\s+(?:(\w+)\s*\[\s*(\d{1,6})\s*\]|\$(\d{1,6}))\s*;")
_ALL = re.compile(r"\b(\w+)\s*=\s*measure\s+(\w+)\s*;")
_GATE_DEFINITION = re.compile(r"\bgate\s+(\w+)")
_WORD = re.compile(r"\b[a-z]\w*\b")


def prepare(source: str) -> str:
    """The program with the gates it uses defined, on the line of its version, so that lines keep their numbers; and
    with all qubits measured at its end where it measures none. Raises INVALID_GRAPH (BRAKET-01) for a pragma that
    matters."""
    bare = _COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), source)
    for pragma in _PRAGMA.finditer(bare):
        if pragma[1] != "verbatim":
            line = bare.count("\n", 0, pragma.start()) + 1
            what = f"'#pragma braket {pragma[1][:40]}' is not supported"
            raise invalid_graph([Finding("BRAKET-01", what, BRAKET_RULES["BRAKET-01"].help, line=line, column=1)])
    version = _VERSION.match(bare)
    head, rest = ("OPENQASM 3.0;", source) if version is None else (source[: version.end()], source[version.end() :])
    body = bare if version is None else bare[version.end() :]
    include = "" if "stdgates.inc" in body else ' include "stdgates.inc";'
    return f"{head}{include}{_definitions(body)}{rest}{_measurements(body)}"


def _definitions(body: str) -> str:
    known = set(_GATE_DEFINITION.findall(body))
    wanted: list[str] = []

    def add(text: str) -> None:
        for name in dict.fromkeys(found[0] for found in _WORD.finditer(text)):
            if name in GATES and name not in known:
                known.add(name)
                add(GATES[name])
                wanted.append(name)

    add(body)
    return "".join(f" gate {name}{'' if GATES[name].startswith('(') else ' '}{GATES[name]}" for name in wanted)


def _measurements(body: str) -> str:
    if re.search(r"\bmeasure\b", body):
        return ""
    registers = [(int(size or 1), name) for size, name in _QUBITS.findall(body)]
    return "".join(f"\nbit[{size}] measured_{name}; measured_{name} = measure {name};" for size, name in registers)


def measured_qubits(source: str, bits: list[tuple[str, int]]) -> list[int]:
    """The qubit that each of ``bits`` (register, index) of a ``prepare`` program holds, qubits counted through all
    registers as they are declared. Where plain measurements do not say it, the places of the bits."""
    bare = _COMMENT.sub(" ", source)
    first: dict[str, int] = {}
    sizes: dict[str, int] = {}
    count = 0
    for size, name in _QUBITS.findall(bare):
        first[name], sizes[name] = count, int(size or 1)
        count += sizes[name]
    found: dict[tuple[str, int], int] = {}
    times = 0
    for register, index, name, place, physical in _ONE.findall(bare):
        times += 1
        if physical or name in first:
            found[register, int(index)] = int(physical) if physical else first[name] + int(place)
    for register, name in _ALL.findall(bare):
        times += sizes.get(name, 1)
        for place in range(min(sizes.get(name, 0), len(bits))):
            found[register, place] = first[name] + place
    if times != len(bits) or set(found) != set(bits) or len(set(found.values())) != len(bits):
        return list(range(len(bits)))
    return [found[bit] for bit in bits]
