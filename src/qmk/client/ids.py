"""Ids of jobs as people write them: in full, or by characters at the beginning or the end that one job alone has.

An id is ``job_`` and 32 hexadecimal digits, of which the first twelve are the time of its job: its end tells jobs apart
sooner than its beginning.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from qmk.base.errors import QmkError

if TYPE_CHECKING:
    from qmk.abi.calls.q_jobs import JobRow

SHORT_CHARS = 8
"""Last characters of an id that a handle shows for it."""
LEAST_CHARS = 4
"""Fewest digits that are looked up."""
SHOWN = 5
"""Most ids that an error lists."""
_PART = re.compile(rf"(job_)?([0-9a-f]{{{LEAST_CHARS},31}})")


def short_id(job: str) -> str:
    """The last characters of an id."""
    return job[-SHORT_CHARS:]


def is_part(text: object) -> bool:
    """Whether text may be the beginning or the end of an id, and is not a whole one."""
    return isinstance(text, str) and _PART.fullmatch(text) is not None


def may_be_id(text: str) -> bool:
    """Whether text is written like an id or like a part of one, long enough or not, and not like a name."""
    return text.startswith("job_") or re.fullmatch("[0-9a-f]{1,32}", text) is not None


def matches(part: str, job: str) -> bool:
    """Whether ``part`` is the beginning of an id, with or without ``job_``, or its end."""
    return job.startswith(part) or job.removeprefix("job_").startswith(part) or job.endswith(part)


async def find(part: str, pages: AsyncIterator[Sequence[JobRow]]) -> str | None:
    """The one id among jobs that ``part`` is of; None if there is none. Raises INVALID_PARAMS for several."""
    found: list[str] = []
    async for page in pages:
        found += [row.job_id for row in page if matches(part, row.job_id)]
    if len(found) > 1:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise QmkError(
            "INVALID_PARAMS",
            f"'{part}' may be any of {len(found)} jobs: {', '.join(found[:SHOWN])}{more}",
            field="job_id",
            matches=found[:SHOWN],
            help="give more characters of its id",
        )
    return found[0] if found else None
