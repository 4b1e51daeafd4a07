"""Front-end ``ahs``: analog programs of Amazon Braket (``braket.ir.ahs.program``), as the Braket SDK and bloqade-analog
write them.

What it pins. Units are SI there: m, s, rad/s; here um, us, rad/us, scaled as decimals. Bits: site 0 is the first of a
sequence; ``post`` is 1 for an atom in the ground state, 0 for one in the Rydberg state and for a vacant site. C6 is
5.42e-24 rad m^6/s unless ``c6`` (rad um^6/us) says otherwise. The phase is that of Aquila's and Braket's documents,
e^{-i phase} |r><g|, unless ``phase_sign`` is +1, as Braket's local simulator has it. ``device`` names a profile whose
rules the program must keep; ``ideal``, which has none, unless given.
"""

from __future__ import annotations

import codecs
import itertools
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, cast

import msgspec

from qmk.base.errors import Finding, invalid_graph
from qmk.models.atoms import check, profile, to_graph
from qmk.models.atoms.program import C6_BRAKET, AtomProgram, Drive, Field, PhaseSign
from qmk.qvm.families.analog import LARGEST
from qmk.qvm.graph import Graph
from qmk.qvm.json_rules import Rule
from qmk.sdk.frontend import Frontend, Source

NAME = "braket.ir.ahs.program"

_ROWS = (
    Rule(
        "AHS-01",
        "not an AHS program",
        "The document is one JSON object with the keys of the schema braket.ir.ahs.program, version 1, and no others; "
        "numbers may be texts.",
        "write the program as the Braket SDK does",
    ),
    Rule("AHS-02", "unknown schema", "The header names braket.ir.ahs.program, version 1.", "write version 1"),
    Rule(
        "AHS-03",
        "number out of range",
        "Every number is finite, and in um, us and rad/us of a magnitude of at most 1e9.",
        "check the units: m, s and rad/s",
    ),
    Rule(
        "AHS-04",
        "series does not fit",
        "A time series has as many times as values, at least two; its times begin with 0 and rise, and all series end "
        "together.",
        "correct the times",
    ),
    Rule(
        "AHS-05",
        "pattern does not fit",
        "A pattern is 'uniform' or has one number for each site, and the pattern of a phase is 'uniform'.",
        "correct the pattern",
    ),
    Rule(
        "AHS-06",
        "register does not fit",
        "A site has two coordinates, filling is 0 or 1 for each site, and there is at least one atom.",
        "correct sites and filling",
    ),
    Rule(
        "AHS-07",
        "unknown parameter",
        "Parameters are device, c6 and phase_sign (1 or -1).",
        "give one of device, c6 and phase_sign",
    ),
)
AHS_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}


