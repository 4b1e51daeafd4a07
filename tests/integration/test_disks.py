"""Disks that are slow, full, over quota or read-only, under a daemon that runs."""

from __future__ import annotations

import errno
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.client import Client
from tests.integration.damaged_folders import coins

Make = Callable[..., Any]
DISK = """
import os, time
from pathlib import Path
FLAG = Path({flag!r})
def behave():
    text = FLAG.read_text() if FLAG.exists() else ""
    if text == "slow":
        time.sleep(1.0)
    elif text:
        raise OSError(int(text), os.strerror(int(text)))
def before(real):
    def call(*args):
        behave()
        return real(*args)
    return call
os.pwrite, os.fdatasync, os.fsync = before(os.pwrite), before(os.fdatasync), before(os.fsync)
"""


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file whose text is how the disk under every daemon of this test behaves: ``slow``, or the number of an error
    that writing meets; no file: as usual."""
    module, flag = tmp_path / "module", tmp_path / "disk"
    module.mkdir()
    (module / "sitecustomize.py").write_text(DISK.format(flag=str(flag)))
    monkeypatch.setattr(sys, "path", [str(module), *sys.path])
    return flag


def test_a_slow_disk_keeps_nobody_waiting_who_only_asks(make_daemon: Make, disk: Path) -> None:
    """A second for each write that is forced to disk: a submit takes that long, a status of another job does not."""
    daemon = make_daemon(forked=False, durability="power")
    with Client(daemon.socket) as one, Client(daemon.socket) as other:
        job = other.run(coins(), shots=10, seed=1).job_id
        one.negotiate()
        disk.write_text("slow")
        submitting = threading.Thread(target=lambda: one.submit(coins(), shots=10, seed=2))
        submitting.start()
        answers = 0
        while submitting.is_alive():
            assert other.status(job).state == "COMPLETED"
            answers += 1
        disk.unlink()
    assert answers > 20, "answered many times while one batch was being written"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS], ids=["full", "quota", "read-only"])
def test_a_disk_that_takes_no_more_is_named_and_the_daemon_goes_on_once_it_does(
    make_daemon: Make, disk: Path, number: int
) -> None:
    daemon = make_daemon(forked=False)
    with Client(daemon.socket) as client:
        job = client.run(coins(), shots=10, seed=1).job_id
        before = client.result(job).counts
        disk.write_text(str(number))
        with pytest.raises(QmkError) as caught:
            client.submit(coins(), shots=10, seed=2)
    assert caught.value.kind.name == "RESOURCE_EXHAUSTED"
    assert caught.value.kind.retryable
    assert str(daemon.folder / "state" / "journal.log") in caught.value.message
    assert "space" in caught.value.fields["help"]
    assert daemon.process.wait(30) != 0, "a daemon that cannot write does not go on as if it could"
    assert "Traceback" not in daemon.log.read_text().partition("QmkError")[0].rpartition("CRITICAL")[0]
    disk.unlink()
    daemon.start()
    with Client(daemon.socket) as client:
        assert client.result(job).counts == before
        assert client.run(coins(), shots=10, seed=2).shots == 10
