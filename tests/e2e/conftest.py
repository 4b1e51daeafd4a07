"""Running the command as a person does: a process of its own, in a folder with the examples."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.commands import PATH, Commands, Started

ROOT = Path(__file__).resolve().parents[2]
Qmk = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A fresh folder with a copy of ``examples/`` in it."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    """No terminal, UTF-8, and a socket and state folder of this test's own."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("QMK_", "COLUMNS"))},
        "QMK_RUNNERS": os.environ["QMK_RUNNERS"],
        "QMK_SOCKET": str(folder / "s"),
        "QMK_STATE_DIR": str(folder / "state"),
        "QMK_CONFIG_DIR": str(folder / "config"),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONPATH": PATH,
    }


@pytest.fixture
def qmk(folder: Path, environment: dict[str, str], forked: Commands) -> Qmk:
    """``qmk("run", "examples/bell.qasm", stdin="")`` runs the command and returns what it printed."""

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        if environment["PYTHONPATH"] == PATH:
            return forked.run(arguments, folder, environment, stdin, 120)
        return subprocess.run(
            [sys.executable, "-m", "qmk", *arguments],
            cwd=folder,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def hear_interrupts() -> None:
    """Ctrl-C ends a command also where the suite itself runs in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def start(folder: Path, environment: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """``start("serve")`` runs the command beside the test; whatever still runs at the end is stopped."""
    running: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "qmk", *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=hear_interrupts,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise


def await_listening(process: subprocess.Popen[str] | Started) -> None:
    assert process.stderr is not None
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        line = process.stderr.readline()
        if line.startswith("listening on "):
            return
        assert line or process.poll() is None, f"serve ended with {process.returncode}"
    raise AssertionError("serve did not say that it listens")


@pytest.fixture
def daemon(folder: Path, environment: dict[str, str], forked: Commands) -> Iterator[Started]:
    """A daemon that has said it listens."""
    process = forked.start(["serve"], folder, environment)
    await_listening(process)
    yield process
    process.terminate()
    process.wait(30)
    process.close()


@pytest.fixture
def whole_daemon(start: Callable[..., subprocess.Popen[str]]) -> subprocess.Popen[str]:
    """As ``daemon``, started as a person starts it, up to the end of its interpreter."""
    process = start("serve")
    await_listening(process)
    return process
