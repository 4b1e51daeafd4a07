"""Front-end ``ahs``: analog programs of Amazon Braket (``braket.ir.ahs.program``), as the Braket SDK and bloqade-analog
write them.

What it pins is in ``si_program``; C6 is 5.42e-24 rad m^6/s unless given. Braket's local simulator has the phase sign
+1, the device and these documents -1.
"""

from __future__ import annotations

from decimal import Decimal
from typing import cast

import msgspec

from qmk.formats.json_rules import Rule
from qmk.frontends.si_program import Part, Series, SiReading, common_rules
from qmk.models.atoms.program import C6_BRAKET, AtomProgram, Drive, Field
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Frontend, Source, json_object, report_refused

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
    *common_rules("AHS", "AHS programs"),
)
AHS_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}


class _Header(Part):
    name: str
    version: str


class _Register(Part):
    sites: list[list[Decimal]]
    filling: list[int]


class _Setup(Part):
    ahs_register: _Register


class _Quantity(Part):
    time_series: Series
    pattern: str | list[Decimal]


class _Driving(Part):
    amplitude: _Quantity
    phase: _Quantity
    detuning: _Quantity


class _Local(Part):
    magnitude: _Quantity


class _Hamiltonian(Part):
    drivingFields: list[_Driving]
    localDetuning: list[_Local] = msgspec.field(default_factory=list[_Local])
    shiftingFields: list[_Local] = msgspec.field(default_factory=list[_Local])


class _Program(Part):
    braketSchemaHeader: _Header
    setup: _Setup
    hamiltonian: _Hamiltonian


_DECODER = msgspec.json.Decoder(_Program)


def recognise(data: bytes) -> int:
    """A JSON object whose head names the schema."""
    head = json_object(data)
    return 100 if NAME.encode() in head[:4096] else 99 if b'"ahs_register"' in head else 0


class _Reading(SiReading):
    prefix, form = "AHS", "AHS programs"

    def program(self) -> tuple[AtomProgram, str]:
        read = self.decode(_DECODER)
        header = read.braketSchemaHeader
        if (header.name, header.version) != (NAME, "1"):
            self.refuse("02", f"the schema is {header.name[:80]!r}, version {header.version[:20]!r}")
        register = read.setup.ahs_register
        sites, filling = self.register("setup.ahs_register", register.sites, register.filling)
        drives: list[Drive] = []
        for at, driving in enumerate(read.hamiltonian.drivingFields):
            drives += self.driving(f"hamiltonian.drivingFields[{at}]", driving, len(sites))
        for key in ("localDetuning", "shiftingFields"):
            for at, local in enumerate(cast("list[_Local]", getattr(read.hamiltonian, key))):
                where = f"hamiltonian.{key}[{at}].magnitude"
                field, pattern = self.quantity(where, local.magnitude, -6, len(sites))
                drives.append(Drive(detuning=field, pattern=pattern or (1.0,) * len(sites)))
        duration = self.duration()
        c6, sign, device = self.parameters(C6_BRAKET)
        made = AtomProgram(
            sites=sites, filling=filling, drives=tuple(drives), duration=duration, c6=c6, phase_sign=sign
        )
        return made, device

    def driving(self, where: str, read: _Driving, sites: int) -> list[Drive]:
        """One drive; two where amplitude and detuning have different patterns."""
        amplitude, strengths = self.quantity(f"{where}.amplitude", read.amplitude, -6, sites)
        detuning, shares = self.quantity(f"{where}.detuning", read.detuning, -6, sites)
        phase, turned = self.quantity(f"{where}.phase", read.phase, 0, sites)
        if turned is not None:
            self.refuse("05", f"{where}.phase.pattern is not 'uniform'")
        if strengths == shares:
            return [Drive(amplitude, phase, detuning, strengths)]
        return [Drive(amplitude, phase, None, strengths), Drive(None, None, detuning, shares)]

    def quantity(self, where: str, read: _Quantity, power: int, sites: int) -> tuple[Field, tuple[float, ...] | None]:
        """A field times ten to ``power``, with its pattern, None for a uniform one."""
        field = self.field(f"{where}.time_series", read.time_series.times, read.time_series.values, power)
        if isinstance(read.pattern, str):
            if read.pattern != "uniform":
                self.refuse("05", f"{where}.pattern is {read.pattern[:40]!r}, neither 'uniform' nor a list")
            return field, None
        return field, self.weights(f"{where}.pattern", read.pattern, sites)


def parse(source: Source) -> Graph:
    """Raises INVALID_GRAPH with what is wrong in the text, or with every rule of the device that it breaks."""
    with report_refused(AHS_RULES, source):
        reading = _Reading(source)
        program, device = reading.program()
        return reading.graph(program, device, NAME)


FRONTEND = Frontend("ahs", "Analog programs of Amazon Braket for neutral atoms", (".braket.json",), recognise, parse)
