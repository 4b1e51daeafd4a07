"""Counts of printed bits, and what is computed from them: marginals, post-selection, distances, parities, mitigation.

A key of ``Counts`` is a printed bitstring: registers in order with one space between, each with its bits as it prints
them (registers of OpenQASM highest index first). A bit is named by its register and index, as in ``"c[0]"``; a register
by its name; a place among the printed bits by a whole number, 0 being the leftmost.
"""

from __future__ import annotations

import difflib
import html
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from qmk.abi.calls.q_result import Register
from qmk.base.errors import QmkError
from qmk.models.arguments import show
from qmk.request.arguments import mapping, whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from qmk.client.mitigation import QuasiProbabilities, Readout

Layout = Callable[[], Iterable[Register]]
"""Gives the registers in printed order."""
Bit = str | int
"""A register, a bit of one, or a place among the printed bits."""
SHOWN = 4
"""Outcomes in a line of text."""
SHOWN_ROWS = 32
"""Most rows of a table of counts in a notebook."""
_INDEXED = re.compile(r"(.*)\[(\d+)\]")


class Estimate(NamedTuple):
    """A value estimated from shots, with its standard error."""

    value: float
    error: float


class Group(NamedTuple):
    """Bits that are printed together: a register's, or bits that were picked. ``places`` are among all printed bits."""

    name: str
    places: tuple[int, ...]
    descending: bool


