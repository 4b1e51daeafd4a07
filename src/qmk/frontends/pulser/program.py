"""A sequence of Pulser as a program for atoms, and its graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from qmk.base.errors import invalid_graph
from qmk.frontends.pulser import NAME, schema
from qmk.frontends.pulser.register import Register, c6, complaints, device, register
from qmk.frontends.pulser.rules import PULSER_RULES
from qmk.frontends.pulser.samples import Between, Light, lights, shapes
from qmk.frontends.pulser.sequence import Sequence
from qmk.frontends.pulser.values import Values
from qmk.models.atoms import ATOM_RULES, AtomProgram, Drive, Field, to_graph
from qmk.models.atoms.channel_rules import CHANNEL_RULES
from qmk.qvm.families.analog import LARGEST
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Refused, Source, decode_json, report_refused

RULES = {**PULSER_RULES, **ATOM_RULES, **CHANNEL_RULES}
_DECODER = msgspec.json.Decoder(schema.Document)


def read(source: Source) -> Graph:
    """Raises INVALID_GRAPH with what is wrong, or with every bound of the device that the sequence breaks, and
    QUOTA_EXCEEDED for what is too long."""
    with report_refused(RULES, source):
        return _graph(source)


def _graph(source: Source) -> Graph:
    document = decode_json(source.data, _DECODER, "PULSER-01", "a sequence of Pulser")
    if document.version != "1":
        raise Refused("PULSER-02", f"the abstract representation is of version {document.version[:20]!r}")
    given = _Given(source.params or {}, document)
    can = device(document.device)
    if document.magnetic_field is not None:
        raise Refused("PULSER-09", "a magnetic field is that of the XY basis")
    place = register(document.register, document.layout, given.qubits)
    sequence = Sequence(document, can, place, Values(document.variables, given.variables))
    found = [*complaints(place, can), *sequence.found]
    if found:
        raise invalid_graph([Refused(*row).finding(RULES, source.name) for row in found])
    duration = max((line.end for line in sequence.lines.values()), default=0)
    return _program(document, sequence, duration, given, c6(can.rydberg_level) if given.c6 is None else given.c6)


class _Given:
    """What is given beside the file: a variable's name is the variable's, even where it is one of ours."""

    def __init__(self, params: Mapping[str, Any], document: schema.Document) -> None:
        ours = {name: params[name] for name in ("qubits", "samples", "c6") if name in params}
        self.variables = {name: value for name, value in params.items() if name in document.variables}
        for name in params:
            if name not in ours and name not in self.variables:
                have = ", ".join((*document.variables, "qubits", "samples", "c6"))
                raise Refused("PULSER-10", f"there is no parameter '{name[:80]}', but {have}"[:400])
        own = {name: value for name, value in ours.items() if name not in self.variables}
        self.qubits: Any = own.get("qubits")
        between = own.get("samples", "spline")
        if between not in ("spline", "hold"):
            raise Refused("PULSER-10", f"samples is {str(between)[:40]!r}, neither 'spline' nor 'hold'")
        self.between: Between = "hold" if between == "hold" else "spline"
        strength = own.get("c6")
        if strength is not None and (isinstance(strength, bool) or not isinstance(strength, (int, float))):
            raise Refused("PULSER-10", f"c6 is {str(strength)[:40]!r}, not a number of rad um^6/us")
        if strength is not None and not abs(strength) <= LARGEST:
            raise Refused("PULSER-10", "c6 is too large, or no number")
        self.c6: float | None = None if strength is None else float(strength)


def _program(document: schema.Document, sequence: Sequence, duration: int, given: _Given, strength: float) -> Graph:
    found = lights(sequence.lines, duration) if duration else []
    bases = {light.basis for light in found}
    if not bases:
        raise Refused("PULSER-11", "no pulse has an amplitude or a detuning")
    measured = document.measurement or ("digital" if "digital" in bases else "ground-rydberg")
    if measured not in bases:
        raise Refused("PULSER-09", f"the basis {measured} is measured, but {' and '.join(sorted(bases))} is driven")
    names = sequence.register
    drives = tuple(drive for light in found for drive in _drives(light, names, duration, given.between, bases))
    program = AtomProgram(
        sites=names.points,
        filling=(True,) * len(names.points),
        drives=drives,
        duration=duration / 1000,
        c6=strength if "ground-rydberg" in bases else 0.0,
        phase_sign=1,
    )
    third = len(bases) > 1 and measured == "ground-rydberg"
    graph = to_graph(program, NAME, read="third level" if third else "levels")
    told = {
        **graph.metadata["atoms"],
        "qubits": list(names.names),
        "device": sequence.device.name,
        "measurement": measured,
        "samples": given.between,
    }
    return msgspec.structs.replace(graph, metadata={"atoms": told})


def _drives(light: Light, place: Register, duration: int, between: Between, bases: set[str]) -> Iterator[Drive]:
    """The drives of one source. |0> is g. |1> is r where that basis is driven alone, and h otherwise: then the upper
    level of the drive is |0>, so its phase turns round, and its detuning is that of all others, negative."""
    pattern = _pattern(light, len(place.names))
    ends = (0.0, duration / 1000)
    for shape in shapes(light, between):
        if light.basis == "ground-rydberg":
            transition = "rydberg0" if "digital" in bases else None
            phase = None if shape.amplitude is None else Field(ends, (shape.phase, shape.phase))
            yield Drive(shape.amplitude, phase, shape.detuning, pattern, transition)
            continue
        transition = "raman" if "ground-rydberg" in bases else None
        phase = None if shape.amplitude is None else Field(ends, (-shape.phase, -shape.phase))
        below = None
        if shape.detuning is not None:
            below = Field(shape.detuning.times, tuple(-value for value in shape.detuning.values))
        yield Drive(shape.amplitude, phase, below, pattern, transition)
        if below is not None and transition is not None:
            yield Drive(detuning=below, pattern=pattern, transition="rydberg0")


def _pattern(light: Light, count: int) -> tuple[float, ...] | None:
    if light.weights is not None:
        return tuple(light.weights)
    return None if light.atoms is None else tuple(float(qubit in light.atoms) for qubit in range(count))
