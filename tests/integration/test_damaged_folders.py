"""Every page of the database and every stretch of its logs damaged in turn: a start or a reader names what is lost, and
``qmk doctor --repair`` saves the rest. ``make conformance`` takes every page instead of a sample."""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from qmk.base.errors import QmkError
from qmk.host.audit import read_entry
from qmk.host.audit_reader import AuditReader
from qmk.host.repair import AUDITED, repair
from qmk.host.sql.library import sqlite_module
from qmk.host.store import UNFINISHED_NAME, open_journal
from qmk.host.survey import survey
from tests.conftest import RunningDaemon
from tests.integration.damaged_folders import KINDS, PAGE_BYTES, copy_damaged, fill, read_all, stop_in_order, stretches

DATABASE, WAL, LOG = "journal.sqlite", "journal.sqlite-wal", "journal.log"
STEP = {DATABASE: PAGE_BYTES, WAL: PAGE_BYTES + 24, LOG: 2048}
EVERY = {DATABASE: 20, WAL: 60, LOG: 24}
"""Of how many stretches one is damaged in each kind of way."""
GOES_ON = ("QUEUED", "RUNNING")
WITHOUT_JOBS = {"used": "charge", "tenant chem": "tenant", "tenant bio": "tenant", "audit": "audit"}
"""What a start reads that is of no job, and under which part its loss is named."""


class Folders(NamedTuple):
    """``clean``: of a daemon that was asked to stop; ``killed``: of one that was killed. ``good``: what is in both."""

    clean: Path
    killed: Path
    good: dict[str, Any]

    def of(self, name: str) -> Path:
        return self.clean if name == DATABASE else self.killed


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folders]:
    base = tmp_path_factory.mktemp("folders")
    daemons: list[RunningDaemon] = []

    def make(name: str = "d", **options: Any) -> RunningDaemon:
        (base / name).mkdir()
        daemons.append(RunningDaemon(base / name, **options))
        return daemons[-1].start()

    killed = shutil.copytree(fill(make, base), base / "killed", ignore=shutil.ignore_patterns("*.sock"))
    clean = shutil.copytree(killed, base / "clean")
    stop_in_order(clean)
    yield Folders(clean, killed, read_all(shutil.copytree(clean, base / "read")))
    for daemon in daemons:
        daemon.kill()


def read_or_refuse(folder: Path) -> dict[str, Any] | QmkError:
    try:
        return read_all(folder)
    except QmkError as error:
        return error


def notice(folder: Path, good: dict[str, Any], caplog: pytest.LogCaptureFixture) -> str:
    """How the damage is noticed: at the start, at reading, in the daemon's log with something lost ("log") or nothing
    ("told"), or not at all as nothing is lost."""
    caplog.clear()
    found = read_or_refuse(folder)
    if isinstance(found, QmkError):
        assert found.kind.name == "INTERNAL_ERROR"
        assert "is damaged" in found.message, found.message
        assert "; lost: " in found.message or found.message.endswith("; every job is whole")
        assert found.fields["help"].startswith("run 'qmk doctor --repair --data-dir")
        return "start"
    errors = {name: answer for name, answer in found.items() if isinstance(answer, QmkError)}
    assert all(name in error.message for name, error in errors.items()), errors
    wrong = [name for name in good if found.get(name) != good[name] and name not in errors]
    told = any(record.levelno >= logging.WARNING for record in caplog.records)
    if wrong:
        assert told, wrong
        return "log"
    return "reading" if errors else "told" if told else "harmless"


def mend(folder: Path, good: dict[str, Any], whole_end: bool) -> None:
    """Repairs the folder; every job is as before, or is named and says itself that it is lost. ``whole_end``: what was
    written last is there, and so is in the audit log what there was."""
    found = survey(folder)
    done = repair(folder)
    after = read_all(folder)
    lost = {loss.job: loss.part for loss in found.losses}
    parts = Counter(loss.part for loss in found.losses)
    for name, answer in good.items():
        if after.get(name) == answer:
            continue
        if name in WITHOUT_JOBS:
            assert name == "audit" or parts[WITHOUT_JOBS[name]] or not whole_end, (name, found)
        elif name in after and after[name][1] in GOES_ON:
            assert answer[1] in GOES_ON or not whole_end, "what had not ended goes on"
            assert after[name][2] == answer[2], "with its seed"
        elif name in lost and name in after:
            _, state, _, error, *_ = after[name]
            assert state == "FAILED"
            assert name in error["message"]
            assert error["data"]["retryable"] is (lost[name] == "result")
        else:
            assert not whole_end, (name, found)
            assert parts["audit"] or found.notes or found.faults, (name, found)
    assert set(done.failed) <= set(lost)
    assert not survey(folder).faults
    with AuditReader(folder / DATABASE) as log:
        last = read_entry(max(log.audit_entries())[1])
    assert (last.kind, last.fields["kept"]) == (AUDITED, Path(done.kept).name)
    assert (Path(done.kept) / DATABASE).exists()


