"""A program in QIR to a graph: LLVM reads it, its entry point is followed, and what it records becomes registers."""

from __future__ import annotations

import itertools
import re
from typing import Any, Protocol

from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.builder import Builder
from qmk.frontends.openqasm.sources import report_limits
from qmk.frontends.qir import BITCODE, apart
from qmk.frontends.qir.calls import Reading
from qmk.frontends.qir.module import Function, Module
from qmk.frontends.qir.rules import QIR_RULES
from qmk.frontends.qir.values import bits_of, is_bits
from qmk.ir.parameter_values import read_values
from qmk.qvm.graph import Graph, Output
from qmk.sdk.frontend import Inputs, Refused, Source, report_refused, strip_bom

_INDEXED = re.compile(r"(.+)\[(\d{1,6})\]")
_UNPRINTED = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")


def read(source: Source) -> Graph:
    """The graph. Raises INVALID_GRAPH with one finding, UNSUPPORTED where there is no LLVM."""
    read_values({}, source.params or {})
    with report_refused(QIR_RULES, source):
        is_text = not source.data.startswith(BITCODE)
        return build(apart.read(strip_bom(source.data) if is_text else source.data, is_text))


def build(module: Module) -> Graph:
    """The graph of a module. Raises Refused with the function, block and instruction."""
    with report_limits("QIR-08"):
        entry = module.entry()
        machine = Reading(module, _required_count(entry, "qubits"))
        try:
            check_exit(machine.call(entry, []))
        except Refused as refused:
            if machine.where:
                refused.message += f" ({machine.where})"
            raise
        return finish(machine)


def check_exit(code: Any) -> None:
    """Raises Refused for an exit code that says of some shots that they failed."""
    if code not in (None, 0):
        raise Refused("QIR-09", "some shots end with an exit code that is not 0, which means that they have no result")


def inputs(source: Source) -> Inputs:
    """None: a program in QIR takes no values."""
    return Inputs({}, only_angles=True)


def _required_count(entry: Function, what: str) -> int:
    """The number of qubits or results that the entry point says it takes, 0 where it does not."""
    for name in (f"required_num_{what}", f"num_required_{what}", f"required{what.capitalize()}"):
        text = entry.attributes.get(name, "")
        if text.isdecimal() and len(text) < 10:
            return int(text)
    return 0


# -- output ------------------------------------------------------------------------------------------------------------


class Recording(Protocol):
    """What has followed a program: ``recorded`` is what it prints, in order: the kind, the value, the label."""

    builder: Builder
    recorded: list[tuple[str, Any, str]]
    results: dict[Any, lg.Bit]


def finish(machine: Recording, source: str = "qir") -> Graph:
    """Registers of what is recorded. An array or tuple of results is one, the first leftmost; a whole number is one, of
    as many bits as it may need; where nothing is recorded, all results are one."""
    registers: list[tuple[str, list[lg.Bit]]] = []
    constants: dict[str, float] = {}
    rows = machine.recorded
    at = 0
    while at < len(rows):
        kind, value, label = rows[at]
        at += 1
        if kind in ("array", "tuple"):
            inside = rows[at : at + value]
            if inside and all(row[0] in ("result", "bool") for row in inside):
                registers.append((label, [bits_of(row[1], 1)[0] for row in inside]))
                at += len(inside)
        elif kind != "double":
            registers.append((label, _bits(kind, value)))
        elif isinstance(value, float):
            constants[label or f"double {len(constants)}"] = value
        else:
            raise Refused("QIR-05", f"the float '{label[:40]}' that is recorded depends on a measurement")
    if not rows and machine.results:
        registers.append(("results", list(machine.results.values())))
    metadata: dict[str, Any] = {"source": source}
    if constants:
        metadata["recorded"] = constants
    return machine.builder.finish(_outputs(machine, _gather(registers)), metadata)


def _bits(kind: str, value: Any) -> list[lg.Bit]:
    """A value that is recorded by itself, the highest bit first."""
    if is_bits(value):
        return list(value)[::-1]
    if not isinstance(value, int):
        raise Refused("QIR-06", f"a value ({kind}) is recorded that nothing defines")
    return list(bits_of(value, max(1, value.bit_length())))[::-1]


def _gather(registers: list[tuple[str, list[lg.Bit]]]) -> list[tuple[str, list[lg.Bit]]]:
    """Makes one register of bits that are recorded in a row as name[0], name[1] and so on, in any order; the first is
    leftmost."""
    found: list[tuple[str, list[lg.Bit]]] = []
    for name, rows in itertools.groupby(registers, lambda row: _index_of(row)[0]):
        run = list(rows)
        places = [_index_of(row)[1] for row in run]
        if name and sorted(places) == list(range(len(run))):
            found.append((name, [run[places.index(k)][1][0] for k in range(len(run))]))
        else:
            found += run
    return found


def _index_of(row: tuple[str, list[lg.Bit]]) -> tuple[str, int]:
    """The register and the index that the label of one bit names; ("", 0) for others."""
    match = _INDEXED.fullmatch(row[0]) if len(row[1]) == 1 else None
    return (match[1], int(match[2])) if match else ("", 0)


def _outputs(machine: Recording, registers: list[tuple[str, list[lg.Bit]]]) -> list[Output]:
    taken: set[str] = set()
    found: list[Output] = []
    for label, bits in registers:
        base = _UNPRINTED.sub("_", label[:200]) or "result"
        name = next(
            each for each in (base, *(f"{base}_{k}" for k in range(1, len(registers) + 1))) if each not in taken
        )
        taken.add(name)
        found.append(Output(name, tuple(machine.builder.event_of(bit) for bit in bits)))
    return found
