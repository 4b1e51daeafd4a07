"""A disk that is full at the start or later: said once, as what it is, and nothing is promised."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.host.config import HostConfig
from qmk.host.daemon import serve
from qmk.host.journal import Batch
from qmk.host.sql.library import sqlite_module
from qmk.host.sql.sqlite import SqliteDatabase
from qmk.host.store import open_journal
from qmk.kernel.events import Forgotten


@contextmanager
def no_file_larger_than(size_bytes: int) -> Iterator[None]:
    """What a full disk does, for this process alone."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_start_that_cannot_be_recorded_does_not_listen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    config = HostConfig(socket=tmp_path / "s", data_dir=tmp_path / "state", prestart=())
    open_journal(config.data_dir).close()
    full = sqlite_module().OperationalError("database or disk is full")

    def fail(self: Any, *statements: Any) -> None:
        raise full

    monkeypatch.setattr(SqliteDatabase, "_transact", fail)
    ready: list[HostConfig] = []
    with pytest.raises(QmkError, match=r"the journal cannot be written: .* is full") as caught:
        serve(config, ready.append)
    assert caught.value.kind.name == "RESOURCE_EXHAUSTED"
    assert "free some space" in caught.value.fields["help"]
    assert ready == []
    assert not [record for record in caplog.records if record.exc_info], "no traceback"


def test_what_a_full_disk_refused_is_written_once_there_is_room(tmp_path: Path):
    journal = open_journal(tmp_path)
    wal = tmp_path / "journal.sqlite-wal"
    batches = [Batch(records=[Forgotten(now_ns=number, job="j" * 3000)]) for number in range(50)]
    written: list[Batch] = []
    with no_file_larger_than(os.path.getsize(wal) + 60_000), pytest.raises(QmkError) as caught:
        written.extend(batch for batch in batches if journal.write(batch) is None)
    assert 0 < len(written) < 50
    assert caught.value.kind.name == "RESOURCE_EXHAUSTED"
    assert str(tmp_path / "journal.sqlite") in caught.value.message
    journal.close()
    again = open_journal(tmp_path)
    assert [record.now_ns for record in again.records()] == list(range(len(written)))
    again.write(batches[len(written)])
    again.close()
