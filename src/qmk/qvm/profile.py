"""Code profiles: the text that an ALLOC gives to say which error-correcting code its qubits live in.

Grammar: ``logical:<code>(d=<int>, <key>=<value>, ...)``; code and keys in any case, blanks anywhere between tokens.
``d`` is the least code distance asked for: an odd number, except in families whose own distances are even (SHYPS, BB).
Families whose members are sparse grant the smallest member of at least that distance; ``Profile.note`` then says so.

Sources. SHYPS: Malcolm et al., arXiv:2502.07150, parameters [[(2^r - 1)^2, r^2, 2^(r-1)]], r >= 3.
BB: Bravyi et al., arXiv:2308.07915, table 3. Floquet: Hastings and Haah, arXiv:2107.02194.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from qmk.base.limits import LIMITS

CODES: dict[str, tuple[str, ...]] = {
    "surface": ("surface", "surface_code", "rotated_surface"),
    "bacon_shor": ("bacon_shor", "baconshor"),
    "shyps": ("shyps",),
    "floquet": ("floquet", "hastings_haah", "honeycomb"),
    "color": ("color", "colour", "color_code", "colour_code"),
    "bb": ("bb", "bivariate_bicycle"),
}
"""Canonical code name to the spellings read (any case, ``-`` for ``_``)."""

_BY_SPELLING = {spelling: code for code, spellings in CODES.items() for spelling in spellings}

BB_MEMBERS: tuple[tuple[int, int, int], ...] = (
    (72, 12, 6),
    (90, 8, 10),
    (144, 12, 12),
    (288, 12, 18),
)
"""Bivariate bicycle codes [[n, k, d]], the smallest of each distance that is known exactly."""

EXAMPLE = "logical:surface(d=7)"
_FORM = re.compile(r"\s*([A-Za-z]+)\s*:\s*([A-Za-z][A-Za-z0-9_-]*)\s*(?:\(([^()]*)\))?\s*", re.ASCII)
_ENTRY = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*([A-Za-z0-9_.+-]+)\s*", re.ASCII)
_INTEGER = re.compile(r"\+?[0-9]{1,9}", re.ASCII)


class ProfileError(ValueError):
    """The text is not a profile; the message says what is wrong and what would be right."""


class Profile(msgspec.Struct, frozen=True):
    """``distance`` as asked; ``granted`` the distance of the family's smallest member that meets it; ``member`` that
    member's [[n, k, d]] where the family is sparse. ``options`` are the other entries, keys in lower case, sorted."""

    code: str
    distance: int
    granted: int
    member: tuple[int, int, int] | None = None
    options: tuple[tuple[str, str], ...] = ()

    @property
    def canonical(self) -> str:
        """The one spelling of this profile: ``logical:surface(d=7)``."""
        entries = "".join(f", {key}={value}" for key, value in self.options)
        return f"logical:{self.code}(d={self.distance}{entries})"

    @property
    def note(self) -> str:
        """What the result must say when the family has no member of the distance asked for, else empty."""
        if self.granted == self.distance or self.member is None:
            return ""
        n, k, d = self.member
        return f"{self.code} has no member of distance {self.distance}; [[{n},{k},{d}]] is used"


@lru_cache(maxsize=1024)
def parse(text: str) -> Profile:
    """The profile that ``text`` writes. Raises ``ProfileError``."""
    form = _FORM.fullmatch(text)
    if form is None or form[1].lower() != "logical":
        raise ProfileError(f"a profile is written 'logical:<code>(d=<odd number>)', such as '{EXAMPLE}'")
    code = _BY_SPELLING.get(form[2].lower().replace("-", "_"))
    if code is None:
        raise ProfileError(f"no code is called '{form[2][:64]}'; known codes: {', '.join(CODES)}")
    entries = _entries(form[3])
    if "d" not in entries:
        raise ProfileError(f"the distance is missing; write 'logical:{code}(d=7)'")
    distance = _distance(code, entries.pop("d"))
    member = _member(code, distance)
    granted = member[2] if member else distance
    return Profile(code, distance, granted, member, tuple(sorted(entries.items())))


def _entries(text: str | None) -> dict[str, str]:
    found: dict[str, str] = {}
    if text is None or not text.strip():
        return found
    parts = text.split(",")
    if len(parts) > LIMITS.args_entries:
        raise ProfileError(f"a profile has at most {LIMITS.args_entries} entries, this one has {len(parts)}")
    for part in parts:
        entry = _ENTRY.fullmatch(part)
        if entry is None:
            raise ProfileError(f"'{part.strip()[:64]}' is not an entry; write <key>=<value>")
        key = entry[1].lower()
        if key in found:
            raise ProfileError(f"the entry '{key[:64]}' is given twice")
        found[key] = entry[2]
    return found


def _distance(code: str, text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ProfileError(f"the distance is a positive whole number, not '{text[:64]}'")
    distance = int(text)
    if not 1 <= distance <= LIMITS.code_distance:
        raise ProfileError(f"the distance is 1 to {LIMITS.code_distance}, not {distance}")
    if distance % 2 == 0 and code not in ("shyps", "bb"):
        raise ProfileError(f"the distance of a {code} code is odd; write d={distance + 1} instead of d={distance}")
    return distance


def _member(code: str, distance: int) -> tuple[int, int, int] | None:
    """Smallest member of a sparse family with at least this distance; None for families with every odd distance."""
    if code == "shyps":
        r = 3
        while 1 << (r - 1) < distance:
            r += 1
        return ((1 << r) - 1) ** 2, r * r, 1 << (r - 1)
    if code == "bb":
        for member in BB_MEMBERS:
            if member[2] >= distance:
                return member
        raise ProfileError(f"no bivariate bicycle code of distance {distance} is known here; the largest is 18")
    return None
