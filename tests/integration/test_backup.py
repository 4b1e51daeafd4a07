"""A backup of a daemon under load has everything that was acknowledged before it, and can be restored either way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.client import Client
from qmk.client.operator import Operator
from qmk.host import backup
from qmk.host.audit import verify as verify_log
from qmk.host.audit_reader import AuditReader
from qmk.host.store import open_journal
from qmk.host.survey import survey
from qmk.rpc.keys import public_key, token_key
from tests.conftest import eventually
from tests.integration.test_database import program

Make = Callable[..., Any]
KEY = bytes(range(32))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


def load(socket: Path, until: threading.Event, accepted: list[str]) -> None:
    with Client(socket) as client:
        while len(accepted) < 30 and not until.wait(0.01):
            accepted.append(client.submit(program(2), shots=5, seed=len(accepted)).job_id)


@contextmanager
def under_load(socket: Path) -> Iterator[list[str]]:
    """The jobs that a client has been promised, more and more of them."""
    accepted: list[str] = []
    stop = threading.Event()
    loaded = threading.Thread(target=load, args=(socket, stop, accepted))
    loaded.start()
    try:
        eventually(lambda: len(accepted) > 3, "a submission")
        yield accepted
    finally:
        stop.set()
        loaded.join(30)


def test_nothing_that_was_acknowledged_before_is_lost(
    make_daemon: Make, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = make_daemon("live", database=url)
    state, restored = tmp_path / "live" / "state", tmp_path / "again" / "state"
    whole_copy = backup._copy_database

    def copy_and_go_on(source: Path, target: Path) -> None:
        """Between the journal and its log the daemon writes what goes past the log, and then into it."""
        whole_copy(source, target)
        Operator(state).call("op_tenant_add", tenant="later")
        client.submit(program(), shots=1)

    monkeypatch.setattr(backup, "_copy_database", copy_and_go_on)
    with Client(daemon.socket) as client:
        large = client.run(program(64), shots=10_000, seed=1)
        Operator(state).call("op_tenant_add", tenant="before")
        with under_load(daemon.socket) as accepted:
            before = [*accepted]
            made = backup.create(state, tmp_path / "backup", url, KEY)
    assert backup.verify(tmp_path / "backup") == made
    daemon.stop()
    assert not made.missing
    backup.restore(tmp_path / "backup", restored, key=KEY)
    found = survey(restored)
    assert (found.faults, found.losses) == ([], [])
    again = make_daemon("again")
    with Client(again.socket) as client:
        for job in before:
            assert client.wait(job).state == "COMPLETED"
        assert client.result(large.job_id).counts == large.counts
        assert [row.tenant for row in Operator(restored).call("op_tenant_list").tenants] == ["before"]
    again.stop()
    with AuditReader(restored / "journal.sqlite") as log:
        assert not verify_log(log, public_key(restored / "keys" / "audit.pub")).faults
    with pytest.raises(QmkError, match="is there already, and is not written over"):
        backup.restore(tmp_path / "backup", restored)


def test_a_backup_of_either_kind_restores_into_the_other(make_daemon: Make, tmp_path: Path, postgres_url: str) -> None:
    daemon = make_daemon("file")
    with Client(daemon.socket) as client:
        run = client.run(program(2), shots=50, seed=3)
    daemon.stop()
    backup.create(tmp_path / "file" / "state", tmp_path / "backup")
    (tmp_path / "server").mkdir()
    backup.restore(tmp_path / "backup", tmp_path / "server" / "state", postgres_url)
    assert not (tmp_path / "server" / "state" / "journal.sqlite").exists()
    served = make_daemon("server", database=postgres_url)
    with Client(served.socket) as client:
        assert client.result(run.job_id).counts == run.counts
    served.stop()
    with pytest.raises(QmkError, match="holds a journal already"):
        backup.restore(tmp_path / "backup", tmp_path / "another", postgres_url)
    assert not (tmp_path / "another").exists()


def test_what_was_damaged_or_is_sealed_with_another_key_is_refused(tmp_path: Path) -> None:
    state, target = tmp_path / "state", tmp_path / "backup"
    with pytest.raises(QmkError, match="there is no journal"):
        backup.create(state, target)
    assert not target.exists()
    open_journal(state).close()
    token_key(state)
    backup.create(state, target, key=KEY)
    with pytest.raises(QmkError, match="sealed with another key"):
        backup.restore(target, tmp_path / "restored", key=bytes(32))
    backup.restore(target, tmp_path / "restored", key=KEY)
    assert token_key(tmp_path / "restored") == token_key(state)
    path = target / "journal.sqlite"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + b"?")
    with pytest.raises(QmkError, match=r"journal\.sqlite is damaged: its content does not match"):
        backup.restore(target, tmp_path / "more")
    path.unlink()
    with pytest.raises(QmkError, match=r"journal\.sqlite is missing"):
        backup.verify(target)
    (target / "backup.json").unlink()
    with pytest.raises(QmkError, match="is not a backup"):
        backup.verify(target)
