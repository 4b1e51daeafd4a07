"""Every page of the SQLite database damaged in turn: noticed with the journal's name, and never by a traceback."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.host.journal import Batch
from qmk.host.sql.journal import SqlJournal
from qmk.host.store import open_journal
from qmk.kernel.events import Forgotten, Started

PAGE_BYTES = 4096
JOBS = 60


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with some pages of records."""
    folder = tmp_path_factory.mktemp("good")
    journal = open_journal(folder)
    for number in range(JOBS):
        journal.write(Batch(records=[Started(now_ns=number, job=f"job_{number:0200}", fence=1)]))
    journal.close()
    return folder


def read_and_write(folder: Path) -> str:
    """What a daemon does with the journal; what it is refused with."""
    journal: SqlJournal | None = None
    try:
        journal = open_journal(folder)
        found = [record.now_ns for record in journal.records()]
        assert found == list(range(JOBS)), "what is read without an error is what was written"
        for number in range(JOBS):
            job = f"job_{number:0200}"
            journal.write(Batch(records=[Forgotten(now_ns=0, job=job)], forgotten=[job]))
        journal.close()
    except QmkError as error:
        return error.message
    return ""


def test_a_damaged_page_is_noticed_and_named(good: Path, tmp_path: Path):
    data = (good / "journal.sqlite").read_bytes()
    assert read_and_write(Path(shutil.copytree(good, tmp_path / "good"))) == ""
    said: list[str] = []
    for number in range(len(data) // PAGE_BYTES):
        folder = Path(shutil.copytree(good, tmp_path / f"page-{number}"))
        page = bytes(range(256)) * (PAGE_BYTES // 256)
        rest = data[(number + 1) * PAGE_BYTES :]
        (folder / "journal.sqlite").write_bytes(data[: number * PAGE_BYTES] + page + rest)
        said.append(read_and_write(folder))
    told = [message for message in said if message]
    assert all("journal.sqlite is damaged" in message for message in told), told
    assert len(told) >= len(said) // 2, "the others hold tables that nobody read or wrote"
