"""The command of bubblewrap: everything that a script reads is shown, and its writable folder hides none of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from qmk.host.isolation.drivers import bubblewrap
from qmk.host.isolation.drivers.bubblewrap import Bubblewrap
from qmk.host.isolation.drivers.sandbox import Job
from qmk.worker.jail import root


def command_of(monkeypatch: pytest.MonkeyPatch, python: str, *shows: str) -> list[str]:
    """The command, where Python lies in this folder and bubblewrap is installed."""
    monkeypatch.setattr(root, "folders_of_python", lambda: (python,))
    monkeypatch.setattr(bubblewrap, "program", lambda name, package: f"/usr/bin/{name}")
    held = Bubblewrap().hold(Job(["/bin/true"], {}, -1, shows))
    shutil.rmtree(held.folder)
    assert held.command[-2:] == ["--", "/bin/true"]
    return held.command[:-2]


def places(command: list[str], option: str, operands: int) -> list[tuple[int, str]]:
    """Where the option stands, and the place in the sandbox that it makes."""
    return [(at, command[at + operands]) for at, word in enumerate(command) if word == option]


@pytest.mark.parametrize(
    ("python", "shows", "scratch"),
    [
        ("/opt/python", (), "/tmp"),
        ("/opt/python", ("/srv/wheels",), "/tmp"),
        ("/tmp/venv", (), "/var/tmp"),
        ("/tmp/venv", ("/tmp/wheels",), "/var/tmp"),
        ("/opt/python", ("/tmp/wheels",), "/var/tmp"),
        ("/tmpfiles/python", (), "/tmp"),
    ],
)
def test_the_writable_folder_is_never_above_what_is_shown(
    monkeypatch: pytest.MonkeyPatch, python: str, shows: tuple[str, ...], scratch: str
) -> None:
    command = command_of(monkeypatch, python, *shows)
    ((made, folder),) = places(command, "--dir", 1)
    assert folder == scratch
    assert not places(command, "--tmpfs", 1), "a mount on /tmp would hide what lies beneath it"
    shown = places(command, "--ro-bind", 2)
    assert {python, *shows} <= {path for _, path in shown}
    for at, path in shown:
        assert at > made, "what is made first hides nothing"
        assert not path.startswith(f"{folder}/")
    (remounted,) = (at for at, word in enumerate(command) if word == "--remount-ro")
    assert remounted > max(at for at, _ in shown)


@pytest.mark.skipif(
    not Bubblewrap().probe().available, reason="bubblewrap does not work here; apt-get install bubblewrap"
)
def test_a_file_of_a_python_beneath_tmp_is_read_and_the_other_folder_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In a sandbox of bubblewrap itself, where ``/tmp`` is that of the host as far as it is shown."""
    python = Path("/tmp", f"qmk-test-{os.getpid()}")
    python.mkdir()
    try:
        (python / "word").write_text("there")
        monkeypatch.setattr(root, "folders_of_python", lambda: (str(python),))
        script = f"cat {python}/word; ls /tmp; test -d /var/tmp && echo and"
        held = Bubblewrap().hold(Job(["/bin/sh", "-c", script], {}, -1))
        found = subprocess.run(held.command, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"})
        shutil.rmtree(held.folder)
        assert found.stdout.split() == ["there" + python.name, "and"], found.stderr
    finally:
        shutil.rmtree(python)
