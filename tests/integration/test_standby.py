"""A daemon that stands by waits for the end of the one that leads, and goes on with what it left."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.client import Client
from qmk.host import backup
from tests.conftest import eventually
from tests.integration.test_database import program
from tests.objects import ObjectServer

QMK = str(Path(sys.executable).with_name("qmk"))


@dataclass
class Daemons:
    """Daemons of one database, as commands, and what each has said."""

    folder: Path
    url: str
    running: list[subprocess.Popen[bytes]]

    def start(self, name: str, *words: str, state: str = "state") -> subprocess.Popen[bytes]:
        places = ["--socket", str(self.folder / f"{state}.s"), "--data-dir", str(self.folder / state)]
        database = ["--database", self.url] if self.url else []
        with (self.folder / f"{name}.log").open("wb") as said:
            made = subprocess.Popen([QMK, "serve", *places, *database, *words], stdout=said, stderr=said)
        self.running.append(made)
        return made

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def await_word(self, name: str, word: str) -> None:
        eventually(lambda: word in self.said(name), f"{name} says {word}")


@pytest.fixture
def daemons(tmp_path: Path, database_url: str) -> Iterator[Daemons]:
    made = Daemons(tmp_path, database_url, [])
    yield made
    for each in made.running:
        each.kill()
        each.wait()


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_it_takes_over_from_one_that_is_killed(daemons: Daemons) -> None:
    first = daemons.start("first")
    daemons.await_word("first", "listening on")
    second = daemons.start("second", "--standby")
    daemons.await_word("second", f"standing by: another daemon (process {first.pid}) uses the data folder")
    with Client(daemons.folder / "state.s", patience_s=30) as client:
        jobs = [client.submit(program(2), shots=10, seed=seed).job_id for seed in range(5)]
        first.kill()
        jobs += [client.submit(program(2), shots=10, seed=seed).job_id for seed in range(5, 10)]
        assert {client.wait(job).state for job in jobs} == {"COMPLETED"}
    assert "listening on" in daemons.said("second")
    assert second.poll() is None


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_waits_ends_when_it_is_told(daemons: Daemons) -> None:
    daemons.start("first")
    daemons.await_word("first", "listening on")
    for name, state, held in (("same", "state", "data folder"), ("other", "other", "database")):
        waiting = daemons.start(name, "--standby", state=state)
        daemons.await_word(name, "standing by: another daemon (")
        assert f"uses the {held}" in daemons.said(name)
        waiting.send_signal(signal.SIGTERM)
        assert waiting.wait(10) == -signal.SIGTERM
    refused = daemons.start("refused", state="third")
    assert refused.wait(30) != 0
    assert "uses the database" in daemons.said("refused")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_another_host_goes_on_with_the_blobs_of_the_first(daemons: Daemons, objects: ObjectServer) -> None:
    """Each has a data folder of its own; what the first kept in its folder moves into the store."""
    place = objects.bucket("lab")
    first = daemons.start("before")
    daemons.await_word("before", "listening on")
    long = [qmk.Circuit(2).h(0).cx(0, 1) for _ in range(2)]
    for number, circuit in enumerate(long):
        for turn in range(5000):  # its bytes do not go into a row
            circuit.rx(0.001 * turn, number)
        circuit.measure_all()
    with Client(daemons.folder / "state.s") as client:
        early = client.submit(long[0], shots=100, seed=1).job_id
        client.wait(early)
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 0
    held = {path.parent.name + path.name for path in (daemons.folder / "state" / "blobs").glob("*/*")}
    assert held
    first = daemons.start("first", "--blobs", place)
    daemons.await_word("first", "listening on")
    assert {key.removeprefix("lab/").replace("/", "") for key in objects.keys(place)} == held
    assert not list((daemons.folder / "state" / "blobs").glob("*/*"))
    with Client(daemons.folder / "state.s") as client:
        late = client.submit(long[1], shots=100, seed=2).job_id
        client.wait(late)
        bits = [client.result(job).counts for job in (early, late)]
        texts = [len(client.program(job).text) for job in (early, late)]
    daemons.start("second", "--standby", state="other")
    daemons.await_word("second", "uses the database")
    first.kill()
    daemons.await_word("second", "listening on")
    with Client(daemons.folder / "other.s") as client:
        assert [client.result(job).counts for job in (early, late)] == bits
        assert [len(client.program(job).text) for job in (early, late)] == texts
    made = backup.create(daemons.folder / "other", daemons.folder / "copy", daemons.url)
    assert (made.missing, len(objects.keys(place))) == ([], sum(name.startswith("blobs/") for name in made.files))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_leader_that_was_stopped_and_replaced_writes_nothing_any_more(daemons: Daemons) -> None:
    """Its session ends while it stands still; what it would accept once it goes on is nobody's."""
    import psycopg

    first = daemons.start("first", "--workers", "1", state="one")
    daemons.await_word("first", "listening on")
    long = qmk.Circuit(2).h(0).cx(0, 1).measure_all()
    with Client(daemons.folder / "one.s") as client:
        early = client.submit(long, shots=1000, seed=1).job_id
        bits = client.wait(early).state, client.result(early).counts
    daemons.start("second", "--standby", "--workers", "1", state="two")
    daemons.await_word("second", "uses the database")
    first.send_signal(signal.SIGSTOP)
    with psycopg.connect(daemons.url, autocommit=True) as admin:
        ended = admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE %s", (f"%:{first.pid}",)
        ).fetchall()
        assert ended
        daemons.await_word("second", "listening on")
        with Client(daemons.folder / "two.s") as client:
            late = client.submit(long, shots=1000, seed=2).job_id
            assert client.wait(late).state == "COMPLETED"
            count = "SELECT generation FROM leader"
            before = admin.execute(count).fetchone()
            first.send_signal(signal.SIGCONT)
            with pytest.raises(QmkError), Client(daemons.folder / "one.s") as zombie:  # it has ended, or is about to
                zombie.submit(long, shots=1000, seed=3)
            assert first.wait(60) != 0
            assert admin.execute(count).fetchone() == before
            assert {row.job_id for row in client.jobs().jobs} == {early, late}
            assert (client.status(early).state, client.result(early).counts) == bits
    assert "another daemon has taken over the database" in daemons.said("first")
    assert "Traceback" not in daemons.said("first")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_another_place_for_blobs_is_refused(daemons: Daemons, objects: ObjectServer) -> None:
    place, other = objects.bucket("one"), objects.bucket("two")
    first = daemons.start("first", "--blobs", place)
    daemons.await_word("first", "listening on")
    first.send_signal(signal.SIGTERM)
    first.wait(30)
    assert daemons.start("second", "--blobs", other).wait(30) != 0
    said = daemons.said("second")
    assert f"are in {place}, not in {other}" in said
    assert "Traceback" not in said
