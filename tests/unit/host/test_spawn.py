"""What a worker and the translator get of the daemon: a socket, a pipe, a short list of variables, and nothing else."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.host import orphans, spawn
from qmk.sdk.interpreters import ASKED, child_environment

START: dict[str, Callable[[], spawn.Child]] = {
    "worker": lambda: spawn.worker("stabilizer", 1, nice=3),
    "translator": lambda: spawn.translator(4 << 30),
}
SECRETS = ("AWS_SECRET_ACCESS_KEY", "PGPASSFILE", "PGPASSWORD", "QMK_TOKEN", "QMK_DATABASE", "MINE_TOO")


@pytest.fixture(params=START)
def child(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, spawn.Child]]:
    """One that is ready."""
    if not Path("/proc/self/environ").exists():
        pytest.skip("only Linux shows what a process has")
    for name in SECRETS:
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("MINE", "1")
    monkeypatch.setenv(ASKED, "MINE,ALSO_MINE")
    monkeypatch.setenv("OMP_PROC_BIND", "true")
    started = START[request.param]()
    assert started.sock.recv(1 << 16), "it says that it is ready"
    yield request.param, started
    started.end()


def test_a_child_gets_no_secret_no_file_no_terminal_and_no_folder_of_ours(child: tuple[str, spawn.Child]) -> None:
    kind, started = child
    proc = Path(f"/proc/{started.pid}")
    environment = dict(row.split("=", 1) for row in (proc / "environ").read_text().split("\0") if row)
    assert not environment.keys() & set(SECRETS)
    assert environment["MINE"] == "1", "the operator asks for it"
    assert environment["OMP_PROC_BIND"] == "true"
    assert environment["PATH"] == os.environ["PATH"]
    assert os.getsid(started.pid) == os.getpgid(started.pid) == started.pid
    assert os.readlink(proc / "cwd") == "/"
    links = [os.readlink(link) for link in (proc / "fd").iterdir() if link.is_symlink()]
    ours = [link for link in links if not link.startswith(f"/proc/{started.pid}/")]
    pipes = ["pipe"] * 3  # its standard error, and the two ends by which it ends with us
    assert sorted(link.partition(":")[0] for link in ours) == ["/dev/null", "/dev/null", *pipes, "socket"]
    assert os.getpriority(os.PRIO_PROCESS, started.pid) == os.getpriority(os.PRIO_PROCESS, 0) + 3 * (kind == "worker")


def test_no_variable_of_a_child_depends_on_the_current_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"one{os.pathsep}/two")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("QMK_ENGINE_CLIFFT_PYTHON", "/v/bin/python")
    given = child_environment()
    assert given["PYTHONPATH"].split(os.pathsep)[-2:] == [str(tmp_path / "one"), "/two"]
    assert given["LC_ALL"] == "C.UTF-8"
    assert given["QMK_ENGINE_CLIFFT_PYTHON"] == "/v/bin/python"


def test_a_lack_of_descriptors_passes_and_leaks_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_pipe() -> tuple[int, int]:
        raise OSError(errno.EMFILE, "Too many open files")

    with orphans.tie():
        pass  # its pipe stays
    before = len(os.listdir("/dev/fd"))
    monkeypatch.setattr(spawn.os, "pipe", no_pipe)
    with pytest.raises(spawn.Shortage, match="Too many open files"):
        spawn.worker("stabilizer", 1)
    monkeypatch.undo()
    monkeypatch.setattr(spawn.sys, "executable", "/nowhere/python")
    with pytest.raises(QmkError, match="No such file") as caught:
        spawn.worker("stabilizer", 1)
    assert not isinstance(caught.value, spawn.Shortage), "it will be no better later"
    assert len(os.listdir("/dev/fd")) == before
