"""The journal's file: strangers and damage are told, earlier releases' journals are taken over."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.host.file_system import kind_of, require_local
from qmk.host.journal import Batch
from qmk.host.sql.sqlite import SqliteDatabase
from qmk.host.store import open_journal
from qmk.kernel.config import KernelConfig
from qmk.kernel.core import Kernel
from qmk.kernel.effects import Charge
from qmk.kernel.events import Started, Submitted
from qmk.policy.standard import STANDARD

GOLDEN = Path(__file__).parents[2] / "golden" / "journal"

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /srv rw,relatime shared:2 - nfs4 server:/srv rw,vers=4.2
31 30 8:2 / /srv/me/fast rw - xfs /dev/sdb1 rw
32 22 0:41 / /mnt/with\\040space rw - fuse.sshfs me@there: rw
"""


@pytest.mark.parametrize("kind", ["BLOB", "TEXT"])
@pytest.mark.parametrize("column", ["record", "graph"])
def test_damage_of_any_type_names_the_file(tmp_path: Path, column: str, kind: str):
    journal = open_journal(tmp_path)
    journal.write(Batch(records=[Started(now_ns=2, job="job_a", fence=1)]))
    journal.close()
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as raw:
        raw.execute(f"UPDATE journal SET record = CAST(x'a7' || substr(record, 2) AS {kind})")
    journal = open_journal(tmp_path)
    with pytest.raises(QmkError, match=r"journal\.sqlite is damaged"):
        list(journal.records()) if column == "record" else journal.graph("job_a")
    journal.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path):
    path = tmp_path / "j.sqlite"
    path.write_bytes(b"not a database at all, " * 100)
    with pytest.raises(QmkError, match="is damaged"):
        SqliteDatabase(path)


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib/qmk", "ext4"),
        ("/srv/me", "nfs4"),
        ("/srv/me/fast/qmk", "xfs"),
        ("/srvstead", "ext4"),
        ("/mnt/with space/x", "fuse.sshfs"),
    ],
)
def test_the_file_system_of_a_folder(folder: str, kind: str):
    assert kind_of(Path(folder), MOUNTS) == kind


def test_a_network_file_system_is_refused_with_the_way_out():
    require_local(Path("/var"), MOUNTS)
    with pytest.raises(QmkError, match=r"/srv/me is on a network file system \(nfs4\)") as caught:
        require_local(Path("/srv/me"), MOUNTS)
    assert caught.value.kind.name == "RESOURCE_EXHAUSTED"
    assert "--database" in caught.value.fields["help"]


def test_the_first_schema_is_taken_over_in_place(tmp_path: Path):
    shutil.copy(GOLDEN / "v1.sqlite", tmp_path / "journal.sqlite")
    expected = json.loads((GOLDEN / "v1.json").read_text())
    for _ in range(2):  # once to migrate, once more to see that it stayed
        journal = open_journal(tmp_path)
        kernel = Kernel(KernelConfig(), STANDARD)
        kernel.replay(journal.records())
        assert {job: kernel.jobs.by_id[job].state for job in expected["jobs"]} == expected["jobs"]
        assert {key: kernel.jobs.by_key["local"][key] for key in expected["keys"]} == expected["keys"]
        for job, counts in expected["counts"].items():
            head = journal.head(job)
            assert head is not None
            assert head.counts == counts
        job = expected["keys"]["golden"]
        head = journal.head(job)
        assert head is not None
        assert sum(len(journal.page(job, number, head)) for number in range(2)) == 12_000
        first = next(journal.records())
        assert isinstance(first, Submitted)
        assert journal.graph(first.job) == first.graph != b""
        journal.write(Batch(charges=[Charge(1, "local", "s", job, 1, {"shots_period": 1})]))
        assert [row.shots for row in journal.charges()] == [1]
        journal.close()
