"""Rolls against plain sorted lists, whatever comes and goes."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmk.base.errors import QmkError
from qmk.policy import index
from qmk.policy.index import Index

ROWS = st.tuples(st.sampled_from("ab"), st.integers(0, 40), st.text("xyz", min_size=1, max_size=3))


def pages(subject: Index, groups: list[str], limit: int) -> list[list[str]]:
    found: list[list[str]] = []
    cursor: str | None = ""
    while cursor is not None:
        ids, cursor = subject.page(groups, cursor, limit)
        found.append(ids)
    return found


@given(st.lists(ROWS, max_size=120), st.integers(1, 7))
def test_pages_are_those_of_a_sorted_list(rows: list[tuple[str, int, str]], limit: int) -> None:
    subject, kept = Index(), set[tuple[str, int, str]]()
    chunk, index.CHUNK = index.CHUNK, 3
    try:
        for row in rows:  # a row that comes twice goes
            (subject.drop if row in kept else subject.put)(*row)
            kept ^= {row}
    finally:
        index.CHUNK = chunk
    for groups in (["a"], ["b"], ["a", "b"], ["c"]):
        wanted = [(at, id) for group, at, id in kept if group in groups]
        if len(set(wanted)) < len(wanted):
            continue  # an id is in one of the groups that are asked for together
        found = pages(subject, groups, limit)
        assert [id for page in found for id in page] == [id for _, id in sorted(wanted, reverse=True)]
        assert all(len(page) == limit for page in found[:-1])


def test_a_cursor_holds_while_rows_come_and_go() -> None:
    subject = Index()
    for at in range(6):
        subject.put("g", at, f"id{at}")
    ids, cursor = subject.page(["g"], "", 2)
    assert ids == ["id5", "id4"]
    assert cursor is not None
    subject.drop("g", 4, "id4")
    subject.drop("g", 3, "id3")
    subject.put("g", 9, "id9")
    assert subject.page(["g"], cursor, 2)[0] == ["id2", "id1"]


@pytest.mark.parametrize("cursor", ["nonsense", "-", "zz-x"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(QmkError) as caught:
        Index().page(["g"], cursor, 2)
    assert caught.value.kind.name == "INVALID_PARAMS"


def test_a_page_looks_at_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the roll is: it walks lazily from where the cursor points."""
    subject = Index()
    for at in range(20_000):
        subject.put("g", at, f"id{at:05}")
    walked = 0

    def counted(*rolls: object, reverse: bool) -> object:
        nonlocal walked
        for row in rolls[0]:  # type: ignore[attr-defined]
            walked += 1
            yield row

    monkeypatch.setattr(index.heapq, "merge", counted)
    assert subject.page(["g"], f"{10_000:x}-", 5)[0] == [f"id{at:05}" for at in range(9_999, 9_994, -1)]
    assert walked == 6


def test_a_row_takes_little_beside_its_id() -> None:
    """Every finished job has one for as long as it is kept."""
    ids = [f"job_{number:032x}" for number in range(20_000)]
    tracemalloc.start()
    index = Index()
    for number, id in enumerate(ids):
        index.put("all", 1_700_000_000_000_000_000 + number, id)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 30 * len(ids)
