"""Fixtures that several folders of tests share: a real daemon in a process of its own, and engines that misbehave."""

from __future__ import annotations

import gc
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from qmk.request import shots
from tests.e2e.commands import COMMANDS, Commands, Started
from tests.objects import ObjectServer
from tools.throwaway_postgres import Cluster, shared

HERE = Path(__file__).parent
os.environ["QMK_RATES"] = str(Path(__file__) / "none")  # nowhere: predictions are the declared ones on any machine
os.environ.setdefault("QMK_RUNNERS", str(HERE.parent / ".pytest_cache" / "runners"))  # made once, for all tests
PATIENCE_S = 30.0
settings.register_profile("suite", deadline=None)  # how long an example takes is this machine's business
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones begin first, so that no test process waits for another's at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What tests import stays: it is not looked at for garbage, neither now nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


DAEMON = """
import json, logging, resource, sys
from pathlib import Path
from qmk.base.decoding import Decoding
from qmk.host.config import HostConfig, Retention
from qmk.host.daemon import serve
from qmk.host.spawn import External
from qmk.host.translation_tasks import TextBounds
logging.basicConfig(level=logging.INFO)
options = json.loads(sys.argv[1])
modules = options.pop("modules")
if open_files := options.pop("open_files", 0):
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))
options["engines"] = {name: External(*value) for name, value in options["engines"].items()}
options["text"] = TextBounds(**options.get("text", {}))
options["keep"] = Retention(**options.get("keep", {}))
if "decoding" in options:
    options["decoding"] = Decoding.parse(options["decoding"])
for name in ("socket", "data_dir"):
    options[name] = Path(options[name])
serve(HostConfig(**options), ready=lambda config: print("ready", flush=True))
Path(modules).write_text("\\n".join(sorted(sys.modules)))
"""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Seeds that a test leaves to be drawn in this process follow from its name, so that no test passes by luck."""
    shots.urandom = random.Random(item.nodeid).randbytes


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until ``condition`` holds; fail saying ``what`` did not happen."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE_S:g} s"
        time.sleep(0.005)


def alive(pid: int) -> bool:
    """Whether the process runs: neither gone nor a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class RunningDaemon:
    """A daemon in a process of its own, in a folder of its own."""

    def __init__(self, folder: Path, *, forked: bool = True, **options: Any) -> None:
        """``forked``: from a process in which its modules are loaded, which spares three quarters of its start."""
        self.forked = forked
        self.folder = folder
        self.socket = folder / "run" / "s"
        self.modules_file = folder / "modules"
        self.options = {
            "socket": str(self.socket),
            "data_dir": str(folder / "state"),
            "modules": str(self.modules_file),
            "engines": {},
            "prestart": (),
            "workers": 2,
            **({"isolation": "process"} if options.get("engines") else {}),  # they leave marks, which a jail forbids
            **options,
        }
        self.log = folder / "daemon.log"
        self.process: subprocess.Popen[str] | Started | None = None

    def start(self) -> RunningDaemon:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        options = json.dumps(self.options)
        with open(self.log, "ab") as log:
            if self.forked:
                self.process = COMMANDS.start([options], Path.cwd(), environment, log, DAEMON)
            else:
                command = [sys.executable, "-c", DAEMON, options]
                self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line == "ready\n", self.log.read_text()
        return self

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def children(self) -> list[int]:
        """The processes that it has started and that run."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(pid) for pid in listed if alive(int(pid))]

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end, and give its exit status."""
        return self._end(number)

    def _end(self, number: int) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            status = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status


@pytest.fixture
def make_daemon(tmp_path: Path) -> Iterator[Callable[..., RunningDaemon]]:
    """Starts daemons; ends them after the test."""
    made: list[RunningDaemon] = []

    def make(name: str = "d", **options: Any) -> RunningDaemon:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        daemon = RunningDaemon(folder, **options)
        made.append(daemon)
        return daemon.start()

    yield make
    for daemon in made:
        daemon.kill()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """One daemon for the tests of a module."""
    running = RunningDaemon(tmp_path_factory.mktemp("daemon")).start()
    yield running
    running.kill()


@pytest.fixture(scope="session")
def forked() -> Iterator[Commands]:
    """Runs commands that are forked from one process, in which the command line is loaded."""
    yield COMMANDS
    COMMANDS.close()


@pytest.fixture
def odd_engines(tmp_path: Path) -> dict[str, tuple[str, str]]:
    """The misbehaving engines as a daemon's ``engines`` option, in a copy of their own under ``tmp_path/odd``."""
    folder = tmp_path / "odd"
    folder.mkdir()
    shutil.copy(HERE / "engines" / "odd_engines.py", folder)
    names = ("crash", "crash_once", "hang", "slow", "raise", "contradict", "unloadable", "chatty", "zeros", "hungry")
    return {name: (f"odd_engines:{name.upper()}", str(folder)) for name in names}


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One PostgreSQL server for all test processes of this run. There is no run without one: see the error."""
    folder = tmp_path_factory.getbasetemp()
    with shared((folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "postgres") as cluster:
        yield cluster


@pytest.fixture
def postgres_url(postgres_server: Cluster) -> str:
    """A URL under which nothing exists yet."""
    return postgres_server.new_schema()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """What ``--database`` is given: nothing for SQLite, a URL for PostgreSQL; the test runs once with each."""
    return "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectServer]:
    """The server, which this process and those that it starts reach."""
    made = ObjectServer()
    for name, value in made.variables.items():
        monkeypatch.setenv(name, value)
    yield made
    made.stop()


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[[Callable[[], bool], str], None]:
    return eventually


@pytest.fixture(name="alive")
def alive_fixture() -> Callable[[int], bool]:
    return alive


@pytest.fixture
def calls() -> Callable[[Callable[[], object]], int]:
    """Counts the calls of Python and C functions while something runs: what it costs, told without a clock."""

    def count_calls(run: Callable[[], object]) -> int:
        count = 0

        def tick(_frame: Any, event: str, _arg: Any) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(tick)
        try:
            run()
        finally:
            sys.setprofile(None)
        return count

    return count_calls
