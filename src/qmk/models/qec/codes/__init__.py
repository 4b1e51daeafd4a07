"""The codes by name: ``parse("surface(d=5)")``. One file a family.

A text is a family's name and its parameters, ``bicycle(l=12,m=6)``; the parameters may be left out where they have
defaults, and a few names stand for one code, such as ``gross``.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from qmk.base.errors import QmkError
from qmk.models.qec.code import Code
from qmk.models.qec.codes import bacon_shor, bicycle, color, honeycomb, repetition, shyps, surface


@dataclass(frozen=True)
class Parameter:
    """``low``, ``high`` and ``step`` say which values exist, from ``low`` on."""

    doc: str
    default: int
    low: int
    high: int
    step: int = 1


@dataclass(frozen=True)
class Family:
    """``at(d)`` gives the parameters of distance ``d``, or None."""

    name: str
    doc: str
    parameters: Mapping[str, Parameter]
    build: Callable[..., Code]
    at: Callable[[int], dict[str, int] | None]
    distances: str

    def at_distance(self, d: int) -> Code:
        params = self.at(d)
        if params is None:
            raise QmkError(
                "INVALID_PARAMS",
                f"no code of family '{self.name}' has distance {d}",
                field="distance",
                help=f"distances of this family: {self.distances}",
            )
        return make_code(self.name, params)


def _odd_distance(d: int) -> dict[str, int] | None:
    return {"d": d} if d >= 3 and d % 2 else None


def _any_distance(d: int) -> dict[str, int] | None:
    return {"d": d} if d >= 2 else None


def _simplex(d: int) -> dict[str, int] | None:
    return next(({"r": r} for r in shyps.POLYNOMIALS if 1 << (r - 1) == d), None)


def _torus(d: int) -> dict[str, int] | None:
    return {"w": 3 * d, "h": 2 * d} if d >= 2 and d % 2 == 0 else None


def _table(d: int) -> dict[str, int] | None:
    found = [key for key, row in bicycle.TABLE.items() if row[2] == d]
    return {"l": found[-1][0], "m": found[-1][1]} if found else None


_ODD = {"d": Parameter("distance, odd", 3, 3, 99, 2)}
_WIDE = {"w": Parameter("width", 6, 6, 96, 6), "h": Parameter("height", 4, 4, 96, 2)}
_SIZES = {"l": Parameter("shifts of x", 12, 6, 15), "m": Parameter("shifts of y", 6, 3, 12)}

FAMILIES: dict[str, Family] = {
    row.name: row
    for row in (
        Family("surface", "rotated surface code", _ODD, surface.build, _odd_distance, "3, 5, 7, ..."),
        Family(
            "bacon_shor",
            "Bacon-Shor, a subsystem code of two-qubit gauge operators; no threshold",
            {"d": Parameter("distance", 3, 2, 99)},
            bacon_shor.build,
            _any_distance,
            "2, 3, 4, ...",
        ),
        Family(
            "shyps",
            "subsystem hypergraph product simplex code",
            {"r": Parameter("dimension of the simplex code", 3, 3, 5)},
            shyps.build,
            _simplex,
            "4, 8, 16",
        ),
        Family("honeycomb", "Hastings-Haah, on a torus", _WIDE, honeycomb.build, _torus, "2, 4, 6, ..."),
        Family("color", "triangular colour code of hexagons", _ODD, color.build, _odd_distance, "3, 5, 7, ..."),
        Family("bicycle", "bivariate bicycle code", _SIZES, bicycle.build, _table, "6, 10, 12, 18"),
        Family("repetition", "a line; against bit flips only", _ODD, repetition.build, _odd_distance, "3, 5, 7, ..."),
    )
}

_TWO_CODES = (
    "SHYPS and Hastings-Haah are two families: SHYPS is the subsystem hypergraph product simplex code taken here; "
    "the Floquet code of Hastings and Haah is 'honeycomb'"
)

ALIASES: dict[str, tuple[str, str]] = {
    "rotated_surface": ("surface", ""),
    "surface_code": ("surface", ""),
    "bacon-shor": ("bacon_shor", ""),
    "colour": ("color", ""),
    "hastings_haah": ("honeycomb", ""),
    "hastings-haah": ("honeycomb", ""),
    "floquet": ("honeycomb", ""),
    "bb": ("bicycle", ""),
    "gross": ("bicycle(l=12,m=6)", ""),
    "two-gross": ("bicycle(l=12,m=12)", ""),
    "shyps (hastings-haah)": ("shyps", _TWO_CODES),
    "shyps(hastings-haah)": ("shyps", _TWO_CODES),
}
"""Other names of codes: (text of the code, a note for whoever uses it)."""

_HEAD = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)(?:\((.*)\))?")


def parse(text: str) -> Code:
    """The code that ``text`` names. Raises INVALID_PARAMS saying what can be written."""
    wanted = text.strip()
    alias = ALIASES.get(wanted.lower())
    match = _HEAD.fullmatch(alias[0] if alias else wanted)
    if match is None:
        raise _unknown(wanted)
    name, inside = match[1].lower(), match[2]
    if name in ALIASES and name not in FAMILIES:
        name = ALIASES[name][0]
        if "(" in name:
            raise QmkError("INVALID_PARAMS", f"'{match[1]}' is one code and takes no parameters", field="code")
    if name not in FAMILIES:
        raise _unknown(wanted)
    given: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in (inside or "").split(","))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals and not given and value == "":
            key, value = next(iter(FAMILIES[name].parameters)), key
        if key not in FAMILIES[name].parameters:
            raise _form(FAMILIES[name], f"'{name}' has no parameter '{key[:60]}'")
        if key in given:
            raise _form(FAMILIES[name], f"{key} is given twice in '{wanted[:60]}'")
        if not re.fullmatch(r"-?\d{1,6}", value):
            raise _form(FAMILIES[name], f"{key} is '{value[:60]}' in '{name}', no whole number of up to 6 digits")
        given[key] = int(value)
    return make_code(name, given)


def make_code(name: str, given: Mapping[str, int]) -> Code:
    """The code of this family with these parameters, those left out at their defaults."""
    family = FAMILIES[name]
    values = {key: given.get(key, row.default) for key, row in family.parameters.items()}
    for key, value in values.items():
        row = family.parameters[key]
        if not row.low <= value <= row.high or (value - row.low) % row.step:
            raise _form(family, f"{key} is {value} in '{name}'")
    if name == "bicycle" and tuple(values.values()) not in bicycle.TABLE:
        known = ", ".join(f"l={l},m={m}" for l, m in bicycle.TABLE)
        raise QmkError("INVALID_PARAMS", f"no bicycle code has these sizes: {values}", field="code", help=known)
    return _build(name, tuple(values.items()))


@functools.lru_cache(maxsize=64)
def _build(name: str, values: tuple[tuple[str, int], ...]) -> Code:
    return FAMILIES[name].build(**dict(values))


def note_of(text: str) -> str:
    """What a user of this name should know, such as that it names two things; "" for most."""
    alias = ALIASES.get(text.strip().lower())
    return alias[1] if alias else ""


def _form(family: Family, why: str) -> QmkError:
    ranges = "; ".join(
        f"{key}: {row.doc}, {row.low} to {row.high}" + (f" in steps of {row.step}" if row.step > 1 else "")
        for key, row in family.parameters.items()
    )
    form = ",".join(f"{key}={row.default}" for key, row in family.parameters.items())
    return QmkError("INVALID_PARAMS", why, field="code", help=f"write such as {family.name}({form}); {ranges}")


def _unknown(text: str) -> QmkError:
    names = [*FAMILIES, *ALIASES]
    if text.count("(") != text.count(")"):
        return QmkError(
            "INVALID_PARAMS", f"'{text[:60]}' has a bracket without its other", field="code", help="close it"
        )
    near = difflib.get_close_matches(text.partition("(")[0].strip().lower(), names, 1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return QmkError(
        "INVALID_PARAMS", f"there is no code '{text[:60]}'", field="code", help=f"{hint}codes: {', '.join(FAMILIES)}"
    )
