"""Front-end ``quera``: QuEra's task specification, version 0.6, as bloqade-analog writes it for QuEra's own service.

What it pins is in ``si_program``. C6 is Bloqade's 2 pi 862690 rad um^6/us unless given, the phase e^{-i phase} |r><g|,
as Bloqade has it. Amplitude and detuning are linear between times; a phase holds until the next. ``nshots`` is what a
run takes unless it is told otherwise. Source of the form: ``QuEraTaskSpecification`` of bloqade-analog 0.16
(Apache-2.0).
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from qmk.base.limits import LIMITS
from qmk.formats.json_rules import Rule
from qmk.frontends.si_program import Part, Series, SiReading, common_rules
from qmk.models.atoms.program import C6_BLOQADE, AtomProgram, Drive
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Frontend, Source, json_object, report_refused

NAME = "quera.task_specification"

_ROWS = (
    Rule(
        "QUERA-01",
        "not a task specification",
        "The document is one JSON object with nshots, lattice and effective_hamiltonian as QuEra's task specification "
        "0.6 has them, and no other keys; numbers may be texts.",
        "write the task as bloqade-analog does",
    ),
    Rule("QUERA-02", "shots out of range", "nshots is from 1 to the largest number of shots of a job.", "correct it"),
    *common_rules("QUERA", "task specifications"),
)
QUERA_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}


class _Lattice(Part):
    sites: list[list[Decimal]]
    filling: list[int]


class _LocalSeries(Part):
    times: list[Decimal]
    values: list[Decimal]
    lattice_site_coefficients: list[Decimal]


class _Uniform(Part, rename={"uniform": "global"}):
    uniform: Series


class _Detuning(Part, rename={"uniform": "global"}):
    uniform: Series
    local: _LocalSeries | None = None


class _Rydberg(Part):
    rabi_frequency_amplitude: _Uniform
    rabi_frequency_phase: _Uniform
    detuning: _Detuning


class _Hamiltonian(Part):
    rydberg: _Rydberg


class _Task(Part):
    nshots: int
    lattice: _Lattice
    effective_hamiltonian: _Hamiltonian


_DECODER = msgspec.json.Decoder(_Task)


def recognise(data: bytes) -> int:
    """A JSON object with keys that only a task specification has; a large lattice may push the second out of sight."""
    head = json_object(data)
    if b'"effective_hamiltonian"' in head:
        return 100
    return 99 if b'"nshots"' in head and b'"lattice"' in head else 0


class _Reading(SiReading):
    prefix, form = "QUERA", "task specifications"

    def program(self) -> tuple[AtomProgram, str]:
        read = self.decode(_DECODER)
        if not 1 <= read.nshots <= LIMITS.shots:
            self.refuse("02", f"nshots is {read.nshots}, not from 1 to {LIMITS.shots}")
        sites, filling = self.register("lattice", read.lattice.sites, read.lattice.filling)
        rydberg, where = read.effective_hamiltonian.rydberg, "effective_hamiltonian.rydberg"
        amplitude, phase, detuning = (
            self.field(f"{where}.{name}.global", series.times, series.values, power)
            for name, series, power in (
                ("rabi_frequency_amplitude", rydberg.rabi_frequency_amplitude.uniform, -6),
                ("rabi_frequency_phase", rydberg.rabi_frequency_phase.uniform, 0),
                ("detuning", rydberg.detuning.uniform, -6),
            )
        )
        drives = [Drive(amplitude, phase, detuning)]
        local = rydberg.detuning.local
        if local is not None:
            field = self.field(f"{where}.detuning.local", local.times, local.values, -6)
            named = f"{where}.detuning.local.lattice_site_coefficients"
            shares = self.weights(named, local.lattice_site_coefficients, len(sites))
            drives.append(Drive(detuning=field, pattern=shares))
        duration = self.duration()
        c6, sign, device = self.parameters(C6_BLOQADE)
        made = AtomProgram(
            sites=sites,
            filling=filling,
            drives=tuple(drives),
            duration=duration,
            c6=c6,
            phase_sign=sign,
            shots=read.nshots,
        )
        return made, device


def parse(source: Source) -> Graph:
    """Raises INVALID_GRAPH with what is wrong in the text, or with every rule of the device that it breaks."""
    with report_refused(QUERA_RULES, source):
        reading = _Reading(source)
        program, device = reading.program()
        return reading.graph(program, device, NAME)


FRONTEND = Frontend("quera", "QuEra's task specification 0.6 for neutral atoms", (".quera.json",), recognise, parse)
