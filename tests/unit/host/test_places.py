"""The data folder is its owner's: nothing of another user is in it, and nothing is written through a link."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.host.places import Lock
from qmk.host.seals import HEAD_NAME, Seal, Sealer
from qmk.host.sql.log import BatchLog


def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    with (
        pytest.raises(QmkError, match=f"state belongs to user {user}, who could change") as caught,
        Lock(tmp_path / "state" / "lock"),
    ):
        pass
    assert "--data-dir" in caught.value.fields["help"]


@pytest.mark.parametrize("name", ["journal.sqlite", "keys/token.key", "keys", "journal.log"])
def test_a_file_of_another_user_in_the_folder_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "keys").mkdir()
    path = tmp_path / name
    if name != "keys":
        path.symlink_to("/dev/null")  # a link counts by its own owner
    planted = path.lstat().st_ino

    class Entry:
        """As os.scandir has it, but that one is another user's."""

        def __init__(self, entry: os.DirEntry[str]) -> None:
            self.path = entry.path
            self._entry = entry

        def stat(self, follow_symlinks: bool) -> os.stat_result:
            found = self._entry.stat(follow_symlinks=follow_symlinks)
            return os.stat_result((*found[:4], found[4] + (found.st_ino == planted), *found[5:]))

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: map(Entry, scandir(folder)))
    with pytest.raises(QmkError, match=f"{name} belongs to user"), Lock(tmp_path / "lock"):
        pass


def take_lock(folder: Path) -> None:
    with Lock(folder / "lock"):
        pass


WRITES: dict[str, Callable[[Path], object]] = {
    "lock": take_lock,
    "journal.log": lambda folder: BatchLog(folder / "journal.log", synced=False),
    HEAD_NAME + ".new": lambda folder: Sealer(folder, None).keep_seal(Seal(1, b"{}", b"")),
}


@pytest.mark.parametrize("name", WRITES)
def test_nothing_is_written_through_a_symbolic_link(name: str, tmp_path: Path):
    target = tmp_path / "precious"
    target.write_text("precious")
    folder = tmp_path / "state"
    folder.mkdir(0o700)
    (folder / name).symlink_to(target)
    with pytest.raises(QmkError, match=f"{name} is a symbolic link"):
        WRITES[name](folder)
    assert target.read_text() == "precious"