class _Part(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing that is written is left out."""


class _Header(_Part):
    name: str
    version: str


class _Register(_Part):
    sites: list[list[Decimal]]
    filling: list[int]


class _Setup(_Part):
    ahs_register: _Register


class _Series(_Part):
    values: list[Decimal]
    times: list[Decimal]


class _Quantity(_Part):
    time_series: _Series
    pattern: str | list[Decimal]


class _Driving(_Part):
    amplitude: _Quantity
    phase: _Quantity
    detuning: _Quantity


class _Local(_Part):
    magnitude: _Quantity


class _Hamiltonian(_Part):
    drivingFields: list[_Driving]
    localDetuning: list[_Local] = []
    shiftingFields: list[_Local] = []


class _Program(_Part):
    braketSchemaHeader: _Header
    setup: _Setup
    hamiltonian: _Hamiltonian


_DECODER = msgspec.json.Decoder(_Program)


def recognise(data: bytes) -> int:
    """A JSON object whose head names the schema."""
    head = data.removeprefix(codecs.BOM_UTF8).lstrip()
    if not head.startswith(b"{"):
        return 0
    return 100 if NAME.encode() in head[:4096] else 99 if b'"ahs_register"' in head else 0


class _Reading:
    """One program; ``refuse`` ends it."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def refuse(self, rule: str, message: str, help: str = "") -> NoReturn:
        raise invalid_graph([Finding(rule, message, help or AHS_RULES[rule].help, file=self.source.name)])

    def program(self) -> tuple[AtomProgram, str]:
        try:
            read = _DECODER.decode(self.source.data.removeprefix(codecs.BOM_UTF8))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidOperation) as error:
            self.refuse("AHS-01", f"not an AHS program: {error}")
        header = read.braketSchemaHeader
        if (header.name, header.version) != (NAME, "1"):
            self.refuse("AHS-02", f"the schema is {header.name[:80]!r}, version {header.version[:20]!r}")
        sites, filling = self.register(read.setup.ahs_register)
        ends: set[Decimal] = set()
        drives: list[Drive] = []
        for at, driving in enumerate(read.hamiltonian.drivingFields):
            drives += self.driving(f"hamiltonian.drivingFields[{at}]", driving, len(sites), ends)
        for key in ("localDetuning", "shiftingFields"):
            for at, local in enumerate(cast("list[_Local]", getattr(read.hamiltonian, key))):
                where = f"hamiltonian.{key}[{at}].magnitude"
                field, pattern = self.quantity(where, local.magnitude, -6, len(sites), ends)
                drives.append(Drive(detuning=field, pattern=pattern or (1.0,) * len(sites)))
        if len(ends) != 1:
            what = "end at " + ", ".join(f"{end} s" for end in sorted(ends)[:4]) if ends else "are missing"
            self.refuse("AHS-04", f"time series {what}", "let all time series end at the same time")
        c6, sign, device = self.parameters()
        made = AtomProgram(
            sites=sites,
            filling=filling,
            drives=tuple(drives),
            duration=self.number("times", ends.pop(), 6),
            c6=c6,
            phase_sign=sign,
        )
        return made, device

    def register(self, read: _Register) -> tuple[tuple[tuple[float, float], ...], tuple[bool, ...]]:
        sites: list[tuple[float, float]] = []
        for at, point in enumerate(read.sites):
            if len(point) != 2:
                self.refuse("AHS-06", f"setup.ahs_register.sites[{at}] has {len(point)} coordinates, not 2")
            x, y = (self.number(f"setup.ahs_register.sites[{at}]", x, 6) for x in point)
            sites.append((x, y))
        if len(read.filling) != len(sites) or any(there not in (0, 1) for there in read.filling):
            self.refuse("AHS-06", f"filling is not 0 or 1 for each of {len(sites)} sites")
        if not any(read.filling):
            self.refuse("AHS-06", "no site is filled: there is no atom", "fill at least one site")
        return tuple(sites), tuple(bool(there) for there in read.filling)

    def driving(self, where: str, read: _Driving, sites: int, ends: set[Decimal]) -> list[Drive]:
        """One drive; two where amplitude and detuning have different patterns."""
        amplitude, strengths = self.quantity(f"{where}.amplitude", read.amplitude, -6, sites, ends)
        detuning, shares = self.quantity(f"{where}.detuning", read.detuning, -6, sites, ends)
        phase, turned = self.quantity(f"{where}.phase", read.phase, 0, sites, ends)
        if turned is not None:
            self.refuse("AHS-05", f"{where}.phase.pattern is not 'uniform'")
        if strengths == shares:
            return [Drive(amplitude, phase, detuning, strengths)]
        return [Drive(amplitude, phase, None, strengths), Drive(None, None, detuning, shares)]

    def quantity(
        self, where: str, read: _Quantity, power: int, sites: int, ends: set[Decimal]
    ) -> tuple[Field, tuple[float, ...] | None]:
        """A field times ten to ``power``, with its pattern, None for a uniform one."""
        series = read.time_series
        if len(series.times) != len(series.values) or len(series.times) < 2:
            sizes = f"{len(series.times)} times and {len(series.values)} values"
            self.refuse("AHS-04", f"{where}.time_series has {sizes}")
        times = tuple(self.number(f"{where}.time_series.times[{k}]", t, 6) for k, t in enumerate(series.times))
        if times[0] != 0 or any(b <= a for a, b in itertools.pairwise(times)):
            self.refuse("AHS-04", f"{where}.time_series: the times do not begin with 0 and rise")
        values = tuple(self.number(f"{where}.time_series.values[{k}]", v, power) for k, v in enumerate(series.values))
        ends.add(series.times[-1].normalize())
        if isinstance(read.pattern, str):
            if read.pattern != "uniform":
                self.refuse("AHS-05", f"{where}.pattern is {read.pattern[:40]!r}, neither 'uniform' nor a list")
            return Field(times, values), None
        if len(read.pattern) != sites:
            self.refuse("AHS-05", f"{where}.pattern has {len(read.pattern)} numbers for {sites} sites")
        return Field(times, values), tuple(self.number(f"{where}.pattern", w, 0) for w in read.pattern)

    def number(self, where: str, value: Decimal, power: int) -> float:
        """``value`` times ten to ``power``: shifted as a decimal, then rounded once."""
        found = float(value.scaleb(power)) if value.is_finite() and abs(value.adjusted()) < 400 else float("inf")
        if not (abs(found) <= LARGEST) and value != 0:
            self.refuse("AHS-03", f"{where}: {str(value)[:40]} is too large, or no number")
        return 0.0 if value == 0 else found

    def parameters(self) -> tuple[float, PhaseSign, str]:
        given: Mapping[str, Any] = self.source.params or {}
        for name in given:
            if name not in ("device", "c6", "phase_sign"):
                self.refuse("AHS-07", f"AHS programs have no parameter '{name}'")
        c6, sign, device = given.get("c6", C6_BRAKET), given.get("phase_sign", -1), given.get("device", "ideal")
        if isinstance(c6, bool) or not isinstance(c6, (int, float)) or not abs(c6) <= LARGEST:
            self.refuse("AHS-07", f"c6 is {c6!r}, not a number of rad um^6/us")
        if isinstance(sign, bool) or sign not in (1, -1):
            self.refuse("AHS-07", f"phase_sign is {sign!r}, neither 1 nor -1")
        if not isinstance(device, str):
            self.refuse("AHS-07", f"device is {device!r}, not a name")
        return float(c6), 1 if sign == 1 else -1, device


def parse(source: Source) -> Graph:
    """Raises INVALID_GRAPH with what is wrong in the text, or with every rule of the device that it breaks."""
    program, device = _Reading(source).program()
    findings = check(program, profile(device))
    if findings:
        raise invalid_graph([msgspec.structs.replace(row, file=source.name) for row in findings])
    return to_graph(program, NAME)


FRONTEND = Frontend("ahs", "Analog programs of Amazon Braket for neutral atoms", (".braket.json",), recognise, parse)
