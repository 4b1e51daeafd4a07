"""Parts of ids: which text may be one, and which job it is of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.client import ids

FIRST = "job_019a2b3c4d5e" + "0" * 12 + "aaaa1111"
SECOND = "job_019a2b3c4d5e" + "0" * 12 + "aaaa2222"
THIRD = "job_019a2b3c4d5f" + "0" * 12 + "bbbb2222"


def find(part: str, *pages: list[str]) -> str | None:
    async def listed() -> AsyncIterator[list[Any]]:
        for page in pages:
            yield [SimpleNamespace(job_id=job) for job in page]

    return asyncio.run(ids.find(part, listed()))


@pytest.mark.parametrize("text", ["1111", "a1111", "job_019a", FIRST[:-1], FIRST[5:]])
def test_what_may_be_part_of_an_id(text: str) -> None:
    assert ids.is_part(text)


@pytest.mark.parametrize("text", ["111", "job_", FIRST, FIRST[4:], "job_example", "1111 ", "AAAA", "", None, 1111])
def test_what_is_not_part_of_an_id(text: object) -> None:
    assert not ids.is_part(text)


@pytest.mark.parametrize(
    ("part", "job"),
    [
        ("1111", FIRST),
        ("aaaa2222", SECOND),
        (ids.short_id(THIRD), THIRD),
        ("job_019a2b3c4d5f", THIRD),
        ("019a2b3c4d5f", THIRD),
        ("cccc", None),
    ],
)
def test_the_one_job_is_found_on_any_page(part: str, job: str | None) -> None:
    assert find(part, [FIRST, SECOND], [], [THIRD]) == job


@pytest.mark.parametrize("part", ["2222", "job_019a", "019a2b3c4d5"])
def test_what_several_jobs_have_names_them(part: str) -> None:
    with pytest.raises(QmkError, match=f"^'{part}' may be any of [23] jobs: ") as caught:
        find(part, [FIRST, SECOND], [THIRD])
    assert {SECOND, THIRD} <= set(caught.value.fields["matches"])
    assert caught.value.fields["help"]


def test_a_long_list_of_matches_is_cut() -> None:
    jobs = [f"job_{number:028x}abcd" for number in range(12)]
    with pytest.raises(QmkError, match=r" may be any of 12 jobs: (job_\w+, ){4}job_\w+ and 7 more"):
        find("abcd", jobs)
