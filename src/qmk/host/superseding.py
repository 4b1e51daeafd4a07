"""What a journal may leave out: which records make which others superfluous.

A journal's rows are kept under keys. Those of a job have its id, and go when it is forgotten. Tenants, tokens,
channels and labels of jobs have keys of their own, and of each only the newest record says anything. A job that was
started, saved and stopped again and again gets its whole state as one record in place of all but those that have its
program. Jobs that ended long ago go into archives, and the records of each but for its program leave the journal with
it (``gone_into``); what is forgotten of an archive stands under the key of that. What the superfluous records did to
the shares of tenants stands in ``SharesSettled``, which comes with whatever supersedes. So a replay of what is left
gives the same kernel as a replay of everything, and neither restarts nor a busy job make the journal grow.
"""

from __future__ import annotations

from typing import NamedTuple

from qmk.kernel.events import (
    ChannelChanged,
    ChannelForgotten,
    ClockStepped,
    Event,
    Forgotten,
    JobState,
    Recovered,
    SharesSettled,
    ShuttingDown,
    TenantSet,
    TokenIssued,
    TokenRevoked,
)
from qmk.kernel.labels import Labelled
from qmk.kernel.objects.archive import Archived, ArchiveForgotten

_SUPERSEDES = (
    ArchiveForgotten,
    JobState,
    Labelled,
    TenantSet,
    TokenRevoked,
    ChannelChanged,
    ChannelForgotten,
    Recovered,
    SharesSettled,
    ClockStepped,
)


class Superseded(NamedTuple):
    """The rows with keys from ``first`` to ``last`` that are older than the record: ``itself``: and the record's own;
    ``but_first``: all but the oldest of them, and but the newest ``Rewritten``, which has the graph of the job."""

    first: str
    last: str
    itself: bool = False
    but_first: bool = False


def key(record: Event) -> str:
    """Under what a journal keeps the record; empty: under nothing."""
    match record:
        case TenantSet():
            return f"tenant:{record.config.name}"
        case TokenIssued() | TokenRevoked():
            return f"token:{record.tenant}/{record.serial}"
        case ChannelChanged() | ChannelForgotten():
            return f"channel:{record.channel}"
        case Labelled():
            return f"labels:{record.job}"
        case Recovered() | ShuttingDown():
            return "daemon:"
        case ClockStepped():
            return "clock:"
        case SharesSettled():
            return "shares:"
        case Archived() | ArchiveForgotten():
            return f"archive:{record.number}/"
        case Forgotten(archive=number) if number:
            return f"archive:{number}/{record.job}"
        case _:
            return getattr(record, "job", "")


def find_superseded(record: Event) -> Superseded | None:
    """The rows that the record makes superfluous."""
    if not isinstance(record, _SUPERSEDES):
        return None
    name = key(record)
    match record:
        case TokenRevoked(serial=""):
            return Superseded(name, name + "~", itself=True)  # serials are hexadecimal: all are before a tilde
        case ArchiveForgotten():
            return Superseded(name, name + "~", itself=True)
        case TokenRevoked() | ChannelForgotten() | Labelled(tags=None):
            return Superseded(name, name, itself=True)
        case JobState():
            return Superseded(name, name, but_first=True)
        case _:
            return Superseded(name, name)


def gone_into(record: Event) -> list[str]:
    """The jobs whose earlier rows the record replaces, but for what has their programs."""
    return [row.job for row in record.rows] if isinstance(record, Archived) else []
