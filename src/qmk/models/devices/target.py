"""A device that a circuit is compiled for, as data with a JSON form (docs/reference/targets.md)."""

from __future__ import annotations

import difflib
import itertools
import os
from pathlib import Path
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.models import files
from qmk.models.arguments import convert_fields, show
from qmk.qvm.families.gates import FIXED_SIZE

MAX_SITES = 4096
"""Most sites of a device: the native router holds the distances of all pairs."""

BASIS = ("cz", "rz", "sx", "x")
"""Native gates of a target that is only named by its shape."""

VENDOR_GATES = ("prx", "gpi", "gpi2", "ms")
"""Native gates that family "core" spells by others: IQM's phased X rotation, and those of IonQ."""

WRITTEN_AS = {"prx": "u", "gpi": "u", "gpi2": "u", "ms": "rxx"}
"""The gate of family "core" that programs for a device have in place of its own: a ``u`` is one turn about an axis of
the equator, with a phase that costs nothing."""

SYMMETRIC = frozenset({"cz", "swap", "iswap", "rzz", "rxx", "ryy", "cp", "ms"})
"""Gates on two sites that are the same in either order."""

GATES = frozenset(op.short for op in FIXED_SIZE.values()) | frozenset(VENDOR_GATES)
"""Names of gates that a target may have."""

Pair = tuple[int, int]


def wrong(message: str, fix: str) -> QmkError:
    """An INVALID_PARAMS about a target."""
    return QmkError("INVALID_PARAMS", message, help=fix)


class NativeGate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A gate at these sites, in the order of its operands: the probability that it fails, and seconds it takes;
    None where not known."""

    name: str
    sites: tuple[int, ...]
    error: float | None = None
    duration_s: float | None = None


class Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is known of one site: T1 and T2 in seconds, the error of a reading, and seconds that one takes. ``p01`` and
    ``p10``: the chances that a 0 is read as 1 and a 1 as 0, of which ``readout_error`` is the mean."""

    t1_s: float | None = None
    t2_s: float | None = None
    readout_error: float | None = None
    readout_s: float | None = None
    p01: float | None = None
    p10: float | None = None


