"""What the formats of analog programs in SI units have in common: registers, time series, patterns and parameters.

Units are SI there: m, s, rad/s; here um, us, rad/us, scaled as decimals. Bits: site 0 is the first of a sequence;
``post`` is 1 for an atom in the ground state, 0 for one in the Rydberg state and for a vacant site. C6 is the format's
unless ``c6`` (rad um^6/us) says otherwise. The phase is that of Aquila's documents, e^{-i phase} |r><g|, unless
``phase_sign`` is +1. ``device`` names a profile whose rules the program must keep; ``ideal``, which has none, unless
given.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, TypeVar

import msgspec

from qmk.base.errors import invalid_graph
from qmk.formats.json_rules import Rule
from qmk.models.atoms import check, profile, to_graph
from qmk.models.atoms.program import AtomProgram, Field, PhaseSign
from qmk.qvm.families.analog import LARGEST
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Refused, Source, decode_json

T = TypeVar("T")


def common_rules(prefix: str, form: str) -> tuple[Rule, ...]:
    """Rules 03 to 07 of a format, whose programs are called ``form``."""
    return (
        Rule(
            f"{prefix}-03",
            "number out of range",
            "Every number is finite, and in um, us and rad/us of a magnitude of at most 1e9.",
            "check the units: m, s and rad/s",
        ),
        Rule(
            f"{prefix}-04",
            "series does not fit",
            "A time series has as many times as values, at least two; its times begin with 0 and rise, and all series "
            "end together.",
            "correct the times",
        ),
        Rule(
            f"{prefix}-05",
            "pattern does not fit",
            "A pattern is 'uniform' or has one number for each site, and the pattern of a phase is 'uniform'."
            if form == "AHS programs"
            else "Coefficients have one number for each site.",
            "correct the pattern",
        ),
        Rule(
            f"{prefix}-06",
            "register does not fit",
            "A site has two coordinates, filling is 0 or 1 for each site, and there is at least one atom.",
            "correct sites and filling",
        ),
        Rule(
            f"{prefix}-07",
            "unknown parameter",
            "Parameters are device, c6 and phase_sign (1 or -1).",
            "give one of device, c6 and phase_sign",
        ),
    )


class Part(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing that is written is left out."""


class Series(Part):
    values: list[Decimal]
    times: list[Decimal]


class SiReading:
    """One program in format ``form``, whose rules begin with ``prefix``; ``refuse`` ends it with ``Refused``."""

    prefix: str
    form: str

    def __init__(self, source: Source) -> None:
        self.source = source
        self.ends: set[Decimal] = set()

    def refuse(self, number: str, message: str, help: str = "") -> NoReturn:
        raise Refused(f"{self.prefix}-{number}", message, help)

    def decode(self, decoder: msgspec.json.Decoder[T]) -> T:
        try:
            return decode_json(self.source.data, decoder, f"{self.prefix}-01", f"one of {self.form}")
        except InvalidOperation as error:
            self.refuse("01", f"not one of {self.form}: {error}")

    def graph(self, program: AtomProgram, device: str, name: str) -> Graph:
        """Raises INVALID_GRAPH with every rule of the device that the program breaks."""
        findings = check(program, profile(device))
        if findings:
            raise invalid_graph(findings)
        return to_graph(program, name)

    def register(
        self, where: str, points: Sequence[Sequence[Decimal]], filling: Sequence[int]
    ) -> tuple[tuple[tuple[float, float], ...], tuple[bool, ...]]:
        """Sites in um, and which of them have an atom."""
        sites: list[tuple[float, float]] = []
        for at, point in enumerate(points):
            if len(point) != 2:
                self.refuse("06", f"{where}.sites[{at}] has {len(point)} coordinates, not 2")
            x, y = (self.number(f"{where}.sites[{at}]", x, 6) for x in point)
            sites.append((x, y))
        if len(filling) != len(sites) or any(there not in (0, 1) for there in filling):
            self.refuse("06", f"filling is not 0 or 1 for each of {len(sites)} sites")
        if not any(filling):
            self.refuse("06", "no site is filled: there is no atom", "fill at least one site")
        return tuple(sites), tuple(bool(there) for there in filling)

    def field(self, where: str, times: Sequence[Decimal], values: Sequence[Decimal], power: int) -> Field:
        """A field times ten to ``power``."""
        if len(times) != len(values) or len(times) < 2:
            self.refuse("04", f"{where} has {len(times)} times and {len(values)} values")
        at = tuple(self.number(f"{where}.times[{k}]", t, 6) for k, t in enumerate(times))
        if at[0] != 0 or any(b <= a for a, b in itertools.pairwise(at)):
            self.refuse("04", f"{where}: the times do not begin with 0 and rise")
        self.ends.add(times[-1].normalize())
        return Field(at, tuple(self.number(f"{where}.values[{k}]", v, power) for k, v in enumerate(values)))

    def weights(self, where: str, numbers: Sequence[Decimal], sites: int) -> tuple[float, ...]:
        """One weight a site."""
        if len(numbers) != sites:
            self.refuse("05", f"{where} has {len(numbers)} numbers for {sites} sites")
        return tuple(self.number(where, w, 0) for w in numbers)

    def duration(self) -> float:
        """The time in us where all series that were read end."""
        if len(self.ends) != 1:
            what = "end at " + ", ".join(f"{end} s" for end in sorted(self.ends)[:4]) if self.ends else "are missing"
            self.refuse("04", f"time series {what}", "let all time series end at the same time")
        return self.number("times", next(iter(self.ends)), 6)

    def number(self, where: str, value: Decimal, power: int) -> float:
        """``value`` times ten to ``power``: shifted as a decimal, then rounded once."""
        found = float(value.scaleb(power)) if value.is_finite() and abs(value.adjusted()) < 400 else float("inf")
        if not (abs(found) <= LARGEST) and value != 0:
            self.refuse("03", f"{where}: {str(value)[:40]} is too large, or no number")
        return 0.0 if value == 0 else found

    def parameters(self, c6_unless_given: float) -> tuple[float, PhaseSign, str]:
        """C6 in rad um^6/us, the sign of the phase, and the name of the device."""
        given: Mapping[str, Any] = self.source.params or {}
        for name in given:
            if name not in ("device", "c6", "phase_sign"):
                self.refuse("07", f"{self.form} have no parameter '{name}'")
        c6, sign, device = given.get("c6", c6_unless_given), given.get("phase_sign", -1), given.get("device", "ideal")
        if isinstance(c6, bool) or not isinstance(c6, (int, float)) or not abs(c6) <= LARGEST:
            self.refuse("07", f"c6 is {c6!r}, not a number of rad um^6/us")
        if isinstance(sign, bool) or sign not in (1, -1):
            self.refuse("07", f"phase_sign is {sign!r}, neither 1 nor -1")
        if not isinstance(device, str):
            self.refuse("07", f"device is {device!r}, not a name")
        return float(c6), 1 if sign == 1 else -1, device