class Counts(dict[str, int]):
    """Maps printed bitstrings to their numbers of shots. It is a ``dict``, and compares with one."""

    def __init__(self, counts: Mapping[str, int], registers: Iterable[Register] | Layout = ()) -> None:
        """``registers`` in printed order, or a function that gives them; left out, they are named r0, r1, ... Raises
        INVALID_PARAMS for what are not counts of bitstrings of one form."""
        super().__init__(_require_counts(counts))
        self._registers = registers if callable(registers) else _require_registers(registers)

    @classmethod
    def of_run(cls, counts: Mapping[str, int], registers: Iterable[Register] | Layout) -> Counts:
        """Counts as a run gives them, which need no check."""
        made = cls.__new__(cls)
        dict[str, int].update(made, counts)
        made._registers = registers
        return made

    @property
    def shots(self) -> int:
        """The number of shots, all outcomes together."""
        return sum(self.values())

    @property
    def groups(self) -> tuple[Group, ...]:
        """The registers in printed order, with the places of their bits."""
        widths = [len(piece) for piece in next(iter(self), "").split(" ")]
        given = self._registers() if callable(self._registers) else self._registers
        rows = [(row.name, row.descending) for row in given]
        if len(rows) != len(widths):
            rows = [(f"r{number}", False) for number in range(len(widths))]
        return groups_of((*row, width) for row, width in zip(rows, widths, strict=True))

    @property
    def width(self) -> int:
        """The number of printed bits."""
        return sum(len(group.places) for group in self.groups)

    def probabilities(self) -> dict[str, float]:
        """The share of the shots that each outcome has."""
        shots = self.shots
        return {bits: count / shots for bits, count in self.items()}

    def most_common(self, number: int | None = None) -> list[tuple[str, int]]:
        """The outcomes with the most shots first, those with as many in the order of their bits."""
        return sorted(self.items(), key=lambda row: (-row[1], row[0]))[:number]

    def marginal(self, *bits: Bit) -> Counts:
        """Counts of these registers and bits alone, in the order given. A register stays one; bits that stand next to
        each other are printed together. Raises INVALID_PARAMS for one that is not there, or that is named twice."""
        groups = self._pick(bits)
        found: dict[str, int] = {}
        for outcome, count in self.items():
            digits = outcome.replace(" ", "")
            key = " ".join("".join(digits[place] for place in group.places) for group in groups)
            found[key] = found.get(key, 0) + count
        return Counts.of_run(dict(sorted(found.items())), [_as_register(group) for group in groups])

    def post_select(self, values: Mapping[Bit, int | str]) -> Counts:
        """Counts of the shots in which these registers and bits have these values: 0, 1, or a register's digits as it
        prints them. Raises INVALID_PARAMS for a bit that is not there or a value that does not fit it."""
        wanted: dict[int, str] = {}
        for bit, value in values.items():
            places = self.places_of(bit)
            digits = str(value)
            if len(digits) != len(places) or digits.strip("01"):
                raise _invalid(
                    f"'{value}' is not a value of '{bit}', which has {_plural(len(places), 'bit')}",
                    "give one digit, 0 or 1, for each bit, as it is printed",
                )
            wanted.update(zip(places, digits, strict=True))
        rows = ((outcome, outcome.replace(" ", "")) for outcome in self)
        kept = [outcome for outcome, digits in rows if all(digits[at] == digit for at, digit in wanted.items())]
        return Counts.of_run({outcome: self[outcome] for outcome in kept}, self._registers)

    def parity(self, *bits: Bit) -> Estimate:
        """The mean of the product of these bits as +1 and -1, such as <Z Z>, with its standard error; of all bits when
        none is named."""
        places = [place for group in (self._pick(bits) if bits else self.groups) for place in group.places]
        total = self.shots
        if not total:
            raise _invalid("no shots are counted", "post-select on an outcome that occurs, or run more shots")
        odd = 0
        for outcome, count in self.items():
            digits = outcome.replace(" ", "")
            odd += count * (sum(digits[place] == "1" for place in places) & 1)
        mean = 1 - 2 * odd / total
        return Estimate(mean, math.sqrt(max(0.0, 1 - mean * mean) / total))

    def tvd(self, other: Mapping[str, float]) -> float:
        """The total variation distance to other counts or probabilities, from 0 to 1: half of the sum of the absolute
        differences."""
        mine, theirs = _normalize(self), _normalize(other)
        return sum(abs(mine.get(bits, 0.0) - theirs.get(bits, 0.0)) for bits in mine.keys() | theirs.keys()) / 2

    def hellinger(self, other: Mapping[str, float]) -> float:
        """The Hellinger distance to other counts or probabilities, from 0 to 1: the square root of 1 - sum of
        sqrt(p q)."""
        mine, theirs = _normalize(self), _normalize(other)
        overlap = sum(math.sqrt(share * theirs[bits]) for bits, share in mine.items() if bits in theirs)
        return math.sqrt(max(0.0, 1 - overlap))

    def mitigate(self, readout: Readout) -> QuasiProbabilities:
        """What the counts would be without errors of the readout, as quasi-probabilities; see
        ``qmk.client.mitigation``."""
        from qmk.client.mitigation import mitigate

        return mitigate(self, readout)

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame`` with one row an outcome, the most shots first: the digits of each register, ``count``,
        ``probability``. Raises UNSUPPORTED without pandas."""
        from qmk.client import tables

        return tables.to_pandas(tables.counts_columns(self))

    def plot(self, top: int = 20, ax: Axes | None = None, theme: str = "light") -> Figure:
        """A histogram with a bar for each of the ``top`` outcomes, and the Matplotlib figure: see
        ``qmk.plot.histogram``."""
        from qmk.drawing.bars import histogram

        return histogram(self, None, top, ax, theme)

    def _pick(self, bits: Iterable[Bit]) -> list[Group]:
        found: list[Group] = []
        registers = {group.name: group for group in self.groups if group.name}
        together = False
        for bit in bits:
            places = self.places_of(bit)
            whole = registers.get(bit) if isinstance(bit, str) else None
            if whole is not None:
                found.append(whole)
            elif together:
                last = found.pop()
                found.append(Group(f"{last.name},{bit}", (*last.places, *places), False))
            else:
                found.append(Group(str(bit), places, False))
            together = whole is None
        flat = [place for group in found for place in group.places]
        if len(set(flat)) != len(flat):
            raise _invalid("a bit is named twice", "name each bit once")
        return found

    def places_of(self, bit: Bit) -> tuple[int, ...]:
        """Where a register or a bit stands among the printed bits, 0 being the leftmost. Raises INVALID_PARAMS for one
        that is not there."""
        return places_of(self.groups, bit)

    def __reduce__(self) -> tuple[type[Counts], tuple[dict[str, int], list[Register]]]:
        return Counts, (dict(self), [_as_register(group) for group in self.groups])

    def _repr_html_(self) -> str:
        return "".join(_draw_rows(self))


def groups_of(registers: Iterable[tuple[str, bool, int]]) -> tuple[Group, ...]:
    """The places of the bits of registers in printed order: the name of each, whether its highest index comes first,
    and its number of bits."""
    found: list[Group] = []
    start = 0
    for name, descending, width in registers:
        found.append(Group(name, tuple(range(start, start + width)), descending))
        start += width
    return tuple(found)


def places_of(groups: Sequence[Group], bit: Bit) -> tuple[int, ...]:
    """Where a register or a bit stands among the printed bits, 0 being the leftmost. Raises INVALID_PARAMS for one that
    is not there."""
    width = sum(len(group.places) for group in groups)
    if isinstance(bit, int) and not isinstance(bit, bool):
        if not -width <= bit < width:
            raise _invalid(f"there is no bit {bit}: {_plural(width, 'bit')} printed", f"give 0 to {width - 1}")
        return (bit % width,)
    text = str(bit)
    by_name = {group.name: group for group in groups}
    if text in by_name:
        return by_name[text].places
    match = _INDEXED.fullmatch(text)
    if match is not None and match[1] in by_name:
        group, index = by_name[match[1]], int(match[2])
        if index >= len(group.places):
            raise _invalid(
                f"register '{group.name}' has {_plural(len(group.places), 'bit')}, so there is no '{text}'",
                f"the last is {group.name}[{len(group.places) - 1}]",
            )
        return (group.places[-1 - index if group.descending else index],)
    near = difflib.get_close_matches(match[1] if match else text, by_name, 1)
    known = ", ".join(f"'{name}'" for name in list(by_name)[:8])
    raise _invalid(
        f"there is no register or bit '{text}'",
        f"did you mean '{near[0]}'?" if near else f"the registers are {known}; a bit is named as in 'c[0]'",
    )


def draw_run(counts: Counts, head: str) -> str:
    """The counts of a run as HTML, under a line that tells of it."""
    return f"<div>{html.escape(head)}</div>{''.join(_draw_rows(counts))}"


def _draw_rows(counts: Counts) -> Iterator[str]:
    """The counts as a table of HTML with a bar a row, in the colours of the page around it."""
    rows, shots = counts.most_common(SHOWN_ROWS), counts.shots
    most = rows[0][1] if rows else 1
    names = " ".join(html.escape(f"{group.name}[{len(group.places)}]") for group in counts.groups if group.name)
    cell = "padding:1px 8px;text-align:right"
    yield f'<table style="border:0;font-family:monospace"><caption style="text-align:left">{names}</caption>'
    for bits, count in rows:
        bar = f'<div style="width:{240 * count / most:.0f}px;height:0.8em;background:currentColor;opacity:.6"></div>'
        yield f'<tr><td style="{cell}">{html.escape(bits)}</td><td style="padding:1px 0;width:240px">{bar}</td>'
        yield f'<td style="{cell}">{count}</td><td style="{cell}">{count / shots:.1%}</td></tr>'
    more = len(counts) - len(rows)
    if more:
        left = shots - sum(count for _, count in rows)
        yield f'<tr><td colspan="4">... {more} more outcomes with {left} shots</td></tr>'
    yield "</table>"


def summarize(counts: Mapping[str, int]) -> str:
    """The outcomes with the most shots, for a line of text."""
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]
    return ", ".join(f"{bits or repr(bits)}: {count}" for bits, count in most)


def _require_counts(counts: Mapping[str, int]) -> dict[str, int]:
    given = mapping("counts", counts)
    for bits, count in given.items():
        if bits.replace(" ", "").strip("01"):
            raise _invalid(f"{show(bits, 60)} is not a bitstring", "give 0 and 1, with a space between registers")
        whole(f"the count of '{bits}'", count, 0)
    if len({tuple(map(len, bits.split(" "))) for bits in given}) > 1:
        raise _invalid("the bitstrings have different lengths", "give each outcome all bits of each register")
    return given


def _require_registers(registers: Iterable[Register]) -> list[Register]:
    try:
        rows = list(registers)
    except Exception:  # a caller's own iterator
        rows = [None]
    if not all(isinstance(row, Register) for row in rows):
        raise _invalid("registers must be a list of Register", "take those of a result, or leave them out")
    return cast("list[Register]", rows)


def _as_register(group: Group) -> Register:
    return Register(group.name, [None] * len(group.places), group.descending)


def _normalize(counts: Mapping[str, float]) -> dict[str, float]:
    """Shares that add up to one. Raises INVALID_PARAMS for what is not counts or probabilities."""
    total = math.fsum(counts.values()) if counts else 0.0
    if not total > 0 or not math.isfinite(total) or min(counts.values()) < 0:
        raise _invalid("these are neither counts nor probabilities", "give numbers that are not negative, one above 0")
    return {bits: value / total for bits, value in counts.items()}


def _plural(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _invalid(message: str, help: str) -> QmkError:
    return QmkError("INVALID_PARAMS", message, help=help)
