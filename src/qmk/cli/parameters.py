"""Types of the values that options take: durations, times, names, assignments."""

from __future__ import annotations

import difflib
import re
import time
from typing import Any, TypeVar, cast

import click

AGE_UNIT_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}
UNIT_S = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
"""Seconds of each unit; "ms" stands before "s", as a text that ends in one ends in the other."""


class Shots(click.IntRange):
    name = "shots"

    def __init__(self) -> None:
        from qmk.base.limits import LIMITS

        super().__init__(min=1, max=LIMITS.shots)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A whole number, which may be written as 1e6 or 1_000_000."""
        text = str(value).strip()
        if re.fullmatch(r"\d{1,9}(\.\d{1,9})?[eE]\+?\d{1,2}", text):
            from decimal import Decimal

            exact = Decimal(text)
            value = int(exact) if exact == exact.to_integral_value() else value
        return super().convert(value, param, ctx)


class Seconds(click.ParamType[float]):
    """A duration: seconds, or a number with ms, s, m or h."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        text = str(value).strip()
        unit = next((name for name in UNIT_S if text.endswith(name)), "")
        try:
            seconds = float(text.removesuffix(unit)) * UNIT_S.get(unit, 1.0)
        except ValueError:
            self.fail(f"'{value}' is not a duration; write 30, 30s, 500ms, 5m or 1h", param, ctx)
        if not 0 < seconds < 7 * 24 * 3600 + 1:
            self.fail(f"'{value}' is not between 1 ms and 7 days", param, ctx)
        return seconds


class Address(click.ParamType[tuple[str, int]]):
    """Where to listen: a host and a port, or a port alone, of this machine."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        if isinstance(value, tuple):
            return cast("tuple[str, int]", value)
        match = re.fullmatch(r"(?:(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):)?(\d{1,5})", str(value), re.ASCII)
        if match is None or int(match[2]) > 65_535:
            self.fail(f"'{value}' is not an address; write 127.0.0.1:8451, [::1]:8451 or 8451", param, ctx)
        return (match[1] or "127.0.0.1").strip("[]"), int(match[2])


class Milliseconds(Seconds):
    """A duration in whole milliseconds, as the kernel counts time limits; less than one is rounded up."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        return value if isinstance(value, int) else max(1, round(super().convert(value, param, ctx) * 1000))


class Age(click.ParamType[float]):
    """A time gone by, in seconds: a number with s, m, h, d or w."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)([smhdw])", str(value).strip())
        if match is None:
            self.fail(f"'{value}' is not an age; write a number and one of s, m, h, d, w, such as 30d", param, ctx)
        return float(match[1]) * AGE_UNIT_S[match[2]]


class Keeping(Age):
    """How long something is kept, in whole seconds: an age, or ``ever``, which is 0."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if str(value).strip() == "ever":
            return 0.0
        seconds = super().convert(value, param, ctx)
        if seconds < 1:
            self.fail(f"'{value}' is less than a second; write such as 7d, or ever", param, ctx)
        return seconds


V = TypeVar("V")


class Pair(click.ParamType[tuple[str, V]]):
    """Two texts with an equals sign between them. ``wanted`` ends the message about what is none."""

    wanted = ""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, V]:
        if isinstance(value, tuple):
            return cast("tuple[str, V]", value)
        name, equals, text = (part.strip() for part in str(value).partition("="))
        try:
            if not name or not equals:
                raise ValueError
            return name, self.read(text)
        except ValueError:
            return self.fail(f"'{value}' is {self.wanted}", param, ctx)

    def read(self, text: str) -> V:
        """What stands behind the equals sign. Raises ``ValueError`` for what cannot stand there."""
        if not text:
            raise ValueError
        return cast("V", text)


class Assignment(Pair[Any]):
    """``name=value``: an integer, a decimal, true or false, else text that the front-end reads (``pi/2``)."""

    name = "name=value"

    wanted = "no assignment; write name=value, such as theta=pi/2"

    def read(self, text: str) -> Any:
        return _literal(text)


def _literal(text: str) -> bool | int | float | str:
    """A truth value or number where the text is one. ``0101`` stays text: it may be meant as four bits."""
    if text in ("true", "false"):
        return text == "true"
    if len(text) > 1 and text[0] == "0" and text.isdigit():
        return text
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


class Names(click.ParamType[list[str]]):
    """Names with commas between them; rights may be written without ``CAP_`` and in small letters."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        if isinstance(value, list):
            return cast("list[str]", value)
        from qmk.abi.rights import RIGHTS

        found: list[str] = []
        for text in filter(None, (part.strip() for part in str(value).split(","))):
            name = text.upper() if text.upper().startswith("CAP_") else f"CAP_{text.upper()}"
            if name not in RIGHTS:
                near = difflib.get_close_matches(name, RIGHTS, 1)
                hint = f"did you mean '{near[0]}'?" if near else f"rights: {', '.join(RIGHTS)}"
                self.fail(f"there is no right '{text}'; {hint}", param, ctx)
            found.append(name)
        return found


class Moment(click.ParamType[int]):
    """A time to come, as Unix seconds: after a duration (12h, 30d), or on a date (2030-01-31, in UTC)."""

    name = "moment"
    sign = 1
    """Of a duration: whether it is from now on, or before now."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        text = str(value).strip()
        unit_s = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
        if text[:-1].isdigit() and text[-1] in unit_s and len(text) < 10:
            return int(time.time()) + self.sign * int(text[:-1]) * unit_s[text[-1]]
        import datetime

        try:
            at = datetime.datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"'{value}' is not a time; write 12h, 30d or 2030-01-31", param, ctx)
        at = at if at.tzinfo else at.replace(tzinfo=datetime.UTC)
        return max(0, int(at.timestamp()))


class PastMoment(Moment):
    """A time that has been, as Unix seconds: so long ago (12h, 30d), or on a date (2030-01-31, in UTC)."""

    sign = -1


class ChannelOf(Pair[str]):
    """``handle=channel``: a channel handle of a program, and the channel it draws on."""

    name = "handle=channel"

    wanted = "no channel of a handle; write HANDLE=CHANNEL, such as c=chan_..."


class ClusterOption(Pair[str]):
    """``name=value`` of an option of a cluster's jobs."""

    name = "name=value"
    wanted = "not an option of a cluster; write name=value, such as partition=quantum"


class Limit(Pair[int]):
    """``name=limit`` of a quota; the limit may be written with underscores."""

    name = "name=limit"

    wanted = "no limit; write name=limit, such as queued_jobs=100"

    def read(self, text: str) -> int:
        return int(text)


class Amount(Pair[float]):
    """``name=amount`` of a resource."""

    name = "name=amount"

    wanted = "no amount of a resource; write NAME=AMOUNT, such as gpu=1 or memory=16e9"

    def read(self, text: str) -> float:
        return float(text)


class EnginePython(Pair[str]):
    """``NAME=PATH``: an engine and the Python of its own environment."""

    name = "NAME=PATH"

    wanted = "not NAME=PATH, such as clifft=/opt/clifft/bin/python"


def collect_params(pairs: tuple[tuple[str, Any], ...], option: str = "--param") -> dict[str, Any]:
    """The values of an option that is given several times as a mapping; a name given twice is refused."""
    params: dict[str, Any] = {}
    for name, value in pairs:
        if name in params:
            raise click.UsageError(f"{option} {name} is given twice")
        params[name] = value
    return params


def gather_pairs(ctx: click.Context, param: click.Parameter, pairs: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    """A callback: the pairs of an option as a mapping."""
    return collect_params(pairs, param.opts[0])