class Timing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The clock: seconds of one tick, and in ticks the ``alignment`` of starts, and the ``granularity`` and least
    length of a pulse."""

    dt_s: float
    alignment: int = 1
    granularity: int = 1
    least: int = 1


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A device of ``sites`` numbered from 0.

    ``couplings``: pairs of sites with a two-qubit gate; None: all pairs. ``directed``: the first of a pair is the first
    operand, and the other direction must be named to exist. ``gates``: short names of its native gates, which all sites
    and pairs have. ``facts``: what is known of single gates; ``readings``: of single sites, one for each or none.
    ``broken``: sites that must not be used. ``source``: where the numbers are from, ``date`` of which calibration.
    ``max_shots``: most shots of one job.
    """

    name: str
    sites: int
    couplings: tuple[Pair, ...] | None = None
    directed: bool = False
    gates: tuple[str, ...] = BASIS
    facts: tuple[NativeGate, ...] = ()
    readings: tuple[Site, ...] = ()
    broken: tuple[int, ...] = ()
    timing: Timing | None = None
    source: str = ""
    date: str = ""
    max_shots: int | None = None

    def __post_init__(self) -> None:
        convert_fields(self, lambda why, rule: self._wrong(why, f"give it as docs/reference/targets.md says: {rule}"))
        if not 1 <= self.sites <= MAX_SITES:
            raise self._wrong(f"sites is {show(self.sites)}", f"give a number from 1 to {MAX_SITES}")
        if self.max_shots is not None and self.max_shots < 1:
            raise self._wrong(f"max_shots is {self.max_shots}", "give a number from 1, or leave it out")
        for number, pair in enumerate(self.couplings or ()):
            if pair[0] == pair[1] or not all(0 <= site < self.sites for site in pair):
                raise self._wrong(
                    f"couplings[{number}] is {list(pair)}", f"give two different sites below {self.sites}"
                )
        for name in self.gates:
            if name not in GATES:
                near = difflib.get_close_matches(name, GATES, 1)
                fix = f"did you mean '{near[0]}'?" if near else f"gates are {', '.join(sorted(GATES))}"
                raise self._wrong(f"there is no gate {show(name)}", fix)
        self._check_facts()

    def _check_facts(self) -> None:
        for number, fact in enumerate(self.facts):
            place = f"facts[{number}] ({fact.name})"
            if fact.name not in self.gates:
                raise self._wrong(f"{place}: the gate is not in gates", "name it there, or leave this fact out")
            if len(set(fact.sites)) != len(fact.sites) or not all(0 <= site < self.sites for site in fact.sites):
                raise self._wrong(f"{place}: sites are {list(fact.sites)}", f"give different sites below {self.sites}")
            if fact.error is not None and not 0 <= fact.error <= 1:
                raise self._wrong(f"{place}: error is {fact.error}", "give a probability")
            if fact.duration_s is not None and not fact.duration_s >= 0:
                raise self._wrong(f"{place}: duration_s is {fact.duration_s}", "give seconds")
        if self.readings and len(self.readings) != self.sites:
            raise self._wrong(
                f"readings has {len(self.readings)} rows", f"give one for each of {self.sites} sites, or none"
            )
        for number, site in enumerate(self.readings):
            for name in ("readout_error", "p01", "p10"):
                value = getattr(site, name)
                if value is not None and not 0 <= value <= 1:
                    raise self._wrong(f"readings[{number}]: {name} is {value}", "give a probability")
            for name in ("t1_s", "t2_s", "readout_s"):
                value = getattr(site, name)
                if value is not None and not (value > 0 or (value == 0 and name == "readout_s")):
                    raise self._wrong(f"readings[{number}]: {name} is {value}", "give seconds, or leave it out")
        for site in self.broken:
            if not 0 <= site < self.sites:
                raise self._wrong(f"broken names site {site}", f"give sites below {self.sites}")

    def _wrong(self, why: str, fix: str) -> QmkError:
        return wrong(f"target {show(self.name)}: {why}", fix)

    def pairs(self) -> list[Pair]:
        """Coupled pairs of usable sites, (a, b) with a < b, each once, in order."""
        usable = self.usable()
        if self.couplings is None:
            return list(itertools.combinations(usable, 2))
        may = set(usable)
        return sorted({(min(pair), max(pair)) for pair in self.couplings if may.issuperset(pair)})

    def usable(self) -> list[int]:
        """The sites that are not broken."""
        return sorted(set(range(self.sites)).difference(self.broken))

    def has_direction(self, a: int, b: int) -> bool:
        """Whether a two-qubit gate may have ``a`` as its first operand and ``b`` as its second."""
        if self.couplings is None:
            return True
        return (a, b) in self.couplings or (not self.directed and (b, a) in self.couplings)

    def has_way(self, gate: str, a: int, b: int) -> bool:
        """Whether a native two-qubit gate may have these operands: a symmetric one in either order."""
        return self.has_direction(a, b) or (gate in SYMMETRIC and self.has_direction(b, a))

    def facts_in_every_order(self) -> list[NativeGate]:
        """The facts; that of a two-qubit gate without a direction in both orders."""
        own = {(fact.name, fact.sites) for fact in self.facts}
        turned = [
            NativeGate(fact.name, fact.sites[::-1], fact.error, fact.duration_s)
            for fact in self.facts
            if len(fact.sites) == 2 and (fact.name in SYMMETRIC or not self.directed)
            if (fact.name, fact.sites[::-1]) not in own
        ]
        return [*self.facts, *turned]

    def pair_errors(self) -> list[tuple[int, int, float]]:
        """(a, b, error) for each coupled pair of which a two-qubit gate's error is known: of its best gate."""
        coupled = set(self.pairs())
        found: dict[Pair, float] = {}
        for fact in self.facts:
            if len(fact.sites) == 2 and fact.error is not None:
                pair = (min(fact.sites), max(fact.sites))
                if pair in coupled:
                    found[pair] = min(found.get(pair, 1.0), fact.error)
        return [(a, b, error) for (a, b), error in sorted(found.items())]

    def readout_errors(self) -> list[float]:
        """The readout error of each site, where a site's is not known the mean of the known; [] where none is."""
        known = [site.readout_error for site in self.readings if site.readout_error is not None]
        if not known:
            return []
        mean = sum(known) / len(known)
        return [mean if site.readout_error is None else site.readout_error for site in self.readings]

    def to_json(self) -> bytes:
        """Its JSON form, which ``from_json`` reads."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes | str, path: str = "") -> Target:
        """Raises INVALID_PARAMS naming the place of what does not fit, in the file ``path`` where it is from one."""
        place = f"'{path}': " if path else ""
        try:
            return msgspec.json.decode(data, type=cls)
        except QmkError:
            raise
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise wrong(f"{place}{error}", "the fields of a target are in docs/reference/targets.md") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Target:
        """From a JSON file."""
        return cls.from_json(files.read(path), str(Path(path)))


def placing(target: Target) -> dict[str, Any]:
    """Arguments of ``qmk_native.place`` for this target: ``n``, ``pairs``, ``sites``, ``errors`` and ``readout``."""
    return {
        "n": target.sites,
        "pairs": target.pairs(),
        "sites": target.usable(),
        "errors": target.pair_errors(),
        "readout": target.readout_errors(),
    }