def cases(name: str, kind: str, folders: Folders, every: int) -> Iterator[tuple[int, int]]:
    """Stretches of the file, other ones for each kind of damage; those of a whole page that all kinds share, first."""
    offset = list(KINDS).index(kind) * every // len(KINDS)
    for number, stretch in enumerate(stretches(folders.of(name) / name, STEP[name])):
        if number % every == offset or (every > 1 and name == DATABASE and number < 2):
            yield stretch


def damage_all(
    folders: Folders, folder: Path, name: str, kind: str, every: int, caplog: pytest.LogCaptureFixture
) -> Counter[str]:
    noticed: Counter[str] = Counter()
    for start, end in cases(name, kind, folders, every):
        whole_end = name == DATABASE and kind != "cut"
        copy = copy_damaged(folders.of(name), folder / "copy", name, kind, start, end)
        noticed[notice(copy, folders.good, caplog)] += 1
        shutil.rmtree(copy)
        mend(copy_damaged(folders.of(name), copy, name, kind, start, end), folders.good, whole_end)
        shutil.rmtree(copy)
    return noticed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [DATABASE, WAL, LOG])
def test_damage_is_noticed_and_named_and_the_rest_is_saved(
    folders: Folders, tmp_path: Path, name: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    noticed = damage_all(folders, tmp_path, name, kind, EVERY[name], caplog)
    assert noticed.total() >= 2
    if name == DATABASE:
        assert noticed["start"]
        assert noticed["log"] == 0


@pytest.mark.conformance
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [DATABASE, WAL, LOG])
def test_damage_of_every_page_is_noticed_and_named(
    folders: Folders, tmp_path: Path, name: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    noticed = damage_all(folders, tmp_path, name, kind, 1, caplog)
    assert noticed["start"] or noticed["log"] or (name == LOG and noticed["told"])


def test_a_whole_folder_is_left_alone(folders: Folders, tmp_path: Path) -> None:
    for folder in (folders.clean, folders.killed):
        before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        found = survey(folder)
        assert (found.faults, found.losses, found.notes) == ([], [], [])
        assert found.whole_jobs == found.jobs > 40
        after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        assert {name: data for name, data in after.items() if not name.endswith("-shm")} == {
            name: data for name, data in before.items() if not name.endswith("-shm")
        }


def test_a_launch_is_charged_once_although_its_job_runs_again(folders: Folders, tmp_path: Path) -> None:
    """The journal's rows of some jobs are lost, and their rows of the ledger are not."""
    folder = shutil.copytree(folders.clean, tmp_path / "copy")
    sqlite = sqlite_module()
    with sqlite.connect(folder / DATABASE) as connection:
        (jobs,) = zip(*connection.execute("SELECT job FROM result ORDER BY job LIMIT 3"), strict=True)
        for job in jobs:
            after_first = "DELETE FROM journal WHERE job=? AND seq>(SELECT min(seq) FROM journal WHERE job=?)"
            connection.execute(after_first, (job, job))
    connection.close()
    found = survey(folder)
    assert sorted((loss.part, loss.job) for loss in found.losses) == sorted(("end", job) for job in jobs)
    assert repair(folder).failed == []
    after = read_all(folder)
    assert after["used"] == folders.good["used"]
    assert all(after[job] == folders.good[job] for job in jobs), "the end is known from the result"


def test_an_interrupted_repair_is_run_again(folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever that is, nothing starts on half of a journal, and a second run ends as the first would have."""
    data = bytearray((folders.clean / DATABASE).read_bytes())
    start = data.rindex(b"frame") // PAGE_BYTES * PAGE_BYTES
    steps = 0
    while True:
        folder = copy_damaged(folders.clean, tmp_path / f"copy-{steps}", DATABASE, "zeros", start, start + PAGE_BYTES)
        left = [steps]

        def tick(real: Callable[..., Any], left: list[int]) -> Callable[..., Any]:
            def call(*args: Any, **kwargs: Any) -> Any:
                left[0] -= 1
                if left[0] < 0:
                    raise KeyboardInterrupt
                return real(*args, **kwargs)

            return call

        with monkeypatch.context() as patch:
            for name in ("link", "unlink", "replace", "fsync"):
                patch.setattr(f"os.{name}", tick(getattr(__import__("os"), name), left))
            try:
                repair(folder)
            except KeyboardInterrupt:
                pass
            else:
                break
        if (folder / UNFINISHED_NAME).exists():
            with pytest.raises(QmkError, match="a repair of it was interrupted"):
                open_journal(folder)
        if survey(folder).can_be_mended:
            mend(folder, folders.good, whole_end=True)
        steps += 1
    assert steps > 5
